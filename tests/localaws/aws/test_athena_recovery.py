"""Statements whose process is killed: whole or not at all, and never stuck.

Within one process a kill is an error that nothing handles, raised right before or after a step;
what a restart then does with the job is done by calling it. One test kills a real gateway.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from athena_help import Asker

from localaws.aws.athena import executions, running
from localaws.aws.athena.model import QueryExecution
from localaws.core.jobs import Job
from localaws.core.platform import Context, Platform, Principal
from localaws.gateway import server
from localaws.settings import Settings

REGION = "us-east-1"
_numbers = itertools.count(1)


class Killed(BaseException):
    """The process is gone."""


class Lake:
    """Athena's functions on a platform, as one account with the bucket `bucket`."""

    def __init__(self, platform: Platform) -> None:
        account = f"{next(_numbers):012}"
        root = Principal(f"arn:aws:iam::{account}:root", True)
        self.platform = platform
        self.ctx = Context(platform, account, REGION, root, "request")
        self.bucket = f"lake-{account}"

    async def start(self, sql: str) -> str:
        location = {"OutputLocation": f"s3://{self.bucket}/results/"}
        return await executions.start(self.ctx, sql, None, {"Database": "db"}, location, None, [])

    async def finish(self, id: str) -> QueryExecution:
        for _ in range(1000):
            execution = await executions.get(self.ctx, id)
            if execution.final:
                return execution
            await asyncio.sleep(0.01)
        raise AssertionError(execution)

    async def run(self, sql: str) -> QueryExecution:
        execution = await self.finish(await self.start(sql))
        assert execution.state == "SUCCEEDED", execution.reason
        return execution

    async def rows(self, sql: str) -> list[tuple[str | None, ...]]:
        id = (await self.run(sql)).id
        page = await self.ctx.call("athena", "get_query_results", query_execution_id=id)
        rows = [
            tuple(cell.get("VarCharValue") for cell in row["Data"])
            for row in page["ResultSet"]["Rows"]
        ]
        return rows[1:]

    async def keys(self, prefix: str) -> list[str]:
        page = await self.platform.object_store.page(self.bucket, prefix)
        return [info.key for info in page.objects]

    async def killed_at(
        self, monkeypatch: pytest.MonkeyPatch, sql: str, step: str, call: int, after: bool
    ) -> QueryExecution:
        """Kill the statement's process at a step, then recover it as a restart does."""
        where, _, name = step.partition(".")
        owner = getattr(self.platform, where)
        original = getattr(owner, name)
        counter = itertools.count(1)
        dead = asyncio.Event()

        async def stepping(*arguments: Any, **options: Any) -> Any:
            if next(counter) != call:
                return await original(*arguments, **options)
            if after:
                await original(*arguments, **options)
            dead.set()
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(owner, name, stepping)
            id = await self.start(sql)
            await asyncio.wait_for(dead.wait(), 20)
        await asyncio.sleep(0.05)
        assert not (await executions.get(self.ctx, id)).final
        job = Job(id, running.JOB, self.ctx.scope, None, attempt=2)
        await running.recover_execution(self.platform, job)
        return await executions.get(self.ctx, id)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    settings = Settings.from_environment(
        {}, home=tmp_path_factory.mktemp("home"), durability="process"
    )
    async with server.platform(settings) as handles:
        yield handles[0]


