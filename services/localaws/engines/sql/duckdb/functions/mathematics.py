"""Mathematical functions: https://trino.io/docs/476/functions/math.html."""

from __future__ import annotations

from localaws.engines.sql.base import SqlRefused
from localaws.engines.sql.duckdb.functions.registry import SAME, Call, scalar
from localaws.engines.sql.duckdb.operators import arithmetic, rescaled, unscaled
from localaws.engines.sql.duckdb.typed import Expr, build
from localaws.engines.sql.duckdb.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INTEGER,
    decimal,
)

_DOUBLE_FUNCTIONS = {
    **{name: name for name in ("exp", "atan", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "cbrt": "cbrt",
    "degrees": "degrees",
    "radians": "radians",
}


def _register_double(name: str, template: str, note: str = "") -> None:
    def build_double(call: Call) -> Expr:
        call.arity(1)
        value = call.double(0)
        return build(template.format(x=value.sql), DOUBLE, value)

    scalar(name, treatment=SAME, note=note)(build_double)


for _name, _function in _DOUBLE_FUNCTIONS.items():
    _register_double(_name, f"{_function}({{x}})")
_NAN = "CAST('NaN' AS DOUBLE)"
_register_double("sqrt", f"CASE WHEN {{x}} < 0 THEN {_NAN} ELSE sqrt({{x}}) END")
for _name, _function in (("ln", "ln"), ("log10", "log10"), ("log2", "log2")):
    _register_double(
        _name,
        f"CASE WHEN {{x}} < 0 THEN {_NAN} WHEN {{x}} = 0 THEN CAST('-Infinity' AS DOUBLE) "
        f"ELSE {_function}({{x}}) END",
    )
for _name in ("asin", "acos"):
    _register_double(_name, f"CASE WHEN abs({{x}}) > 1 THEN {_NAN} ELSE {_name}({{x}}) END")


@scalar("abs", treatment=SAME)
def _abs(call: Call) -> Expr:
    call.arity(1)
    value = call.any(0)
    if not value.type.is_numeric:
        raise call.mismatch()
    return build(f"abs({value.sql})", value.type, value)


@scalar("sign")
def _sign(call: Call) -> Expr:
    call.arity(1)
    value = call.any(0)
    if not value.type.is_numeric:
        raise call.mismatch()
    type = decimal(1, 0) if value.type.name == "decimal" else value.type
    if type.is_floating:
        sql = f"CASE WHEN isnan({value.sql}) THEN {value.sql} ELSE sign({value.sql}) END"
        return build(f"CAST({sql} AS {type.duckdb})", type, value)
    return build(f"CAST(sign({value.sql}) AS {type.duckdb})", type, value)


def _whole(call: Call, function: str) -> Expr:
    call.arity(1)
    value = call.any(0)
    if value.type.is_integral:
        return value
    if value.type.is_floating:
        return build(f"{function}({value.sql})", value.type, value)
    if value.type.name != "decimal":
        raise call.mismatch()
    precision, scale = value.type.params
    type = decimal(precision - scale + min(scale, 1), 0)
    if not scale:
        return value.typed(type)
    return build(f"CAST({function}({value.sql}) AS {type.duckdb})", type, value)


@scalar("ceil", "ceiling", treatment=SAME)
def _ceil(call: Call) -> Expr:
    return _whole(call, "ceil")


@scalar("floor", treatment=SAME)
def _floor(call: Call) -> Expr:
    return _whole(call, "floor")


@scalar("round", note="decimals keep Trino's precision and scale")
def _round(call: Call) -> Expr:
    call.arity(1, 2)
    value = call.any(0)
    if not value.type.is_numeric:
        raise call.mismatch()
    places = call.of(1, INTEGER) if len(call) == 2 else None
    if places is not None and not isinstance(places.value, int):
        raise SqlRefused("round is supported here with a literal number of places")
    digits = int(places.value or 0) if places is not None else 0
    if value.type.name == "decimal":
        return _round_decimal(value, digits, explicit=places is not None)
    if value.type.is_integral:
        if digits >= 0:
            return value
        raise SqlRefused("round of an integer to negative places is not supported here")
    if digits == 0:
        return build(f"round({value.sql})", value.type, value)
    if value.type.name == "real":
        raise SqlRefused("round of a real to places is not supported here")
    factor = f"CAST('1e{digits}' AS DOUBLE)"
    scaled = f"round({value.sql} * {factor}) / {factor}"
    guard = f"isnan({value.sql}) OR isinf({value.sql}) OR abs({value.sql} * {factor}) >= 4.5e15"
    return build(f"CASE WHEN {guard} THEN {value.sql} ELSE {scaled} END", DOUBLE, value)


def _round_decimal(value: Expr, digits: int, *, explicit: bool) -> Expr:
    precision, scale = value.type.params
    if not explicit:
        type = decimal(precision - scale + min(scale, 1), 0)
        return build(f"CAST({value.sql} AS {type.duckdb})", type, value)
    type = decimal(min(38, precision + 1), scale)
    if digits >= scale:
        return build(f"CAST({value.sql} AS {type.duckdb})", type, value)
    if digits < 0:
        raise SqlRefused("round of a decimal to negative places is not supported here")
    cut = f"CAST({value.sql} AS DECIMAL({type.params[0] - scale + digits},{digits}))"
    return build(f"CAST({cut} AS {type.duckdb})", type, value)


@scalar("truncate")
def _truncate(call: Call) -> Expr:
    call.arity(1, 2)
    value = call.any(0)
    if len(call) == 2:
        raise SqlRefused("truncate with places is not supported here")
    if value.type.is_floating:
        return build(f"trunc({value.sql})", value.type, value)
    if value.type.name != "decimal":
        value = call.double(0)
        return build(f"trunc({value.sql})", DOUBLE, value)
    precision, scale = value.type.params
    type = decimal(max(precision - scale, 1), 0)
    digits = f"({unscaled(value, value.type)} // CAST({10**scale} AS HUGEINT))"
    return build(rescaled(digits, type), type, value)


@scalar("mod")
def _mod(call: Call) -> Expr:
    call.arity(2)
    return arithmetic("%", call.any(0), call.any(1))


@scalar("power", "pow", treatment=SAME)
def _power(call: Call) -> Expr:
    call.arity(2)
    base, exponent = call.double(0), call.double(1)
    return build(f"pow({base.sql}, {exponent.sql})", DOUBLE, base, exponent)


@scalar("log")
def _log(call: Call) -> Expr:
    call.arity(2)
    base, value = call.double(0), call.double(1)
    guard = f"{base.sql} <= 0 OR {value.sql} <= 0"
    return build(
        f"CASE WHEN {guard} THEN {_NAN} ELSE ln({value.sql}) / ln({base.sql}) END",
        DOUBLE,
        base,
        value,
        refusing=True,
    )


@scalar("atan2", treatment=SAME)
def _atan2(call: Call) -> Expr:
    call.arity(2)
    y, x = call.double(0), call.double(1)
    return build(f"atan2({y.sql}, {x.sql})", DOUBLE, y, x)


@scalar("pi", treatment=SAME)
def _pi(call: Call) -> Expr:
    call.arity(0)
    return Expr("pi()", DOUBLE, constant=True)


@scalar("e")
def _e(call: Call) -> Expr:
    call.arity(0)
    return Expr("CAST('2.718281828459045' AS DOUBLE)", DOUBLE, constant=True)


@scalar("nan")
def _nan(call: Call) -> Expr:
    call.arity(0)
    return Expr(_NAN, DOUBLE, constant=True)


@scalar("infinity")
def _infinity(call: Call) -> Expr:
    call.arity(0)
    return Expr("CAST('Infinity' AS DOUBLE)", DOUBLE, constant=True)


def _test(name: str, template: str) -> None:
    def build_test(call: Call) -> Expr:
        call.arity(1)
        value = call.double(0)
        return build(template.format(x=value.sql), BOOLEAN, value)

    scalar(name, treatment=SAME)(build_test)


_test("is_nan", "isnan({x})")
_test("is_infinite", "isinf({x})")
_test("is_finite", "isfinite({x})")


def _bitwise(name: str, template: str, count: int) -> None:
    def build_bitwise(call: Call) -> Expr:
        call.arity(count)
        values = [call.bigint(i) for i in range(count)]
        return build(template.format(*(v.sql for v in values)), BIGINT, *values)

    scalar(name, treatment=SAME)(build_bitwise)


_bitwise("bitwise_and", "({} & {})", 2)
_bitwise("bitwise_or", "({} | {})", 2)
_bitwise("bitwise_xor", "xor({}, {})", 2)
_bitwise("bitwise_not", "(~{})", 1)


@scalar("random", "rand", treatment=SAME)
def _random(call: Call) -> Expr:
    if len(call):
        raise SqlRefused("random with bounds is not supported here")
    return Expr("random()", DOUBLE, volatile=True)


def _extreme(call: Call, operator: str) -> Expr:
    if not len(call):
        raise call.mismatch()
    values, type = call.unified()
    if type.is_floating or type.args:
        raise SqlRefused(f"{call.name} of {type} is not supported here")
    nulls = " OR ".join(f"{value.sql} IS NULL" for value in values)
    function = "greatest" if operator == ">" else "least"
    picked = f"{function}({', '.join(value.sql for value in values)})"
    return build(f"CASE WHEN {nulls} THEN NULL ELSE {picked} END", type, *values)


@scalar("greatest", note="NULL when an argument is NULL")
def _greatest(call: Call) -> Expr:
    return _extreme(call, ">")


@scalar("least", note="NULL when an argument is NULL")
def _least(call: Call) -> Expr:
    return _extreme(call, "<")
