"""Queries: SELECT, set operations, VALUES, WITH, ordering and limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from localaws.engines.sql.base import Column, SqlError, SqlRefused
from localaws.engines.sql.duckdb.analyzer import Expressions
from localaws.engines.sql.duckdb.analyzer_calls import sort_key
from localaws.engines.sql.duckdb.analyzer_relations import Relation, Relations
from localaws.engines.sql.duckdb.analyzer_select import Selects
from localaws.engines.sql.duckdb.casts import coerce
from localaws.engines.sql.duckdb.context import Context
from localaws.engines.sql.duckdb.parser import location
from localaws.engines.sql.duckdb.scope import Field, Scope
from localaws.engines.sql.duckdb.typed import Expr
from localaws.engines.sql.duckdb.types import UNKNOWN, Type, common_type


@dataclass(frozen=True)
class OutputColumn:
    """A column a query yields: ``c0``, ``c1`` … in SQL, `name` in Trino (None: unnamed)."""

    name: str | None
    type: Type


@dataclass(frozen=True)
class Query:
    """A compiled query."""

    sql: str
    columns: tuple[OutputColumn, ...]

    def relation(self, alias: str, qualifier: tuple[str, ...]) -> Relation:
        """Return the query as a relation of FROM."""
        fields = [
            Field(column.name, column.type, f"{alias}.c{index}", qualifier)
            for index, column in enumerate(self.columns)
        ]
        return Relation(f"({self.sql}) AS {alias}", fields)


@dataclass(frozen=True)
class CommonTable:
    """A WITH entry: its DuckDB name and columns."""

    name: str
    columns: tuple[OutputColumn, ...]


CommonTables = dict[str, CommonTable]
_TAIL = frozenset({"order", "limit", "offset", "with_"})
_SET_OPERATION = _TAIL | {"this", "expression", "distinct"}
_ALLOWED: dict[type[exp.Expression], frozenset[str]] = {
    exp.Select: _TAIL
    | {"expressions", "from_", "joins", "where", "group", "having", "distinct", "windows"},
    exp.Union: _SET_OPERATION,
    exp.Intersect: _SET_OPERATION,
    exp.Except: _SET_OPERATION,
    exp.Subquery: _TAIL | {"this", "alias"},
    exp.Values: _TAIL | {"expressions", "alias"},
}
_SET_WORDS: dict[type[exp.Expression], str] = {
    exp.Union: "UNION",
    exp.Intersect: "INTERSECT",
    exp.Except: "EXCEPT",
}


class Queries:
    """Compiles queries of one statement or view body."""

    def __init__(self, context: Context, source: str, home: tuple[str, str]) -> None:
        self.context = context
        self.source = source
        self.home = home
        self.placeholders: dict[int, int] = {}
        self.expressions = Expressions(self, source)
        self.relations = Relations(self)
        self.selects = Selects(self)
        self.common: CommonTables = {}

    def statement(self, tree: exp.Expression) -> Query:
        """Compile a whole statement.

        Raises:
            SqlError: the query is wrong.
            SqlRefused: the query is not answered here.
        """
        starts = sorted(node.meta.get("start", 0) for node in tree.find_all(exp.Placeholder))
        self.placeholders = {start: index for index, start in enumerate(starts)}
        if len(starts) != len(self.context.parameters):
            message = (
                f"Incorrect number of parameters: expected {len(starts)} "
                f"but found {len(self.context.parameters)}"
            )
            raise SqlError("INVALID_PARAMETER_USAGE", f"line 1:1: {message}")
        return self.query(tree, None)

    def query(self, node: exp.Expression, outer: Scope | None) -> Query:
        """Compile a query expression; `outer` is the scope of correlated names."""
        allowed = _ALLOWED.get(type(node))
        if allowed is None:
            raise SqlRefused(f"{type(node).__name__} queries are not supported here")
        for key, value in node.args.items():
            if value and key not in allowed:
                raise SqlRefused(f"{key.strip('_').upper()} is not supported here")
        saved = self.common
        try:
            prefix = self._with(node.args.get("with_"), outer)
            query = self._body(node, outer)
        finally:
            self.common = saved
        return Query(prefix + query.sql, query.columns) if prefix else query

    def scalar_query(self, node: exp.Expression, outer: Scope) -> Query:
        """Compile a subquery that must have one column.

        Raises:
            SqlError: it has more.
        """
        query = self.query(node, outer)
        if len(query.columns) != 1:
            message = f"A subquery of {len(query.columns)} columns is not supported here"
            raise SqlRefused(location(self.source, node) + message)
        return query

    def _with(self, node: exp.Expression | None, outer: Scope | None) -> str:
        if node is None:
            return ""
        if node.args.get("recursive"):
            raise SqlRefused("WITH RECURSIVE is not supported here")
        parts = []
        self.common = dict(self.common)
        for cte in node.expressions:
            if not isinstance(cte, exp.CTE) or cte.args.get("materialized") is not None:
                raise SqlRefused("This WITH entry is not supported here")
            query = self.query(cte.this, outer)
            alias = cte.args["alias"]
            columns = renamed(query.columns, [c.name for c in alias.columns])
            entry = CommonTable(self.context.fresh("w"), columns)
            parts.append(f"{entry.name} AS ({query.sql})")
            self.common[cte.alias.lower()] = entry
        return f"WITH {', '.join(parts)} "

    def _body(self, node: exp.Expression, outer: Scope | None) -> Query:
        if isinstance(node, exp.Select):
            return self.selects.compile(node, outer)
        if isinstance(node, exp.Subquery):
            inner = self.query(node.this, outer)
            return self._tail(node, inner, outer)
        if isinstance(node, exp.Values):
            return self._tail(node, self.values(node, outer), outer)
        return self._tail(node, self._set_operation(node, outer), outer)

    def _tail(self, node: exp.Expression, query: Query, outer: Scope | None) -> Query:
        """Apply ORDER BY, OFFSET and LIMIT to a query that is not a SELECT."""
        order, tail = node.args.get("order"), self.limits(node)
        if order is None and not tail:
            return query
        alias = self.context.fresh("q")
        relation = query.relation(alias, ())
        scope = Scope(relation.fields, outer)
        sql = f"SELECT * FROM {relation.sql}"
        if order is not None:
            sql += " ORDER BY " + ", ".join(
                self._sort_item(item, query, scope, alias) for item in order.expressions
            )
        return Query(sql + tail, query.columns)

    def _sort_item(self, item: exp.Expression, query: Query, scope: Scope, alias: str) -> str:
        position = ordinal(item.this)
        if position is not None:
            if not 1 <= position <= len(query.columns):
                message = f"ORDER BY position {position} is not in select list"
                raise SqlError("INVALID_COLUMN_REFERENCE", location(self.source, item) + message)
            column = f"{alias}.c{position - 1}"
            return sort_key(column, query.columns[position - 1].type, item)
        value = self.expressions.compile(item.this, scope)
        if value.constant:
            raise SqlRefused("ORDER BY a constant is not supported here")
        return sort_key(value.sql, value.type, item)

    def limits(self, node: exp.Expression) -> str:
        """Return `` LIMIT n OFFSET m`` of a query."""
        parts = []
        limit, offset = node.args.get("limit"), node.args.get("offset")
        if isinstance(limit, exp.Fetch):
            options = limit.args.get("limit_options")
            if options is not None and (
                options.args.get("with_ties") or options.args.get("percent")
            ):
                raise SqlRefused("FETCH FIRST … WITH TIES is not supported here")
            count = limit.args.get("count")
            wanted = self._count(count) if count is not None else 1
            if wanted == 0:
                message = "FETCH FIRST row count must be positive (actual value: 0)"
                raise SqlError("NUMERIC_VALUE_OUT_OF_RANGE", f"line 1:1: {message}")
            parts.append(f" LIMIT {wanted}")
        elif limit is not None:
            if limit.args.get("offset") is not None or limit.args.get("expressions"):
                raise SqlError("SYNTAX_ERROR", "line 1:1: mismatched input ',' after LIMIT")
            if not (
                isinstance(limit.expression, exp.Var) and limit.expression.name.upper() == "ALL"
            ):
                parts.append(f" LIMIT {self._count(limit.expression)}")
        if offset is not None:
            parts.append(f" OFFSET {self._count(offset.expression)}")
        return "".join(parts)

    def _count(self, node: exp.Expression) -> int:
        if isinstance(node, exp.Placeholder):
            value = self.expressions.compile(node, Scope([])).value
            if isinstance(value, int):
                return value
        if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit():
            return int(node.name)
        raise SqlRefused("LIMIT and OFFSET are supported here with literal counts")

    # -- VALUES and set operations -------------------------------------------------------------

    def values(self, node: exp.Expression, outer: Scope | None) -> Query:
        """Compile VALUES."""
        scope = Scope([], outer)
        rows: list[list[Expr]] = []
        for item in node.expressions:
            while isinstance(item, exp.Tuple) and len(item.expressions) == 1:
                if not isinstance(item.expressions[0], (exp.Tuple, exp.Paren)):
                    break
                item = item.expressions[0]
            cells = item.expressions if isinstance(item, exp.Tuple) else [item]
            rows.append([self.expressions.compile(cell, scope) for cell in cells])
        if len({len(row) for row in rows}) != 1:
            message = "Values rows have mismatched sizes"
            raise SqlError("TYPE_MISMATCH", location(self.source, node) + message)
        types = [
            self._shared("VALUES", [row[i] for row in rows], node) for i in range(len(rows[0]))
        ]
        selects = []
        for row in rows:
            cells = [coerce(cell, type).sql for cell, type in zip(row, types, strict=True)]
            selects.append(f"({', '.join(cells)})")
        names = ", ".join(f"c{i}" for i in range(len(types)))
        alias = self.context.fresh("l")
        sql = f"SELECT * FROM (VALUES {', '.join(selects)}) AS {alias}({names})"
        return Query(sql, tuple(OutputColumn(None, type) for type in types))

    def _shared(self, what: str, cells: Sequence[Expr], node: exp.Expression) -> Type:
        shared = UNKNOWN
        for cell in cells:
            found = common_type(shared, cell.type)
            if found is None:
                message = f"Values rows have mismatched types: {shared} vs {cell.type}"
                raise SqlError("TYPE_MISMATCH", location(self.source, node) + message)
            shared = found
        return shared

    def _set_operation(self, node: exp.Expression, outer: Scope | None) -> Query:
        word = _SET_WORDS[type(node)]
        left, right = self.query(node.this, outer), self.query(node.expression, outer)
        place = location(self.source, node)
        if len(left.columns) != len(right.columns):
            sizes = f"{len(left.columns)}, {len(right.columns)}"
            message = f"{word} query has different number of fields: {sizes}"
            raise SqlError("TYPE_MISMATCH", place + message)
        columns = []
        for index, (a, b) in enumerate(zip(left.columns, right.columns, strict=True), 1):
            shared = common_type(a.type, b.type)
            if shared is None:
                message = (
                    f"column {index} in {word} query has incompatible types: {a.type}, {b.type}"
                )
                raise SqlError("TYPE_MISMATCH", place + message)
            if node.args.get("distinct") and not shared.is_comparable:
                raise SqlRefused(f"{word} of {shared} is not supported here")
            columns.append(OutputColumn(a.name, shared))
        every = "" if node.args.get("distinct") else " ALL"
        sides = f" {word}{every} ".join(
            f"({self.coerced(side, [c.type for c in columns])})" for side in (left, right)
        )
        return Query(sides, tuple(columns))

    def coerced(self, query: Query, types: Sequence[Type]) -> str:
        """Return the query's SQL with its columns coerced to `types`."""
        if all(column.type == type for column, type in zip(query.columns, types, strict=True)):
            return query.sql
        alias = self.context.fresh("q")
        fields = query.relation(alias, ()).fields
        parts = [
            f"{coerce(Expr(field.sql, field.type), type).sql} AS c{index}"
            for index, (field, type) in enumerate(zip(fields, types, strict=True))
        ]
        return f"SELECT {', '.join(parts)} FROM ({query.sql}) AS {alias}"


def ordinal(node: exp.Expression) -> int | None:
    """Return the position an ORDER BY or GROUP BY item names, or None."""
    if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit():
        return int(node.name)
    return None


def renamed(columns: Sequence[OutputColumn], names: Sequence[str]) -> tuple[OutputColumn, ...]:
    """Return the columns under a column alias list, where there is one.

    Raises:
        SqlError: ``MISMATCHED_COLUMN_ALIASES``.
    """
    if not names:
        return tuple(columns)
    if len(names) != len(columns):
        message = (
            f"Column alias list has {len(names)} entries but relation has {len(columns)} columns"
        )
        raise SqlError("MISMATCHED_COLUMN_ALIASES", f"line 1:1: {message}")
    return tuple(
        OutputColumn(name.lower(), column.type) for name, column in zip(names, columns, strict=True)
    )


def output_names(columns: Sequence[OutputColumn]) -> tuple[Column, ...]:
    """Return the result columns as Athena names them: ``_col3`` for the unnamed fourth."""
    return tuple(
        Column(column.name if column.name is not None else f"_col{index}", str(column.type))
        for index, column in enumerate(columns)
    )
