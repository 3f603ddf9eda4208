"""Translate Athena queries to DuckDB: parse, list tables, translate, coerce to a target.

The sequence is analysis (names and Trino types, `analyzer*`), SQL for each node by its types
(`operators`, `casts`, `functions`), and the rendering of results (`render`). What no rule covers is
refused; nothing is passed through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlglot import exp

from localaws.engines.sql.base import (
    Column,
    Session,
    SqlError,
    TableSchema,
    ViewSchema,
)
from localaws.engines.sql.duckdb.analyzer_query import Queries, output_names
from localaws.engines.sql.duckdb.assignment import assign
from localaws.engines.sql.duckdb.context import Context
from localaws.engines.sql.duckdb.functions.table import FunctionRow, function_table
from localaws.engines.sql.duckdb.parser import parse, references
from localaws.engines.sql.duckdb.render import rendered
from localaws.engines.sql.duckdb.runtime_errors import map_runtime_error
from localaws.engines.sql.duckdb.typed import finish
from localaws.engines.sql.duckdb.types import Type, parse_type

__all__ = [
    "FunctionRow",
    "Scan",
    "Translation",
    "coerce",
    "function_table",
    "map_runtime_error",
    "parse",
    "table_references",
    "translate",
    "view_references",
]
RelationKey = tuple[str, str, str]


@dataclass(frozen=True)
class Scan:
    """A reference to a base table in the translated SQL.

    Attributes:
        alias: the relation name used in the SQL; the caller provides it.
        table: the table.
        columns: the names of its columns (data and partition) the query reads; may be empty.
        partition_expression: a Glue partition expression that keeps at least the partitions
            the query needs, or None for all.
    """

    alias: str
    table: TableSchema
    columns: tuple[str, ...]
    partition_expression: str | None


@dataclass(frozen=True)
class Translation:
    """A translated query.

    Attributes:
        columns: the output columns: Athena's names and Trino's types.
        sql: the query with typed columns ``c0``, ``c1`` …, in DuckDB's representation.
        result_sql: the same query with every column as Athena's text (VARCHAR).
        scans: the base tables it reads, one entry per reference.
    """

    columns: tuple[Column, ...]
    sql: str
    result_sql: str
    scans: tuple[Scan, ...]

    @property
    def types(self) -> tuple[Type, ...]:
        """The output types."""
        return tuple(parse_type(column.type) for column in self.columns)


def table_references(tree: exp.Expression) -> list[tuple[str | None, str | None, str]]:
    """Return (catalog, database, name) of every table or view a query names, in lower case."""
    return references(tree)


def view_references(view: ViewSchema) -> list[RelationKey]:
    """Return the full names of the tables and views a view's query reads."""
    return [
        (catalog or view.catalog.lower(), database or view.database.lower(), name)
        for catalog, database, name in references(parse(view.sql))
    ]


def translate(
    tree: exp.Expression,
    session: Session,
    relations: Mapping[RelationKey, TableSchema | ViewSchema],
    parameters: Sequence[str] = (),
    *,
    now: datetime | None = None,
) -> Translation:
    """Translate a parsed query.

    Args:
        tree: what `parse` returned.
        session: gives the default catalog and database.
        relations: every table and view the query reaches, by (catalog, database, name) in lower
            case, those that views read included.
        parameters: SQL literals for ``?``, in order.
        now: the time of the query; the present by default.

    Raises:
        SqlError: the query is wrong, in Trino's words.
        SqlRefused: the query is not proven to be answered as Trino would.
    """
    moment = (now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    context = Context(session, relations, moment, [_literal(text) for text in parameters])
    home = (session.catalog.lower(), session.database.lower())
    try:
        query = Queries(context, str(tree.meta.get("source", "")), home).statement(tree)
    except RecursionError as error:
        raise SqlError("STACK_OVERFLOW", "The query is nested too deeply") from error
    sql = finish(query.sql)
    texts = ", ".join(
        f"{rendered(f'o.c{index}', column.type)} AS c{index}"
        for index, column in enumerate(query.columns)
    )
    scans = tuple(
        Scan(use.alias, use.table, tuple(use.columns), " AND ".join(use.conjuncts) or None)
        for use in context.scans
    )
    return Translation(output_names(query.columns), sql, f"SELECT {texts} FROM ({sql}) AS o", scans)


def coerce(translation: Translation, columns: Sequence[Column]) -> str:
    """Return SQL whose columns are cast to target columns by Trino's assignment rules.

    Args:
        translation: the query.
        columns: the targets, by position; the output columns carry their names.

    Raises:
        SqlError: ``TYPE_MISMATCH``, a column cannot be stored in its target.
    """
    return finish(assign(translation.sql, translation.types, columns))


def _literal(text: str) -> exp.Expression:
    tree = parse(f"SELECT {text}")
    items = tree.expressions
    if len(items) != 1 or tree.args.get("from_") is not None or list(tree.find_all(exp.Column)):
        raise SqlError("INVALID_PARAMETER_USAGE", f"The parameter {text} is not a literal")
    item = items[0]
    if not isinstance(item, exp.Expression) or isinstance(item, exp.Alias):
        raise SqlError("INVALID_PARAMETER_USAGE", f"The parameter {text} is not a literal")
    return item
