"""The engine over a server that plays its part of the protocol: faults, limits, cancellation."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from localaws.engines.sql.auto import AutoEngine
from localaws.engines.sql.base import (
    Outcome,
    QueryCancelled,
    ResultSink,
    Session,
    SqlError,
    SqlRefused,
)
from localaws.engines.sql.trino.adapter import TrinoEngine
from localaws.engines.sql.trino.catalogs import AccountCatalogs, GlueSource, StoreAccess
from localaws.engines.sql.trino.client import TrinoClient

HOME = ("000000000000", "us-east-1")
SESSION = Session("q1", "000000000000", "us-east-1", database="bank", user="000000000000")
COLUMNS = [{"name": "A", "type": "integer"}, {"name": "d", "type": "double"}]

Answer = dict[str, Any] | int
"""A page without its addresses, or an HTTP status."""


class Server:
    """Answers statements with scripted pages, and remembers what it was asked."""

    def __init__(self) -> None:
        self.scripts: dict[str, list[Answer]] = {}
        self.statements: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.deleted: list[str] = []
        self.running: dict[str, list[Answer]] = {}
        self.url = ""

    async def post(self, request: web.Request) -> web.Response:
        sql = await request.text()
        self.statements.append(sql)
        self.headers.append(dict(request.headers))
        id = f"s{len(self.statements)}"
        default: list[Answer] = [{}]
        found = next((v for k, v in self.scripts.items() if sql.startswith(k)), default)
        self.running[id] = list(found)
        return self.next(id)

    def next(self, id: str) -> web.Response:
        answer = self.running[id].pop(0)
        if isinstance(answer, int):
            return web.Response(status=answer)
        page = {"id": id, "stats": {"state": "RUNNING"}, **answer}
        if self.running[id]:
            page["nextUri"] = f"{self.url}/v1/statement/executing/{id}"
        return web.Response(body=json.dumps(page), content_type="application/json")

    async def get(self, request: web.Request) -> web.Response:
        id = request.match_info["id"]
        if id not in self.running:
            return web.Response(status=404)
        if self.running[id][0] == {"wait": True}:
            await asyncio.sleep(30)
        return self.next(id)

    async def delete(self, request: web.Request) -> web.Response:
        self.deleted.append(request.match_info["id"])
        return web.Response(status=204)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    app = web.Application()
    app.router.add_post("/v1/statement", made.post)
    app.router.add_get("/v1/statement/executing/{id}", made.get)
    app.router.add_delete("/v1/statement/executing/{id}", made.delete)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


def engine_at(locate: Callable[[], str], limit: int = 32) -> TrinoEngine:
    async def located() -> str:
        return locate()

    client = TrinoClient(located, retry_seconds=0.3, connect_seconds=0.2)
    source = GlueSource(StoreAccess("http://127.0.0.1:1"), "http://127.0.0.1:1", "/nowhere")
    catalogs = AccountCatalogs(client, source, HOME, ("999999999999", "us-east-1"), limit)
    store: Any = None
    return TrinoEngine(client, catalogs, store)


@pytest.fixture
async def engine(server: Server) -> AsyncIterator[TrinoEngine]:
    made = engine_at(lambda: server.url)
    yield made
    await made.stop()


async def run(engine: TrinoEngine, path: Path, sql: str = "SELECT x", **session: Any) -> Outcome:
    reader: Any = None
    found = Session(**{**SESSION.__dict__, **session})
    return await engine.run(sql, found, reader, ResultSink(path))


async def test_pages_become_the_result_file(
    server: Server, engine: TrinoEngine, tmp_path: Path
) -> None:
    server.scripts["SELECT"] = [
        {},
        503,
        {"columns": COLUMNS},
        {"columns": COLUMNS, "data": [[1, 1.5], [None, "NaN"]]},
        {"columns": COLUMNS, "data": [[2, 1e10]]},
        {"stats": {"state": "FINISHED", "physicalInputBytes": 7}},
    ]
    outcome = await run(engine, tmp_path / "r.csv")
    assert (tmp_path / "r.csv").read_bytes() == (
        b'"a","d"\n"1","1.5"\n,"NaN"\n"2","10000000000.0"\n'
    )
    assert (outcome.rows, outcome.scanned_bytes) == (3, 7)
    assert [(c.name, c.type) for c in outcome.columns] == [("a", "integer"), ("d", "double")]
    assert server.headers[-1]["X-Trino-Catalog"] == "awsdatacatalog"
    assert server.headers[-1]["X-Trino-Schema"] == "bank"
    assert server.deleted == []


async def test_a_large_page_is_written_whole(
    server: Server, engine: TrinoEngine, tmp_path: Path
) -> None:
    rows = [[number, 0.5] for number in range(20_000)]
    server.scripts["SELECT"] = [{"columns": COLUMNS, "data": rows}, {}]
    assert (await run(engine, tmp_path / "r.csv")).rows == 20_000
    assert len((tmp_path / "r.csv").read_bytes().splitlines()) == 20_001


async def test_a_failure_is_told_in_athenas_words(
    server: Server, engine: TrinoEngine, tmp_path: Path
) -> None:
    name = "awsdatacatalog_111111111111_eu_west_1"
    server.scripts["SELECT"] = [
        {
            "error": {
                "message": f"line 1:8: Table '{name}.bank.t' does not exist",
                "errorName": "TABLE_NOT_FOUND",
                "errorType": "USER_ERROR",
            }
        }
    ]
    with pytest.raises(SqlError) as failure:
        await run(engine, tmp_path / "r.csv", account="111111111111", region="eu-west-1")
    assert failure.value.message == "line 1:8: Table 'awsdatacatalog.bank.t' does not exist"
    assert failure.value.user
    assert not (tmp_path / "r.csv").exists()
    assert f'CREATE CATALOG IF NOT EXISTS "{name}" USING hive' in "\n".join(server.statements)


async def test_a_query_that_reads_too_much_is_stopped(
    server: Server, engine: TrinoEngine, tmp_path: Path
) -> None:
    read = {"columns": COLUMNS, "stats": {"physicalInputBytes": 2_000}}
    server.scripts["SELECT"] = [read, read, {"wait": True}]
    with pytest.raises(SqlError, match="EXCEEDED_SCAN_LIMIT: Bytes scanned limit was exceeded"):
        await run(engine, tmp_path / "r.csv", scan_limit=1_000)
    assert "query_max_scan_physical_bytes=1000B" in server.headers[-1]["X-Trino-Session"]
    assert server.deleted != []


async def test_a_query_is_cancelled_on_the_server(
    server: Server, engine: TrinoEngine, tmp_path: Path
) -> None:
    server.scripts["SELECT"] = [{"columns": COLUMNS}, {"wait": True}]
    running = asyncio.create_task(run(engine, tmp_path / "r.csv"))
    while not await_get(server):
        await asyncio.sleep(0.005)
    assert await engine.cancel("q1")
    with pytest.raises(QueryCancelled):
        await running
    assert server.deleted == [f"s{len(server.statements)}"]
    assert not await engine.cancel("q1")


def await_get(server: Server) -> bool:
    return any(script == [{"wait": True}] for script in server.running.values())


async def test_a_restarted_server_fails_the_query_and_answers_the_next(
    server: Server, engine: TrinoEngine, tmp_path: Path
) -> None:
    server.scripts["SELECT"] = [{"columns": COLUMNS}, {"columns": COLUMNS}, 404]
    with pytest.raises(SqlError, match="restarted while the query ran") as failure:
        await run(engine, tmp_path / "r.csv")
    assert not failure.value.user
    # the new server has no catalogs: they are made again
    gone = {
        "message": "line 1:1: Catalog 'awsdatacatalog' not found",
        "errorName": "CATALOG_NOT_FOUND",
        "errorType": "USER_ERROR",
    }
    server.scripts["SELECT"] = [{"error": gone}]
    made = sum(text.startswith("CREATE CATALOG") for text in server.statements)

    async def repair() -> None:
        while sum(text.startswith("CREATE CATALOG") for text in server.statements) == made:
            await asyncio.sleep(0.001)
        server.scripts["SELECT"] = [{"columns": COLUMNS}, {}]

    repairing = asyncio.create_task(repair())
    assert (await run(engine, tmp_path / "r.csv")).rows == 0
    await repairing


async def test_a_server_that_is_starting_is_waited_for(
    server: Server, engine: TrinoEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localaws.engines.sql.trino.client.LAST_PAUSE_SECONDS", 0.01)
    starting = {
        "message": "Trino server is still initializing",
        "errorName": "SERVER_STARTING_UP",
        "errorType": "INTERNAL_ERROR",
    }
    server.scripts["SELECT"] = [{}, {"error": starting}]

    async def begin_to_serve() -> None:
        while server.statements.count("SELECT x") < 3:
            await asyncio.sleep(0.001)
        server.scripts["SELECT"] = [{"columns": COLUMNS, "data": [[1, 1.5]]}]

    serving = asyncio.create_task(begin_to_serve())
    assert (await run(engine, tmp_path / "r.csv")).rows == 1
    await serving
    monkeypatch.setattr("localaws.engines.sql.trino.client.STARTING_SECONDS", 0)
    server.scripts["SELECT"] = [{"error": starting}]
    with pytest.raises(SqlError, match=r"The SQL engine .* does not answer: Trino server is still"):
        await run(engine, tmp_path / "r.csv")


async def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    engine = engine_at(lambda: "http://127.0.0.1:9")
    with pytest.raises(
        SqlError, match=r"The SQL engine \(Trino at http://127.0.0.1:9\)"
    ) as failure:
        await run(engine, tmp_path / "r.csv")
    assert not failure.value.user
    await engine.stop()


async def test_the_least_recently_used_catalogs_go(server: Server, tmp_path: Path) -> None:
    engine = engine_at(lambda: server.url, limit=2)
    server.scripts["SELECT"] = [{"columns": COLUMNS}]
    for number in (1, 2, 1, 3):
        await run(engine, tmp_path / "r.csv", account=str(number) * 12)
    dropped = [text for text in server.statements if text.startswith("DROP CATALOG")]
    assert dropped[0] == 'DROP CATALOG IF EXISTS "awsdatacatalog_222222222222_us_east_1"'
    assert all("222222222222" in text for text in dropped)
    await engine.stop()


class Stub(TrinoEngine):
    """Answers or refuses everything."""

    def __init__(self, name: str, refuses: bool) -> None:
        self.name = name
        self.refuses = refuses
        self.stopped = False

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        self.stopped = True

    async def explain(self, *_: Any, **__: Any) -> str:
        if self.refuses:
            raise SqlRefused("The function x is not supported here")
        return self.name


async def test_auto_asks_the_exact_engine_what_the_first_refuses() -> None:
    made: list[Stub] = []
    installed = False

    def exact() -> Stub:
        made.append(Stub("exact", refuses=False))
        return made[-1]

    reader: Any = None
    first = Stub("first", refuses=True)
    auto = AutoEngine(first, exact, lambda: installed, "Cure: install it")
    await auto.start()
    with pytest.raises(SqlRefused, match=r"x is not supported here\. Cure: install it"):
        await auto.explain("SELECT x", SESSION, reader)
    installed = True
    answers = await asyncio.gather(*(auto.explain("SELECT x", SESSION, reader) for _ in range(3)))
    assert answers == ["exact"] * 3
    first.refuses = False
    assert await auto.explain("SELECT x", SESSION, reader) == "first"
    await auto.stop()
    with contextlib.suppress(IndexError):
        assert made[-1].stopped
    assert len(made) == 1
