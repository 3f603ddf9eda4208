"""Text to values, as Hive's and Trino's line deserialisers read them.

Each function takes SQL of a VARCHAR and returns SQL of the value. What is not a value of the type
becomes null. The first branch is the cheap one: text that is already in DuckDB's own notation.
"""

from __future__ import annotations

from localaws.engines.sql.base import SqlError
from localaws.engines.sql.duckdb.text import literal
from localaws.engines.sql.duckdb.typed import ERROR_PREFIX
from localaws.engines.sql.duckdb.types import Type

NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_DATE = r"([0-9]{1,4})-([0-9]{1,2})-([0-9]{1,2})"
_TIME = r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(\.[0-9]{1,9})?"


def failure(error: str, message: str, *shown: str) -> str:
    """Return SQL that fails; `shown` are SQL texts put in place of each ``{}`` of `message`."""
    pieces = f"{ERROR_PREFIX}{error}:{message}".split("{}")
    parts = [literal(pieces[0])]
    for value, piece in zip(shown, pieces[1:], strict=True):
        parts += [f"coalesce({value}, 'null')", literal(piece)]
    return f"error({' || '.join(parts)})"


def unsupported(what: str) -> SqlError:
    """Return the refusal of something a scan cannot read as Hive would."""
    return SqlError("NOT_SUPPORTED", f"{what} is not supported")


def text_value(value: str, type_: Type) -> str:
    """Return a varchar or char of its declared length."""
    if type_.name == "char":
        return f"rtrim(left({value}, {type_.params[0]}), ' ')"
    return f"left({value}, {type_.params[0]})" if type_.params else value


def boolean(value: str) -> str:
    """Return ``true`` and ``false`` in any case."""
    return f"CASE lower({value}) WHEN 'true' THEN true WHEN 'false' THEN false END"


def integer(value: str, type_: Type) -> str:
    """Return an integer; a decimal part must be digits and is cut off, as LazySimpleSerDe does."""
    target = type_.duckdb
    whole = f"regexp_extract({value}, '^[+-]?[0-9]*')"
    padded = f"if({whole} IN ('', '+', '-'), '0', {whole})"
    return (
        f"CASE WHEN CAST(TRY_CAST({value} AS {target}) AS VARCHAR) = {value}"
        f" THEN TRY_CAST({value} AS {target})"
        rf" WHEN regexp_full_match({value}, '[+-]?([0-9]+|[0-9]*\.[0-9]*)')"
        f" THEN TRY_CAST(ltrim({padded}, '+') AS {target}) END"
    )


def floating(value: str, type_: Type) -> str:
    """Return what Java's ``parseDouble`` accepts, its suffixes and hexadecimal left out."""
    trimmed = f"trim({value})"
    return (
        f"CASE WHEN regexp_full_match({trimmed}, '{NUMBER}')"
        f" THEN TRY_CAST({trimmed} AS {type_.duckdb})"
        f" WHEN {trimmed} IN ('NaN', 'Infinity', '+Infinity', '-Infinity')"
        f" THEN TRY_CAST({trimmed} AS {type_.duckdb}) END"
    )


def decimal(value: str, type_: Type) -> str:
    """Return a decimal, rounded half up to its scale; null when it has too many digits."""
    return (
        f"CASE WHEN regexp_full_match({value}, '{NUMBER}')"
        f" THEN TRY_CAST({value} AS {type_.duckdb}) END"
    )


def date(value: str) -> str:
    """Return a date from ``y-M-d``; a day past the month's end counts on into the next."""
    head = f"split_part(trim({value}), ' ', 1)"
    lenient = (
        f"CAST(make_date(CAST(regexp_extract({head}, '{_DATE}', 1) AS INTEGER), 1, 1)"
        f" + to_months(CAST(regexp_extract({head}, '{_DATE}', 2) AS INTEGER) - 1)"
        f" + to_days(CAST(regexp_extract({head}, '{_DATE}', 3) AS INTEGER) - 1) AS DATE)"
    )
    return (
        f"CASE WHEN CAST(TRY_CAST({value} AS DATE) AS VARCHAR) = {value}"
        f" THEN TRY_CAST({value} AS DATE)"
        f" WHEN regexp_full_match({head}, '{_DATE}') THEN {lenient} END"
    )


def timestamp(value: str) -> str:
    """Return ``y-M-d[ H:m:s[.f]]`` or its ISO form, rounded to milliseconds as Trino does."""
    trimmed = f"trim({value})"
    fraction = rf"regexp_extract({trimmed}, '(\.[0-9]{{1,9}})$', 1)"
    # at most nine digits: the fourth decides the millisecond
    millis = f"CAST(round(CAST('0' || {fraction} AS DECIMAL(10, 9)), 3) * 1000 AS INTEGER)"
    whole = f"replace(regexp_extract({trimmed}, '^[^.]*'), 'T', ' ')"
    return (
        rf"CASE WHEN regexp_full_match({trimmed}, '{_DATE}([ T]{_TIME})?')"
        f" THEN TRY_CAST({whole} AS TIMESTAMP)"
        f" + if({fraction} = '', INTERVAL 0 SECONDS, to_milliseconds({millis})) END"
    )


def scalar(value: str, type_: Type) -> str:
    """Return a scalar of any type text files hold.

    Raises:
        SqlError: NOT_SUPPORTED for a type they do not.
    """
    if type_.name in ("varchar", "char"):
        return text_value(value, type_)
    if type_.name == "boolean":
        return boolean(value)
    if type_.is_integral:
        return integer(value, type_)
    if type_.is_floating:
        return floating(value, type_)
    if type_.name == "decimal":
        return decimal(value, type_)
    if type_.name == "date":
        return date(value)
    if type_.name == "timestamp":
        return timestamp(value)
    raise unsupported(f"Type {type_} in a text file")
