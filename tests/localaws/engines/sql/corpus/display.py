"""Athena's display of values, in Python, from what Trino's client protocol sends.

The reference the DuckDB rendering is compared with: it shares no code with it.
"""

from __future__ import annotations

import base64
from typing import Any

from localaws.engines.sql.duckdb.types import Type, parse_type


def column_type(text: str) -> Type:
    """Return the type a client column names (``decimal(5, 2)``, ``INTERVAL DAY TO SECOND``)."""
    return parse_type(text if text.startswith("row") else text.lower())


def java_double(value: float) -> str:
    """Return ``Double.toString``."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    mantissa, _, exponent = f"{value:.17e}".partition("e")
    for digits in range(1, 18):  # two digits at least: 4.9E-324
        mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
        if float(f"{mantissa}e{exponent}") == value:
            break
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent)}"


def display(value: Any, type: Type) -> str | None:
    """Return the text of a value in a result file, or None for NULL."""
    if value is None:
        return None
    if type.name == "boolean":
        return "true" if value else "false"
    if type.is_floating:
        return java_double(float(value))
    if type.name == "varbinary":
        return base64.b64decode(value).hex(" ")
    if type.name == "timestamp" and type.params[0] < 3:
        return _milliseconds(value)
    if type.name == "timestamp with time zone" and type.params[0] < 3:
        moment, _, zone = value.rpartition(" ")
        return f"{_milliseconds(moment)} {zone}"
    if type.name == "array":
        return f"[{', '.join(_inner(item, type.element) for item in value)}]"
    if type.name == "map":
        key, item = type.args
        return (
            "{" + ", ".join(f"{_inner(k, key)}={_inner(v, item)}" for k, v in value.items()) + "}"
        )
    if type.name == "row":
        names = [name or f"field{index}" for index, name in enumerate(type.fields)]
        parts = zip(names, value, type.args, strict=True)
        return "{" + ", ".join(f"{n}={_inner(v, t)}" for n, v, t in parts) + "}"
    return str(value)


def _milliseconds(moment: str) -> str:
    whole, _, fraction = moment.partition(".")
    return f"{whole}.{fraction.ljust(3, '0')}"


def _inner(value: Any, type: Type) -> str:
    shown = display(value, type)
    return "null" if shown is None else shown
