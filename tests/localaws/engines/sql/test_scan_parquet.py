from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sql_help import PARQUET, Lake

from localaws.engines.sql.base import DataFile, SqlError
from localaws.engines.sql.duckdb.scan import Fragment


def table(data: dict[str, pa.Array], **options: object) -> Callable[[Path], None]:
    return lambda path: pq.write_table(pa.table(data), path, **options)


async def test_every_type_is_read(lake: Lake) -> None:
    instant = datetime.datetime(2024, 1, 2, 3, 4, 5, 678_500)
    data = {
        "b": pa.array([True, None]),
        "i8": pa.array([1, None], pa.int8()),
        "i": pa.array([1, None], pa.int32()),
        "l": pa.array([2**40, None], pa.int64()),
        "f": pa.array([1.5, None], pa.float32()),
        "d": pa.array([1.25, None]),
        "n": pa.array([Decimal("1.23"), None], pa.decimal128(10, 2)),
        "s": pa.array(["é", None]),
        "x": pa.array([b"\xff", None], pa.binary()),
        "t": pa.array([instant, None], pa.timestamp("us")),
        "day": pa.array([datetime.date(2024, 1, 2), None]),
        "a": pa.array([[1, None], None], pa.list_(pa.int64())),
        "m": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
        "r": pa.array([{"A": 1, "b": "x"}, None], pa.struct({"A": pa.int64(), "b": pa.string()})),
    }
    rows = await lake.read(
        PARQUET,
        {
            "b": "boolean",
            "i8": "tinyint",
            "i": "integer",
            "l": "bigint",
            "f": "real",
            "d": "double",
            "n": "decimal(10,2)",
            "s": "varchar",
            "x": "varbinary",
            "t": "timestamp(3)",
            "day": "date",
            "a": "array(bigint)",
            "m": "map(varchar, bigint)",
            "r": "row(b varchar, a bigint, missing double)",
        },
        [lake.file("t/a", table(data))],
        select="b, i8, i, l, f, d, n, s, hex(x), t, day, a, CAST(m AS VARCHAR), CAST(r AS VARCHAR)",
    )
    assert rows == [
        (
            True,
            1,
            1,
            2**40,
            1.5,
            1.25,
            "1.23",
            "é",
            "FF",
            "2024-01-02 03:04:05.679000",
            "2024-01-02",
            [1, None],
            "{k=1}",
            "{'b': x, 'a': 1, 'missing': NULL}",
        ),
        (None,) * 14,
    ]


@pytest.mark.parametrize(
    ("unit", "options"),
    [
        ("ms", {}),
        ("us", {}),
        ("ns", {}),
        ("ns", {"use_deprecated_int96_timestamps": True}),
    ],
)
async def test_timestamps_of_every_unit_are_milliseconds(
    lake: Lake, unit: str, options: dict[str, object]
) -> None:
    value = datetime.datetime(1969, 12, 31, 23, 59, 59, 999_000)
    data = {"t": pa.array([value], pa.timestamp(unit))}
    rows = await lake.read(
        PARQUET, {"t": "timestamp(3)"}, [lake.file("t/a", table(data, **options))]
    )
    assert rows == ["1969-12-31 23:59:59.999000"]


async def test_columns_match_by_name_whatever_each_file_holds(lake: Lake) -> None:
    files = [
        lake.file("t/1", table({"ID": pa.array([1], pa.int32()), "gone": pa.array(["x"])})),
        lake.file("t/2", table({"new": pa.array(["n"]), "id": pa.array([2], pa.int64())})),
        lake.file("t/3", table({"other": pa.array([1.0])})),
    ]
    rows = await lake.read(PARQUET, {"id": "bigint", "new": "varchar"}, files)
    assert sorted(rows, key=str) == [(1, None), (2, "n"), (None, None)]


@pytest.mark.parametrize(
    ("stored", "type_", "value"),
    [
        (pa.array([1], pa.int32()), "bigint", 1),
        (pa.array([1.5], pa.float32()), "double", 1.5),
        (pa.array([Decimal("1.2")], pa.decimal128(5, 1)), "decimal(10,3)", "1.200"),
        (pa.array([b"text"], pa.binary()), "varchar", "text"),
        (pa.array(["abc"]), "varchar(2)", "ab"),
        (pa.array([[1]], pa.list_(pa.int32())), "array(bigint)", [1]),
    ],
)
async def test_compatible_types_widen(
    lake: Lake, stored: pa.Array, type_: str, value: object
) -> None:
    rows = await lake.read(PARQUET, {"v": type_}, [lake.file("t/a", table({"v": stored}))])
    assert rows == [value]


