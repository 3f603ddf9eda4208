"""Date and time functions: https://trino.io/docs/476/functions/datetime.html."""

from __future__ import annotations

from localaws.engines.sql.base import SqlError, SqlRefused
from localaws.engines.sql.duckdb.casts import cast, coerce
from localaws.engines.sql.duckdb.functions.registry import Call, scalar
from localaws.engines.sql.duckdb.operators import add_interval
from localaws.engines.sql.duckdb.typed import Expr, build, fail, refuse_at_run_time, text
from localaws.engines.sql.duckdb.types import (
    BIGINT,
    DATE,
    DAY_TO_SECOND,
    DOUBLE,
    INSTANT_MILLIS,
    TIMESTAMP_MILLIS,
    VARCHAR,
    YEAR_TO_MONTH,
    common_type,
    varchar,
)

INVALID = "INVALID_FUNCTION_ARGUMENT"
_MOMENTS = ("date", "timestamp", "timestamp with time zone")
_MILLIS = {
    "millisecond": 1,
    "second": 1_000,
    "minute": 60_000,
    "hour": 3_600_000,
    "day": 86_400_000,
    "week": 604_800_000,
}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DATE_UNITS = ("day", "week", "month", "quarter", "year")


@scalar("current_date")
def _current_date(call: Call) -> Expr:
    call.arity(0)
    return Expr(f"DATE '{call.now[:10]}'", DATE, constant=True)


@scalar("now", "current_timestamp")
def _now(call: Call) -> Expr:
    call.arity(0)
    return Expr(f"TIMESTAMP '{call.now}'", INSTANT_MILLIS, constant=True)


@scalar("localtimestamp")
def _localtimestamp(call: Call) -> Expr:
    call.arity(0)
    return Expr(f"TIMESTAMP '{call.now}'", TIMESTAMP_MILLIS, constant=True)


@scalar("date")
def _date(call: Call) -> Expr:
    call.arity(1)
    return cast(call.any(0), DATE)


def _part(names: tuple[str, ...], template: str, *, dates: bool = True) -> None:
    def build_part(call: Call) -> Expr:
        call.arity(1)
        value = call.any(0)
        if value.type.name.startswith("interval"):
            raise SqlRefused(f"{call.name} of an interval is not supported here")
        if value.type.name not in _MOMENTS:
            raise call.mismatch()
        if not dates and value.type.name == "date":
            value = coerce(value, TIMESTAMP_MILLIS)
        return build(f"CAST({template.format(x=value.sql)} AS BIGINT)", BIGINT, value)

    scalar(*names)(build_part)


_part(("year",), "year({x})")
_part(("quarter",), "quarter({x})")
_part(("month",), "month({x})")
_part(("week", "week_of_year"), "weekofyear({x})")
_part(("year_of_week", "yow"), "isoyear({x})")
_part(("day", "day_of_month"), "day({x})")
_part(("day_of_week", "dow"), "isodow({x})")
_part(("day_of_year", "doy"), "dayofyear({x})")
_part(("hour",), "hour({x})", dates=False)
_part(("minute",), "minute({x})", dates=False)
_part(("second",), "second({x})", dates=False)
_part(("millisecond",), "(millisecond({x}) % 1000)", dates=False)


@scalar("last_day_of_month")
def _last_day(call: Call) -> Expr:
    call.arity(1)
    value = call.kind(0, *_MOMENTS)
    return build(f"last_day({value.sql})", DATE, value)


def _unit(call: Call, *, date: bool) -> str:
    unit = call.literal(0).lower()
    if unit not in _MILLIS and unit not in _MONTHS:
        raise SqlError(INVALID, f"'{unit}' is not a valid TIMESTAMP field")
    if date and unit not in _DATE_UNITS:
        raise SqlError(INVALID, f"'{unit}' is not a valid DATE field")
    return unit


@scalar("date_trunc")
def _trunc(call: Call) -> Expr:
    call.arity(2)
    value = call.kind(1, *_MOMENTS)
    unit = _unit(call, date=value.type.name == "date")
    sql = f"CAST(date_trunc('{unit}', {value.sql}) AS {value.type.duckdb})"
    return build(sql, value.type, value)


@scalar("date_add")
def _add(call: Call) -> Expr:
    call.arity(3)
    amount, value = call.bigint(1), call.kind(2, *_MOMENTS)
    unit = _unit(call, date=value.type.name == "date")
    if unit in _MONTHS:
        months = build(f"CAST({amount.sql} * {_MONTHS[unit]} AS INTEGER)", YEAR_TO_MONTH, amount)
        return add_interval(value, months)
    if value.type.name == "date":
        days = _MILLIS[unit] // _MILLIS["day"]
        moved = f"({value.sql} + CAST({amount.sql} * {days} AS INTEGER))"
        return build(moved, DATE, amount, value)
    if unit == "millisecond" and value.type.params[0] < 3:
        raise SqlRefused(f"date_add of milliseconds to {value.type} is not supported here")
    millis = build(f"({amount.sql} * {_MILLIS[unit]})", DAY_TO_SECOND, amount)
    return add_interval(value, millis).typed(value.type)


