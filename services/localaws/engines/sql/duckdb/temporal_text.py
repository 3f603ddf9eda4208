"""Dates, timestamps and intervals from and to text, as Trino reads and writes them."""

from __future__ import annotations

from localaws.engines.sql.duckdb.typed import Expr, build, fail, refuse_at_run_time
from localaws.engines.sql.duckdb.types import DATE, Type

INVALID_CAST = "INVALID_CAST_ARGUMENT"
_SPACE = r"[\t\n\v\f\r ]*"
_DATE = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_TIME = r"[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,6})?)?"


def timestamp(value: str, precision: int) -> str:
    """Return SQL for ``yyyy-MM-dd HH:mm:ss.fff`` with `precision` (at most 6) digits."""
    if precision == 0:
        return f"strftime({value}, '%Y-%m-%d %H:%M:%S')"
    if precision == 3:
        return f"strftime({value}, '%Y-%m-%d %H:%M:%S.%g')"
    whole = f"strftime({value}, '%Y-%m-%d %H:%M:%S.%f')"
    return whole if precision == 6 else f"left({whole}, -{6 - precision})"


def day_to_second(value: str) -> str:
    """Return SQL for ``d hh:mm:ss.fff`` of milliseconds."""
    size = f"abs({value})"
    pad = "lpad(CAST({} AS VARCHAR), {}, '0')"
    return (
        f"(CASE WHEN {value} < 0 THEN '-' ELSE '' END || CAST({size} // 86400000 AS VARCHAR) "
        f"|| ' ' || {pad.format(f'{size} // 3600000 % 24', 2)} "
        f"|| ':' || {pad.format(f'{size} // 60000 % 60', 2)} "
        f"|| ':' || {pad.format(f'{size} // 1000 % 60', 2)} "
        f"|| '.' || {pad.format(f'{size} % 1000', 3)})"
    )


def year_to_month(value: str) -> str:
    """Return SQL for ``y-m`` of months."""
    size = f"abs({value})"
    return (
        f"(CASE WHEN {value} < 0 THEN '-' ELSE '' END || CAST({size} // 12 AS VARCHAR) "
        f"|| '-' || CAST({size} % 12 AS VARCHAR))"
    )


def rounded(value: Expr, target: Type) -> Expr:
    """Return a timestamp at the target's precision, rounded half up."""
    step = 10 ** (6 - target.params[0])
    if value.type.params[0] <= target.params[0]:
        return value.typed(target)
    micros = f"epoch_us({value.sql})"
    half = step // 2
    floor = f"({micros} + {half}) - (({micros} + {half}) % {step} + {step}) % {step}"
    return build(f"make_timestamp({floor})", target, value)


def parse_date(value: Expr, safe: bool) -> Expr:
    """Return CAST(varchar AS date)."""
    failure = fail(INVALID_CAST, "Value cannot be cast to date: ", value, show=True)
    parsed = f"TRY_CAST({value.sql} AS DATE)"
    null = f"WHEN {value.sql} IS NULL THEN NULL "
    if safe:
        failure = "NULL"
    odd = refuse_at_run_time("Dates outside years 0001-9999 are not supported here", value)
    return build(
        f"CASE {null}WHEN regexp_full_match({value.sql}, '{_SPACE}{_DATE}{_SPACE}') "
        f"AND {parsed} IS NOT NULL THEN {parsed} "
        f"WHEN regexp_full_match({value.sql}, '{_SPACE}[+-]?[0-9]+-[0-9]{{1,2}}-[0-9]{{1,2}}"
        f"{_SPACE}') AND NOT regexp_full_match({value.sql}, '{_SPACE}{_DATE}{_SPACE}') THEN {odd} "
        f"ELSE {failure} END",
        DATE,
        value,
        refusing=True,
    )


def parse_timestamp(value: Expr, target: Type, safe: bool) -> Expr:
    """Return CAST(varchar AS timestamp(p)); texts with a zone or 7+ digits are refused."""
    failure = fail(INVALID_CAST, "Value cannot be cast to timestamp: ", value, show=True)
    odd = refuse_at_run_time("This timestamp text is not supported here", value)
    padded = (
        f"CASE WHEN regexp_full_match(trim({value.sql}), '{_DATE} [0-9]{{1,2}}:[0-9]{{1,2}}') "
        f"THEN trim({value.sql}) || ':00' ELSE trim({value.sql}) END"
    )
    parsed = Expr(f"TRY_CAST({padded} AS TIMESTAMP)", Type("timestamp", (6,)))
    result = rounded(parsed, target)
    return build(
        f"CASE WHEN {value.sql} IS NULL THEN NULL "
        f"WHEN regexp_full_match({value.sql}, '{_DATE}( {_TIME})?') "
        f"AND {parsed.sql} IS NOT NULL THEN {result.sql} "
        f"WHEN regexp_matches({value.sql}, '^{_SPACE}[+-]?[0-9]{{4,}}-[0-9]+-[0-9]+"
        f"{_SPACE}($|[ ])') "
        f"AND NOT regexp_full_match({value.sql}, '{_DATE}( {_TIME})?') THEN {odd} "
        f"ELSE {'NULL' if safe else failure} END",
        target,
        value,
        refusing=True,
    )
