"""Values as Athena prints them in result files, from what Trino's client protocol sends.

https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html: binary as
hexadecimal pairs, arrays ``[a, b]``, maps ``{k=v}``, rows ``{a=1, b=x}`` with ``field0`` … for
anonymous fields, timestamps with milliseconds at least, NULL inside a container as ``null``.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from localaws.engines.sql.types import TypeNode

Shown = Callable[[Any], str]
"""Shows a value that is not NULL."""

_TEMPORAL = ("timestamp", "timestamp with time zone")


def shown(type: TypeNode) -> Shown | None:
    """Return what shows values of a type, or None where they are sent as the text to show."""
    if type.name == "boolean":
        return _boolean
    if type.name in ("tinyint", "smallint", "integer", "bigint"):
        return str
    if type.name == "varbinary":
        return _binary
    if type.name in _TEMPORAL and type.numbers and type.numbers[0] < 3:
        return _milliseconds
    if type.name == "array":
        return _array(type)
    if type.name == "map":
        return _map(type)
    if type.name == "row":
        return _row(type)
    # numbers with a fraction come as their text, and NaN and Infinity as strings
    return None


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _binary(value: str) -> str:
    return base64.b64decode(value).hex(" ")


def _milliseconds(value: str) -> str:
    moment, zone = value[:19], value[19:]
    fraction, blank, zone = zone.partition(" ")
    return f"{moment}.{fraction[1:].ljust(3, '0')}{blank}{zone}"


def _inner(type: TypeNode) -> Shown:
    show = shown(type) or str

    def inner(value: Any) -> str:
        return "null" if value is None else show(value)

    return inner


def _array(type: TypeNode) -> Shown:
    element = _inner(type.elements[0])

    def array(value: list[Any]) -> str:
        return f"[{', '.join(map(element, value))}]"

    return array


def _map(type: TypeNode) -> Shown:
    key, item = _key(type.elements[0]), _inner(type.elements[1])

    def mapping(value: dict[str, Any]) -> str:
        return "{" + ", ".join(f"{key(k)}={item(v)}" for k, v in value.items()) + "}"

    return mapping


def _key(type: TypeNode) -> Shown:
    """Return what shows the keys of a map, which are text whatever their type is."""
    if type.name == "varbinary" or type.name in _TEMPORAL:
        return shown(type) or str
    return str


def _row(type: TypeNode) -> Shown:
    names = [name or f"field{index}" for index, name in enumerate(type.fields)]
    fields = [
        (f"{name}=", _inner(element)) for name, element in zip(names, type.elements, strict=True)
    ]

    def row(value: list[Any]) -> str:
        parts = zip(fields, value, strict=True)
        return "{" + ", ".join(f"{name}{field(item)}" for (name, field), item in parts) + "}"

    return row
