from __future__ import annotations

import datetime
import gzip

import pytest
from sql_help import LAZY_SIMPLE, OPEN_CSV, Lake

from localaws.engines.sql.base import SqlError

COMMA = {"field.delim": ","}


async def test_fields_are_split_missing_ones_are_null_and_surplus_ones_ignored(lake: Lake) -> None:
    files = [lake.file("t/a", b'1,a,b,surplus\n2,x\n\n3,"q,uo\n\\N,\\N,\xc3\xa9')]
    rows = await lake.read(
        LAZY_SIMPLE, {"i": "integer", "s": "varchar", "u": "varchar"}, files, options=COMMA
    )
    assert rows == [
        (1, "a", "b"),
        (2, "x", None),
        (None, None, None),
        (3, '"q', "uo"),
        (None, None, "é"),
    ]
    assert lake.scanned == files[0].size


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("bigint", "12", 12),
        ("bigint", "+12", 12),
        ("bigint", "007", 7),
        ("bigint", "1.9", 1),
        ("bigint", "-1.9", -1),
        ("bigint", ".5", 0),
        ("bigint", " 1", None),
        ("bigint", "1e3", None),
        ("bigint", "1_000", None),
        ("bigint", "0x10", None),
        ("bigint", "", None),
        ("bigint", "9223372036854775808", None),
        ("tinyint", "128", None),
        ("double", "1.50", 1.5),
        ("double", "1e3", 1000.0),
        ("double", "1_0", None),
        ("double", "NaN", "nan"),
        ("double", "inf", None),
        ("double", "", None),
        ("boolean", "TRUE", True),
        ("boolean", "t", None),
        ("boolean", "0", None),
        ("decimal(5,2)", "1.005", "1.01"),
        ("decimal(5,2)", "-1.005", "-1.01"),
        ("decimal(5,2)", "1234.5", None),
        ("decimal(5,2)", " 1", None),
        ("date", "2024-02-29", "2024-02-29"),
        ("date", "2024-2-9", "2024-02-09"),
        ("date", "2024-02-30", "2024-03-01"),
        ("date", "2024-01-02 03:04:05", "2024-01-02"),
        ("date", "2024/01/02", None),
        ("date", "20240102", None),
        ("timestamp(3)", "2024-01-02 03:04:05", "2024-01-02 03:04:05"),
        ("timestamp(3)", "2024-01-02 03:04:05.1", "2024-01-02 03:04:05.100000"),
        ("timestamp(3)", "2024-01-02 03:04:05.1235", "2024-01-02 03:04:05.124000"),
        ("timestamp(3)", "2024-01-02 23:59:59.999999999", "2024-01-03 00:00:00"),
        ("timestamp(3)", "2024-01-02T03:04:05.5", "2024-01-02 03:04:05.500000"),
        ("timestamp(3)", "2024-01-02", "2024-01-02 00:00:00"),
        ("timestamp(3)", "2024-01-02 03:04:05Z", None),
        ("timestamp(3)", "1704164645", None),
        ("varchar(2)", "abc", "ab"),
    ],
)
async def test_a_value_is_read_as_hive_reads_it(
    lake: Lake, type_: str, text: str, value: object
) -> None:
    rows = await lake.read(
        LAZY_SIMPLE,
        {"k": "integer", "v": type_},
        [lake.file("t/a", f"1,{text}\n".encode())],
        options=COMMA,
        select="v",
    )
    shown = rows[0] if isinstance(rows[0], bool | int | float | None) else str(rows[0])
    assert (str(shown) if value == "nan" else shown) == value


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
async def test_lines_end_in_any_one_way(lake: Lake, end: bytes) -> None:
    content = end.join([b"\xef\xbb\xbfa", b"", b"b", b""])
    files = [lake.file("t/a", content), lake.file("t/b", b"c\n")]
    assert await lake.read(LAZY_SIMPLE, {"a": "varchar"}, files) == ["a", "", "b", "c"]


async def test_mixed_line_ends_are_refused(lake: Lake) -> None:
    files = [lake.file("t/a", b"a\n" * 5000 + b"b\r\n" + b"a\n" * 5)]
    with pytest.raises(SqlError, match="Mixed line ends are not supported: s3://lake/t/a"):
        await lake.read(LAZY_SIMPLE, {"a": "varchar"}, files)


async def test_header_null_format_and_delimiters(lake: Lake) -> None:
    rows = await lake.read(
        LAZY_SIMPLE,
        {"a": "varchar", "b": "integer"},
        [lake.file("t/a", b"a|b\nx|1\n-|2\n"), lake.file("t/b.gz", gzip.compress(b"a|b\ny|3\n"))],
        options={"field.delim": "|", "serialization.null.format": "-"},
        parameters={"skip.header.line.count": "1"},
    )
    assert sorted(rows, key=str) == [("x", 1), ("y", 3), (None, 2)]


async def test_a_code_names_a_delimiter_and_control_a_is_the_default(lake: Lake) -> None:
    columns = {"a": "varchar", "b": "varchar"}
    tab = await lake.read(
        LAZY_SIMPLE, columns, [lake.file("a", b"x\ty\n")], options={"field.delim": "9"}
    )
    default = await lake.read(LAZY_SIMPLE, columns, [lake.file("a", b"x\x01y\n")])
    assert tab == default == [("x", "y")]


async def test_escapes_protect_delimiters(lake: Lake) -> None:
    rows = await lake.read(
        LAZY_SIMPLE,
        {"a": "varchar", "b": "varchar"},
        [lake.file("t/a", b"x\\,y,z\\\\\n\\N,plain\n")],
        options={"field.delim": ",", "escape.delim": "\\"},
    )
    assert rows == [("x,y", "z\\"), (None, "plain")]


