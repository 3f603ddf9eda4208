"""Array functions: https://trino.io/docs/476/functions/array.html."""

from __future__ import annotations

from localaws.engines.sql.base import SqlError, SqlRefused
from localaws.engines.sql.duckdb.casts import coerce, text_of
from localaws.engines.sql.duckdb.functions.registry import SAME, Call, scalar
from localaws.engines.sql.duckdb.render import rendered
from localaws.engines.sql.duckdb.typed import Expr, build, fail
from localaws.engines.sql.duckdb.types import (
    BIGINT,
    BOOLEAN,
    DAY_TO_SECOND,
    UNKNOWN,
    VARCHAR,
    YEAR_TO_MONTH,
    Type,
    array,
    common_type,
    row,
)

INVALID = "INVALID_FUNCTION_ARGUMENT"
_SIMPLE = {
    *("boolean", "tinyint", "smallint", "integer", "bigint", "decimal", "varchar", "varbinary"),
    *("date", "timestamp", "timestamp with time zone", "unknown"),
}


def _array(call: Call, index: int = 0) -> Expr:
    return call.kind(index, "array")


def _simple(call: Call, type: Type) -> None:
    """Refuse elements whose equality DuckDB sees differently (NaN, nested NULLs)."""
    if type.name not in _SIMPLE:
        raise SqlRefused(f"{call.name} of elements of type {type} is not supported here")


def _pair(call: Call) -> tuple[Expr, Expr, Type]:
    """Return an array and an element coerced to a common element type."""
    call.arity(2)
    values, item = _array(call), call.any(1)
    shared = common_type(values.type.element, item.type)
    if shared is None:
        raise call.mismatch()
    _simple(call, shared)
    return coerce(values, array(shared)), coerce(item, shared), shared


def _has_null(value: str) -> str:
    return f"len(list_filter({value}, lambda n: n IS NULL)) > 0"


@scalar("cardinality")
def _cardinality(call: Call) -> Expr:
    call.arity(1)
    value = call.kind(0, "array", "map")
    function = "len" if value.type.name == "array" else "cardinality"
    return build(f"CAST({function}({value.sql}) AS BIGINT)", BIGINT, value)


@scalar("contains", note="NULL when absent and the array holds NULL")
def _contains(call: Call) -> Expr:
    values, item, _ = _pair(call)
    sql = (
        f"CASE WHEN {values.sql} IS NULL OR {item.sql} IS NULL THEN NULL "
        f"WHEN list_contains({values.sql}, {item.sql}) THEN true "
        f"WHEN {_has_null(values.sql)} THEN NULL ELSE false END"
    )
    return build(sql, BOOLEAN, values, item)


@scalar("array_position")
def _position(call: Call) -> Expr:
    values, item, _ = _pair(call)
    sql = (
        f"CASE WHEN {values.sql} IS NULL OR {item.sql} IS NULL THEN NULL "
        f"ELSE CAST(coalesce(list_position({values.sql}, {item.sql}), 0) AS BIGINT) END"
    )
    return build(sql, BIGINT, values, item)


@scalar("array_remove")
def _remove(call: Call) -> Expr:
    values, item, _ = _pair(call)
    kept = f"list_filter({values.sql}, lambda n: n IS NULL OR n <> {item.sql})"
    sql = f"CASE WHEN {item.sql} IS NULL THEN NULL ELSE {kept} END"
    return build(sql, values.type, values, item)


def _first_of(value: str) -> str:
    """Return SQL for the distinct elements in the order they first appear."""
    return f"list_filter({value}, lambda n, i: list_position({value}, n) = i)"


@scalar("array_distinct", note="order of first appearance")
def _distinct(call: Call) -> Expr:
    call.arity(1)
    value = _array(call)
    _simple(call, value.type.element)
    return build(_first_of(value.sql), value.type, value)


def _both(call: Call) -> tuple[Expr, Expr, Type, str]:
    call.arity(2)
    left, right = _array(call), _array(call, 1)
    shared = common_type(left.type, right.type)
    if shared is None:
        raise call.mismatch()
    _simple(call, shared.element)
    left, right = coerce(left, shared), coerce(right, shared)
    return left, right, shared, f"{left.sql} IS NULL OR {right.sql} IS NULL"


@scalar("array_union", note="order of first appearance")
def _union(call: Call) -> Expr:
    left, right, type, null = _both(call)
    joined = f"list_concat({left.sql}, {right.sql})"
    return build(f"CASE WHEN {null} THEN NULL ELSE {_first_of(joined)} END", type, left, right)


