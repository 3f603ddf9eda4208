from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sql_help import staging

from localaws.engines.sql.base import Column, ResultSink, SqlError, TableSink, WrittenFile
from localaws.engines.sql.duckdb.execution import Job, run_job
from localaws.engines.sql.duckdb.pool import WorkerPool
from localaws.engines.sql.duckdb.runtime_errors import map_runtime_error


async def write(
    pool: WorkerPool, sql: str, columns: dict[str, str], sink: ResultSink | TableSink
) -> Sequence[WrittenFile]:
    job = Job(tuple(Column(*item) for item in columns.items()), sql, ())
    async with pool.session() as session:
        return (await run_job(session, job, sink, map_runtime_error)).files


async def test_the_result_file_is_athenas(pool: WorkerPool, tmp_path: Path) -> None:
    sink = ResultSink(tmp_path / "r.csv")
    sql = "SELECT * FROM (VALUES ('a\"b', NULL, '', E'x\\ny, z'), ('é', 'NULL', ' ', '\\N'))"
    columns = {"n": "varchar", "N": "varchar", 'q"': "varchar", "last": "varchar"}
    await write(pool, sql, columns, sink)
    assert sink.path.read_bytes() == (
        '"n","N","q""","last"\n"a""b",,"","x\ny, z"\n"é","NULL"," ","\\N"\n'.encode()
    )


async def test_a_lone_null_is_an_empty_line(pool: WorkerPool, tmp_path: Path) -> None:
    sink = ResultSink(tmp_path / "r.csv")
    await write(pool, "SELECT NULL::VARCHAR FROM range(2)", {"a": "varchar"}, sink)
    assert sink.path.read_bytes() == b'"a"\n\n\n'


@pytest.mark.parametrize("codec", ["snappy", "gzip", "zstd", "none"])
async def test_parquet_types_are_those_hive_reads(
    pool: WorkerPool, tmp_path: Path, codec: str
) -> None:
    sink = TableSink(staging(tmp_path), compression=codec)
    columns = {
        "n": "decimal(10,2)",
        "t": "timestamp(3)",
        "a": "array(integer)",
        "r": "row(t timestamp(3), s varchar)",
    }
    sql = (
        "SELECT 1.25::DECIMAL(10,2), TIMESTAMP '2024-01-02 03:04:05.678', [1, NULL]::INTEGER[],"
        " {'t': TIMESTAMP '2024-01-02 03:04:05', 's': 'x'}"
    )
    (file,) = await write(pool, sql, columns, sink)
    assert (file.rows, file.size, file.partition) == (1, file.source.stat().st_size, ())
    stored = pq.ParquetFile(file.source)
    assert stored.metadata.row_group(0).column(0).compression == (
        "UNCOMPRESSED" if codec == "none" else codec.upper()
    )
    assert str(stored.schema_arrow.field("t").type) == "timestamp[ms]"
    assert str(stored.schema_arrow.field("n").type) == "decimal128(10, 2)"
    assert stored.schema.column(2).path == "a.list.element"
    assert stored.schema.names[0] == "n"


async def test_text_is_what_lazy_simple_serde_reads(pool: WorkerPool, tmp_path: Path) -> None:
    sink = TableSink(staging(tmp_path), format="csv", compression="gzip", field_delimiter="|")
    sql = (
        "SELECT * FROM (VALUES ('q\"uote', 1e10::DOUBLE, true,"
        " TIMESTAMP '2024-01-02 03:04:05.670'), (NULL, 1.5, NULL, TIMESTAMP '2024-01-02'))"
    )
    columns = {"s": "varchar", "d": "double", "b": "boolean", "t": "timestamp(3)"}
    (file,) = await write(pool, sql, columns, sink)
    assert file.source.name.endswith(".csv.gz")
    assert gzip.decompress(file.source.read_bytes()) == (
        b'q"uote|1.0E10|true|2024-01-02 03:04:05.67\n\\N|1.5|\\N|2024-01-02 00:00:00\n'
    )


async def test_json_lines(pool: WorkerPool, tmp_path: Path) -> None:
    sink = TableSink(staging(tmp_path), format="json", compression="none")
    sql = "SELECT 1, 'é\"', NULL::VARCHAR, [1, 2], TIMESTAMP '2024-01-02 03:04:05.5'"
    columns = {
        "a": "integer",
        "s": "varchar",
        "n": "varchar",
        "l": "array(integer)",
        "t": "timestamp(3)",
    }
    (file,) = await write(pool, sql, columns, sink)
    assert file.source.read_text() == (
        '{"a":1,"s":"é\\"","n":null,"l":[1,2],"t":"2024-01-02 03:04:05.5"}\n'
    )


async def test_no_rows_no_file(pool: WorkerPool, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    for partition_by in ((), ("b",)):
        sink = TableSink(staging(tmp_path / "t"), partition_by=partition_by)
        sql = "SELECT 1, 2 WHERE false"
        assert await write(pool, sql, {"a": "integer", "b": "integer"}, sink) == ()
    assert list((tmp_path / "t" / "table").iterdir()) == []


async def test_partitions_are_folders_and_values(pool: WorkerPool, tmp_path: Path) -> None:
    sink = TableSink(staging(tmp_path), partition_by=("day", "kind"))
    sql = (
        "SELECT i::INTEGER, DATE '2024-01-01' + (i % 2)::INTEGER,"
        " CASE WHEN i % 3 > 0 THEN 'a/b' END FROM range(60) t(i)"
    )
    columns = {"i": "integer", "day": "date", "kind": "varchar"}
    files = await write(pool, sql, columns, sink)
    assert {
        (str(f.source.parent.relative_to(tmp_path / "table")), f.partition, f.rows) for f in files
    } == {
        ("day=2024-01-01/kind=a%2Fb", ("2024-01-01", "a/b"), 20),
        ("day=2024-01-02/kind=a%2Fb", ("2024-01-02", "a/b"), 20),
        ("day=2024-01-01/kind=__HIVE_DEFAULT_PARTITION__", ("2024-01-01", None), 10),
        ("day=2024-01-02/kind=__HIVE_DEFAULT_PARTITION__", ("2024-01-02", None), 10),
    }
    assert all(pq.ParquetFile(f.source).schema.names == ["i"] for f in files)


@pytest.mark.parametrize(
    ("sink", "columns"),
    [
        ({"format": "orc"}, {"a": "integer"}),
        ({"format": "csv", "compression": "snappy"}, {"a": "integer"}),
        ({"compression": "lz4"}, {"a": "integer"}),
        ({"format": "csv", "compression": "none"}, {"a": "array(integer)"}),
        ({"partition_by": ("a",)}, {"b": "integer", "a": "double"}),
    ],
)
async def test_what_cannot_be_written_is_refused(
    pool: WorkerPool, tmp_path: Path, sink: dict[str, object], columns: dict[str, str]
) -> None:
    target = TableSink(staging(tmp_path), **sink)  # type: ignore[arg-type]
    with pytest.raises(SqlError, match="NOT_SUPPORTED"):
        await write(pool, f"SELECT {', '.join('1' * len(columns))}", columns, target)
