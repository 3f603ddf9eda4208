"""The run of a statement as a durable job: executed, watched, published, recovered.

A statement becomes visible in an order that a kill at any point leaves whole. A query only writes
its result, which nobody sees before the state is SUCCEEDED, and is simply run again. A statement
that writes tables notes first which objects it will add (`Write`); they then appear in one step,
the commit. After a restart the objects say whether it happened: if so the rest is completed, if not
what was prepared is removed and the query fails with that reason (see `recovery`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from localaws.aws.athena import recovery
from localaws.aws.athena.dispatch import execute
from localaws.aws.athena.errors import INTERNAL_ERROR, StatementError, engine_failure
from localaws.aws.athena.model import Failure, QueryExecution
from localaws.aws.athena.publish import publish, publish_failure, withdraw
from localaws.aws.athena.run import Answer, Cancelled, Run
from localaws.aws.athena.statements import Explain, Query, Statement
from localaws.aws.athena.store import Executions
from localaws.aws.athena.syntax import parse
from localaws.core.errors import AwsError
from localaws.core.jobs import Job
from localaws.core.platform import Platform
from localaws.engines.sql.base import QueryCancelled, SqlError

JOB = "athena.query"

_RUNNING_AFTER_SECONDS = 0.05
_WATCH_SECONDS = 0.25

_just_started: dict[str, QueryExecution] = {}
"""Executions whose job starts next in this process, which need not be read back for it."""

log = logging.getLogger(__name__)


def start_job(platform: Platform, execution: QueryExecution) -> None:
    """Run a new execution's job, which is committed, now."""
    _just_started[execution.id] = execution
    platform.jobs.start(execution.id)


async def run_execution(platform: Platform, job: Job) -> None:
    """Run the statement of an execution to its end."""
    execution = _just_started.pop(job.id, None)
    if execution is None:
        execution = await Executions(platform.database, job.scope).get(job.id)
    if execution is None or execution.final:
        return
    await _run(platform, execution)


async def recover_execution(platform: Platform, job: Job) -> None:
    """Settle an execution whose process died while it ran."""
    execution = await Executions(platform.database, job.scope).get(job.id)
    if execution is None:
        return
    if execution.final:
        await recovery.discard_unpublished(platform, execution)
        return
    if _may_run_again(parse(execution.sql)):
        await _run(platform, execution)
        return
    answer = await recovery.settle(platform, execution)
    staging = await platform.object_store.staging()
    try:
        run = Run(platform, execution, staging)
        if answer is not None:
            await _succeed(run, answer, time.monotonic())
        else:
            await _fail(run, recovery.lost(), time.monotonic())
    finally:
        await platform.object_store.discard(staging)


async def _run(platform: Platform, execution: QueryExecution) -> None:
    begun = time.monotonic()
    waited = platform.clock.now() - execution.submitted_at
    execution.statistics.queue = max(int(waited.total_seconds() * 1000), 0)
    staging = await platform.object_store.staging()
    run = Run(platform, execution, staging)
    try:
        try:
            answer = await _watched(run)
        except StatementError as error:
            await _fail(run, error, begun)
        else:
            await _succeed(run, answer, begun)
    except Cancelled:
        log.debug("query %s was cancelled", execution.id)
    finally:
        await platform.object_store.discard(staging)


async def _watched(run: Run) -> Answer:
    """Execute the statement; show it RUNNING once it takes a while, and heed its cancellation."""
    executions = Executions(run.platform.database, run.scope)
    work = asyncio.create_task(_translated(run), name=f"athena-{run.execution.id}")
    try:
        await asyncio.wait({work}, timeout=_RUNNING_AFTER_SECONDS)
        if not work.done():
            running = await executions.mark_running(run.execution.id)
            run.execution.state = "RUNNING"
            while not work.done():
                if not running:
                    await run.engine.cancel(run.execution.id)
                await asyncio.wait({work}, timeout=_WATCH_SECONDS)
                if running and not work.done():
                    running = await executions.is_open(run.execution.id)
        return await work
    finally:
        if not work.done():
            await run.engine.cancel(run.execution.id)
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await work


async def _translated(run: Run) -> Answer:
    """Execute the statement; whatever fails becomes a StatementError in Athena's words."""
    try:
        return await execute(run, parse(run.execution.sql))
    except (StatementError, Cancelled):
        raise
    except QueryCancelled as error:
        raise Cancelled from error
    except SqlError as error:
        raise engine_failure(error.name, error.message, user=error.user) from error
    except AwsError as error:
        raise StatementError(f"{error.code}: {error.message}") from error
    except Exception as error:
        log.exception("query %s failed", run.execution.id)
        raise StatementError(
            f"GENERIC_INTERNAL_ERROR: {type(error).__name__}",
            INTERNAL_ERROR,
            user=False,
            retryable=True,
        ) from error


async def _succeed(run: Run, answer: Answer, begun: float) -> None:
    execution = run.execution
    processing = time.monotonic()
    execution.columns = list(answer.columns)
    execution.update_count = answer.update_count
    execution.substatement = answer.substatement or execution.substatement
    execution.statistics.scanned_bytes = answer.scanned_bytes
    execution.statistics.output_rows = answer.rows
    await publish(run, answer)
    now = time.monotonic()
    if run.engine_seconds:
        execution.statistics.engine = int(run.engine_seconds * 1000)
        before = processing - begun - run.engine_seconds
        execution.statistics.preprocessing = max(int(before * 1000), 0)
    else:
        execution.statistics.engine = int((processing - begun) * 1000)
    execution.statistics.processing = int((now - processing) * 1000)
    await _finish(run, "SUCCEEDED")


async def _fail(run: Run, error: StatementError, begun: float) -> None:
    execution = run.execution
    execution.reason = error.reason
    execution.failure = Failure(
        1 if not error.user else 2, error.error_type, error.reason, error.retryable
    )
    seconds = run.engine_seconds or time.monotonic() - begun
    execution.statistics.engine = int(seconds * 1000)
    if error.written:
        await publish_failure(run, error.reason)
    await _finish(run, "FAILED")


async def _finish(run: Run, state: str) -> None:
    execution = run.execution
    execution.state = state
    execution.completed_at = run.platform.clock.now()
    execution.count_time()
    if not await Executions(run.platform.database, run.scope).save(execution):
        await withdraw(run)
        raise Cancelled


def _may_run_again(statement: Statement) -> bool:
    """Return whether a statement has no effect but its result."""
    return isinstance(statement, Query | Explain) or statement.type == "UTILITY"
