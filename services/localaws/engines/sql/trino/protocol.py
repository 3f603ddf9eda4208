"""Messages of Trino's client protocol: https://trino.io/docs/current/develop/client-protocol.html."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from localaws.engines.sql.base import Column
from localaws.engines.sql.types import TypeNode, TypeTextError, parse_trino_type, spell_trino_type


class ColumnHeader(msgspec.Struct):
    """A column of a result, with its type as the server spells it."""

    name: str
    type: str


class FailureLocation(msgspec.Struct, rename="camel"):
    """Where in the statement it is wrong; both count from one."""

    line_number: int
    column_number: int


class Failure(msgspec.Struct, rename="camel"):
    """Why a statement failed."""

    message: str = ""
    error_name: str = "GENERIC_INTERNAL_ERROR"
    error_type: str = "INTERNAL_ERROR"
    error_location: FailureLocation | None = None


class Statistics(msgspec.Struct, rename="camel"):
    """What a statement has used so far."""

    state: str = ""
    physical_input_bytes: int = 0


class Page(msgspec.Struct, rename="camel"):
    """One answer of the server: a part of the rows, and where the next part is."""

    id: str
    next_uri: str | None = None
    columns: list[ColumnHeader] | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    stats: Statistics = msgspec.field(default_factory=Statistics)
    error: Failure | None = None
    update_count: int | None = None


class ServerInfo(msgspec.Struct):
    """What a server tells of itself."""

    starting: bool = True


_pages = msgspec.json.Decoder(Page)
# A number's own text is kept: it is what Java prints, and the result file shows it as it is.
_rows = msgspec.json.Decoder(float_hook=str)


def decode_page(body: bytes) -> Page:
    """Return a page; its rows stay encoded.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return _pages.decode(body)


def decode_rows(data: msgspec.Raw) -> list[list[Any]]:
    """Return the rows of a page; numbers with a fraction or exponent are text."""
    rows: list[list[Any]] = _rows.decode(data) if data else []
    return rows


@lru_cache(maxsize=4096)
def column_type(text: str) -> TypeNode:
    """Return the type of a column; a type that has no other meaning here is a bare name."""
    try:
        return parse_trino_type(text)
    except TypeTextError:
        return TypeNode(text)


def column_of(header: ColumnHeader) -> Column:
    """Return a column: name in lower case, type without needless blanks."""
    return Column(header.name.lower(), spell_trino_type(column_type(header.type)))
