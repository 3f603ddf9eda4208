"""Trino's operators by operand type: arithmetic with its result types and failures, comparisons."""

from __future__ import annotations

from localaws.engines.sql.base import SqlError, SqlRefused
from localaws.engines.sql.duckdb.casts import coerce, unify
from localaws.engines.sql.duckdb.typed import Expr, build, fail, refuse_at_run_time
from localaws.engines.sql.duckdb.types import (
    BIGINT,
    BOOLEAN,
    DAY_TO_SECOND,
    MAX_DECIMAL,
    VARCHAR,
    YEAR_TO_MONTH,
    Type,
    common_type,
    decimal,
)

_DAY = 86_400_000
_SHORT = 18


def mismatch(operator: str, left: Type, right: Type) -> SqlError:
    """Return Trino's error for an operator that does not take these types."""
    return SqlError("TYPE_MISMATCH", f"Cannot apply operator: {left} {operator} {right}")


def arithmetic(operator: str, left: Expr, right: Expr) -> Expr:
    """Return ``left operator right`` for ``+ - * / %``.

    Raises:
        SqlError: ``TYPE_MISMATCH``.
    """
    if "unknown" in (left.type.name, right.type.name):
        if operator in ("*", "/"):  # ambiguous with intervals for some types
            raise SqlRefused(f"{left.type} {operator} {right.type} is not supported here")
        if left.type.is_numeric:
            right = coerce(right, left.type)
        elif right.type.is_numeric:
            left = coerce(left, right.type)
        else:
            raise SqlRefused(f"{left.type} {operator} {right.type} is not supported here")
    if not (left.type.is_numeric and right.type.is_numeric):
        return _temporal(operator, left, right)
    shared = common_type(left.type, right.type)
    assert shared is not None
    if shared.name == "decimal":
        return _decimal(operator, left, right)
    left, right = coerce(left, shared), coerce(right, shared)
    a, b = left.sql, right.sql
    if shared.is_floating:
        return _floating(operator, left, right, shared)
    if operator == "/":
        return _guarded(f"({a} // {b})", left, right, shared)
    if operator == "%":
        return _guarded(f"({a} % {b})", left, right, shared)
    return build(f"({a} {operator} {b})", shared, left, right)


def _guarded(result: str, left: Expr, right: Expr, type: Type) -> Expr:
    if isinstance(right.value, int) and right.value not in (0, -1):
        return build(result, type, left, right)
    failure = fail("DIVISION_BY_ZERO", "Division by zero", right)
    guard = f"{right.sql} = 0 AND {left.sql} IS NOT NULL"
    return build(f"CASE WHEN {guard} THEN {failure} ELSE {result} END", type, left, right)


def _floating(operator: str, left: Expr, right: Expr, shared: Type) -> Expr:
    if operator == "%":
        a, b = left.sql, right.sql  # fmod by infinity and of it: as Java
        return build(f"({a} % {b})", shared, left, right)
    return build(f"({left.sql} {operator} {right.sql})", shared, left, right)


def _decimal(operator: str, left: Expr, right: Expr) -> Expr:
    (p1, s1), (p2, s2) = [(t.precision, t.scale) for t in (left.type, right.type)]
    if operator in ("+", "-"):
        scale = max(s1, s2)
        result = decimal(min(MAX_DECIMAL, max(p1 - s1, p2 - s2) + scale + 1), scale)
        a, b = (f"CAST({x.sql} AS {result.duckdb})" for x in (left, right))
        return build(f"CAST({a} {operator} {b} AS {result.duckdb})", result, left, right)
    left, right = coerce(left, decimal(p1, s1)), coerce(right, decimal(p2, s2))
    if operator == "*":
        if s1 + s2 > MAX_DECIMAL:
            raise SqlError("INVALID_FUNCTION_ARGUMENT", "DECIMAL scale must be at most 38")
        result = decimal(min(MAX_DECIMAL, p1 + p2), s1 + s2)
        if p1 + p2 > _SHORT:  # DuckDB multiplies two short decimals in 64 bits
            left, right = coerce(left, _long(left.type)), coerce(right, _long(right.type))
        return build(f"CAST({left.sql} * {right.sql} AS {result.duckdb})", result, left, right)
    if operator == "/":
        scale = max(s1, s2)
        result = decimal(min(MAX_DECIMAL, p1 + s2 + max(s2 - s1, 0)), scale)
        return divide(left, right, result)
    scale = max(s1, s2)
    result = decimal(min(p1 - s1, p2 - s2) + scale, scale)
    wide = decimal(min(MAX_DECIMAL, max(p1 - s1, p2 - s2) + scale), scale)
    if max(p1 - s1, p2 - s2) + scale > MAX_DECIMAL:
        raise SqlRefused(f"{left.type} % {right.type} is not supported here")
    a, b = (unscaled(x, wide) for x in (left, right))
    return _guarded(rescaled(f"({a} % {b})", result), left, right, result)


