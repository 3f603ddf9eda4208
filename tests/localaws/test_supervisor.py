"""Engine processes: kept running, never orphaned, and nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import psutil
import pytest

from localaws.core.errors import LocalAwsError
from localaws.engines import supervisor as module
from localaws.engines.postgresql import EmbeddedPostgres
from localaws.engines.postgresql_host import server_version
from localaws.engines.process import ChildProcess, FileLock, ProcessError, rotate, tail
from localaws.engines.supervisor import EngineStatus, Supervisor


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def has_ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def test_rows_survive_a_restart_and_a_kill(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "database")
    supervisor = Supervisor()
    try:
        await supervisor.start(server)
        assert server.has_data
        async with connected(server.url) as connection:
            await connection.execute("CREATE TABLE leads (id int)")
            for number in range(50):
                await connection.execute("INSERT INTO leads VALUES ($1)", number)
            pid = server.pid
            assert pid is not None
            started = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            await until(lambda: server.pid not in (None, pid))
            while not await server.healthy():
                await asyncio.sleep(0.01)
            assert time.monotonic() - started < 5
        async with connected(server.url) as connection:
            assert await connection.fetchval("SELECT count(*) FROM leads") == 50
            assert await connection.fetchval("SHOW server_encoding") == "UTF8"
            assert await connection.fetchval("SHOW data_checksums") == "on"
            assert await connection.fetchval("SHOW listen_addresses") == ""
        (status,) = await supervisor.statuses()
        assert (status.running, status.healthy, status.has_data) == (True, True, True)
        assert status.restarts == 1
        assert status.memory_bytes > 1_000_000
    finally:
        await supervisor.stop()
    assert server.pid is None
    again = EmbeddedPostgres(tmp_path / "database", log=tmp_path / "again.log")
    async with connected(await again.start()) as connection:
        assert await connection.fetchval("SELECT count(*) FROM leads") == 50
    await again.stop()
    assert "not properly shut down" not in (tmp_path / "again.log").read_text()


async def test_a_deep_folder_and_two_servers_side_by_side(tmp_path: Path) -> None:
    deep = tmp_path / ("so-deep-that-the-socket-needs-another-place" * 4)
    first = EmbeddedPostgres(deep, flush=False)
    second = EmbeddedPostgres(tmp_path / "other", flush=False)
    try:
        urls = await asyncio.gather(first.start(), second.start())
        for url in urls:
            async with connected(url) as connection:
                assert await connection.fetchval("SELECT 1") == 1
        intruder = EmbeddedPostgres(deep)
        with pytest.raises(ProcessError, match=f"held by process {os.getpid()}"):
            await intruder.start()
        assert await first.healthy()
        sockets = Path(urls[0].partition("host=")[2])
        assert sockets.stat().st_mode & 0o777 == 0o700
    finally:
        await first.stop()
        await second.stop()
    assert not sockets.exists()
    assert not await first.healthy()


async def test_a_broken_store_is_reported_with_the_log(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, flush=False)
    await server.start()
    await server.stop()
    (tmp_path / "data" / "global" / "pg_control").unlink()
    with pytest.raises(ProcessError, match="pg_control"):
        await server.start()
    assert server.pid is None


async def test_an_interrupted_making_of_the_store_is_made_again(tmp_path: Path) -> None:
    draft = tmp_path / "data.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(tmp_path, flush=False)
    assert not server.has_data
    await server.start()
    await server.stop()
    assert server.has_data
    assert not draft.exists()


ORPHANING = """
import asyncio, os, sys
from pathlib import Path
from localaws.engines import process
if sys.argv[2] == "no-death-signal":
    process._libc = None
from localaws.engines.postgresql import EmbeddedPostgres
async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]), flush=False)
    await server.start()
    print(server.pid, flush=True)
    os.kill(os.getpid(), 9)
