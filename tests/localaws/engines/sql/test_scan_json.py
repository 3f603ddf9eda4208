from __future__ import annotations

import gzip

import pytest
from sql_help import HIVE_JSON, OPENX_JSON, Lake

from localaws.engines.sql.base import SqlError


@pytest.mark.parametrize("serde", [OPENX_JSON, HIVE_JSON])
async def test_keys_match_in_any_case_and_missing_ones_are_null(lake: Lake, serde: str) -> None:
    content = b'{"a": 1, "B": "x", "other": [1]}\n{"A": 2}\n{"a": null, "b": "\\u00e9\\n"}\n'
    rows = await lake.read(
        serde, {"a": "bigint", "b": "varchar"}, [lake.file("t/a.json.gz", gzip.compress(content))]
    )
    assert rows == [(1, "x"), (2, None), (None, "é\n")]


@pytest.mark.parametrize("serde", [OPENX_JSON, HIVE_JSON])
async def test_nested_values(lake: Lake, serde: str) -> None:
    rows = await lake.read(
        serde,
        {
            "l": "array(integer)",
            "m": "map(varchar, double)",
            "r": "row(a integer, inner row(b varchar))",
            "o": "array(row(k varchar))",
        },
        [
            lake.file(
                "t/a",
                b'{"l":[1,null],"m":{"x y":1.5,"z":null},"r":{"A":1,"Inner":{"B":"q"}},'
                b'"o":[{"k":"v"}]}\n'
                b"{}\n",
            )
        ],
        select="l, CAST(m AS VARCHAR), r.a, r.inner.b, CAST(o AS VARCHAR)",
    )
    assert rows == [
        ([1, None], "{x y=1.5, z=NULL}", 1, "q", "[{'k': v}]"),
        (None, None, None, None, None),
    ]


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("varchar", "1.10", "1.10"),
        ("varchar", "12", "12"),
        ("varchar", "true", "true"),
        ("varchar", '{"x": [1]}', '{"x":[1]}'),
        ("decimal(10,2)", "1.10", "1.10"),
        ("decimal(38,20)", "0.12345678901234567891", "0.12345678901234567891"),
        (
            "decimal(38,0)",
            "12345678901234567890123456789012345678",
            "12345678901234567890123456789012345678",
        ),
        ("decimal(3,2)", '"x"', None),
        ("bigint", '"12"', 12),
        ("bigint", "1.9", 1),
        ("bigint", '"x"', None),
        ("tinyint", "300", None),
        ("double", "1e3", 1000.0),
        ("double", '"x"', None),
        ("boolean", '"TRUE"', True),
        ("boolean", "1", False),
        ("date", '"2024-01-02"', "2024-01-02"),
        ("date", "18276", "2020-01-15"),
        ("timestamp(3)", '"2024-01-02 03:04:05.6789"', "2024-01-02 03:04:05.679000"),
        ("timestamp(3)", '"2024-01-02T03:04:05+01:00"', "2024-01-02 02:04:05"),
        ("timestamp(3)", '"2024-01-02T03:04:05Z"', "2024-01-02 03:04:05"),
        ("timestamp(3)", "1579059880000", "2020-01-15 03:44:40"),
        ("timestamp(3)", "1579059880", "2020-01-15 03:44:40"),
        ("array(integer)", "7", [7]),
        ("array(integer)", '""', None),
    ],
)
async def test_the_openx_serde_coerces(lake: Lake, type_: str, text: str, value: object) -> None:
    rows = await lake.read(
        OPENX_JSON, {"v": type_}, [lake.file("t/a", b'{"v": %b}\n' % text.encode())]
    )
    shown = rows[0] if isinstance(rows[0], bool | int | float | list | None) else str(rows[0])
    assert shown == value


@pytest.mark.parametrize(
    ("type_", "text"),
    [("bigint", '"12"'), ("bigint", "99999999999999999999"), ("date", '"x"'), ("varchar", "[1]")],
)
async def test_the_hive_serde_fails_on_what_it_cannot_read(
    lake: Lake, type_: str, text: str
) -> None:
    with pytest.raises(SqlError, match="HIVE_BAD_DATA"):
        await lake.read(HIVE_JSON, {"v": type_}, [lake.file("t/a", b'{"v": %b}\n' % text.encode())])


@pytest.mark.parametrize("line", [b'{"a": 1', b'{"a": 1, "a": 2}', b'{"a": 1, "A": 2}', b"[1]"])
async def test_a_malformed_line_fails_or_is_null_when_told(lake: Lake, line: bytes) -> None:
    files = [lake.file("t/a", b'{"a": 7}\n' + line + b"\n")]
    with pytest.raises(SqlError, match="HIVE_CURSOR_ERROR: Row is not a valid JSON Object"):
        await lake.read(OPENX_JSON, {"a": "integer"}, files)
    rows = await lake.read(
        OPENX_JSON, {"a": "integer"}, files, options={"ignore.malformed.json": "TRUE"}
    )
    assert rows == [7, None]


@pytest.mark.parametrize("line", [b'{"a": 1', b"[1]", b'{"a" 1}'])
async def test_a_malformed_line_is_not_counted_as_if_it_were_a_row(lake: Lake, line: bytes) -> None:
    good = [lake.file("t/a", b'{"a": 7}\n{}\n')]
    count = {"select": "count(*)", "used": ()}
    assert await lake.read(OPENX_JSON, {"a": "integer"}, good, **count) == [2]
    bad = [lake.file("t/b", b'{"a": 7}\n' + line + b"\n")]
    with pytest.raises(SqlError, match="HIVE_CURSOR_ERROR: Row is not a valid JSON Object"):
        await lake.read(OPENX_JSON, {"a": "integer"}, bad, **count)


async def test_keys_are_mapped(lake: Lake) -> None:
    rows = await lake.read(
        OPENX_JSON,
        {"ts": "varchar", "a b": "integer"},
        [lake.file("t/a", b'{"time-Stamp": "x", "a b": 1}\n')],
        options={"mapping.ts": "time-stamp"},
    )
    assert rows == [("x", 1)]


@pytest.mark.parametrize("option", [{"dots.in.keys": "true"}, {"case.insensitive": "false"}])
async def test_options_that_cannot_be_honoured_are_refused(
    lake: Lake, option: dict[str, str]
) -> None:
    with pytest.raises(SqlError, match="NOT_SUPPORTED"):
        await lake.read(OPENX_JSON, {"a": "integer"}, [lake.file("a", b"{}\n")], options=option)