def _long(type: Type) -> Type:
    return decimal(max(type.precision, _SHORT + 1), type.scale)


def unscaled(value: Expr, type: Type) -> str:
    """Return SQL for the HUGEINT that holds a decimal's digits at the given type's scale."""
    wide = f"CAST({value.sql} AS DECIMAL(38,{type.scale}))"
    factor = f"CAST({10**type.scale} AS DECIMAL({type.scale + 1},0))"
    return f"CAST({wide} * {factor} AS HUGEINT)" if type.scale else f"CAST({value.sql} AS HUGEINT)"


def rescaled(digits: str, type: Type) -> str:
    """Return SQL for the decimal that HUGEINT digits stand for."""
    if not type.scale:
        return f"CAST({digits} AS {type.duckdb})"
    unit = "0." + "0" * (type.scale - 1) + "1"
    step = f"CAST({unit} AS DECIMAL({type.scale + 1},{type.scale}))"
    return f"CAST(CAST({digits} AS DECIMAL(38,0)) * {step} AS {type.duckdb})"


def divide(left: Expr, right: Expr, result: Type) -> Expr:
    """Return the quotient of two decimals rounded half up to `result`."""
    shift = result.scale - left.type.scale + right.type.scale
    a, b = unscaled(left, left.type), unscaled(right, right.type)
    shifted = f"{a} * CAST({10**shift} AS HUGEINT)" if shift else a
    quotient, rest = f"(({shifted}) // {b})", f"(({shifted}) % {b})"
    sign = f"CASE WHEN ({left.sql} < 0) <> ({right.sql} < 0) THEN -1 ELSE 1 END"
    digits = (
        f"({quotient} + CASE WHEN abs({rest}) >= abs({b}) - abs({rest}) THEN {sign} ELSE 0 END)"
    )
    answer = rescaled(digits, result)
    refusing = left.type.precision + shift > MAX_DECIMAL
    if refusing:
        limit = 10 ** (MAX_DECIMAL - shift)
        refusal = refuse_at_run_time("A decimal division with this many digits", left)
        answer = (
            f"CASE WHEN abs({a}) >= CAST('{limit}' AS HUGEINT) THEN {refusal} ELSE {answer} END"
        )
    made = _guarded(answer, left, right, result)
    return build(made.sql, result, left, right, refusing=refusing)


# -- dates, timestamps, intervals --------------------------------------------------------------

_DATES = ("date", "timestamp", "timestamp with time zone")


def _temporal(operator: str, left: Expr, right: Expr) -> Expr:
    kinds = (left.type.name, right.type.name)
    if operator == "+" and right.type.name in _DATES:
        left, right = right, left
    a, b = left.type.name, right.type.name
    if operator in ("+", "-") and a in _DATES and b.startswith("interval"):
        return add_interval(left, right, negative=operator == "-")
    if operator in ("+", "-") and a == b and a.startswith("interval"):
        return build(f"({left.sql} {operator} {right.sql})", left.type, left, right)
    if operator == "-" and a in _DATES and b in _DATES:
        return _difference(left, right)
    if operator == "*" and kinds[0].startswith("interval") and right.type.is_integral:
        return build(
            f"CAST({left.sql} * {right.sql} AS {left.type.duckdb})", left.type, left, right
        )
    if operator == "*" and kinds[1].startswith("interval") and left.type.is_integral:
        return build(
            f"CAST({left.sql} * {right.sql} AS {right.type.duckdb})", right.type, left, right
        )
    if operator in ("*", "/") and "interval" in f"{kinds}":
        raise SqlRefused(f"{left.type} {operator} {right.type} is not supported here")
    raise mismatch(operator, left.type, right.type)


