"""What the protocol sends becomes what Athena prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from corpus.display import column_type as reference_type
from corpus.display import display
from hypothesis import given
from hypothesis import strategies as st

from localaws.engines.sql.trino.display import shown
from localaws.engines.sql.trino.protocol import ColumnHeader, column_of, column_type
from localaws.engines.sql.trino.results import ResultFile

SHOWN = [
    ("boolean", "true", "true"),
    ("bigint", "-9223372036854775808", "-9223372036854775808"),
    ("double", "1.0E10", "1.0E10"),
    ("double", "4.9E-324", "4.9E-324"),
    ("double", '"-Infinity"', "-Infinity"),
    ("real", "3.4028235E38", "3.4028235E38"),
    ("decimal(5, 2)", '"-0.10"', "-0.10"),
    ("varchar(3)", '"a\\"b"', 'a"b'),
    ("char(3)", '"a  "', "a  "),
    ("varbinary", '"AP8Q"', "00 ff 10"),
    ("date", '"2024-02-29"', "2024-02-29"),
    ("timestamp(0)", '"2024-02-29 01:02:03"', "2024-02-29 01:02:03.000"),
    ("timestamp(1)", '"2024-02-29 01:02:03.5"', "2024-02-29 01:02:03.500"),
    ("timestamp(6)", '"2024-02-29 01:02:03.123456"', "2024-02-29 01:02:03.123456"),
    ("timestamp(0) with time zone", '"2024-02-29 01:02:03 UTC"', "2024-02-29 01:02:03.000 UTC"),
    ("interval day to second", '"3 00:00:00.000"', "3 00:00:00.000"),
    ("array(integer)", "[1, null]", "[1, null]"),
    ("array(double)", "[1.5, 1.0E10]", "[1.5, 1.0E10]"),
    ("map(varchar(1), array(boolean))", '{"k": [true]}', "{k=[true]}"),
    ("map(varbinary, integer)", '{"/w==": 1}', "{ff=1}"),
    ("row(a integer, varchar)", '[1, "x"]', "{a=1, field1=x}"),
    ('row("A b" timestamp(0))', '["2024-02-29 01:02:03"]', "{A b=2024-02-29 01:02:03.000}"),
    ("HyperLogLog", '"AgwB"', "AgwB"),
]


@pytest.mark.parametrize(("type", "sent", "text"), SHOWN)
def test_a_value_is_printed(tmp_path: Path, type: str, sent: str, text: str) -> None:
    assert written(tmp_path, type, sent) == '"' + text.replace('"', '""') + '"'
    assert written(tmp_path, type, "null") == ""


def written(folder: Path, type: str, sent: str) -> str:
    path = folder / "result.csv"
    with ResultFile(path) as file:
        file.begin([ColumnHeader("X", type)])
        file.write(msgspec.Raw(f"[[{sent}]]".encode()))
    header, _, line = path.read_text().partition("\n")
    assert header == '"x"'
    return line.removesuffix("\n")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=6,
    )
)
def test_nested_values_agree_with_the_reference(value: Any) -> None:
    type = _array_type(value)
    if type is None or value is None:
        return
    show = shown(column_type(type)) or str
    assert show(json.loads(json.dumps(value))) == display(value, reference_type(type))


def _array_type(value: Any) -> str | None:
    """Return a type that has room for the value, or None where its items differ in kind."""
    if not isinstance(value, list):
        return "bigint" if isinstance(value, int) else "varchar"
    kinds = {_array_type(item) for item in value if item is not None}
    if len(kinds) > 1 or None in kinds:
        return None
    return f"array({kinds.pop() if kinds else 'integer'})"


@pytest.mark.parametrize(
    ("sent", "type"),
    [
        ("decimal(5, 2)", "decimal(5,2)"),
        ("varchar(3)", "varchar(3)"),
        ("timestamp(3) with time zone", "timestamp(3) with time zone"),
        ("map(varchar(1), array(decimal(3, 1)))", "map(varchar(1), array(decimal(3,1)))"),
        ("row(a integer, b varchar(1))", "row(a integer, b varchar(1))"),
        ("row(integer, varchar(1))", "row(integer, varchar(1))"),
        ('row("Mixed Case" integer)', 'row("Mixed Case" integer)'),
        ("INTERVAL DAY TO SECOND", "interval day to second"),
        ("unknown", "unknown"),
    ],
)
def test_types_are_spelled_one_way(sent: str, type: str) -> None:
    assert column_of(ColumnHeader("Name", sent)) == column_of(ColumnHeader("name", type))
    assert column_of(ColumnHeader("name", sent)).type == type