@scalar("date_diff")
def _diff(call: Call) -> Expr:
    call.arity(3)
    first, second = call.kind(1, *_MOMENTS), call.kind(2, *_MOMENTS)
    shared = common_type(first.type, second.type)
    if shared is None:
        raise call.mismatch()
    unit = _unit(call, date=shared.name == "date")
    first, second = coerce(first, shared), coerce(second, shared)
    if unit in _MILLIS and shared.name == "date":
        days = f"({second.sql} - {first.sql})"
        sql = f"({days} // 7)" if unit == "week" else days
        return build(f"CAST({sql} AS BIGINT)", BIGINT, first, second)
    if unit in _MILLIS:
        micros = f"(epoch_us({second.sql}) - epoch_us({first.sql}))"
        return build(f"({micros} // {_MILLIS[unit] * 1000})", BIGINT, first, second)
    return build(_months_between(first, second, _MONTHS[unit]), BIGINT, first, second)


def _months_between(first: Expr, second: Expr, months: int) -> str:
    """Return SQL for complete months as Joda-Time counts them, from the earlier to the later."""
    a, b = f"CAST({first.sql} AS TIMESTAMP)", f"CAST({second.sql} AS TIMESTAMP)"

    def between(low: str, high: str) -> str:
        total = f"((year({high}) - year({low})) * 12 + month({high}) - month({low}))"
        early = f"{low} + to_months(CAST({total} AS INTEGER)) > {high}"
        return f"(({total} - CASE WHEN {early} THEN 1 ELSE 0 END) // {months})"

    return f"CASE WHEN {a} <= {b} THEN {between(a, b)} ELSE -{between(b, a)} END"


@scalar("from_unixtime")
def _from_unixtime(call: Call) -> Expr:
    if len(call) > 1:
        raise SqlRefused("from_unixtime with a zone is not supported here")
    call.arity(1)
    value = call.double(0)
    millis = f"CAST(round({value.sql} * 1000) AS BIGINT)"
    return build(f"make_timestamp({millis} * 1000)", INSTANT_MILLIS, value)


@scalar("to_unixtime")
def _to_unixtime(call: Call) -> Expr:
    call.arity(1)
    value = call.any(0)
    if value.type.name == "date":
        value = coerce(value, TIMESTAMP_MILLIS)
    if value.type.name not in _MOMENTS:
        raise call.mismatch()
    if value.type.params[0] > 3:
        raise SqlRefused(f"to_unixtime of {value.type} is not supported here")
    return build(f"(CAST(epoch_ms({value.sql}) AS DOUBLE) / 1000)", DOUBLE, value)


@scalar("from_iso8601_date")
def _from_iso_date(call: Call) -> Expr:
    call.arity(1)
    value = call.text(0)
    refusal = refuse_at_run_time("Only dates as yyyy-MM-dd are supported here", value)
    parsed = f"TRY_CAST({value.sql} AS DATE)"
    sql = (
        f"CASE WHEN {value.sql} IS NULL THEN NULL WHEN "
        f"regexp_full_match({value.sql}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') "
        f"AND {parsed} IS NOT NULL THEN {parsed} ELSE {refusal} END"
    )
    return build(sql, DATE, value, refusing=True)


@scalar("from_iso8601_timestamp", note="texts in UTC")
def _from_iso_timestamp(call: Call) -> Expr:
    call.arity(1)
    value = call.text(0)
    refusal = refuse_at_run_time("Only yyyy-MM-ddTHH:mm:ss[.SSS]Z is supported here", value)
    shape = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?Z"
    parsed = f"TRY_CAST(replace(rtrim({value.sql}, 'Z'), 'T', ' ') AS TIMESTAMP)"
    sql = (
        f"CASE WHEN {value.sql} IS NULL THEN NULL WHEN regexp_full_match({value.sql}, '{shape}') "
        f"AND {parsed} IS NOT NULL THEN {parsed} ELSE {refusal} END"
    )
    return build(sql, INSTANT_MILLIS, value, refusing=True)


@scalar("to_iso8601", note="dates")
def _to_iso(call: Call) -> Expr:
    call.arity(1)
    value = call.any(0)
    if value.type.name != "date":
        raise SqlRefused(f"to_iso8601 of {value.type} is not supported here")
    return build(f"CAST({value.sql} AS VARCHAR)", varchar(16), value)


_PRINT = {
    **{c: f"%{c}" for c in "YmdHjabpyf"},
    "i": "%M",
    "s": "%S",
    "S": "%S",
    "M": "%B",
    "W": "%A",
    "e": "%-d",
    "c": "%-m",
    "k": "%-H",
    "h": "%I",
    "I": "%I",
    "l": "%-I",
    "T": "%H:%M:%S",
    "r": "%I:%M:%S %p",
    "%": "%%",
}


@scalar("date_format")
def _date_format(call: Call) -> Expr:
    call.arity(2)
    value = call.any(0)
    if value.type.name == "date":
        value = coerce(value, TIMESTAMP_MILLIS)
    if value.type.name not in _MOMENTS:
        raise call.mismatch()
    pattern = _mysql(call.literal(1), _PRINT)
    if value.type.params[0] > 3 and "%f" in pattern:
        raise SqlRefused("date_format with %f of more than milliseconds is not supported here")
    return build(f"strftime({value.sql}, {text(pattern)})", VARCHAR, value)