def add_interval(moment: Expr, interval: Expr, *, negative: bool = False) -> Expr:
    """Return a date or timestamp plus (or minus) an interval, in the moment's own type."""
    amount = f"(-{interval.sql})" if negative else interval.sql
    type = moment.type
    if interval.type == YEAR_TO_MONTH:
        moved = f"({moment.sql} + to_months({amount}))"
        return build(f"CAST({moved} AS {type.duckdb})", type, moment, interval)
    if type.name == "date":
        failure = fail(
            "INVALID_FUNCTION_ARGUMENT",
            "Cannot add hour, minutes or seconds to a date",
            interval,
        )
        moved = f"({moment.sql} + CAST({amount} // {_DAY} AS INTEGER))"
        return build(
            f"CASE WHEN {interval.sql} % {_DAY} <> 0 AND {moment.sql} IS NOT NULL "
            f"THEN {failure} ELSE {moved} END",
            type,
            moment,
            interval,
        )
    if type.params[0] < 3:
        type = Type(type.name, (3,))
    return build(f"({moment.sql} + to_microseconds({amount} * 1000))", type, moment, interval)


def _difference(left: Expr, right: Expr) -> Expr:
    shared = common_type(left.type, right.type)
    if shared is None:
        raise mismatch("-", left.type, right.type)
    left, right = coerce(left, shared), coerce(right, shared)
    if shared.name == "date":
        return build(f"(({left.sql} - {right.sql}) * {_DAY})", DAY_TO_SECOND, left, right)
    if shared.params[0] > 3:
        raise SqlRefused(f"{shared} - {shared} is not supported here")
    millis = f"((epoch_us({left.sql}) - epoch_us({right.sql})) // 1000)"
    return build(millis, DAY_TO_SECOND, left, right)


def negate(value: Expr) -> Expr:
    """Return ``-value``."""
    if value.type.is_numeric or value.type.name.startswith("interval"):
        made = build(f"(-{value.sql})", value.type, value)
        if isinstance(value.value, int):
            return Expr(made.sql, made.type, -value.value, constant=True)
        return made
    raise SqlError("TYPE_MISMATCH", f"Cannot negate {value.type}")


# -- comparisons -------------------------------------------------------------------------------

_COMPARABLE = {
    *("boolean", "tinyint", "smallint", "integer", "bigint", "real", "double", "decimal"),
    *("varchar", "varbinary", "date", "timestamp", "timestamp with time zone", "time"),
    *("interval day to second", "interval year to month", "unknown"),
}


def compare(operator: str, left: Expr, right: Expr, *, filtering: bool = False) -> Expr:
    """Return a comparison (``= <> < <= > >=``), or IS [NOT] DISTINCT FROM.

    Args:
        operator: the operator, as DuckDB writes it.
        left: the left operand.
        right: the right operand.
        filtering: the result stands where NULL and false are the same.

    Raises:
        SqlError: ``TYPE_MISMATCH``.
    """
    shared = common_type(left.type, right.type)
    if shared is None:
        if {left.type.name, right.type.name} == {"char", "varchar"}:
            raise SqlRefused("Comparing char with varchar is not supported here")
        raise mismatch("=" if "DISTINCT" in operator else operator, left.type, right.type)
    left, right = coerce(left, shared), coerce(right, shared)
    if operator not in ("=", "<>") and "DISTINCT" not in operator and not shared.is_orderable:
        raise mismatch(operator, left.type, right.type)
    if shared.name not in _COMPARABLE:
        return _compare_nested(operator, left, right, shared)
    plain = f"({left.sql} {operator} {right.sql})"
    if not shared.is_floating or "DISTINCT" in operator:
        return build(plain, BOOLEAN, left, right)
    return _compare_floating(operator, left, right, plain, filtering)