asyncio.run(main())
"""


def orphan(folder: Path, how: str) -> psutil.Process:
    run = subprocess.run(
        [sys.executable, "-c", ORPHANING, str(folder), how],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == -signal.SIGKILL
    return psutil.Process(int(run.stdout))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a parent death signal")
async def test_the_server_dies_with_its_parent(tmp_path: Path) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        server = orphan(tmp_path, "death-signal")
        await until(lambda: has_ended(server))


async def test_an_orphan_is_stopped_before_the_start(tmp_path: Path) -> None:
    left = orphan(tmp_path, "no-death-signal")
    await asyncio.sleep(0.2)
    assert not has_ended(left)
    server = EmbeddedPostgres(tmp_path, flush=False)
    async with connected(await server.start()) as connection:
        assert await connection.fetchval("SELECT 1") == 1
    assert has_ended(left)
    assert server.pid != left.pid
    await server.stop()


async def test_a_killed_gateway_leaves_no_process_and_starts_again(tmp_path: Path) -> None:
    from localaws.launch import launch
    from localaws.settings import Settings

    settings = Settings.from_environment({}, home=tmp_path / "home", port=0, durability="none")
    launched = launch(settings)
    family = psutil.Process(launched.record.pid).children(recursive=True)
    assert any("postgres" in child.name() for child in family)
    launched.kill()
    await until(lambda: all(has_ended(child) for child in family))
    assert launched.home.record() is None
    again = launch(settings)
    assert again.record.pid != launched.record.pid
    again.stop()


class FakeEngine:
    """An engine that ends, hangs or does not start, as told."""

    name = "fake"
    has_data = False

    def __init__(self) -> None:
        self.pid: int | None = None
        self.starts = 0
        self.stops = 0
        self.startable = True
        self.answers = True
        self.ended = asyncio.Event()

    async def start(self) -> None:
        self.starts += 1
        if not self.startable:
            raise ProcessError("no disk left")
        self.pid = os.getpid()
        self.ended.clear()

    async def stop(self) -> None:
        self.stops += 1
        self.end()

    async def wait(self) -> int:
        await self.ended.wait()
        return 1

    async def healthy(self) -> bool:
        return self.answers

    def end(self) -> None:
        self.pid = None
        self.ended.set()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_BACK_OFF_SECONDS", 0.0001)
    monkeypatch.setattr(module, "LAST_BACK_OFF_SECONDS", 0.001)
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.01)


@pytest.mark.usefixtures("quick")
async def test_an_engine_that_cannot_start_again_stays_down_and_says_why() -> None:
    engine, supervisor = FakeEngine(), Supervisor()
    await supervisor.start(engine)
    engine.startable = False
    engine.end()
    await until(lambda: engine.starts == 1 + module.RESTART_LIMIT)
    await asyncio.sleep(0.05)
    (status,) = await supervisor.statuses()
    assert (status.running, status.healthy) == (False, False)
    assert "no disk left" in (status.error or "")
    assert engine.starts == 1 + module.RESTART_LIMIT
    await supervisor.stop()


@pytest.mark.usefixtures("quick")
async def test_an_engine_that_hangs_is_stopped_and_started() -> None:
    engine, supervisor = FakeEngine(), Supervisor()
    await supervisor.start(engine)
    engine.answers = False
    await until(lambda: engine.stops == 1)
    engine.answers = True
    await until(lambda: engine.starts == 2)
    (status,) = await supervisor.statuses()
    assert (status.healthy, status.restarts) == (True, 1)
    await supervisor.stop()
    assert engine.stops == 2


async def test_a_first_start_that_fails_is_the_callers() -> None:
    engine, supervisor = FakeEngine(), Supervisor()
    engine.startable = False
    with pytest.raises(LocalAwsError, match="no disk left"):
        await supervisor.start(engine)
    assert await supervisor.statuses() == []


async def test_a_registered_pool_reports_beside_the_engines() -> None:
    async def report() -> EngineStatus:
        return EngineStatus("sql", running=True, healthy=True)

    supervisor = Supervisor()
    supervisor.register("sql", report)
    assert [status.as_json()["name"] for status in await supervisor.statuses()] == ["sql"]
    await supervisor.stop()


async def test_a_child_is_asked_then_killed(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "child.log"
    program = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True)"
    child = ChildProcess.spawn([sys.executable, "-c", f"{program}; time.sleep(60)"], log=log)
    await until(lambda: tail(log, 1) == "up")
    assert child.exit_code is None
    assert await child.stop(grace=0.05) == -signal.SIGKILL
    assert child.exit_code == -signal.SIGKILL
    assert await child.stop() == -signal.SIGKILL
    with pytest.raises(ProcessError, match="cannot start"):
        ChildProcess.spawn([tmp_path / "no-such-program"], log=log)


async def test_children_come_from_the_main_thread_only(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="main thread"):
        await asyncio.to_thread(ChildProcess.spawn, ["true"], log=tmp_path / "log")


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    path = tmp_path / "run" / "lock"
    with FileLock(path):
        assert not FileLock(path).acquire()
    other = FileLock(path)
    assert other.acquire()
    other.release()


def test_logs_are_set_aside_when_they_have_grown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "a.log"
    rotate(log)
    log.write_text("one\ntwo\nthree\n")
    assert tail(log, 2) == "two\nthree"
    monkeypatch.setattr("localaws.engines.process.LOG_LIMIT_BYTES", 5)
    rotate(log)
    assert tail(log, 2) == ""
    assert (tmp_path / "a.log.1").read_text() == "one\ntwo\nthree\n"


def test_the_server_tells_its_version() -> None:
    assert server_version().startswith("18.")