@scalar("array_except", note="order of first appearance")
def _except(call: Call) -> Expr:
    left, right, type, null = _both(call)
    kept = (
        f"list_filter({left.sql}, lambda n, i: list_position({left.sql}, n) = i "
        f"AND list_position({right.sql}, n) IS NULL)"
    )
    return build(f"CASE WHEN {null} THEN NULL ELSE {kept} END", type, left, right)


@scalar("array_intersect", note="order of the longer array")
def _intersect(call: Call) -> Expr:
    left, right, type, null = _both(call)

    def kept(outer: str, inner: str) -> str:
        return (
            f"list_filter({outer}, lambda n, i: list_position({outer}, n) = i "
            f"AND list_position({inner}, n) IS NOT NULL)"
        )

    sql = (
        f"CASE WHEN {null} THEN NULL WHEN len({left.sql}) >= len({right.sql}) "
        f"THEN {kept(left.sql, right.sql)} ELSE {kept(right.sql, left.sql)} END"
    )
    return build(sql, type, left, right)


@scalar("arrays_overlap", note="NULL when no match and a NULL on either side")
def _overlap(call: Call) -> Expr:
    left, right, _, null = _both(call)
    matched = f"len(list_filter({left.sql}, lambda n: list_contains({right.sql}, n))) > 0"
    sql = (
        f"CASE WHEN {null} THEN NULL WHEN len({left.sql}) = 0 OR len({right.sql}) = 0 THEN false "
        f"WHEN {matched} THEN true "
        f"WHEN {_has_null(left.sql)} OR {_has_null(right.sql)} THEN NULL ELSE false END"
    )
    return build(sql, BOOLEAN, left, right)


@scalar("array_sort")
def _sort(call: Call) -> Expr:
    if len(call) == 2:
        raise SqlRefused("array_sort with a comparator is not supported here")
    call.arity(1)
    value = _array(call)
    _simple(call, value.type.element)
    return build(f"list_sort({value.sql}, 'ASC', 'NULLS LAST')", value.type, value)


def _extreme(call: Call) -> Expr:
    call.arity(1)
    value = _array(call)
    _simple(call, value.type.element)
    function = "list_max" if call.name == "array_max" else "list_min"
    sql = f"CASE WHEN {_has_null(value.sql)} THEN NULL ELSE {function}({value.sql}) END"
    return build(sql, value.type.element, value)


scalar("array_max", note="NULL when an element is NULL")(_extreme)
scalar("array_min", note="NULL when an element is NULL")(_extreme)


@scalar("array_join")
def _join(call: Call) -> Expr:
    call.arity(2, 3)
    value, delimiter = _array(call), call.text(1)
    element = value.type.element
    _simple(call, element)
    shown = text_of(Expr("n", element)).sql if element != UNKNOWN else rendered("n", element)
    texts = f"list_transform({value.sql}, lambda n: {shown})"
    parts = [value, delimiter]
    if len(call) == 3:
        instead = call.text(2)
        parts.append(instead)
        texts = f"list_transform({texts}, lambda n: coalesce(n, {instead.sql}))"
    else:
        texts = f"list_filter({texts}, lambda n: n IS NOT NULL)"
    nulls = " OR ".join(f"{part.sql} IS NULL" for part in parts)
    joined = f"coalesce(array_to_string({texts}, {delimiter.sql}), '')"
    return build(f"CASE WHEN {nulls} THEN NULL ELSE {joined} END", VARCHAR, *parts)


@scalar("slice")
def _slice(call: Call) -> Expr:
    call.arity(3)
    value, start, size = _array(call), call.bigint(1), call.bigint(2)
    known = isinstance(start.value, int) and isinstance(size.value, int)
    if not known or not start.value or int(size.value or 0) < 0:
        raise SqlRefused("slice is supported here with literal positions")
    count = int(size.value or 0)
    at = int(start.value)
    if at > 0:
        cut = f"list_slice({value.sql}, {at}, {at + count - 1})"
    else:
        first = f"len({value.sql}) + {at + 1}"
        cut = (
            f"CASE WHEN {first} < 1 THEN list_slice({value.sql}, 2, 1) "
            f"ELSE list_slice({value.sql}, {first}, {first} + {count - 1}) END"
        )
    if count == 0:
        cut = f"list_slice({value.sql}, 2, 1)"
    return build(cut, value.type, value)


