"""Literals: numbers, strings, typed literals and intervals."""

from __future__ import annotations

import re
from datetime import datetime

from sqlglot import exp

from localaws.engines.sql.base import SqlError, SqlRefused
from localaws.engines.sql.duckdb.typed import Expr, text
from localaws.engines.sql.duckdb.types import (
    BIGINT,
    DAY_TO_SECOND,
    DOUBLE,
    INTEGER,
    YEAR_TO_MONTH,
    Type,
    decimal,
    varchar,
)

_UNIT_MILLIS = {"SECOND": 1_000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000}
_UNIT_MONTHS = {"MONTH": 1, "YEAR": 12}


def string(value: str) -> Expr:
    """Return a string literal of type ``varchar(n)``."""
    return Expr(text(value), varchar(len(value)), value, constant=True)


def integer(value: int, type: Type = INTEGER) -> Expr:
    """Return an integer constant."""
    return Expr(f"CAST({value} AS {type.duckdb})", type, value, constant=True)


def number(value: str) -> Expr:
    """Return a numeric literal: integer or bigint, decimal with a point, double with exponent."""
    value = value.replace("_", "")
    if re.fullmatch(r"-?\d+", value):
        found = int(value)
        if not -(2**63) <= found <= 2**63 - 1:
            raise SqlError("SYNTAX_ERROR", f"Invalid numeric literal: {value}")
        return integer(found, INTEGER if -(2**31) <= found <= 2**31 - 1 else BIGINT)
    if re.fullmatch(r"-?(\d+\.?\d*|\.\d+)[eE][+-]?\d+", value):
        return Expr(f"CAST('{value}' AS DOUBLE)", DOUBLE, value, constant=True)
    match = re.fullmatch(r"-?(\d*)\.(\d*)", value)
    if not match:
        raise SqlRefused(f"The literal {value} is not supported here")
    return decimal_text(value)


def decimal_text(value: str) -> Expr:
    """Return a decimal constant with the precision and scale its digits show."""
    match = re.fullmatch(r"([+-]?)(\d*)\.?(\d*)", value.strip())
    if not match or not (match[2] or match[3]):
        raise SqlError("INVALID_LITERAL", f"'{value}' is not a valid DECIMAL literal")
    whole, fraction = match[2].lstrip("0"), match[3]
    precision = max(len(whole) + len(fraction), 1)
    if precision > 38:
        raise SqlError("INVALID_LITERAL", f"'{value}' is not a valid DECIMAL literal")
    type = decimal(precision, len(fraction))
    return Expr(f"CAST('{value.strip()}' AS {type.duckdb})", type, value.strip(), constant=True)


_RANGES = {"tinyint": 7, "smallint": 15, "integer": 31, "bigint": 63}


def typed_text(value: str, type: Type) -> Expr | None:
    """Return ``DATE '…'``, ``DECIMAL '…'`` and the like; None for types whose literal is a cast."""
    kind = type.name.removesuffix(" with time zone")
    if kind == "decimal":
        return decimal_text(value)
    if kind in _RANGES:
        if not re.fullmatch(r"\s*[+-]?\d+\s*", value) or not (
            -(2 ** _RANGES[kind]) <= int(value) < 2 ** _RANGES[kind]
        ):
            raise SqlError("INVALID_LITERAL", f"'{value}' is not a valid {kind.upper()} literal")
        return integer(int(value), type)
    try:
        if kind == "date":
            day = datetime.strptime(value.strip(), "%Y-%m-%d")
            return Expr(f"DATE '{day:%Y}-{day:%m-%d}'", Type("date"), value, constant=True)
        if kind == "timestamp":
            return _timestamp(value.strip())
    except ValueError as error:
        message = f"'{value}' is not a valid {kind.upper()} literal"
        raise SqlError("INVALID_LITERAL", message) from error
    return None


def _timestamp(value: str) -> Expr:
    match = re.fullmatch(
        r"(\d{4}-\d{1,2}-\d{1,2})(?: (\d{1,2}:\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?)?( ?\S.*)?", value
    )
    if not match:
        raise ValueError(value)
    day, minutes, seconds, fraction, zone = match.groups()
    digits = len(fraction or "")
    if digits > 6:
        raise SqlRefused("Timestamps are supported here with at most 6 fractional digits")
    if zone and zone.strip() not in ("UTC", "Z", "+00:00", "+00"):
        raise SqlRefused(f"The time zone {zone.strip()} is not supported here, only UTC is")
    if zone and zone.strip() != "UTC":
        raise SqlRefused("Time zone offsets are not supported here, only UTC is")
    moment = datetime.strptime(f"{day} {minutes or '00:00'}:{seconds or '00'}", "%Y-%m-%d %H:%M:%S")
    shown = f"{moment:%Y}-{moment:%m-%d %H:%M:%S}" + (f".{fraction}" if fraction else "")
    type = Type("timestamp with time zone" if zone else "timestamp", (digits,))
    return Expr(f"TIMESTAMP '{shown}'", type, value, constant=True)


def interval(node: exp.Interval) -> Expr:
    """Return ``INTERVAL '…' unit [TO unit]`` as milliseconds or months."""
    body = node.this
    sign = 1
    while isinstance(body, exp.Neg):
        sign, body = -sign, body.this
    unit = node.args.get("unit")
    if not isinstance(body, exp.Literal) or not body.is_string or unit is None:
        raise SqlRefused("An interval is supported here as a literal with a unit")
    value = body.name.strip()
    if isinstance(unit, exp.IntervalSpan):
        return _span(value, unit.this.name.upper(), unit.expression.name.upper(), sign)
    name = unit.name.upper()
    if name in _UNIT_MONTHS and re.fullmatch(r"[+-]?\d+", value):
        return integer(sign * int(value) * _UNIT_MONTHS[name], YEAR_TO_MONTH)
    if name == "SECOND" and re.fullmatch(r"[+-]?\d+(\.\d{1,3})?", value):
        whole, _, fraction = value.partition(".")
        millis = abs(int(whole)) * 1000 + int((fraction + "000")[:3])
        negative = -1 if value.startswith("-") else 1
        return integer(sign * negative * millis, DAY_TO_SECOND)
    if name in _UNIT_MILLIS and re.fullmatch(r"[+-]?\d+", value):
        return integer(sign * int(value) * _UNIT_MILLIS[name], DAY_TO_SECOND)
    if name in _UNIT_MONTHS or name in _UNIT_MILLIS:
        raise SqlError("INVALID_LITERAL", f"Invalid interval literal: '{value}' {name}")
    raise SqlError("TYPE_NOT_FOUND", f"Unknown interval field: {name}")


def _span(value: str, first: str, last: str, sign: int) -> Expr:
    if (first, last) == ("YEAR", "MONTH") and (m := re.fullmatch(r"(-?)(\d+)-(\d+)", value)):
        months = int(m[2]) * 12 + int(m[3])
        return integer(sign * (-months if m[1] else months), YEAR_TO_MONTH)
    pattern = r"(-?)(\d+) (\d+):(\d+):(\d+)(?:\.(\d{1,3}))?"
    if (first, last) == ("DAY", "SECOND") and (m := re.fullmatch(pattern, value)):
        seconds = ((int(m[2]) * 24 + int(m[3])) * 60 + int(m[4])) * 60 + int(m[5])
        millis = seconds * 1000 + int(((m[6] or "") + "000")[:3])
        return integer(sign * (-millis if m[1] else millis), DAY_TO_SECOND)
    raise SqlRefused(f"INTERVAL '{value}' {first} TO {last} is not supported here")
