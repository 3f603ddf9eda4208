from __future__ import annotations

import asyncio
import csv
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sql_help import OPEN_CSV, PARQUET, staging

from localaws.engines.sql.base import (
    Column,
    DataFile,
    Partition,
    QueryCancelled,
    ResultSink,
    Session,
    SqlError,
    TableSchema,
    TableSink,
    ViewSchema,
)
from localaws.engines.sql.duckdb.adapter import DuckDbEngine
from localaws.engines.sql.duckdb.pool import PoolSettings

BOMB = "SELECT count(*) FROM numbers a, numbers b, numbers c WHERE a.n * b.n + c.n = 7"


class Catalog:
    """A `TableReader` over dictionaries."""

    def __init__(self) -> None:
        self.relations: dict[tuple[str, str, str], TableSchema | ViewSchema] = {}
        self.parts: dict[str, list[Partition]] = {}
        self.objects: dict[str, list[DataFile]] = {}
        self.asked: list[str | None] = []

    async def table(
        self, catalog: str, database: str, name: str
    ) -> TableSchema | ViewSchema | None:
        return self.relations.get((catalog, database, name))

    async def database_exists(self, catalog: str, database: str) -> bool:
        return any(key[:2] == (catalog, database) for key in self.relations)

    async def partitions(self, table: TableSchema, expression: str | None) -> list[Partition]:
        self.asked.append(expression)
        return self.parts[table.name]

    async def files(self, location: str) -> list[DataFile]:
        return self.objects[location]

    def add_table(
        self,
        name: str,
        columns: dict[str, str],
        files: list[DataFile],
        serde: str = PARQUET,
        keys: dict[str, str] | None = None,
    ) -> None:
        location = f"s3://lake/{name}/"
        self.objects[location] = files
        self.relations["awsdatacatalog", "bank", name] = TableSchema(
            "awsdatacatalog",
            "bank",
            name,
            tuple(Column(*item) for item in columns.items()),
            tuple(Column(*item) for item in (keys or {}).items()),
            location,
            "",
            serde,
        )

    def add_view(self, name: str, sql: str, columns: dict[str, str]) -> None:
        self.relations["awsdatacatalog", "bank", name] = ViewSchema(
            "awsdatacatalog",
            "bank",
            name,
            tuple(Column(*item) for item in columns.items()),
            sql,
        )


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[DuckDbEngine]:
    engine = DuckDbEngine(
        PoolSettings(home=tmp_path / "spill", threads=2, maximum=2, memory_limit="200MB")
    )
    before = set(psutil.Process().children())
    await engine.start()
    yield engine
    await engine.stop()
    assert not set(psutil.Process().children()) - before


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    catalog = Catalog()
    path = tmp_path / "blob"
    pq.write_table(pa.table({"id": [1, 2, 3], "name": ["a", 'b"', None]}), path)
    file = DataFile("s3://lake/accounts/a.parquet", str(path), path.stat().st_size)
    catalog.add_table("accounts", {"id": "bigint", "name": "varchar"}, [file])
    path = tmp_path / "numbers"
    pq.write_table(pa.table({"n": list(range(10_000))}), path)
    file = DataFile("s3://lake/numbers/n.parquet", str(path), path.stat().st_size)
    catalog.add_table("numbers", {"n": "bigint"}, [file])
    return catalog


def session(query_id: str = "q1", **options: int) -> Session:
    return Session(query_id, "000000000000", "us-east-1", database="bank", **options)  # type: ignore[arg-type]


async def test_a_query_becomes_a_result_file(
    engine: DuckDbEngine, catalog: Catalog, tmp_path: Path
) -> None:
    sink = ResultSink(tmp_path / "result.csv")
    sql = "SELECT id, name, '' AS e, id FROM accounts ORDER BY id DESC"
    outcome = await engine.run(sql, session(), catalog, sink)
    assert sink.path.read_bytes() == (
        b'"id","name","e","id"\n"3",,"","3"\n"2","b""","","2"\n"1","a","","1"\n'
    )
    assert [(c.name, c.type) for c in outcome.columns][:2] == [
        ("id", "bigint"),
        ("name", "varchar"),
    ]
    assert outcome.rows == 3
    assert 0 < outcome.scanned_bytes < 1000
    assert await engine.columns(sql, session(), catalog) == outcome.columns


