"""Map functions: https://trino.io/docs/476/functions/map.html."""

from __future__ import annotations

from localaws.engines.sql.base import SqlRefused
from localaws.engines.sql.duckdb.casts import coerce
from localaws.engines.sql.duckdb.functions.registry import Call, scalar
from localaws.engines.sql.duckdb.typed import Expr, build, fail
from localaws.engines.sql.duckdb.types import UNKNOWN, Type, array, common_type, map_of, row

INVALID = "INVALID_FUNCTION_ARGUMENT"


def _map(call: Call, index: int = 0) -> Expr:
    value = call.kind(index, "map")
    _key(call, value.type.args[0])
    return value


def _key(call: Call, type: Type) -> None:
    if type.args or type.is_floating:
        raise SqlRefused(f"{call.name} with keys of type {type} is not supported here")


@scalar("map")
def _constructor(call: Call) -> Expr:
    if not len(call):
        empty = f"CAST(map([], []) AS {map_of(UNKNOWN, UNKNOWN).duckdb})"
        return Expr(empty, map_of(UNKNOWN, UNKNOWN), constant=True)
    call.arity(2)
    keys, values = call.kind(0, "array"), call.kind(1, "array")
    _key(call, keys.type.element)
    witness = keys if not keys.constant else values
    failure = fail(INVALID, "Key and value arrays must be the same length", witness)
    sql = (
        f"CASE WHEN {keys.sql} IS NULL OR {values.sql} IS NULL THEN NULL "
        f"WHEN len({keys.sql}) <> len({values.sql}) THEN {failure} "
        f"ELSE map({keys.sql}, {values.sql}) END"
    )
    return build(sql, map_of(keys.type.element, values.type.element), keys, values)


@scalar("map_keys")
def _keys(call: Call) -> Expr:
    call.arity(1)
    value = _map(call)
    return build(f"map_keys({value.sql})", array(value.type.args[0]), value)


@scalar("map_values")
def _values(call: Call) -> Expr:
    call.arity(1)
    value = _map(call)
    return build(f"map_values({value.sql})", array(value.type.args[1]), value)


@scalar("map_entries")
def _entries(call: Call) -> Expr:
    call.arity(1)
    value = _map(call)
    entries = (
        f"list_transform(map_entries({value.sql}), "
        "lambda n: struct_pack(f1 := n.key, f2 := n.value))"
    )
    return build(entries, array(row(value.type.args)), value)


@scalar("map_from_entries")
def _from_entries(call: Call) -> Expr:
    call.arity(1)
    value = call.kind(0, "array")
    element = value.type.element
    if element.name != "row" or len(element.args) != 2:
        raise call.mismatch()
    _key(call, element.args[0])
    first, second = element.struct_fields
    null = fail(INVALID, "map entry cannot be null", value)
    pairs = (
        f"list_transform({value.sql}, lambda n: CASE WHEN n IS NULL THEN {null} "
        f"ELSE struct_pack(k := struct_extract(n, '{first}'), v := struct_extract(n, '{second}')) "
        "END)"
    )
    sql = f"CASE WHEN {value.sql} IS NULL THEN NULL ELSE map_from_entries({pairs}) END"
    return build(sql, map_of(*element.args), value)


@scalar("map_concat", note="the last value of a key wins")
def _concat(call: Call) -> Expr:
    call.arity(2)
    left, right = _map(call), _map(call, 1)
    shared = common_type(left.type, right.type)
    if shared is None:
        raise call.mismatch()
    left, right = coerce(left, shared), coerce(right, shared)
    sql = (
        f"CASE WHEN {left.sql} IS NULL OR {right.sql} IS NULL THEN NULL "
        f"ELSE map_concat({left.sql}, {right.sql}) END"
    )
    return build(sql, shared, left, right)


def _over_entries(call: Call) -> tuple[Expr, str, str, Expr]:
    """Return the map, the entry variable, and the lambda body bound to the entry."""
    call.arity(2)
    value = _map(call)
    (key, item), body = call.compiled(1, *value.type.args)
    entry = f"{key}e"
    bound = (
        f"list_transform([{entry}.key], lambda {key}: "
        f"list_transform([{entry}.value], lambda {item}: {body.sql})[1])[1]"
    )
    return value, entry, bound, body


def _rebuilt(value: Expr, entries: str, type: Type, body: Expr) -> Expr:
    sql = f"CASE WHEN {value.sql} IS NULL THEN NULL ELSE map_from_entries({entries}) END"
    made = build(sql, type, value)
    return Expr(made.sql, type, refusing=made.refusing or body.refusing)


@scalar("map_filter")
def _filter(call: Call) -> Expr:
    value, entry, bound, body = _over_entries(call)
    if body.type.name not in ("boolean", "unknown"):
        raise call.mismatch()
    kept = f"list_filter(map_entries({value.sql}), lambda {entry}: coalesce({bound}, false))"
    return _rebuilt(value, kept, value.type, body)


@scalar("transform_values")
def _transform_values(call: Call) -> Expr:
    value, entry, bound, body = _over_entries(call)
    pairs = (
        f"list_transform(map_entries({value.sql}), "
        f"lambda {entry}: struct_pack(k := {entry}.key, v := {bound}))"
    )
    return _rebuilt(value, pairs, map_of(value.type.args[0], body.type), body)


@scalar("transform_keys")
def _transform_keys(call: Call) -> Expr:
    value, entry, bound, body = _over_entries(call)
    _key(call, body.type)
    pairs = (
        f"list_transform(map_entries({value.sql}), "
        f"lambda {entry}: struct_pack(k := {bound}, v := {entry}.value))"
    )
    return _rebuilt(value, pairs, map_of(body.type, value.type.args[1]), body)