_READ = {
    "Y": ("%Y", "[0-9]{4}"),
    "m": ("%m", "[0-9]{1,2}"),
    "c": ("%m", "[0-9]{1,2}"),
    "d": ("%d", "[0-9]{1,2}"),
    "e": ("%d", "[0-9]{1,2}"),
    "H": ("%H", "[0-9]{1,2}"),
    "k": ("%H", "[0-9]{1,2}"),
    "h": ("%I", "[0-9]{1,2}"),
    "I": ("%I", "[0-9]{1,2}"),
    "l": ("%I", "[0-9]{1,2}"),
    "i": ("%M", "[0-9]{1,2}"),
    "s": ("%S", "[0-9]{1,2}"),
    "S": ("%S", "[0-9]{1,2}"),
    "T": ("%H:%M:%S", "[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}"),
    "f": ("%f", "[0-9]{1,3}"),
    "p": ("%p", "(AM|PM)"),
    "b": ("%b", "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"),
}


@scalar("date_parse", note="unusual specifiers and inputs are refused")
def _date_parse(call: Call) -> Expr:
    call.arity(2)
    value, pattern = call.text(0), call.literal(1)
    shape, at, seen = [], 0, []
    reading: list[str] = []
    while at < len(pattern):
        char = pattern[at]
        if char != "%":
            if (char.isalnum() and char != "T") or not char.isascii():
                raise SqlRefused(f"date_parse with '{pattern}' is not supported here")
            shape.append("\\" + char if not char.isalnum() and char != " " else char)
            reading.append(char)
            at += 1
            continue
        code = pattern[at + 1 : at + 2]
        if code not in _READ:
            raise SqlRefused(f"date_parse with %{code} is not supported here")
        follows_digits = pattern[at + 2 : at + 3] == "%" and code not in "pb"
        read, match = _READ[code]
        # digits that run into the next field are split alike only at full width
        shape.append(
            match.replace("{1,2}", "{2}").replace("{1,3}", "{3}") if follows_digits else match
        )
        reading.append(read)
        seen.append(code)
        at += 2
    if (
        len(seen) != len(set(seen))
        or "Y" not in seen
        or ("p" in seen) != bool({"h", "I", "l"} & set(seen))
    ):
        raise SqlRefused(f"date_parse with '{pattern}' is not supported here")
    parsed = f"try_strptime({value.sql}, {text(''.join(reading))})"
    failure = fail(INVALID, "Invalid format: ", value, show=True)
    refusal = refuse_at_run_time(f"date_parse of this text with '{pattern}'", value)
    sql = (
        f"CASE WHEN {value.sql} IS NULL THEN NULL "
        f"WHEN regexp_full_match({value.sql}, {text(''.join(shape))}) THEN "
        f"CASE WHEN {parsed} IS NOT NULL THEN {parsed} ELSE {failure} END "
        f"WHEN regexp_matches({value.sql}, '[+-]?[0-9]{{5,}}') THEN {refusal} "
        f"ELSE {failure} END"
    )
    return build(sql, TIMESTAMP_MILLIS, value, refusing=True)


def _mysql(pattern: str, codes: dict[str, str]) -> str:
    out, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        if char == "%":
            code = pattern[at + 1 : at + 2]
            if code not in codes:
                raise SqlRefused(f"%{code} in a date format is not supported here")
            out.append(codes[code])
            at += 2
            continue
        out.append(char)
        at += 1
    return "".join(out)


_JODA = {
    "yyyy": "%Y",
    "yy": "%y",
    "MM": "%m",
    "M": "%-m",
    "dd": "%d",
    "d": "%-d",
    "HH": "%H",
    "H": "%-H",
    "mm": "%M",
    "ss": "%S",
    "SSS": "%g",
    "hh": "%I",
    "h": "%-I",
    "a": "%p",
    "EEE": "%a",
    "EEEE": "%A",
    "MMM": "%b",
    "MMMM": "%B",
}


@scalar("format_datetime", note="common Joda patterns")
def _format_datetime(call: Call) -> Expr:
    call.arity(2)
    value, pattern = call.any(0), call.literal(1)
    if value.type.name == "date":
        value = coerce(value, TIMESTAMP_MILLIS)
    if value.type.name not in _MOMENTS:
        raise call.mismatch()
    out, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        run = len(pattern[at:]) - len(pattern[at:].lstrip(char))
        if char.isalpha():
            word = pattern[at : at + run]
            if word not in _JODA:
                raise SqlRefused(f"format_datetime with {word} is not supported here")
            out.append(_JODA[word])
        elif char == "'" or not char.isascii():
            raise SqlRefused(f"format_datetime with '{pattern}' is not supported here")
        else:
            out.append((char * run).replace("%", "%%"))
        at += run
    return build(f"strftime({value.sql}, {text(''.join(out))})", VARCHAR, value)
