"""The ``sql`` port on DuckDB: Athena's SQL translated by type, run in processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import shutil
from collections.abc import AsyncIterator, Sequence
from types import ModuleType

from localaws.engines.sql.base import (
    Column,
    Outcome,
    QueryCancelled,
    ResultSink,
    Session,
    SqlEngine,
    SqlError,
    TableReader,
    TableSink,
)
from localaws.engines.sql.duckdb.pool import PoolSettings, QuerySession, WorkerPool


class DuckDbEngine(SqlEngine):
    """Answer what is proven to be answered as Trino would; refuse the rest.

    Planning runs in a thread of this process, execution in a worker process; when that dies, its
    query fails and nothing else.

    Args:
        settings: limits of the worker processes.
    """

    name = "duckdb"

    def __init__(self, settings: PoolSettings) -> None:
        self.pool = WorkerPool(settings)
        self._running: dict[str, _Run] = {}
        self._planner: asyncio.Future[ModuleType] | None = None

    @property
    def processes(self) -> list[int]:
        """Process ids of the workers."""
        return self.pool.processes

    async def start(self) -> None:
        """Start the warm workers in the background."""
        await self.pool.start()
        # The first query finds the planner imported, and the start does not wait for it.
        self._planner = asyncio.ensure_future(
            asyncio.to_thread(importlib.import_module, "localaws.engines.sql.duckdb.planning")
        )

    async def stop(self) -> None:
        """Stop every worker, whatever it is doing."""
        await self._imported()
        await self.pool.stop()

    async def _imported(self) -> None:
        """Wait until the planner is imported."""
        if self._planner is not None:
            await asyncio.shield(self._planner)

    async def columns(self, sql: str, session: Session, tables: TableReader) -> tuple[Column, ...]:
        """Return the output columns of a query without running it."""
        await self._imported()
        from localaws.engines.sql.duckdb import planning

        return (await planning.plan(sql, session, tables, ())).columns

    async def run(
        self,
        sql: str,
        session: Session,
        tables: TableReader,
        sink: ResultSink | TableSink,
        parameters: Sequence[str] = (),
    ) -> Outcome:
        """Run one query in a worker and write its rows into the sink."""
        run = _Run(self.pool)
        async with self._register(session.query_id, run):
            await self._imported()
            from localaws.engines.sql.duckdb import execution, planning, translate

            translation = await planning.plan(sql, session, tables, parameters)
            job = await planning.job(translation, session, tables, sink)
            try:
                async with run.session() as worker:
                    return await execution.run_job(worker, job, sink, translate.map_runtime_error)
            except BaseException:
                await asyncio.shield(asyncio.to_thread(_void, sink))
                raise

    async def cancel(self, query_id: str) -> bool:
        """Stop a running query, at once where it waits, within a second where it computes."""
        run = self._running.get(query_id)
        if run is None:
            return False
        await run.cancel()
        return True

    async def explain(self, sql: str, session: Session, tables: TableReader) -> str:
        """Return DuckDB's plan of the translated query."""
        await self._imported()
        from localaws.engines.sql.duckdb import execution, planning, translate

        translation = await planning.plan(sql, session, tables, ())
        scans = await planning.list_scans(translation, tables)
        job = execution.Job(translation.columns, translation.sql, scans)
        async with self.pool.session() as worker:
            return await execution.explain_job(worker, job, translate.map_runtime_error)

    @contextlib.asynccontextmanager
    async def _register(self, query_id: str, run: _Run) -> AsyncIterator[None]:
        if query_id in self._running:
            raise SqlError("GENERIC_INTERNAL_ERROR", f"Query {query_id} runs already", user=False)
        self._running[query_id] = run
        try:
            yield
        except asyncio.CancelledError:
            if not run.cancelled:
                raise
            run.task.uncancel()
            raise QueryCancelled("the query was cancelled") from None
        finally:
            del self._running[query_id]


class _Run:
    """A query under way: waiting, planning, or in a worker."""

    def __init__(self, pool: WorkerPool) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.task = task
        self.pool = pool
        self.cancelled = False
        self.worker: QuerySession | None = None

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[QuerySession]:
        """Borrow a worker for the query."""
        async with self.pool.session() as worker:
            self.worker = worker
            try:
                yield worker
            finally:
                self.worker = None

    async def cancel(self) -> None:
        """Interrupt the worker, or the waiting task where there is none yet."""
        self.cancelled = True
        if self.worker is not None:
            await self.worker.cancel(self.pool.settings.cancel_seconds)
        else:
            self.task.cancel()


def _void(sink: ResultSink | TableSink) -> None:
    """Remove what a failed query wrote."""
    if isinstance(sink, ResultSink):
        sink.path.unlink(missing_ok=True)
        return
    from localaws.engines.sql.duckdb.sinks import table_folder

    shutil.rmtree(table_folder(sink), ignore_errors=True)
