"""Jobs and events: work that was accepted is done, or settled with its reason."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.core.events import Event, Events
from localaws.core.jobs import Job, JobKind, Jobs
from localaws.core.state import Scope

HERE = Scope("111111111111", "us-east-1")
PLATFORM: Any = SimpleNamespace()


async def wait_for(database: Database, id: str, state: str) -> Any:
    for _ in range(500):
        row = await database.fetchrow("SELECT state, error, attempt FROM job WHERE id = $1", id)
        if row is not None and row["state"] == state:
            return row
        await asyncio.sleep(0.01)
    raise AssertionError(f"job {id} is {row} and not {state}")


async def submit(jobs: Jobs, database: Database, kind: str, id: str, payload: Any = None) -> None:
    async with database.transaction() as connection:
        await jobs.submit(connection, kind, HERE, id, payload)
    jobs.start(id)


async def test_a_job_runs_once_with_its_payload(database: Database) -> None:
    seen: list[Job] = []

    async def run(_: Any, job: Job) -> None:
        seen.append(job)

    jobs = Jobs(database, lambda: {"test": JobKind("test", run)})
    await jobs.start_up(PLATFORM, alone=True)
    await submit(jobs, database, "test", "a", {"x": [1, "é"]})
    jobs.start("a")
    await wait_for(database, "a", "DONE")
    jobs.start("a")
    await asyncio.sleep(0.05)
    await jobs.shut_down()
    assert [(job.id, job.scope, job.payload, job.attempt) for job in seen] == [
        ("a", HERE, {"x": [1, "é"]}, 1)
    ]


@pytest.mark.parametrize("kind", ["fails", "nobody-knows"])
async def test_a_job_that_raises_is_failed_with_its_reason(database: Database, kind: str) -> None:
    async def run(_: Any, job: Job) -> None:
        raise ValueError("out of coins")

    jobs = Jobs(database, lambda: {"fails": JobKind("fails", run)})
    await jobs.start_up(PLATFORM, alone=True)
    await submit(jobs, database, kind, "a")
    row = await wait_for(database, "a", "FAILED")
    await jobs.shut_down()
    assert row["error"] in ("ValueError: out of coins", "KeyError: 'nobody-knows'")


async def test_a_job_that_lost_the_database_is_settled_later(database: Database) -> None:
    calls: list[str] = []

    async def run(_: Any, job: Job) -> None:
        raise ConnectionRefusedError("the database is away")

    async def settle(_: Any, job: Job) -> None:
        calls.append(f"settled {job.attempt}")

    jobs = Jobs(database, lambda: {"test": JobKind("test", run, settle)})
    await jobs.start_up(PLATFORM, alone=True)
    await submit(jobs, database, "test", "a")
    await wait_for(database, "a", "RUNNING")
    await jobs.shut_down()
    again = Jobs(database, lambda: {"test": JobKind("test", run, settle)})
    await again.start_up(PLATFORM, alone=True)
    await wait_for(database, "a", "DONE")
    await again.shut_down()
    assert calls == ["settled 2"]


@pytest.mark.parametrize("settled", [False, True])
async def test_a_job_whose_process_died_is_run_again_or_settled(
    database: Database, settled: bool
) -> None:
    calls: list[str] = []

    async def forever(_: Any, job: Job) -> None:
        await asyncio.sleep(3600)

    async def again(_: Any, job: Job) -> None:
        calls.append(f"run {job.attempt}")

    async def lost(_: Any, job: Job) -> None:
        calls.append(f"lost {job.attempt}")

    first = Jobs(database, lambda: {"test": JobKind("test", forever)})
    await first.start_up(PLATFORM, alone=True)
    await submit(first, database, "test", "a")
    await wait_for(database, "a", "RUNNING")
    # The second process starts while the first one's lease still runs, as after a kill.
    second = Jobs(database, lambda: {"test": JobKind("test", again, lost if settled else None)})
    await second.start_up(PLATFORM, alone=True)
    await wait_for(database, "a", "DONE")
    await second.shut_down()
    await first.shut_down()
    assert calls == ["lost 2" if settled else "run 2"]


async def test_another_process_does_not_take_a_job_that_is_alive(database: Database) -> None:
    started = asyncio.Event()

    async def forever(_: Any, job: Job) -> None:
        started.set()
        await asyncio.sleep(3600)

    async def stolen(_: Any, job: Job) -> None:
        raise AssertionError("it was alive")

    first = Jobs(database, lambda: {"test": JobKind("test", forever)})
    await first.start_up(PLATFORM, alone=True)
    await submit(first, database, "test", "a")
    await started.wait()
    second = Jobs(database, lambda: {"test": JobKind("test", stolen)})
    await second.start_up(PLATFORM, alone=False)
    await asyncio.sleep(0.1)
    row = await wait_for(database, "a", "RUNNING")
    await second.shut_down()
    await first.shut_down()
    assert row["attempt"] == 1


async def test_events_arrive_in_order_and_survive_a_failing_subscriber(database: Database) -> None:
    events = Events(database)
    seen: list[Any] = []
    failures = iter([True, False])

    async def listen(event: Event) -> None:
        if event.detail == 1 and next(failures, False):
            raise RuntimeError("not now")
        seen.append(event.detail)

    events.subscribe("topic", listen)
    async with database.transaction() as connection:
        for number in range(3):
            await events.emit(connection, "topic", HERE, number)
        await events.emit(connection, "nobody-listens", HERE, 9)
    await events.start()
    for _ in range(500):
        if await database.fetchval("SELECT count(*) FROM outbox") == 0:
            break
        await asyncio.sleep(0.01)
    await events.stop()
    # At least once, in order: the batch is delivered again from its start.
    assert seen == [0, 0, 1, 2]


async def test_an_event_of_a_failed_transaction_never_happened(database: Database) -> None:
    events = Events(database)
    events.subscribe("topic", lambda _: asyncio.sleep(0))

    async def half() -> None:
        async with database.transaction() as connection:
            await events.emit(connection, "topic", HERE, 1)
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        await half()
    assert await database.fetchval("SELECT count(*) FROM outbox") == 0


def test_the_clock_only_moves_forward() -> None:
    clock = Clock()
    before = clock.now()
    clock.advance(timedelta(days=30))
    assert clock.now() - before >= timedelta(days=30)
    with pytest.raises(ValueError, match="forward"):
        clock.advance(timedelta(seconds=-1))
