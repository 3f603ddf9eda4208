"""Result columns as Athena describes them, and the ``.metadata`` file that carries them.

The file is a protocol buffer without a published schema; field numbers as read by Athena's drivers:
1 query id, 2 update type, 3 update count, 4 columns (1 catalog, 4 name, 5 label, 6 type,
7 precision, 8 scale, 9 nullable, 10 case sensitive).
"""

from __future__ import annotations

from collections.abc import Iterable

from localaws.core.service import Shape
from localaws.engines.sql.base import Column
from localaws.engines.sql.types import parse_trino_type

_PRECISION = {
    "tinyint": 3,
    "smallint": 5,
    "integer": 10,
    "bigint": 19,
    "float": 17,
    "double": 17,
    "varbinary": 1073741824,
    "timestamp": 3,
    "time": 3,
    "timestamp with time zone": 3,
    "time with time zone": 3,
}
_UNBOUNDED = 2147483647
_UNKNOWN = 3

# which of precision, scale and case sensitivity the file states for a type
_SCALE_ONLY = frozenset({"date"})
_CASE_ONLY = frozenset({"boolean", "interval day to second", "interval year to month"})


def describe(column: Column) -> Shape:
    """Return the ColumnInfo of a result column."""
    node = parse_trino_type(column.type)
    name = {"real": "float", "int": "integer"}.get(node.name, node.name)
    precision, scale = _PRECISION.get(name, 0), 0
    if name in ("varchar", "char"):
        precision = node.numbers[0] if node.numbers else (_UNBOUNDED if name == "varchar" else 1)
    elif name == "decimal":
        precision, scale = (*node.numbers, *(38, 0)[len(node.numbers) :])
    return column_info(column.name, name, precision, scale, name in ("varchar", "char"))


def text_columns(*names: str, type: str = "string") -> list[Shape]:
    """Return the ColumnInfo of the columns of a utility statement."""
    return [column_info(name, type) for name in names]


def rows_column() -> list[Shape]:
    """Return the ColumnInfo of a statement that writes: one count of rows."""
    return [describe(Column("rows", "bigint"))]


def column_info(
    name: str, type: str, precision: int = 0, scale: int = 0, case_sensitive: bool = False
) -> Shape:
    """Return a ColumnInfo."""
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": type,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": case_sensitive,
    }


def metadata_file(
    query_id: str,
    columns: Iterable[Shape],
    update_type: str | None = None,
    update_count: int | None = None,
) -> bytes:
    """Return the bytes of the ``.metadata`` file beside a result."""
    body = _text(1, query_id)
    if update_type is not None:
        body += _text(2, update_type) + _number(3, update_count or 0)
    for column in columns:
        body += _bytes(4, _column(column))
    return body


def _column(column: Shape) -> bytes:
    type_name = column["Type"]
    body = _text(1, column["CatalogName"]) + _text(4, column["Name"]) + _text(5, column["Label"])
    body += _text(6, type_name)
    sized = type_name in _PRECISION or type_name in ("varchar", "char", "decimal")
    if sized and column["Precision"]:
        body += _number(7, column["Precision"])
    if (sized and column["Precision"]) or type_name in _SCALE_ONLY:
        body += _number(8, column["Scale"])
    body += _number(9, _UNKNOWN)
    if (sized and column["Precision"]) or type_name in _SCALE_ONLY | _CASE_ONLY:
        body += _number(10, int(column["CaseSensitive"]))
    return body


def _varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())