async def test_arrays_maps_and_structs(lake: Lake) -> None:
    rows = await lake.read(
        LAZY_SIMPLE,
        {
            "l": "array(integer)",
            "m": "map(varchar, integer)",
            "r": "row(a integer, b varchar)",
            "ll": "array(array(integer))",
        },
        [lake.file("t/a", b"1;2;\\N,a:1;b:\\N;a:9;c,7;x,1:2;3\n,,,\n\\N,\\N,\\N,\\N\n")],
        options={"field.delim": ",", "collection.delim": ";", "mapkey.delim": ":"},
        select="l, CAST(m AS VARCHAR), r.a, r.b, CAST(ll AS VARCHAR)",
    )
    assert rows[0] == ([1, 2, None], "{a=1, b=NULL, c=NULL}", 7, "x", "[[1, 2], [3]]")
    assert rows[1][0] == []
    assert rows[2] == (None, None, None, None, None)


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("t/a.bz2", {}),
        ("t/a.snappy", {}),
        ("t/a", {"serialization.last.column.takes.rest": "true"}),
        ("t/a", {"skip.footer.line.count": "1"}),
        ("t/a", {"line.delim": ";"}),
        ("t/a", {"timestamp.formats": "yyyy"}),
    ],
)
async def test_what_cannot_be_honoured_is_refused(
    lake: Lake, key: str, options: dict[str, str]
) -> None:
    with pytest.raises(SqlError, match="NOT_SUPPORTED"):
        await lake.read(LAZY_SIMPLE, {"a": "varchar"}, [lake.file(key, b"x\n")], options=options)


async def test_text_that_is_not_utf8_fails_naming_the_object(lake: Lake) -> None:
    with pytest.raises(SqlError, match="s3://lake/t/a") as caught:
        await lake.read(LAZY_SIMPLE, {"a": "varchar"}, [lake.file("t/a", b"\xff\xfe\n")])
    assert caught.value.name == "HIVE_BAD_DATA"
    assert str(lake.directory) not in str(caught.value)


async def test_long_lines_and_many_of_them(lake: Lake) -> None:
    content = b"x" * 5_000_000 + b"\n" + b"short\n" * 100_000
    rows = await lake.read(
        LAZY_SIMPLE,
        {"a": "varchar"},
        [lake.file("t/a", content)],
        select="count(*), max(length(a))",
    )
    assert rows == [(100_001, 5_000_000)]
    with pytest.raises(SqlError, match="HIVE_BAD_DATA"):
        await lake.read(LAZY_SIMPLE, {"a": "varchar"}, [lake.file("t/b", b"x" * 9_000_000)])


async def test_open_csv_quotes_and_escapes(lake: Lake) -> None:
    content = (
        b'plain,1\n"quoted, with comma","2"\n"doubled ""quote""",3\n"back\\"slash",4\n'
        b'"",5\n\nshort\n"all","quoted"\n"a","b,""c"\nun\\quoted,6\n'
    )
    rows = await lake.read(OPEN_CSV, {"a": "varchar", "b": "varchar"}, [lake.file("t/a", content)])
    assert rows == [
        ("plain", "1"),
        ("quoted, with comma", "2"),
        ('doubled "quote"', "3"),
        ('back"slash', "4"),
        ("", "5"),
        (None, None),
        ("short", None),
        ("all", "quoted"),
        ("a", 'b,"c'),
        ("unquoted", "6"),
    ]


async def test_open_csv_types(lake: Lake) -> None:
    rows = await lake.read(
        OPEN_CSV,
        {"i": "integer", "d": "double", "b": "boolean", "t": "timestamp(3)", "x": "date"},
        [lake.file("t/a", b'"1","2.5",true,1579059880000,18276\n')],
        select="i, d, b, t::VARCHAR, x::VARCHAR",
    )
    assert rows == [(1, 2.5, True, "2020-01-15 03:44:40", "2020-01-15")]


async def test_open_csv_options(lake: Lake) -> None:
    rows = await lake.read(
        OPEN_CSV,
        {"a": "varchar", "b": "varchar"},
        [lake.file("t/a", b"'x;y';it|'s\n")],
        options={"separatorChar": ";", "quoteChar": "'", "escapeChar": "|"},
    )
    assert rows == [("x;y", "it's")]


async def test_open_csv_fails_on_what_is_no_number_or_reads_null_when_told(lake: Lake) -> None:
    files = [lake.file("t/a", b"1,x\n,y\n")]
    columns = {"n": "bigint", "s": "varchar"}
    with pytest.raises(SqlError, match="Error parsing field value '' for field 0"):
        await lake.read(OPEN_CSV, columns, files)
    rows = await lake.read(
        OPEN_CSV, columns, files, parameters={"use.null.for.invalid.data": "true"}
    )
    assert rows == [(1, "x"), (None, "y")]


@pytest.mark.parametrize("line", [b'a,"b', b'a"b"c,d', b'"a"x,b', b'"two\nlines",1'])
async def test_open_csv_refuses_quotes_that_do_not_match(lake: Lake, line: bytes) -> None:
    with pytest.raises(SqlError, match="Quotes do not match"):
        await lake.read(
            OPEN_CSV, {"a": "varchar", "b": "varchar"}, [lake.file("t/a", line + b"\n")]
        )


def test_days_since_1970() -> None:
    assert datetime.date(1970, 1, 1) + datetime.timedelta(18276) == datetime.date(2020, 1, 15)