def _compare_nested(operator: str, left: Expr, right: Expr, shared: Type) -> Expr:
    if shared.contains("real", "double", "map", "json") or operator not in ("=", "<>"):
        raise SqlRefused(f"{shared} {operator} {shared} is not supported here")
    if shared.name != "array" or shared.element.name not in _COMPARABLE:
        raise SqlRefused(f"{shared} {operator} {shared} is not supported here")
    nulls = " OR ".join(
        f"len(list_filter({x.sql}, lambda n: n IS NULL)) > 0" for x in (left, right)
    )
    refusal = refuse_at_run_time("Comparing arrays with NULL elements is not supported here", left)
    return build(
        f"CASE WHEN {left.sql} IS NULL OR {right.sql} IS NULL THEN NULL "
        f"WHEN {nulls} THEN {refusal} ELSE {left.sql} {operator} {right.sql} END",
        BOOLEAN,
        left,
        right,
        refusing=True,
    )


def _compare_floating(operator: str, left: Expr, right: Expr, plain: str, filtering: bool) -> Expr:
    """NaN equals nothing and has no order in Trino; DuckDB holds it equal to itself and largest."""
    if isinstance(right.value, (int, str)) and operator in ("=", "<", "<=", "<>"):
        return build(plain, BOOLEAN, left, right)
    if isinstance(right.value, (int, str)):
        return build(f"({plain} AND NOT isnan({left.sql}))", BOOLEAN, left, right)
    if operator == "<>":  # NaN <> NaN
        return build(f"({plain} OR isnan({left.sql}) AND isnan({right.sql}))", BOOLEAN, left, right)
    guard = f"NOT isnan({left.sql}) AND NOT isnan({right.sql})"
    if filtering:
        return build(f"({plain} AND {guard})", BOOLEAN, left, right)
    known = f"{left.sql} IS NOT NULL AND {right.sql} IS NOT NULL"
    return build(f"({plain} AND ({guard} OR NOT ({known})))", BOOLEAN, left, right)


def concatenate(left: Expr, right: Expr) -> Expr:
    """Return ``left || right`` for text, binary and arrays.

    Raises:
        SqlError: ``TYPE_MISMATCH``.
    """
    if left.type.is_text and right.type.is_text:
        return build(f"({left.sql} || {right.sql})", VARCHAR, left, right)
    if left.type.name == right.type.name == "varbinary":
        return build(f"({left.sql} || {right.sql})", left.type, left, right)
    if "unknown" not in (left.type.name, right.type.name) and (
        left.type.name == "array" or right.type.name == "array"
    ):
        return _concatenate_arrays(left, right)
    if "unknown" in (left.type.name, right.type.name):
        raise SqlRefused("|| with an untyped NULL is not supported here")
    message = f"Unexpected parameters ({left.type}, {right.type}) for function concat"
    raise SqlError("FUNCTION_NOT_FOUND", message)


def _concatenate_arrays(left: Expr, right: Expr) -> Expr:
    if left.type.name == "array" and right.type.name != "array":
        right = build(f"[{right.sql}]", Type("array", args=(right.type,)), right)
    elif right.type.name == "array" and left.type.name != "array":
        left = build(f"[{left.sql}]", Type("array", args=(left.type,)), left)
    found = unify([left, right])
    if found is None:
        raise mismatch("||", left.type, right.type)
    (left, right), type = found
    return build(
        f"CASE WHEN {left.sql} IS NULL OR {right.sql} IS NULL THEN NULL "
        f"ELSE list_concat({left.sql}, {right.sql}) END",
        type,
        left,
        right,
    )


def as_bigint(value: Expr) -> Expr:
    """Return an integral value as bigint."""
    return coerce(value, BIGINT)
