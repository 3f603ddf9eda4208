"""The ``sql`` port on DuckDB: Athena's SQL translated by type, run in processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

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
from localaws.engines.sql.duckdb.execution import Job, explain_job, run_job
from localaws.engines.sql.duckdb.pool import PoolSettings, QuerySession, WorkerPool
from localaws.engines.sql.duckdb.relations import resolve
from localaws.engines.sql.duckdb.scan import Fragment
from localaws.engines.sql.duckdb.scan import Scan as FileScan
from localaws.engines.sql.duckdb.translate import (
    Scan,
    Translation,
    coerce,
    map_runtime_error,
    parse,
    translate,
)

_NO_TABLE = re.compile(
    r"(?P<place>line \d+:\d+: )Table '(?P<catalog>[^.]+)\.(?P<database>.+)\.[^.]+' does not exist"
)


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

    @property
    def processes(self) -> list[int]:
        """Process ids of the workers."""
        return self.pool.processes

    async def start(self) -> None:
        """Start the warm workers in the background."""
        await self.pool.start()

    async def stop(self) -> None:
        """Stop every worker, whatever it is doing."""
        await self.pool.stop()

    async def columns(self, sql: str, session: Session, tables: TableReader) -> tuple[Column, ...]:
        """Return the output columns of a query without running it."""
        return (await self._plan(sql, session, tables, ())).columns

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
            translation = await self._plan(sql, session, tables, parameters)
            job = await self._job(translation, session, tables, sink)
            try:
                async with run.session() as worker:
                    return await run_job(worker, job, sink, map_runtime_error)
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
        translation = await self._plan(sql, session, tables, ())
        scans = await self._scans(translation, tables)
        job = Job(translation.columns, translation.sql, scans)
        async with self.pool.session() as worker:
            return await explain_job(worker, job, map_runtime_error)

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

    async def _plan(
        self, sql: str, session: Session, tables: TableReader, parameters: Sequence[str]
    ) -> Translation:
        tree = await asyncio.to_thread(parse, sql)
        relations = await resolve(tree, session, tables)
        try:
            return await asyncio.to_thread(translate, tree, session, relations, parameters)
        except SqlError as error:
            raise await _missing_schema(error, tables) or error from None

    async def _job(
        self,
        translation: Translation,
        session: Session,
        tables: TableReader,
        sink: ResultSink | TableSink,
    ) -> Job:
        if isinstance(sink, ResultSink):
            sql = translation.result_sql
        else:
            target = sink.columns or translation.columns
            sql = await asyncio.to_thread(coerce, translation, target)
        scans = await self._scans(translation, tables)
        return Job(translation.columns, sql, scans, session.scan_limit)

    async def _scans(self, translation: Translation, tables: TableReader) -> tuple[FileScan, ...]:
        return tuple([await _list_files(scan, tables) for scan in translation.scans])


async def _missing_schema(error: SqlError, tables: TableReader) -> SqlError | None:
    """Return Trino's error when a table is not found because its database is not there."""
    missing = _NO_TABLE.fullmatch(error.message)
    if missing is None or await tables.database_exists(missing["catalog"], missing["database"]):
        return None
    message = f"{missing['place']}Schema '{missing['database']}' does not exist"
    return SqlError("SCHEMA_NOT_FOUND", message)


async def _list_files(scan: Scan, tables: TableReader) -> FileScan:
    """Return a scan with the files of the partitions it needs."""
    table = scan.table
    result = FileScan(scan.alias, table, tuple(scan.columns), ())
    if not table.partition_keys:
        files = tuple(await tables.files(table.location))
        return replace(result, fragments=(Fragment((), files),))
    partitions = await tables.partitions(table, scan.partition_expression)
    listed = await asyncio.gather(*(tables.files(part.location) for part in partitions))
    fragments = (
        Fragment(part.values, tuple(files), part.serde_parameters)
        for part, files in zip(partitions, listed, strict=True)
    )
    return replace(result, fragments=tuple(fragments))


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
    for entry in sink.directory.iterdir() if sink.directory.exists() else ():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
