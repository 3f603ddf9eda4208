"""Store assignment: the casts INSERT and CTAS apply to a query's columns."""

from __future__ import annotations

from collections.abc import Sequence

from localaws.engines.sql.base import Column, SqlError
from localaws.engines.sql.duckdb.casts import cast
from localaws.engines.sql.duckdb.casts import coerce as coerce_value
from localaws.engines.sql.duckdb.typed import Expr, fail, name
from localaws.engines.sql.duckdb.types import Type, common_type, parse_type


def assign(sql: str, types: Sequence[Type], columns: Sequence[Column]) -> str:
    """Return SQL that yields the query's columns in the target types, under the target names.

    Raises:
        SqlError: ``TYPE_MISMATCH``.
    """
    targets = [parse_type(column.type) for column in columns]
    if len(targets) != len(types) or not all(map(_assignable, types, targets)):
        have = ", ".join(map(str, types))
        want = ", ".join(map(str, targets))
        message = f"Insert query has mismatched column types: Table: [{want}], Query: [{have}]"
        raise SqlError("TYPE_MISMATCH", message)
    parts = [
        f"{_stored(Expr(f'o.c{index}', source), target).sql} AS {name(column.name)}"
        for index, (source, target, column) in enumerate(zip(types, targets, columns, strict=True))
    ]
    return f"SELECT {', '.join(parts)} FROM ({sql}) AS o"


def _assignable(source: Type, target: Type) -> bool:
    if source.name == target.name and len(source.args) == len(target.args):
        return all(map(_assignable, source.args, target.args))
    if source.is_numeric and target.is_numeric:
        return common_type(source, target) == target or source.name == "decimal" == target.name
    return common_type(source, target) == target


def _stored(value: Expr, target: Type) -> Expr:
    if value.type.is_text and target.is_text and target.params:
        # Trino truncates only blanks when it stores text in a shorter column
        limit = target.params[0]
        if value.type.params and value.type.params[0] <= limit:
            return value.typed(target)
        failure = fail(
            "INVALID_CAST_ARGUMENT",
            f"Cannot truncate non-space characters when casting to {target} on INSERT",
            value,
        )
        cut = f"left({value.sql}, {limit})"
        sql = (
            f"CASE WHEN {value.sql} IS NULL OR length({value.sql}) <= {limit} THEN {value.sql} "
            f"WHEN rtrim({value.sql}) = rtrim({cut}) THEN {cut} ELSE {failure} END"
        )
        return Expr(sql, target)
    if value.type == target:
        return value
    if value.type.args:
        return cast(value, target)
    return coerce_value(value, target)