async def test_no_rows_leave_the_header(
    engine: DuckDbEngine, catalog: Catalog, tmp_path: Path
) -> None:
    sink = ResultSink(tmp_path / "result.csv")
    outcome = await engine.run("SELECT id FROM accounts WHERE id > 9", session(), catalog, sink)
    assert (outcome.rows, sink.path.read_bytes()) == (0, b'"id"\n')


async def test_views_are_resolved_in_their_own_database(
    engine: DuckDbEngine, catalog: Catalog, tmp_path: Path
) -> None:
    catalog.add_view(
        "named",
        "SELECT id, name FROM accounts WHERE name IS NOT NULL",
        {"id": "bigint", "name": "varchar"},
    )
    catalog.add_view("counted", "SELECT count(*) AS n FROM named", {"n": "bigint"})
    sink = ResultSink(tmp_path / "result.csv")
    elsewhere = Session("q", "000000000000", "us-east-1", database="default")
    await engine.run("SELECT n FROM bank.counted", elsewhere, catalog, sink)
    assert sink.path.read_text() == '"n"\n"2"\n'


async def test_partitions_are_pruned_by_the_catalog(
    engine: DuckDbEngine, catalog: Catalog, tmp_path: Path
) -> None:
    (tmp_path / "csv").write_bytes(b'"x,1"\n')
    file = DataFile("s3://lake/p/1", str(tmp_path / "csv"), 6)
    catalog.add_table("events", {"v": "varchar"}, [], OPEN_CSV, {"day": "date"})
    catalog.parts["events"] = [Partition(("2024-01-01",), "s3://lake/p/")]
    catalog.objects["s3://lake/p/"] = [file]
    sink = ResultSink(tmp_path / "result.csv")
    sql = "SELECT v, day FROM events WHERE day = DATE '2024-01-01'"
    outcome = await engine.run(sql, session(), catalog, sink)
    assert sink.path.read_text() == '"v","day"\n"x,1","2024-01-01"\n'
    assert outcome.scanned_bytes == 6
    assert catalog.asked[0] is not None
    assert "2024-01-01" in catalog.asked[0]


async def test_errors_are_trinos(engine: DuckDbEngine, catalog: Catalog, tmp_path: Path) -> None:
    async def fails(sql: str, **options: int) -> SqlError:
        with pytest.raises(SqlError) as caught:
            await engine.run(sql, session(**options), catalog, ResultSink(tmp_path / "r.csv"))
        assert not (tmp_path / "r.csv").exists()
        return caught.value

    assert (await fails("SELECT 1 FROM nothing")).name == "TABLE_NOT_FOUND"
    assert (await fails("SELECT 1 FROM no.nothing")).message.endswith("Schema 'no' does not exist")
    assert (await fails("SELECT x FROM accounts")).name == "COLUMN_NOT_FOUND"
    assert (await fails("SELECT 1 / (id - 1) FROM accounts")).name == "DIVISION_BY_ZERO"
    limited = await fails("SELECT name FROM accounts", scan_limit=10)
    assert (limited.name, limited.message) == (
        "EXCEEDED_SCAN_LIMIT",
        "Bytes scanned limit was exceeded",
    )


