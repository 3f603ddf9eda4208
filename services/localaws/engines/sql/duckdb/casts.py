"""Casts between Trino types, explicit (CAST, TRY_CAST) and implicit (coercions), as DuckDB SQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from localaws.engines.sql.base import SqlError, SqlRefused
from localaws.engines.sql.duckdb import numbers_text, temporal_text
from localaws.engines.sql.duckdb.typed import Expr, build, fail, name, refuse_at_run_time
from localaws.engines.sql.duckdb.types import DATE, VARCHAR, Type, common_type

INVALID_CAST = "INVALID_CAST_ARGUMENT"
_SHORT_DECIMAL = 18


def coerce(value: Expr, target: Type) -> Expr:
    """Return the value implicitly coerced; the caller has checked that the types allow it."""
    source = value.type
    if source == target:
        return value
    if source.name == "unknown":
        return build(f"CAST({value.sql} AS {target.duckdb})", target, value)
    if source.duckdb == target.duckdb and not source.contains("varchar", "char"):
        return value.typed(target)
    if source.name == target.name == "varchar":
        return value.typed(target)
    made = cast(value, target)
    if value.value is not None and source.is_numeric and target.is_numeric:
        return replace(made, value=value.value)
    return made


def cast(value: Expr, target: Type, *, safe: bool = False) -> Expr:
    """Return CAST (or, with `safe`, TRY_CAST) of a value.

    Raises:
        SqlError: ``TYPE_MISMATCH``, Trino has no such cast.
        SqlRefused: the cast is not proven here.
    """
    source = value.type
    if source == target and source.name != "char":
        return value
    if source.name == "unknown":
        return build(f"CAST({value.sql} AS {target.duckdb})", target, value)
    key = (_group(source), _group(target))
    rule = _RULES.get(key)
    if rule is None:
        if _impossible(*key):
            raise SqlError("TYPE_MISMATCH", f"Cannot cast {source} to {target}")
        raise SqlRefused(f"CAST from {source} to {target} is not supported here")
    return rule(value, target, safe)


def _group(found: Type) -> str:
    if found.is_integral:
        return "integer"
    if found.is_floating:
        return "double"
    return found.name


def _impossible(source: str, target: str) -> bool:
    scalars = {"boolean", "integer", "double", "decimal"}
    temporal = {"date", "timestamp", "timestamp with time zone", "time"}
    nested = {"array", "map", "row"}
    return bool(
        (source in scalars and target in temporal | nested)
        or (source in temporal and target in scalars | nested)
        or (source in nested and target in scalars | temporal | {"varchar"})
        or (source in nested and target in nested and source != target)
        or {source, target} == {"date", "time"}
        or (source == "varchar" and target in nested)
    )


def checked(condition: str, result: str, failure: str, safe: bool, type: Type, value: Expr) -> Expr:
    """Return `result` where `condition` holds and NULL for NULL; else fail, or NULL when safe."""
    other = "NULL" if safe else failure
    null = f"WHEN {value.sql} IS NULL THEN NULL " if not safe else ""
    return build(f"CASE {null}WHEN {condition} THEN {result} ELSE {other} END", type, value)


def _plain(value: Expr, target: Type, safe: bool) -> Expr:
    word = "TRY_CAST" if safe else "CAST"
    return build(f"{word}({value.sql} AS {target.duckdb})", target, value)


def _double_to_integer(value: Expr, target: Type, safe: bool) -> Expr:
    rounded = build(f"round({value.sql})", value.type, value)
    return _plain(rounded, target, safe)


def _double_to_double(value: Expr, target: Type, safe: bool) -> Expr:
    if value.type.name == "double":  # DuckDB fails where Java makes it infinite
        limit = "3.4028235677973366e38"
        return build(
            f"CASE WHEN abs({value.sql}) < {limit} OR isnan({value.sql}) "
            f"THEN CAST({value.sql} AS FLOAT) WHEN {value.sql} > 0 THEN CAST('Infinity' AS FLOAT) "
            f"WHEN {value.sql} < 0 THEN CAST('-Infinity' AS FLOAT) END",
            target,
            value,
        )
    return _plain(value, target, safe)


def _double_to_decimal(value: Expr, target: Type, safe: bool) -> Expr:
    shown = build(f"CAST({value.sql} AS VARCHAR)", VARCHAR, value)
    return _plain(shown, target, safe)


def _decimal_to_double(value: Expr, target: Type, safe: bool) -> Expr:
    if value.type.precision > _SHORT_DECIMAL or target.name == "real":
        return build(f"CAST(CAST({value.sql} AS VARCHAR) AS {target.duckdb})", target, value)
    return build(f"CAST({value.sql} AS {target.duckdb})", target, value)


def _to_boolean(value: Expr, target: Type, safe: bool) -> Expr:
    if value.type.is_text:
        low = f"lower({value.sql})"
        failure = fail(INVALID_CAST, "Cannot cast value to BOOLEAN: ", value, show=True)
        null = "" if safe else f"WHEN {value.sql} IS NULL THEN NULL "
        return build(
            f"CASE {null}WHEN {low} IN ('t','true','1') THEN true "
            f"WHEN {low} IN ('f','false','0') THEN false "
            f"ELSE {'NULL' if safe else failure} END",
            target,
            value,
        )
    return build(f"({value.sql} <> 0)", target, value)


def _boolean_to_number(value: Expr, target: Type, safe: bool) -> Expr:
    return build(f"CAST(CAST({value.sql} AS INTEGER) AS {target.duckdb})", target, value)


def _text_to_text(value: Expr, target: Type, safe: bool) -> Expr:
    if not target.params or (value.type.params and value.type.params[0] <= target.params[0]):
        return value.typed(target)
    cut = f"left({value.sql}, {target.params[0]})"
    found = value.value[: target.params[0]] if isinstance(value.value, str) else None
    made = build(cut, target, value)
    return made if found is None else Expr(made.sql, target, found, constant=True)


def _to_text(value: Expr, target: Type, safe: bool) -> Expr:
    shown = text_of(value)
    if not target.params:
        return shown
    limit = target.params[0]
    message = f"Value cannot be represented as {target}: "
    return checked(
        f"length({shown.sql}) <= {limit}",
        shown.sql,
        fail(INVALID_CAST, message, shown, show=True),
        safe,
        target,
        shown,
    )


def text_of(value: Expr) -> Expr:
    """Return a scalar as CAST(… AS varchar) writes it."""
    kind = value.type.name
    if kind == "varchar":
        return value.typed(VARCHAR)
    if value.type.is_integral or kind in ("boolean", "date"):
        sql = f"CAST({value.sql} AS VARCHAR)"
    elif kind == "decimal":
        sql = numbers_text.decimal(value.sql, *value.type.params)
    elif kind == "double":
        sql = numbers_text.scientific(value.sql)
    elif kind == "timestamp":
        sql = temporal_text.timestamp(value.sql, value.type.params[0])
    elif kind == "timestamp with time zone":
        sql = temporal_text.timestamp(value.sql, value.type.params[0]) + " || ' UTC'"
        sql = f"({sql})"
    elif kind == "interval day to second":
        sql = temporal_text.day_to_second(value.sql)
    elif kind == "interval year to month":
        sql = temporal_text.year_to_month(value.sql)
    else:
        raise SqlRefused(f"CAST from {value.type} to varchar is not supported here")
    return build(sql, VARCHAR, value)


_SPACE = r"[\t\n\v\f\r ]*"


def _matching(pattern: str, parse: str, what: str) -> Callable[[Expr, Type, bool], Expr]:
    def rule(value: Expr, target: Type, safe: bool) -> Expr:
        word = "TRY_CAST" if safe else "CAST"
        result = parse.format(word=word, x=value.sql, to=target.duckdb)
        failure = fail(INVALID_CAST, f"Cannot cast value to {what}: ", value, show=True)
        condition = f"regexp_full_match({value.sql}, '{pattern}')"
        return checked(condition, result, failure, safe, target, value)

    return rule


def _text_to_double(value: Expr, target: Type, safe: bool) -> Expr:
    number = rf"{_SPACE}[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?{_SPACE}"
    special = f"{_SPACE}([+-]?Infinity|[+-]?NaN){_SPACE}"
    odd = rf"{_SPACE}[+-]?([0-9].*|\.[0-9].*)"
    trimmed = f"trim({value.sql}, chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || ' +')"
    failure = fail(INVALID_CAST, f"Cannot cast value to {target}: ", value, show=True)
    refusal = refuse_at_run_time("Java's number suffixes are not supported here", value)
    null = f"WHEN {value.sql} IS NULL THEN NULL "
    return build(
        f"CASE {null}WHEN regexp_full_match({value.sql}, '{number}') THEN "
        f"CAST({trimmed} AS {target.duckdb}) "
        f"WHEN regexp_full_match({value.sql}, '{special}') THEN "
        f"CAST(CASE WHEN contains({value.sql}, 'NaN') THEN 'NaN' ELSE {trimmed} END "
        f"AS {target.duckdb}) "
        f"WHEN regexp_full_match({value.sql}, '(?s){odd}') "
        f"AND regexp_matches({value.sql}, '[dDfFxX]{_SPACE}$') THEN {refusal} "
        f"ELSE {'NULL' if safe else failure} END",
        target,
        value,
        refusing=True,
    )


def _to_timestamp(value: Expr, target: Type, safe: bool) -> Expr:
    if target.params[0] > 6:
        raise SqlRefused(f"{target} is not supported here: at most 6 fractional digits are")
    if value.type.is_text:
        return temporal_text.parse_timestamp(value, target, safe)
    if value.type.name == "date":
        return build(f"CAST({value.sql} AS TIMESTAMP)", target, value)
    return temporal_text.rounded(value, target)


def _to_date(value: Expr, target: Type, safe: bool) -> Expr:
    if value.type.is_text:
        return temporal_text.parse_date(value, safe)
    return build(f"CAST({value.sql} AS DATE)", DATE, value)


def _array_to_array(value: Expr, target: Type, safe: bool) -> Expr:
    variable = f"e{len(value.sql)}"
    inner = cast(Expr(variable, value.type.element), target.element)
    if inner.sql == variable:
        return value.typed(target)
    _no_safe(safe, value.type, target)
    return build(
        f"list_transform({value.sql}, lambda {variable}: {inner.sql})",
        target,
        value,
        refusing=inner.refusing,
    )


def _map_to_map(value: Expr, target: Type, safe: bool) -> Expr:
    variable = f"e{len(value.sql)}"
    key = cast(Expr(f"{variable}.key", value.type.args[0]), target.args[0])
    item = cast(Expr(f"{variable}.value", value.type.args[1]), target.args[1])
    if (key.sql, item.sql) == (f"{variable}.key", f"{variable}.value"):
        return value.typed(target)
    _no_safe(safe, value.type, target)
    pair = f"struct_pack(k := {key.sql}, v := {item.sql})"
    entries = f"list_transform(map_entries({value.sql}), lambda {variable}: {pair})"
    return build(
        f"CASE WHEN {value.sql} IS NULL THEN NULL ELSE map_from_entries({entries}) END",
        target,
        value,
        refusing=key.refusing or item.refusing,
    )


def _row_to_row(value: Expr, target: Type, safe: bool) -> Expr:
    if len(value.type.args) != len(target.args):
        raise SqlError("TYPE_MISMATCH", f"Cannot cast {value.type} to {target}")
    parts = []
    refusing = False
    for index, (source, wanted) in enumerate(zip(value.type.args, target.args, strict=True)):
        part = cast(field(value, index).typed(source), wanted)
        refusing |= part.refusing
        parts.append(f"{name(target.struct_fields[index])} := {part.sql}")
    if value.type.duckdb == target.duckdb and value.type.args == target.args:
        return value.typed(target)
    _no_safe(safe, value.type, target)
    packed = f"struct_pack({', '.join(parts)})"
    return build(
        f"CASE WHEN {value.sql} IS NULL THEN NULL ELSE {packed} END",
        target,
        value,
        refusing=refusing,
    )


def field(value: Expr, index: int) -> Expr:
    """Return one field of a row, by position."""
    wanted = value.type.struct_fields[index].replace("'", "''")
    return build(f"struct_extract({value.sql}, '{wanted}')", value.type.args[index], value)


def _no_safe(safe: bool, source: Type, target: Type) -> None:
    if safe:
        raise SqlRefused(f"TRY_CAST from {source} to {target} is not supported here")


_Rule = Callable[[Expr, Type, bool], Expr]
_RULES: dict[tuple[str, str], _Rule] = {
    ("boolean", "integer"): _boolean_to_number,
    ("boolean", "double"): _boolean_to_number,
    ("boolean", "decimal"): _boolean_to_number,
    ("integer", "boolean"): _to_boolean,
    ("double", "boolean"): _to_boolean,
    ("decimal", "boolean"): _to_boolean,
    ("varchar", "boolean"): _to_boolean,
    ("integer", "integer"): _plain,
    ("integer", "double"): _plain,
    ("integer", "decimal"): _plain,
    ("double", "integer"): _double_to_integer,
    ("double", "double"): _double_to_double,
    ("double", "decimal"): _double_to_decimal,
    ("decimal", "integer"): _plain,
    ("decimal", "double"): _decimal_to_double,
    ("decimal", "decimal"): _plain,
    ("varchar", "varchar"): _text_to_text,
    ("varchar", "integer"): _matching(
        rf"{_SPACE}[+-]?[0-9]+{_SPACE}", "{word}({x} AS {to})", "INT"
    ),
    ("varchar", "decimal"): _matching(
        r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", "{word}({x} AS {to})", "DECIMAL"
    ),
    ("varchar", "double"): _text_to_double,
    ("varchar", "date"): _to_date,
    ("varchar", "timestamp"): _to_timestamp,
    ("date", "timestamp"): _to_timestamp,
    ("date", "timestamp with time zone"): _to_timestamp,
    ("timestamp", "date"): _to_date,
    ("timestamp", "timestamp"): _to_timestamp,
    ("timestamp", "timestamp with time zone"): _to_timestamp,
    ("timestamp with time zone", "date"): _to_date,
    ("timestamp with time zone", "timestamp"): _to_timestamp,
    ("timestamp with time zone", "timestamp with time zone"): _to_timestamp,
    ("array", "array"): _array_to_array,
    ("map", "map"): _map_to_map,
    ("row", "row"): _row_to_row,
    **{
        (kind, "varchar"): _to_text
        for kind in (
            "boolean",
            "integer",
            "double",
            "decimal",
            "date",
            "timestamp",
            "timestamp with time zone",
            "interval day to second",
            "interval year to month",
        )
    },
}


def unify(values: list[Expr]) -> tuple[list[Expr], Type] | None:
    """Coerce values to their common type, or return None where there is none."""
    target = values[0].type
    for value in values[1:]:
        found = common_type(target, value.type)
        if found is None:
            return None
        target = found
    return [coerce(value, target) for value in values], target
