from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from localaws.engines.sql.base import QueryCancelled, SqlError
from localaws.engines.sql.duckdb.pool import (
    ExecutionError,
    PoolSettings,
    QuerySession,
    WorkerPool,
)

FOREVER = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range = 7"


async def warm(pool: WorkerPool) -> None:
    while not pool._idle:
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('{allowed}/../secret')",
        "SELECT * FROM read_text('{allowed}x')",
        "SELECT * FROM glob('/etc/*')",
        "COPY (SELECT 1) TO '{allowed}/../new'",
        "COPY (SELECT 1) TO '{readable}.new'",
        "ATTACH '/tmp/other.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "RESET lock_configuration",
        "EXPORT DATABASE '/tmp/dump'",
    ],
)
async def test_a_query_reaches_its_own_files_only(
    pool: WorkerPool, tmp_path: Path, sql: str
) -> None:
    allowed, readable = tmp_path / "allowed", tmp_path / "readable"
    allowed.mkdir()
    for path in (readable, tmp_path / "secret", tmp_path / "allowedx"):
        path.write_text("x\n")
    async with pool.session() as session:
        await session.open([str(readable)], [str(allowed)])
        assert await session.execute(f"SELECT content FROM read_text('{readable}')") == [["x\n"]]
        assert await session.execute(f"COPY (SELECT 1) TO '{allowed}/f'") == [[1]]
        with pytest.raises(ExecutionError) as caught:
            await session.execute(sql.format(allowed=allowed, readable=readable))
        assert caught.value.kind in ("PermissionException", "InvalidInputException")
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != "spill") == [
        "allowed",
        "allowedx",
        "readable",
        "secret",
    ]


async def test_one_statement_at_a_time(pool: WorkerPool) -> None:
    async with pool.session() as session:
        await session.open([])
        with pytest.raises(ExecutionError, match="one statement expected"):
            await session.execute("SELECT 1; SELECT 2")


async def test_nothing_leaks_into_the_next_query(pool: WorkerPool) -> None:
    await warm(pool)
    for _ in range(2):
        async with pool.session() as session:
            await session.open([])
            await session.execute("CREATE TEMP TABLE leak AS SELECT 1")
    assert len(pool._all) == 1


async def test_a_cancelled_statement_stops(pool: WorkerPool) -> None:
    started = time.monotonic()

    async def cancel(session: QuerySession) -> None:
        await asyncio.sleep(0.3)
        await session.cancel(1)

    async with pool.session() as session:
        await session.open([])
        cancelling = asyncio.create_task(cancel(session))
        with pytest.raises(QueryCancelled):
            await session.execute(FOREVER)
    await cancelling
    assert time.monotonic() - started < 2.3


async def test_a_worker_that_does_not_stop_is_killed(pool: WorkerPool) -> None:
    async with pool.session() as session:
        await session.open([])
        process = session.worker.process
        process.send_signal(signal.SIGSTOP)  # it cannot hear the request to stop
        cancelling = asyncio.create_task(session.cancel(0.2))
        with pytest.raises(QueryCancelled):
            await session.execute("SELECT 1")
        await cancelling
    assert process.returncode == -signal.SIGKILL


async def test_a_crash_is_explained_and_the_worker_replaced(pool: WorkerPool) -> None:
    async with pool.session() as session:
        await session.open([])
        crashed = session.worker.process.pid
        asyncio.get_running_loop().call_later(0.2, os.kill, crashed, signal.SIGSEGV)
        with pytest.raises(SqlError, match="was killed by signal 11") as caught:
            await session.execute(FOREVER)
    assert (caught.value.name, caught.value.user) == ("GENERIC_INTERNAL_ERROR", False)
    async with pool.session() as session:
        await session.open([])
        assert await session.execute("SELECT 1") == [[1]]
    assert not psutil.pid_exists(crashed)


async def test_an_idle_worker_that_dies_is_not_lent(pool: WorkerPool) -> None:
    await warm(pool)
    pool._idle[0].process.kill()
    await pool._idle[0].process.wait()
    async with pool.session() as session:
        await session.open([])
        assert await session.execute("SELECT 1") == [[1]]


async def test_the_pool_grows_to_its_maximum_and_shrinks(tmp_path: Path) -> None:
    pool = WorkerPool(PoolSettings(home=tmp_path / "spill", maximum=3, idle_seconds=0.5))
    await pool.start()
    sizes = set()

    async def query() -> None:
        async with pool.session() as session:
            await session.open([])
            await session.execute("SELECT 1")
            await asyncio.sleep(0.2)
            sizes.add(len(pool._all))

    try:
        await asyncio.gather(*(query() for _ in range(7)))
        assert max(sizes) == 3
        deadline = time.monotonic() + 10
        while len(pool._all) > 1 and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        assert len(pool._all) == 1
    finally:
        await pool.stop()


async def test_an_idle_worker_is_small(pool: WorkerPool) -> None:
    await warm(pool)
    async with pool.session() as session:
        await session.open([])
        await session.execute("SELECT 1")
        memory = psutil.Process(session.worker.process.pid).memory_info().rss
    assert memory < 60 * 1024 * 1024


PARENT = """
import asyncio, os, sys
from pathlib import Path
from localaws.engines.sql.duckdb.pool import PoolSettings, WorkerPool

async def main():
    pool = WorkerPool(PoolSettings(home=Path(sys.argv[1])))
    await pool.start()
    async with pool.session() as session:
        await session.open([])
        print(session.worker.process.pid, flush=True)
        await session.execute(sys.argv[2])

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only idle workers notice at once")
def test_workers_die_with_a_killed_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "spill"), FOREVER], stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    worker.wait(timeout=5)