async def test_a_table_is_written_in_partitions(
    engine: DuckDbEngine, catalog: Catalog, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    sink = TableSink(
        staging(target),
        columns=(Column("id", "bigint"), Column("name", "varchar")),
        partition_by=("name",),
    )
    outcome = await engine.run("SELECT id, name FROM accounts", session(), catalog, sink)
    assert {(f.partition, f.rows) for f in outcome.files} == {
        (("a",), 1),
        (('b"',), 1),
        ((None,), 1),
    }
    assert [
        pq.ParquetFile(f.source).read().to_pydict() for f in outcome.files if f.partition == ("a",)
    ]
    too_many = TableSink(staging(target), partition_by=("name",), max_partitions=2)
    with pytest.raises(SqlError, match="Exceeded limit of 2 open writers"):
        await engine.run("SELECT id, name FROM accounts", session(), catalog, too_many)
    assert list(target.iterdir()) == []


async def test_a_running_query_is_cancelled_within_two_seconds(
    engine: DuckDbEngine, catalog: Catalog, tmp_path: Path
) -> None:
    sink = ResultSink(tmp_path / "r.csv")
    task = asyncio.create_task(engine.run(BOMB, session("bomb"), catalog, sink))
    await asyncio.sleep(1)
    started = time.monotonic()
    assert await engine.cancel("bomb")
    with pytest.raises(QueryCancelled):
        await task
    assert time.monotonic() - started < 2
    assert not await engine.cancel("bomb")
    await engine.run("SELECT 1", session(), catalog, sink)


async def test_a_waiting_query_is_cancelled_and_the_others_go_on(
    engine: DuckDbEngine, catalog: Catalog, tmp_path: Path
) -> None:
    tasks = [
        asyncio.create_task(
            engine.run(BOMB, session(f"b{i}"), catalog, ResultSink(tmp_path / f"{i}.csv"))
        )
        for i in range(3)
    ]
    await asyncio.sleep(1)
    await engine.cancel("b2")
    with pytest.raises(QueryCancelled):
        await tasks[2]
    assert not tasks[0].done()
    await asyncio.gather(engine.cancel("b0"), engine.cancel("b1"))
    assert all(
        isinstance(result, QueryCancelled)
        for result in await asyncio.gather(*tasks[:2], return_exceptions=True)
    )


async def test_a_killed_worker_fails_its_query_and_nothing_else(
    engine: DuckDbEngine, catalog: Catalog, tmp_path: Path
) -> None:
    bomb = asyncio.create_task(
        engine.run(BOMB, session("bomb"), catalog, ResultSink(tmp_path / "bomb.csv"))
    )
    await asyncio.sleep(1)
    worker = engine._running["bomb"].worker
    assert worker is not None
    worker.worker.process.kill()
    with pytest.raises(SqlError, match="was killed by signal 9") as caught:
        await bomb
    assert (caught.value.name, caught.value.user) == ("GENERIC_INTERNAL_ERROR", False)
    sink = ResultSink(tmp_path / "r.csv")
    await engine.run("SELECT count(*) FROM accounts", session(), catalog, sink)
    assert sink.path.read_text() == '"_col0"\n"3"\n'


async def test_a_memory_bomb_fails_and_the_next_query_runs(
    engine: DuckDbEngine, catalog: Catalog, tmp_path: Path
) -> None:
    sink = ResultSink(tmp_path / "r.csv")
    bomb = "SELECT cardinality(array_agg(a.n * b.n)) FROM numbers a, numbers b"
    with pytest.raises(SqlError) as caught:
        await engine.run(bomb, session(), catalog, sink)
    assert (caught.value.name, caught.value.user) == ("EXCEEDED_LOCAL_MEMORY_LIMIT", False)
    assert (await engine.run("SELECT 1", session(), catalog, sink)).rows == 1


async def test_eight_queries_at_once(
    engine: DuckDbEngine, catalog: Catalog, tmp_path: Path
) -> None:
    sinks = [ResultSink(tmp_path / f"{i}.csv") for i in range(8)]
    await asyncio.gather(
        *(
            engine.run(
                f"SELECT id + {i} AS n FROM accounts ORDER BY 1", session(f"q{i}"), catalog, s
            )
            for i, s in enumerate(sinks)
        )
    )
    for i, sink in enumerate(sinks):
        with sink.path.open() as file:
            assert list(csv.reader(file)) == [["n"], *([str(n + i)] for n in (1, 2, 3))]
    assert len(engine.pool._all) <= 2


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/x'",
        "SELECT 1; SELECT 2",
    ],
)
async def test_other_files_and_statements_are_refused(
    engine: DuckDbEngine, catalog: Catalog, tmp_path: Path, sql: str
) -> None:
    with pytest.raises(SqlError):
        await engine.run(sql, session(), catalog, ResultSink(tmp_path / "r.csv"))


async def test_explain_names_objects_and_no_local_path(
    engine: DuckDbEngine, catalog: Catalog, tmp_path: Path
) -> None:
    plan = await engine.explain("SELECT count(*) FROM accounts WHERE id > 1", session(), catalog)
    assert "PARQUET" in plan.upper()
    assert str(tmp_path) not in plan
