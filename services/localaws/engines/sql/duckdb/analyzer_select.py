"""SELECT: the select list, grouping, HAVING, DISTINCT and ORDER BY."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from sqlglot import exp

from localaws.engines.sql.base import SqlError, SqlRefused
from localaws.engines.sql.duckdb.analyzer_calls import sort_key
from localaws.engines.sql.duckdb.parser import location
from localaws.engines.sql.duckdb.partitions import conjuncts
from localaws.engines.sql.duckdb.scope import Field, Group, Scope
from localaws.engines.sql.duckdb.typed import Expr

if TYPE_CHECKING:
    from localaws.engines.sql.duckdb.analyzer_query import Queries, Query

_MAX_GROUPING_SETS = 256


@dataclass(frozen=True)
class Item:
    """An item of the select list: its node where it has one, its name, its value."""

    node: exp.Expression | None
    name: str | None
    value: Expr


class Selects:
    """Compiles SELECT for `Queries`."""

    def __init__(self, queries: Queries) -> None:
        self.queries = queries

    def compile(self, node: exp.Select, outer: Scope | None) -> Query:
        """Compile a SELECT with its ORDER BY and LIMIT."""
        relation = self.queries.relations.from_clause(node, outer)
        scope = Scope(relation.fields, outer)
        scope.windows = self._windows(node)
        source = f" FROM {relation.sql}" if relation.sql else ""
        where = node.args.get("where")
        if where is not None:
            condition = self.queries.expressions.boolean(where.this, scope, "WHERE clause")
            source += f" WHERE {condition.sql}"
            for use, text in conjuncts(where.this, scope, self.queries.context):
                use.conjuncts.append(text)
        if self._is_grouped(node):
            return self._grouped(node, scope, source)
        items = self._items(node, scope)
        return self._finish(node, scope, items, source)

    def _windows(self, node: exp.Select) -> dict[str, exp.Window]:
        found: dict[str, exp.Window] = {}
        for window in node.args.get("windows") or []:
            if not isinstance(window.this, exp.Identifier):
                raise SqlRefused("This WINDOW clause is not supported here")
            found[window.this.name.lower()] = window
        return found

    def _is_grouped(self, node: exp.Select) -> bool:
        if node.args.get("group") is not None or node.args.get("having") is not None:
            return True
        calls = self.queries.expressions.calls
        order = node.args.get("order")
        parts = [*node.expressions, *(order.expressions if order is not None else [])]
        return any(calls.has_aggregate(part) for part in parts)

    # -- select list ---------------------------------------------------------------------------

    def _items(self, node: exp.Select, scope: Scope) -> list[Item]:
        items: list[Item] = []
        for part in node.expressions:
            if isinstance(part, exp.Star):
                items.extend(self._star(part, [], scope))
            elif isinstance(part, exp.Column) and isinstance(part.this, exp.Star):
                names = [p.name.lower() for p in part.parts[:-1]]
                items.extend(self._star(part.this, names, scope))
            else:
                items.append(self._item(part, scope))
        return items

    def _item(self, part: exp.Expression, scope: Scope) -> Item:
        if isinstance(part, exp.Alias):
            value = self.queries.expressions.compile(part.this, scope)
            return Item(part.this, part.alias.lower(), value)
        value = self.queries.expressions.compile(part, scope)
        return Item(part, _implied_name(part), value)

    def _star(self, star: exp.Expression, qualifier: list[str], scope: Scope) -> list[Item]:
        if any(star.args.values()):
            raise SqlRefused("SELECT * with EXCEPT, REPLACE or RENAME is not supported here")
        fields = scope.of(qualifier)
        if qualifier and not fields:
            shown = ".".join(qualifier)
            raise SqlError("TABLE_NOT_FOUND", f"line 1:1: Unable to resolve reference {shown}")
        if not qualifier and not fields:
            message = "SELECT * not allowed in queries without FROM clause"
            raise SqlError("COLUMN_NOT_FOUND", f"line 1:8: {message}")
        return [Item(None, field.name, self._read(field, scope)) for field in fields]

    def _read(self, field: Field, scope: Scope) -> Expr:
        value = field.read()
        if scope.group is None:
            return value
        key = scope.group.keys.get(field.sql)
        if key is None:
            message = f"'{field.name}' must be an aggregate expression or appear in GROUP BY clause"
            raise SqlError("EXPRESSION_NOT_AGGREGATE", f"line 1:8: {message}")
        return key

    # -- grouping ------------------------------------------------------------------------------

    def _grouped(self, node: exp.Select, scope: Scope, source: str) -> Query:
        sets = self._grouping_sets(node, scope)
        alias = self.queries.context.fresh("g")
        keys: dict[str, Expr] = {}
        inner: list[str] = []
        for key in (key for one in sets for key in one):
            if key.sql not in keys:
                keys[key.sql] = Expr(f"{alias}.k{len(keys)}", key.type)
                inner.append(f"{key.sql} AS k{len(keys) - 1}")
        scope.group = Group(keys, alias)
        items = self._items(node, scope)
        condition = ""
        having = node.args.get("having")
        if having is not None:
            found = self.queries.expressions.boolean(having.this, scope, "HAVING clause")
            condition = f" WHERE {found.sql}"
        finished = self._finish(node, scope, items, "\x00")
        inner += [
            f"{sql} AS {column.sql.partition('.')[2]}"
            for sql, column in scope.group.aggregates.items()
        ]
        grouping = self._group_clause(sets)
        selected = ", ".join(inner) or "1 AS k"
        if not inner and not grouping:
            selected = "count(*) AS k"
        body = f" FROM (SELECT {selected}{source}{grouping}) AS {alias}{condition}"
        return type(finished)(finished.sql.replace("\x00", body, 1), finished.columns)

    def _group_clause(self, sets: Sequence[Sequence[Expr]]) -> str:
        if len(sets) == 1:
            listed = ", ".join(dict.fromkeys(key.sql for key in sets[0]))
            return f" GROUP BY {listed}" if listed else ""
        groups = ", ".join(f"({', '.join(key.sql for key in one)})" for one in sets)
        return f" GROUP BY GROUPING SETS ({groups})"

    def _grouping_sets(self, node: exp.Select, scope: Scope) -> list[list[Expr]]:
        group = node.args.get("group")
        if group is None:
            return [[]]
        for key, value in group.args.items():
            if value and key not in ("expressions", "all", "grouping_sets", "cube", "rollup"):
                raise SqlRefused("This GROUP BY is not supported here")
        parts = list(group.expressions)
        for key in ("grouping_sets", "cube", "rollup"):
            parts.extend(group.args.get(key) or [])
        options = [self._element(part, node, scope) for part in parts]
        combined = [[key for one in pick for key in one] for pick in product(*options)]
        if len(combined) > _MAX_GROUPING_SETS:
            raise SqlRefused("So many grouping sets are not supported here")
        if group.args.get("distinct"):
            raise SqlRefused("GROUP BY DISTINCT is not supported here")
        return combined

    def _element(self, part: exp.Expression, node: exp.Select, scope: Scope) -> list[list[Expr]]:
        if isinstance(part, exp.GroupingSets):
            return [one for inner in part.expressions for one in self._element(inner, node, scope)]
        if isinstance(part, exp.Cube):
            keys = [self._keys(inner, node, scope) for inner in part.expressions]
            picks = list(product((True, False), repeat=len(keys)))
            return [
                [key for take, one in zip(pick, keys, strict=True) if take for key in one]
                for pick in picks
            ]
        if isinstance(part, exp.Rollup):
            keys = [self._keys(inner, node, scope) for inner in part.expressions]
            return [[k for one in keys[:size] for k in one] for size in range(len(keys), -1, -1)]
        return [self._keys(part, node, scope)]

    def _keys(self, part: exp.Expression, node: exp.Select, scope: Scope) -> list[Expr]:
        if isinstance(part, exp.Tuple):
            return [key for inner in part.expressions for key in self._keys(inner, node, scope)]
        if isinstance(part, exp.Paren):
            return self._keys(part.this, node, scope)
        expressions = self.queries.expressions
        literal = part.this if isinstance(part, exp.Neg) else part
        if isinstance(literal, exp.Literal) and not literal.is_string and literal.name.isdigit():
            position = int(literal.name) if literal is part else -int(literal.name)
            if not 1 <= position <= len(node.expressions):
                message = f"GROUP BY position {position} is not in select list"
                place = location(self.queries.source, part)
                raise SqlError("INVALID_COLUMN_REFERENCE", place + message)
            if any(e.is_star for e in node.expressions):
                raise SqlRefused("GROUP BY positions with * are not supported here")
            part = node.expressions[position - 1]
            part = part.this if isinstance(part, exp.Alias) else part
        if expressions.calls.has_aggregate(part):
            message = "GROUP BY clause cannot contain aggregations or window functions"
            raise SqlError("EXPRESSION_NOT_SCALAR", location(self.queries.source, part) + message)
        key = expressions.compile(part, scope)
        if not key.type.is_comparable or key.type.args:
            raise SqlRefused(f"GROUP BY {key.type} is not supported here")
        if key.volatile or "(SELECT" in key.sql:
            raise SqlRefused("GROUP BY such an expression is not supported here")
        return [key]

    # -- order and output ----------------------------------------------------------------------

    def _finish(self, node: exp.Select, scope: Scope, items: list[Item], source: str) -> Query:
        from localaws.engines.sql.duckdb.analyzer_query import OutputColumn, Query

        distinct = node.args.get("distinct")
        if distinct is not None:
            if distinct.args.get("on") is not None:
                raise SqlRefused("DISTINCT ON is not supported here")
            for item in items:
                if item.value.type.args:
                    raise SqlRefused(f"SELECT DISTINCT of {item.value.type} is not supported here")
        order = self._order(node, scope, items, distinct is not None)
        listed = ", ".join(f"{item.value.sql} AS c{i}" for i, item in enumerate(items))
        word = "SELECT DISTINCT" if distinct is not None else "SELECT"
        sql = f"{word} {listed}{source}{order}{self.queries.limits(node)}"
        return Query(sql, tuple(OutputColumn(item.name, item.value.type) for item in items))

    def _order(self, node: exp.Select, scope: Scope, items: list[Item], distinct: bool) -> str:
        order = node.args.get("order")
        if order is None:
            return ""
        parts = []
        for part in order.expressions:
            index, value = self._sort_value(part.this, scope, items)
            if index is None and value.constant:
                if isinstance(value.value, int):
                    message = f"ORDER BY position {value.value} is not in select list"
                    place = location(self.queries.source, part)
                    raise SqlError("INVALID_COLUMN_REFERENCE", place + message)
                if not distinct and (value.value is not None or value.type.name == "unknown"):
                    continue
            if index is None:
                same = [i for i, item in enumerate(items) if item.value.sql == value.sql]
                index = same[0] if same else None
            if index is None and distinct:
                message = "For SELECT DISTINCT, ORDER BY expressions must appear in select list"
                place = location(self.queries.source, part)
                raise SqlError("EXPRESSION_NOT_IN_DISTINCT", place + message)
            parts.append(
                sort_key(str(index + 1) if index is not None else value.sql, value.type, part)
            )
        return f" ORDER BY {', '.join(parts)}" if parts else ""

    def _sort_value(
        self, node: exp.Expression, scope: Scope, items: list[Item]
    ) -> tuple[int | None, Expr]:
        if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit():
            position = int(node.name)
            if not 1 <= position <= len(items):
                message = f"ORDER BY position {position} is not in select list"
                place = location(self.queries.source, node)
                raise SqlError("INVALID_COLUMN_REFERENCE", place + message)
            return position - 1, items[position - 1].value
        if isinstance(node, exp.Column) and len(node.parts) == 1:
            name = node.name.lower()
            same = [i for i, item in enumerate(items) if item.name == name]
            if len({items[i].value.sql for i in same}) > 1:
                place = location(self.queries.source, node)
                raise SqlError("AMBIGUOUS_NAME", f"{place}Column '{name}' is ambiguous")
            if same:
                return same[0], items[same[0]].value
            return None, self.queries.expressions.compile(node, scope)
        named = {item.name for item in items if item.name}
        if any(c.name.lower() in named and len(c.parts) == 1 for c in node.find_all(exp.Column)):
            self._same_meaning(node, scope, items)
        return None, self.queries.expressions.compile(node, scope)

    def _same_meaning(self, node: exp.Expression, scope: Scope, items: list[Item]) -> None:
        """Refuse names in an ORDER BY expression that mean an output column, not a source one."""
        for column in node.find_all(exp.Column):
            same = [item for item in items if item.name == column.name.lower()]
            if not same or len(column.parts) != 1:
                continue
            try:
                source = self.queries.expressions.compile(column, scope)
            except SqlError as error:
                message = "An output name inside an ORDER BY expression is not supported here"
                raise SqlRefused(message) from error
            if any(item.value.sql != source.sql for item in same):
                raise SqlRefused(
                    "An output name inside an ORDER BY expression is not supported here"
                )


def _implied_name(node: exp.Expression) -> str | None:
    """Return the name an unaliased select item gives its column."""
    if isinstance(node, exp.Paren):
        return _implied_name(node.this)
    if isinstance(node, exp.Column):
        return node.name.lower()
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        inner = node.this
        while isinstance(inner, exp.Dot):
            inner = inner.this
        return node.expression.name.lower() if isinstance(inner, exp.Column) else None
    return None