@pytest_asyncio.fixture(loop_scope="module")
async def lake(platform: Platform) -> Lake:
    lake = Lake(platform)
    await platform.object_store.create_bucket(lake.ctx.account, REGION, lake.bucket)
    await lake.run("CREATE DATABASE db")
    return lake


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("step", "call", "after", "effective"),
    [
        ("sql.run", 1, False, False),
        ("object_store.adopt", 1, False, False),
        ("object_store.adopt", 1, True, False),
        ("catalog.create_table", 1, False, False),
        ("catalog.create_table", 1, True, True),
        ("object_store.adopt", 2, False, True),
        ("object_store.adopt", 2, True, True),
    ],
)
async def test_ctas_is_whole_or_not_there(
    lake: Lake,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    call: int,
    after: bool,
    effective: bool,
) -> None:
    sql = (
        "CREATE TABLE t WITH (partitioned_by = ARRAY['p']) AS "
        "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(n, p)"
    )
    execution = await lake.killed_at(monkeypatch, sql, step, call, after)
    if effective:
        assert execution.state == "SUCCEEDED"
        assert execution.update_count == 2
        assert await lake.rows("SELECT n, p FROM t ORDER BY n") == [("1", "a"), ("2", "b")]
    else:
        assert execution.state == "FAILED"
        assert "stopped before the statement was done" in (execution.reason or "")
        assert execution.failure is not None
        assert execution.failure.retryable
        assert await lake.keys("results/tables/") == []
        await lake.run(sql)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("step", "call", "after", "effective"),
    [
        ("sql.run", 1, False, False),
        ("catalog.create_partitions", 1, False, False),
        ("catalog.create_partitions", 1, True, False),
        ("object_store.adopt", 1, False, False),
        ("object_store.adopt", 1, True, True),
        ("object_store.adopt", 2, False, True),
    ],
)
async def test_insert_is_whole_or_not_there(
    lake: Lake,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    call: int,
    after: bool,
    effective: bool,
) -> None:
    await lake.run("CREATE TABLE t WITH (partitioned_by = ARRAY['p']) AS SELECT 1 AS n, 'a' AS p")
    sql = "INSERT INTO t VALUES (2, 'a'), (3, 'b')"
    execution = await lake.killed_at(monkeypatch, sql, step, call, after)
    rows = await lake.rows("SELECT n, p FROM t ORDER BY n")
    partitions = await lake.platform.catalog.get_partitions(
        f"{lake.ctx.account}/{REGION}", "db", "t"
    )
    if effective:
        assert execution.state == "SUCCEEDED"
        assert execution.update_count == 2
        assert rows == [("1", "a"), ("2", "a"), ("3", "b")]
    else:
        assert execution.state == "FAILED"
        assert rows == [("1", "a")]
        assert [partition["Values"] for partition in partitions] == [["a"]]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("sql", ["SELECT 41 + 1 AS n", "SHOW DATABASES"])
@pytest.mark.parametrize("after", [False, True])
async def test_what_only_reads_is_run_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, sql: str, after: bool
) -> None:
    execution = await lake.killed_at(monkeypatch, sql, "object_store.adopt", 1, after)
    assert execution.state == "SUCCEEDED"
    page = await lake.ctx.call("athena", "get_query_results", query_execution_id=execution.id)
    last = page["ResultSet"]["Rows"][-1]["Data"][0]["VarCharValue"]
    assert last in ("42", "db")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_cancelled_statement_is_not_taken_up_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered = asyncio.Event()

    async def waiting(*arguments: Any, **options: Any) -> Any:
        entered.set()
        await asyncio.sleep(60)

    with monkeypatch.context() as patch:
        patch.setattr(lake.platform.sql, "run", waiting)
        id = await lake.start("CREATE TABLE t AS SELECT 1 AS n")
        await entered.wait()
        await executions.stop(lake.ctx, id)
        job = Job(id, running.JOB, lake.ctx.scope, None, attempt=2)
        await running.recover_execution(lake.platform, job)
    execution = await executions.get(lake.ctx, id)
    assert (execution.state, execution.reason) == ("CANCELLED", "Query cancelled by user")
    assert [key for key in await lake.keys("results/") if id in key] == []


def test_a_killed_gateway_leaves_no_query_running(localaws_session: Any, localaws: Any) -> None:
    asker = Asker.create(localaws)
    asker.run("CREATE DATABASE db")
    slow = (
        "SELECT count(*) AS n FROM UNNEST(sequence(1, 6000)) AS a(x) "
        "CROSS JOIN UNNEST(sequence(1, 6000)) AS b(y) CROSS JOIN UNNEST(sequence(1, 20)) AS c(z) "
        "WHERE x * y + z = 36"
    )
    query = asker.start(slow)
    table = asker.start(f"CREATE TABLE db.t AS {slow}")
    time.sleep(0.3)
    localaws_session.kill()
    localaws_session.start()
    assert asker.finish(query)["Status"]["State"] == "SUCCEEDED"
    rows = asker.page(query)["ResultSet"]["Rows"]
    assert rows[1]["Data"][0]["VarCharValue"] == "86"
    failed = asker.finish(table)["Status"]
    assert failed["State"] == "FAILED"
    assert "Nothing of what it wrote is visible" in failed["StateChangeReason"]
    assert asker.lines("SHOW TABLES IN db") == []
    assert asker.keys("results/tables/") == []