@scalar("flatten")
def _flatten(call: Call) -> Expr:
    call.arity(1)
    value = _array(call)
    if value.type.element.name != "array":
        raise call.mismatch()
    return build(f"flatten({value.sql})", value.type.element, value)


@scalar("repeat")
def _repeat(call: Call) -> Expr:
    call.arity(2)
    item, count = call.any(0), call.bigint(1)
    if not isinstance(count.value, int) or not 0 <= count.value <= 10_000:
        raise SqlRefused("repeat is supported here with a literal count")
    listed = f"list_transform(range({count.value}), lambda n: {item.sql})"
    return build(listed, array(item.type), item)


@scalar("sequence")
def _sequence(call: Call) -> Expr:
    call.arity(2, 3)
    first, last = call.any(0), call.any(1)
    if first.type.is_integral and last.type.is_integral:
        first, last = call.bigint(0), call.bigint(1)
        if len(call) == 2:
            step = build(
                f"CASE WHEN {last.sql} >= {first.sql} THEN 1 ELSE -1 END", BIGINT, first, last
            )
        else:
            step = call.bigint(2)
        return _steps(first, last, step, f"generate_series({first.sql}, {last.sql}, {step.sql})")
    if first.type.name != "date" or last.type.name != "date":
        raise SqlRefused(f"sequence of {first.type} is not supported here")
    day = 86_400_000
    if len(call) == 2:
        step = build(f"CASE WHEN {last.sql} >= {first.sql} THEN 1 ELSE -1 END", BIGINT, first, last)
    elif call.any(2).type == DAY_TO_SECOND:
        millis = call.any(2)
        if not isinstance(millis.value, int) or millis.value % day:
            raise SqlRefused("sequence of dates is supported here by whole days")
        step = Expr(f"CAST({millis.value // day} AS BIGINT)", BIGINT, millis.value // day, True)
    elif call.any(2).type == YEAR_TO_MONTH:
        return _month_sequence(first, last, call.any(2))
    else:
        raise call.mismatch()
    offsets = f"generate_series(0, {last.sql} - {first.sql}, {step.sql})"
    dates = f"list_transform({offsets}, lambda n: {first.sql} + CAST(n AS INTEGER))"
    return _steps(first, last, step, dates)


def _steps(first: Expr, last: Expr, step: Expr, series: str) -> Expr:
    wrong = f"({last.sql} - {first.sql}) * {step.sql} < 0 OR {step.sql} = 0"
    witness = next((v for v in (first, last) if not v.constant), first)
    failure = fail(
        INVALID, "sequence stop value should be greater than or equal to start value", witness
    )
    many = f"abs(({last.sql} - {first.sql}) // {step.sql}) >= 10000"
    limit = fail(
        INVALID, "result of sequence function must not have more than 10000 entries", witness
    )
    sql = (
        f"CASE WHEN {first.sql} IS NULL OR {last.sql} IS NULL THEN NULL "
        f"WHEN {wrong} THEN {failure} WHEN {many} THEN {limit} ELSE {series} END"
    )
    return build(sql, array(first.type), first, last, step)


def _month_sequence(first: Expr, last: Expr, step: Expr) -> Expr:
    if not isinstance(step.value, int) or step.value <= 0:
        raise SqlRefused("sequence of dates is supported here by positive months")
    months = (
        f"((year({last.sql}) - year({first.sql})) * 12 + month({last.sql}) - month({first.sql}))"
    )
    dates = (
        f"list_filter(list_transform(range(0, {months} + 1, {step.value}), "
        f"lambda n: CAST({first.sql} + to_months(CAST(n AS INTEGER)) AS DATE)), "
        f"lambda n: n <= {last.sql})"
    )
    witness = first if not first.constant else last
    failure = fail(
        INVALID, "sequence stop value should be greater than or equal to start value", witness
    )
    sql = (
        f"CASE WHEN {first.sql} IS NULL OR {last.sql} IS NULL THEN NULL "
        f"WHEN {last.sql} < {first.sql} THEN {failure} ELSE {dates} END"
    )
    return build(sql, array(first.type), first, last)


# -- lambdas -----------------------------------------------------------------------------------


@scalar("transform")
def _transform(call: Call) -> Expr:
    call.arity(2)
    value = _array(call)
    (variable,), body = call.compiled(1, value.type.element)
    sql = f"list_transform({value.sql}, lambda {variable}: {body.sql})"
    return _with_body(sql, array(body.type), value, body)


@scalar("filter")
def _filter(call: Call) -> Expr:
    call.arity(2)
    value = _array(call)
    (variable,), body = call.compiled(1, value.type.element)
    _boolean(body)
    sql = f"list_filter({value.sql}, lambda {variable}: coalesce({body.sql}, false))"
    return _with_body(sql, value.type, value, body)


def _boolean(body: Expr) -> None:
    if body.type.name == "unknown":
        raise SqlRefused("A lambda that returns an untyped NULL is not supported here")
    if body.type.name not in ("boolean", "unknown"):
        message = f"Lambda must return a boolean: actual type {body.type}"
        raise SqlError("TYPE_MISMATCH", message)


def _with_body(sql: str, type: Type, value: Expr, body: Expr) -> Expr:
    made = build(sql, type, value)
    return Expr(made.sql, type, refusing=value.refusing or body.refusing)


def _match(call: Call) -> Expr:
    call.arity(2)
    value = _array(call)
    (variable,), body = call.compiled(1, value.type.element)
    _boolean(body)
    tests = f"list_transform({value.sql}, lambda {variable}: CAST({body.sql} AS BOOLEAN))"
    decisive = "false" if call.name == "all_match" else "true"
    outcome = {"any_match": ("true", "false"), "all_match": ("false", "true")}
    found, otherwise = outcome.get(call.name, ("false", "true"))
    sql = (
        f"CASE WHEN {value.sql} IS NULL THEN NULL "
        f"WHEN list_contains({tests}, {decisive}) THEN {found} "
        f"WHEN {_has_null(tests)} THEN NULL ELSE {otherwise} END"
    )
    return _with_body(sql, BOOLEAN, value, body)


for _name in ("any_match", "all_match", "none_match"):
    scalar(_name)(_match)


@scalar("reduce", note="where the state has the type of the elements")
def _reduce(call: Call) -> Expr:
    call.arity(4)
    value, start = _array(call), call.any(1)
    element = value.type.element
    (state, item), step = call.compiled(2, start.type, element)
    if step.type != start.type:
        raise SqlRefused(f"reduce from {start.type} to {step.type} is not supported here")
    if element.duckdb != start.type.duckdb:
        raise SqlRefused(f"reduce of {element} into {start.type} is not supported here")
    (final,), out = call.compiled(3, start.type)
    folded = f"list_reduce({value.sql}, lambda {state}, {item}: {step.sql}, {start.sql})"
    if out.sql == final:
        return _with_body(folded, out.type, value, step)
    applied = f"list_transform([{folded}], lambda {final}: {out.sql})[1]"
    sql = f"CASE WHEN {value.sql} IS NULL THEN NULL ELSE {applied} END"
    return _with_body(
        sql, out.type, value, Expr("", UNKNOWN, refusing=step.refusing or out.refusing)
    )


@scalar("zip", treatment=SAME)
def _zip(call: Call) -> Expr:
    call.arity(2, 5)
    values = [_array(call, index) for index in range(len(call))]
    type = array(row(tuple(value.type.element for value in values)))
    nulls = " OR ".join(f"{value.sql} IS NULL" for value in values)
    longest = f"greatest({', '.join(f'len({value.sql})' for value in values)})"
    fields = ", ".join(f"f{i} := {value.sql}[n]" for i, value in enumerate(values, 1))
    zipped = f"list_transform(range(1, {longest} + 1), lambda n: struct_pack({fields}))"
    return build(f"CASE WHEN {nulls} THEN NULL ELSE {zipped} END", type, *values)


@scalar("zip_with")
def _zip_with(call: Call) -> Expr:
    call.arity(3)
    left, right = _array(call), _array(call, 1)
    (a, b), body = call.compiled(2, left.type.element, right.type.element)
    longest = f"greatest(len({left.sql}), len({right.sql}))"
    pairs = (
        f"list_transform(range(1, {longest} + 1), "
        f"lambda n: struct_pack(a := {left.sql}[n], b := {right.sql}[n]))"
    )
    variable = f"{a}p"
    second = f"list_transform([{variable}.b], lambda {b}: {body.sql})[1]"
    inner = f"list_transform([{variable}.a], lambda {a}: {second})[1]"
    zipped = f"list_transform({pairs}, lambda {variable}: {inner})"
    sql = f"CASE WHEN {left.sql} IS NULL OR {right.sql} IS NULL THEN NULL ELSE {zipped} END"
    made = build(sql, array(body.type), left, right)
    return Expr(made.sql, made.type, refusing=made.refusing or body.refusing)
