"""FROM: tables, views, subqueries, joins, UNNEST and LATERAL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from sqlglot import exp

from localaws.engines.sql.base import SqlError, SqlRefused, TableSchema, ViewSchema
from localaws.engines.sql.duckdb.casts import coerce
from localaws.engines.sql.duckdb.casts import field as row_field
from localaws.engines.sql.duckdb.context import ScanUse
from localaws.engines.sql.duckdb.operators import compare
from localaws.engines.sql.duckdb.parser import location, parse
from localaws.engines.sql.duckdb.scope import Field, Scope
from localaws.engines.sql.duckdb.typed import Expr, name
from localaws.engines.sql.duckdb.types import BIGINT, common_type, parse_type

if TYPE_CHECKING:
    from localaws.engines.sql.duckdb.analyzer_query import Queries

_MAX_VIEW_DEPTH = 20


@dataclass(frozen=True)
class Relation:
    """A part of FROM: its DuckDB SQL and its fields; lateral ones read what stands before."""

    sql: str
    fields: list[Field]
    lateral: bool = False


class Relations:
    """Compiles FROM for `Queries`."""

    def __init__(self, queries: Queries) -> None:
        self.queries = queries
        self.depth = 0

    def from_clause(self, node: exp.Select, outer: Scope | None) -> Relation:
        """Compile FROM and the joins of a SELECT; without FROM, a relation with no SQL."""
        start = node.args.get("from_")
        if node.args.get("laterals"):
            raise SqlRefused("LATERAL VIEW is not supported here")
        if start is None:
            if node.args.get("joins"):
                raise SqlRefused("This FROM clause is not supported here")
            return Relation("", [])
        return self._joined(start.this, node.args.get("joins") or [], outer)

    def _joined(
        self, first: exp.Expression, joins: Sequence[exp.Expression], outer: Scope | None
    ) -> Relation:
        joins = [*(first.args.get("joins") or []), *joins]
        commas = [j for j in joins if j.meta.get("comma")]
        outer_joined = any(
            str(j.args.get("side") or "").upper() in ("RIGHT", "FULL") for j in joins
        )
        if commas and outer_joined:
            raise SqlRefused("RIGHT and FULL JOIN after a comma are not supported here")
        relation = self._primary(first, Scope([], outer))
        for join in joins:
            relation = self._join(relation, join, outer)
        return relation

    # -- primaries -----------------------------------------------------------------------------

    def _primary(self, node: exp.Expression, scope: Scope) -> Relation:
        """Compile one item of FROM; `scope` holds what stands before it, for lateral items."""
        if isinstance(node, exp.Table):
            return self._table(node)
        if isinstance(node, exp.Subquery):
            if isinstance(node.this, exp.Table):
                return self._parenthesised(node, scope)
            joins = node.args.get("joins")
            self._only(node, "this", "alias", "joins", "order", "limit", "offset", "with_")
            bare = node.copy() if joins or node.args.get("alias") else node
            if bare is not node:
                bare.set("joins", None)
                bare.set("alias", None)
            query = self.queries.query(bare, scope.parent)
            return self._aliased(node, query.relation(self.queries.context.fresh("r"), ()))
        if isinstance(node, exp.Values):
            query = self.queries.values(node, scope.parent)
            return self._aliased(node, query.relation(self.queries.context.fresh("r"), ()))
        if isinstance(node, exp.Unnest):
            return self._unnest(node, scope)
        if isinstance(node, exp.Lateral):
            self._only(node, "this", "alias")
            if not isinstance(node.this, exp.Subquery):
                raise SqlRefused("This LATERAL is not supported here")
            query = self.queries.query(node.this, scope)
            relation = query.relation(self.queries.context.fresh("r"), ())
            return replace(self._aliased(node, relation), lateral=True)
        raise SqlRefused(f"{type(node).__name__} in FROM is not supported here")

    def _only(self, node: exp.Expression, *keys: str) -> None:
        for key, value in node.args.items():
            if value and key not in keys:
                raise SqlRefused(f"{key.strip('_').upper()} in FROM is not supported here")

    def _parenthesised(self, node: exp.Subquery, scope: Scope) -> Relation:
        self._only(node, "this", "joins")
        joined = self._joined(node.this, [], scope.parent)
        return Relation(
            f"({joined.sql})" if node.this.args.get("joins") else joined.sql, joined.fields
        )

    def _aliased(self, node: exp.Expression, relation: Relation) -> Relation:
        alias = node.args.get("alias")
        if alias is None:
            return relation
        qualifier = (alias.name.lower(),) if alias.name else ()
        names = [column.name.lower() for column in alias.columns]
        if names and len(names) != len(relation.fields):
            message = (
                f"Column alias list has {len(names)} entries but "
                f"'{alias.name.lower()}' has {len(relation.fields)} columns available"
            )
            place = location(self.queries.source, alias)
            raise SqlError("MISMATCHED_COLUMN_ALIASES", place + message)
        fields = [
            f.renamed(names[i] if names else f.name, qualifier)
            for i, f in enumerate(relation.fields)
        ]
        return replace(relation, fields=fields)

    def _table(self, node: exp.Table) -> Relation:
        self._only(node, "this", "db", "catalog", "alias", "joins")
        if not isinstance(node.this, exp.Identifier):
            raise SqlRefused("Table functions are not supported here")
        catalog, database, table = (p.lower() for p in (node.catalog, node.db, node.name))
        common = self.queries.common.get(table) if not database else None
        if common is not None:
            alias = self.queries.context.fresh("r")
            fields = [
                Field(column.name, column.type, f"{alias}.c{index}", (table,))
                for index, column in enumerate(common.columns)
            ]
            return self._aliased(node, Relation(f"{common.name} AS {alias}", fields))
        home_catalog, home_database = self.queries.home
        key = (catalog or home_catalog, database or home_database, table)
        found = self.queries.context.relations.get(key)
        if found is None:
            message = f"Table '{'.'.join(key)}' does not exist"
            place = location(self.queries.source, node)
            raise SqlError("TABLE_NOT_FOUND", place + message)
        if isinstance(found, ViewSchema):
            return self._aliased(node, self._view(found, key))
        return self._aliased(node, self._scan(found, key))

    def _scan(self, table: TableSchema, key: tuple[str, str, str]) -> Relation:
        context = self.queries.context
        use = ScanUse(context.fresh("s"), table)
        context.scans.append(use)
        fields = []
        for column in (*table.columns, *table.partition_keys):
            try:
                type = parse_type(column.type)
            except ValueError as error:
                raise SqlRefused(
                    f"The type {column.type} of {column.name} is not supported"
                ) from error
            read = partial(use.columns.setdefault, column.name, None)
            fields.append(
                Field(column.name.lower(), type, f"{use.alias}.{name(column.name)}", key, read)
            )
        return Relation(use.alias, fields)

    def _view(self, view: ViewSchema, key: tuple[str, str, str]) -> Relation:
        from localaws.engines.sql.duckdb.analyzer_query import Queries

        if self.depth >= _MAX_VIEW_DEPTH:
            raise SqlError("VIEW_IS_RECURSIVE", f"line 1:1: View is recursive: {'.'.join(key)}")
        tree = parse(view.sql)
        inner = Queries(
            self.queries.context, view.sql, (view.catalog.lower(), view.database.lower())
        )
        inner.relations.depth = self.depth + 1
        query = inner.query(tree, None)
        if len(query.columns) != len(view.columns):
            message = f"View '{'.'.join(key)}' is stale or in invalid state"
            raise SqlError("VIEW_IS_STALE", f"line 1:1: {message}")
        alias = self.queries.context.fresh("r")
        types = []
        for column, declared in zip(query.columns, view.columns, strict=True):
            wanted = parse_type(declared.type)
            if common_type(column.type, wanted) != wanted and not column.type.is_text:
                wanted = column.type
            types.append(wanted)
        sql = inner.coerced(query, types)
        fields = [
            Field(column.name.lower(), type, f"{alias}.c{index}", key)
            for index, (column, type) in enumerate(zip(view.columns, types, strict=True))
        ]
        return Relation(f"({sql}) AS {alias}", fields)

    def _unnest(self, node: exp.Unnest, scope: Scope) -> Relation:
        self._only(node, "expressions", "alias", "offset")
        alias, inner = (self.queries.context.fresh(p) for p in ("r", "u"))
        selected: list[str] = []
        outputs: list[tuple[str, Expr]] = []
        lengths: list[str] = []
        for item in node.expressions:
            value = self._unnested(item, scope)
            column = f"{inner}.e{len(selected)}"
            if value.type.name == "map":
                selected.append(f"unnest(map_entries({value.sql})) AS e{len(selected)}")
                lengths.append(f"cardinality({value.sql})")
                for part, type in zip(("key", "value"), value.type.args, strict=True):
                    outputs.append((f"struct_extract({column}, '{part}')", Expr("", type)))
                continue
            if value.type.name != "array":
                message = f"Cannot unnest type: {value.type}"
                place = location(self.queries.source, item)
                raise SqlError("INVALID_FUNCTION_ARGUMENT", place + message)
            selected.append(f"unnest({value.sql}) AS e{len(selected)}")
            lengths.append(f"len({value.sql})")
            element = Expr(column, value.type.element)
            if element.type.name == "row":
                for index in range(len(element.type.args)):
                    part_of = row_field(element, index)
                    outputs.append((part_of.sql, part_of))
            else:
                outputs.append((column, element))
        offset = node.args.get("offset")
        if offset:
            longest = ", ".join(f"coalesce({length}, 0)" for length in lengths)
            selected.append(f"unnest(range(1, CAST(greatest({longest}) AS BIGINT) + 1)) AS n")
            outputs.append((f"{inner}.n", Expr("", BIGINT)))
        listed = ", ".join(f"{sql} AS c{index}" for index, (sql, _) in enumerate(outputs))
        sql = f"(SELECT {listed} FROM (SELECT {', '.join(selected)}) AS {inner}) AS {alias}"
        fields = [Field(None, v.type, f"{alias}.c{i}") for i, (_, v) in enumerate(outputs)]
        relation = Relation(sql, fields, lateral=True)
        return self._unnest_alias(node, relation, offset)

    def _unnested(self, item: exp.Expression, scope: Scope) -> Expr:
        """Compile an operand of UNNEST; Trino has none that reads a query further out."""
        value = self.queries.expressions.compile(item, scope)
        if scope.parent is not None:
            try:
                self.queries.expressions.compile(item, Scope(scope.fields))
            except SqlError as error:
                raise SqlRefused("UNNEST of an outer query's column is not supported") from error
        return value

    def _unnest_alias(self, node: exp.Unnest, relation: Relation, offset: object) -> Relation:
        alias = node.args.get("alias")
        if alias is not None and isinstance(offset, exp.Identifier):
            alias = alias.copy()
            alias.set("columns", [*alias.columns, offset.copy()])
            node = node.copy()
            node.set("alias", alias)
        return self._aliased(node, relation)

    # -- joins ---------------------------------------------------------------------------------

    def _join(self, left: Relation, join: exp.Expression, outer: Scope | None) -> Relation:
        for key, value in join.args.items():
            if value and key not in ("this", "kind", "side", "on", "using"):
                raise SqlRefused(f"{str(value).upper()} JOIN is not supported here")
        kind = str(join.args.get("kind") or "").upper()
        side = str(join.args.get("side") or "").upper()
        if kind not in ("", "INNER", "CROSS", "OUTER") or side not in ("", "LEFT", "RIGHT", "FULL"):
            raise SqlRefused(f"{side} {kind} JOIN is not supported here".strip())
        before = Scope(left.fields, outer)
        right = self._primary(join.this, Scope(left.fields, outer))
        nested = join.this.args.get("joins")
        if nested and not isinstance(join.this, exp.Subquery):
            raise SqlRefused("This nesting of joins is not supported here")
        if right.lateral and side in ("RIGHT", "FULL"):
            raise SqlError(
                "INVALID_COLUMN_REFERENCE", "line 1:1: LATERAL reference not allowed in JOIN"
            )
        on, using = join.args.get("on"), join.args.get("using")
        item = f"LATERAL {right.sql}" if right.lateral else right.sql
        if using:
            return self._using(left, right, item, using, side, join)
        fields = [*left.fields, *right.fields]
        if on is None:
            if side or (kind != "CROSS" and not join.meta.get("comma")):
                message = "mismatched input. Expecting: 'ON', 'USING'"
                raise SqlError("SYNTAX_ERROR", location(self.queries.source, join) + message)
            word = f"JOIN {item} ON true" if right.lateral else f"CROSS JOIN {item}"
            return Relation(f"{left.sql} {word}", fields)
        scope = Scope(fields, before.parent)
        condition = self.queries.expressions.boolean(on, scope, "JOIN ON clause")
        if right.lateral and side == "LEFT" and condition.sql != "true":
            raise SqlRefused("LEFT JOIN of UNNEST or LATERAL is supported here ON TRUE")
        word = f"{side} JOIN" if side else "JOIN"
        return Relation(f"{left.sql} {word} {item} ON {condition.sql}", fields)

    def _using(
        self,
        left: Relation,
        right: Relation,
        item: str,
        using: Sequence[exp.Expression],
        side: str,
        join: exp.Expression,
    ) -> Relation:
        if right.lateral:
            raise SqlRefused("USING with UNNEST or LATERAL is not supported here")
        tests: list[str] = []
        merged: list[Field] = []
        taken: set[str] = set()
        for column in using:
            wanted = column.name.lower()
            pair = [self._one(relation, wanted, column) for relation in (left, right)]
            values = [f.read() for f in pair]
            tests.append(compare("=", *values, filtering=True).sql)
            shared = common_type(pair[0].type, pair[1].type)
            assert shared is not None
            a, b = (coerce(v, shared).sql for v in values)
            sql = {"RIGHT": b, "FULL": f"coalesce({a}, {b})"}.get(side, a)
            merged.append(Field(wanted, shared, sql))
            taken.add(wanted)
        rest = [f for f in (*left.fields, *right.fields) if f.name not in taken]
        word = f"{side} JOIN" if side else "JOIN"
        return Relation(f"{left.sql} {word} {item} ON {' AND '.join(tests)}", [*merged, *rest])

    def _one(self, relation: Relation, wanted: str, node: exp.Expression) -> Field:
        found = [f for f in relation.fields if f.name == wanted]
        place = location(self.queries.source, node)
        if not found:
            message = f"Column '{wanted}' is missing from side of join"
            raise SqlError("COLUMN_NOT_FOUND", place + message)
        if len(found) > 1:
            raise SqlError("AMBIGUOUS_NAME", f"{place}Column '{wanted}' is ambiguous")
        return found[0]
