"""Subscripts and ``element_at`` of arrays, maps and rows."""

from __future__ import annotations

from localaws.engines.sql.base import SqlError, SqlRefused
from localaws.engines.sql.duckdb.casts import coerce, field
from localaws.engines.sql.duckdb.functions.registry import Call, scalar
from localaws.engines.sql.duckdb.typed import Expr, build, fail
from localaws.engines.sql.duckdb.types import BIGINT, common_type

INVALID = "INVALID_FUNCTION_ARGUMENT"


def subscript(base: Expr, index: Expr) -> Expr:
    """Return ``base[index]``; out of range and missing keys fail.

    Raises:
        SqlError: ``TYPE_MISMATCH``.
    """
    if base.type.name == "row":
        if not isinstance(index.value, int) or not 1 <= index.value <= len(base.type.args):
            raise SqlError(INVALID, f"Invalid subscript index: {index.value}")
        return field(base, index.value - 1)
    if base.type.name == "map":
        return _map_value(base, index, strict=True)
    if base.type.name != "array" or not index.type.is_integral:
        message = f"Cannot use {index.type} for subscript of {base.type}"
        raise SqlError("TYPE_MISMATCH", message)
    at = coerce(index, BIGINT)
    checks = [
        (f"{at.sql} = 0", "SQL array indices start at 1", False),
        (f"{at.sql} < 0", "Array subscript is negative: ", True),
        (
            f"{at.sql} > len({base.sql})",
            "Array subscript must be less than or equal to array length: ",
            True,
        ),
    ]
    witness = base if at.constant else at
    whens = " ".join(
        f"WHEN {condition} AND {base.sql} IS NOT NULL "
        f"THEN {fail(INVALID, message, witness, show=show and not at.constant)}"
        for condition, message, show in checks
    )
    return build(f"CASE {whens} ELSE {base.sql}[{at.sql}] END", base.type.element, base, at)


def _map_value(base: Expr, key: Expr, *, strict: bool) -> Expr:
    key_type, value_type = base.type.args
    if common_type(key.type, key_type) != key_type and not (key.type.is_text and key_type.is_text):
        raise SqlError("TYPE_MISMATCH", f"Cannot use {key.type} for subscript of {base.type}")
    if key_type.args or key_type.is_floating:
        raise SqlRefused(f"Reading {base.type} by key is not supported here")
    key = coerce(key, key_type)
    found = f"{base.sql}[{key.sql}]"
    if not strict:
        return build(found, value_type, base, key)
    missing = f"NOT map_contains({base.sql}, {key.sql})"
    failure = fail(INVALID, "Key not present in map: ", base if key.constant else key, show=False)
    return build(f"CASE WHEN {missing} THEN {failure} ELSE {found} END", value_type, base, key)


@scalar("element_at")
def _element_at(call: Call) -> Expr:
    call.arity(2)
    base, index = call.kind(0, "array", "map"), call.any(1)
    if base.type.name == "map":
        return _map_value(base, index, strict=False)
    at = call.bigint(1)
    failure = fail(INVALID, "SQL array indices start at 1", base if at.constant else at)
    sql = (
        f"CASE WHEN {at.sql} = 0 AND {base.sql} IS NOT NULL THEN {failure} "
        f"ELSE {base.sql}[{at.sql}] END"
    )
    return build(sql, base.type.element, base, at)