@pytest.mark.parametrize(
    ("stored", "type_", "physical"),
    [
        (pa.array(["x"]), "bigint", "BYTE_ARRAY"),
        (pa.array([1], pa.int64()), "integer", "INT64"),
        (pa.array([1], pa.int64()), "varchar", "INT64"),
        (pa.array([1.5]), "real", "DOUBLE"),
        (pa.array([1.5]), "bigint", "DOUBLE"),
        (pa.array([1], pa.int64()), "timestamp(3)", "INT64"),
        (pa.array([[1]]), "bigint", "group"),
        (pa.array([1]), "array(bigint)", "INT64"),
    ],
)
async def test_incompatible_types_fail_by_name(
    lake: Lake, stored: pa.Array, type_: str, physical: str
) -> None:
    files = [lake.file("t/a", table({"v": stored}))]
    message = (
        f"Field v's type {physical} in parquet file s3://lake/t/a is incompatible with type"
        f" {type_} defined in table schema"
    )
    with pytest.raises(SqlError) as caught:
        await lake.read(PARQUET, {"v": type_, "w": "bigint"}, files)
    assert (caught.value.name, caught.value.message) == ("HIVE_BAD_DATA", message)
    assert await lake.read(PARQUET, {"v": type_, "w": "bigint"}, files, used=["w"]) == [None]


@pytest.mark.parametrize("content", [b"not parquet", b"PAR1", b"PAR1" + b"\0" * 50 + b"PAR1"])
async def test_a_file_that_is_not_parquet_is_named(lake: Lake, content: bytes) -> None:
    good = lake.file("t/a", table({"v": pa.array([1])}))
    with pytest.raises(SqlError, match="s3://lake/t/bad") as caught:
        await lake.read(PARQUET, {"v": "bigint"}, [good, lake.file("t/bad", content)])
    assert caught.value.name in ("HIVE_CANNOT_OPEN_SPLIT", "HIVE_BAD_DATA")
    assert str(lake.directory) not in str(caught.value)


async def test_only_used_columns_are_scanned(lake: Lake) -> None:
    data = {"a": pa.array(range(50_000)), "b": pa.array([f"text {i}" for i in range(50_000)])}
    files = [lake.file("t/a", table(data))]
    columns = {"a": "bigint", "b": "varchar"}
    chunk = pq.read_metadata(files[0].path).row_group(0).column(0)
    assert await lake.read(PARQUET, columns, files, select="sum(a)", used=["a"]) == [1249975000]
    assert lake.scanned == chunk.total_compressed_size
    assert await lake.read(PARQUET, columns, files, select="count(*)", used=[]) == [50_000]
    assert lake.scanned == 0
    assert await lake.read(PARQUET, columns, [], select="count(*)", used=["a"]) == [0]


async def test_partition_values_come_from_the_catalog(lake: Lake) -> None:
    def part(value: int) -> tuple[DataFile, ...]:
        return (lake.file(f"t/day=wrong/{value}", table({"v": pa.array([value])})),)

    fragments = [
        Fragment(("2024-01-01", "1"), part(1)),
        Fragment(("2024-01-02", None), part(2)),
        Fragment(("__HIVE_DEFAULT_PARTITION__", "3"), part(3)),
        Fragment(("2024-01-04", "4"), ()),
    ]
    columns, keys = {"v": "bigint"}, {"day": "date", "n": "integer"}
    rows = await lake.read(PARQUET, columns, fragments, keys=keys)
    assert sorted(rows) == [(1, "2024-01-01", 1), (2, "2024-01-02", None), (3, None, 3)]
    assert await lake.read(PARQUET, columns, fragments[:1], keys=keys) == [(1, "2024-01-01", 1)]
    assert await lake.read(PARQUET, columns, fragments, keys=keys, used=["n"], select="sum(n)") == [
        4
    ]


async def test_five_thousand_partitions(lake: Lake) -> None:
    single = lake.file("t/0", table({"v": pa.array([1, 2])}))
    fragments = []
    for number in range(5000):
        path = lake.directory / f"p{number}"
        path.hardlink_to(single.path)
        fragments.append(
            Fragment((str(number),), (DataFile(f"s3://lake/{number}", str(path), single.size),))
        )
    rows = await lake.read(
        PARQUET,
        {"v": "bigint"},
        fragments,
        keys={"p": "integer"},
        select="count(*), sum(v)::BIGINT, sum(p)::BIGINT, max(p)",
    )
    assert rows == [(10_000, 15_000, 24_995_000, 4999)]
