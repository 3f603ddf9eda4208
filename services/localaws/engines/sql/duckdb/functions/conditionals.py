"""Conditional functions and functions about types."""

from __future__ import annotations

from localaws.engines.sql.base import SqlError
from localaws.engines.sql.duckdb.functions.registry import SAME, Call, scalar
from localaws.engines.sql.duckdb.literals import string
from localaws.engines.sql.duckdb.operators import compare
from localaws.engines.sql.duckdb.typed import Expr, build
from localaws.engines.sql.duckdb.types import VARCHAR


@scalar("coalesce", treatment=SAME)
def _coalesce(call: Call) -> Expr:
    if len(call) < 2:
        raise SqlError(
            "INVALID_FUNCTION_ARGUMENT", "The 'coalesce' function must have at least two arguments"
        )
    values = [call.any(i) for i in range(len(call))]
    try:
        values, type = call.unified()
    except SqlError as error:
        shown = f"{values[0].type} vs {values[-1].type}"
        message = (
            f"All COALESCE operands must be the same type or coercible to a common type. {shown}"
        )
        raise SqlError("TYPE_MISMATCH", message) from error
    return build(f"coalesce({', '.join(v.sql for v in values)})", type, *values)


@scalar("nullif")
def _nullif(call: Call) -> Expr:
    call.arity(2)
    first, second = call.any(0), call.any(1)
    if first.type.name == "unknown":
        return first
    equal = compare("=", first, second, filtering=True)
    sql = f"CASE WHEN {equal.sql} THEN NULL ELSE {first.sql} END"
    return build(sql, first.type, first, second)


@scalar("typeof", note="computed from the inferred type")
def _typeof(call: Call) -> Expr:
    call.arity(1)
    value = call.any(0)
    name = string(str(value.type)).typed(VARCHAR)
    if value.value is not None or value.type.name == "unknown":
        return name
    # the argument is evaluated, and may fail
    sql = f"CASE WHEN {value.sql} IS NULL THEN {name.sql} ELSE substr({name.sql}, 1) END"
    return build(sql, VARCHAR, value)
