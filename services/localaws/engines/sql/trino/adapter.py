"""The ``sql`` port on Trino: queries go as they are, rows come back into Athena's files."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from localaws.engines.object_store.base import ObjectStore
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
from localaws.engines.sql.trino import writing
from localaws.engines.sql.trino.catalogs import AccountCatalogs, hidden_names
from localaws.engines.sql.trino.client import Statement, TrinoClient
from localaws.engines.sql.trino.errors import StatementFailed, scan_limit_exceeded, sql_error
from localaws.engines.sql.trino.names import Rewritten, qualify, require_query
from localaws.engines.sql.trino.protocol import (
    ColumnHeader,
    Failure,
    Page,
    column_of,
    column_type,
    decode_rows,
)
from localaws.engines.sql.trino.results import ResultFile
from localaws.engines.sql.trino.server import EmbeddedTrino
from localaws.engines.sql.trino.writing import StagingTable
from localaws.engines.sql.types import spell_trino_type

_LARGE_PAGE_BYTES = 64 * 1024
"""Pages from here on are converted in a thread, so that others are answered meanwhile."""
_PREPARED = "localaws"
_STOP_SECONDS = 5.0
_ATTEMPTS = 3
_MISSING = ("CATALOG_NOT_FOUND", "MISSING_CATALOG_NAME")
_NO_STAGING = ("CATALOG_NOT_FOUND", "SCHEMA_NOT_FOUND")
_NO_SIBLING = "TABLE_REDIRECTION_ERROR"


class TrinoEngine(SqlEngine):
    """Answer queries as Trino does, because Trino does.

    Args:
        client: the server.
        catalogs: the accounts' catalogs on it.
        store: where written files are found.
        server: the server where it is a child of this process.
    """

    name = "trino"

    def __init__(
        self,
        client: TrinoClient,
        catalogs: AccountCatalogs,
        store: ObjectStore,
        server: EmbeddedTrino | None = None,
    ) -> None:
        self._client = client
        self._server = server
        self._catalogs = catalogs
        self._store = store
        self._running: dict[str, _Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def processes(self) -> list[int]:
        """Process id of the server, where it is a child of this process."""
        return [] if self._server is None else self._server.processes

    async def start(self) -> None:
        """Start nothing: the first query does."""

    async def stop(self) -> None:
        """Cancel what runs and close the connections."""
        for run in self._running.values():
            run.cancel()
        ending = [*(run.task for run in self._running.values()), *self._tasks]
        if ending:
            await asyncio.wait(ending, timeout=_STOP_SECONDS)
        await self._client.stop()
        if self._server is not None:
            await self._server.stop()

    async def healthy(self) -> bool:
        """Return whether the server answers; one that is started at first need may not run yet."""
        if self._server is not None:
            return self._server.pid is None or await self._server.healthy()
        return await self._client.healthy()

    async def columns(self, sql: str, session: Session, tables: TableReader) -> tuple[Column, ...]:
        """Return the output columns of a query without running it."""
        require_query(sql)
        async with self._catalogs.use(session.account, session.region) as catalog:
            return await self._columns(self._rewritten(sql, catalog), session, catalog)

    async def run(
        self,
        sql: str,
        session: Session,
        tables: TableReader,
        sink: ResultSink | TableSink,
        parameters: Sequence[str] = (),
    ) -> Outcome:
        """Run one query and write its rows into the sink."""
        require_query(sql)
        async with (
            self._register(session.query_id),
            self._catalogs.use(session.account, session.region) as catalog,
        ):
            query = self._rewritten(sql, catalog)
            values = [self._rewritten(value, catalog).sql for value in parameters]
            if isinstance(sink, ResultSink):
                return await self._to_file(query, session, catalog, sink, values)
            return await self._to_table(query, session, catalog, sink, values)

    async def cancel(self, query_id: str) -> bool:
        """Stop a running query."""
        run = self._running.get(query_id)
        if run is None:
            return False
        run.cancel()
        return True

    async def explain(self, sql: str, session: Session, tables: TableReader) -> str:
        """Return the distributed plan."""
        require_query(sql)
        async with self._catalogs.use(session.account, session.region) as catalog:
            query = self._rewritten(sql, catalog).within("EXPLAIN ")
            lines: list[str] = []
            async with self._statement(query, session, catalog) as (statement, page):
                following: Page | None = page
                while following is not None:
                    lines += (str(row[0]) for row in decode_rows(following.data))
                    following = await statement.page()
        return query.restore("\n".join(lines).rstrip("\n"))

    # -- sinks ---------------------------------------------------------------------------------

    async def _to_file(
        self,
        query: Rewritten,
        session: Session,
        catalog: str,
        sink: ResultSink,
        parameters: Sequence[str],
    ) -> Outcome:
        sent = query.with_parameters(parameters)
        headers: list[ColumnHeader] = []
        scanned = 0
        try:
            with ResultFile(sink.path) as file:
                async with self._statement(sent, session, catalog) as (statement, page):
                    following: Page | None = page
                    while following is not None:
                        scanned = _scanned(following, session)
                        if following.columns is not None and not headers:
                            headers = following.columns
                            file.begin(headers)
                        if len(following.data) > _LARGE_PAGE_BYTES:
                            await asyncio.to_thread(file.write, following.data)
                        elif following.data:
                            file.write(following.data)
                        following = await statement.page()
                file.begin(headers)
        except BaseException:
            sink.path.unlink(missing_ok=True)
            raise
        return Outcome(tuple(map(column_of, headers)), file.rows, scanned)

    async def _to_table(
        self,
        query: Rewritten,
        session: Session,
        catalog: str,
        sink: TableSink,
        parameters: Sequence[str],
    ) -> Outcome:
        columns = await self._columns(query, session, catalog)
        table = await self._staging_table(sink.columns or columns, sink)
        sent = query.within(table.insert).with_parameters(parameters)
        rows = scanned = 0
        try:
            async with self._statement(sent, session, catalog, table.session) as (statement, page):
                following: Page | None = page
                while following is not None:
                    scanned = _scanned(following, session)
                    rows = following.update_count or rows
                    following = await statement.page()
            files = await writing.written(self._store, sink) if rows else ()
        finally:
            self._background(writing.drop(self._client, table))
        return Outcome(columns, rows, scanned, files)

    async def _staging_table(self, columns: Sequence[Column], sink: TableSink) -> StagingTable:
        """Make the table that files are written through, on a restarted server once more."""
        schema = await self._catalogs.staging()
        try:
            return await writing.create(self._client, schema, columns, sink)
        except SqlError as error:
            if error.name not in _NO_STAGING:
                raise
            self._catalogs.forget()
        return await writing.create(self._client, await self._catalogs.staging(), columns, sink)

    # -- statements ----------------------------------------------------------------------------

    def _rewritten(self, sql: str, catalog: str) -> Rewritten:
        query = qualify(sql, catalog, self._catalogs.exists)
        return Rewritten(query.sql, query.splices, hidden_names(catalog))

    async def _columns(
        self, query: Rewritten, session: Session, catalog: str
    ) -> tuple[Column, ...]:
        prepared = {"X-Trino-Prepared-Statement": f"{_PREPARED}={quote(query.sql, safe='')}"}
        described = Rewritten(f"DESCRIBE OUTPUT {_PREPARED}")
        found: list[Column] = []
        async with self._statement(described, session, catalog, headers=prepared, shown=query) as (
            statement,
            page,
        ):
            following: Page | None = page
            while following is not None:
                for row in decode_rows(following.data):
                    spelled = spell_trino_type(column_type(row[4]))
                    found.append(Column(str(row[0]).lower(), spelled))
                following = await statement.page()
        return tuple(found)

    @contextlib.asynccontextmanager
    async def _statement(
        self,
        query: Rewritten,
        session: Session,
        catalog: str,
        properties: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        shown: Rewritten | None = None,
    ) -> AsyncIterator[tuple[Statement, Page]]:
        """Begin a statement; yield it with its first page that follows the planning.

        Catalogs that are missing on the server (it was restarted; a table of another format) are
        made, and the statement, of which nothing ran yet, is begun again.
        """
        sent = _headers(session, catalog, properties or {}) | dict(headers or {})
        try:
            async with contextlib.AsyncExitStack() as stack:
                for attempt in range(1, _ATTEMPTS + 1):
                    statement = await stack.enter_async_context(
                        self._client.statement(query.sql, sent)
                    )
                    try:
                        page = await _first_page(statement)
                    except StatementFailed as error:
                        if attempt == _ATTEMPTS or not await self._mend(
                            error.failure, session, catalog
                        ):
                            raise
                    else:
                        yield statement, page
                        return
        except StatementFailed as error:
            raise sql_error(error.failure, shown or query) from error

    async def _mend(self, failure: Failure, session: Session, catalog: str) -> bool:
        """Make what a statement failed for; return whether there was something to make."""
        if failure.error_name == _NO_SIBLING:
            await self._catalogs.add_siblings(session.account, session.region)
            return True
        if failure.error_name in _MISSING and f"'{catalog}'" in failure.message:
            self._catalogs.forget()
            async with self._catalogs.use(session.account, session.region):
                return True
        return False

    # -- bookkeeping ---------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _register(self, query_id: str) -> AsyncIterator[None]:
        if query_id in self._running:
            raise SqlError("GENERIC_INTERNAL_ERROR", f"Query {query_id} runs already", user=False)
        run = self._running[query_id] = _Run()
        try:
            yield
        except asyncio.CancelledError:
            if not run.cancelled:
                raise
            run.task.uncancel()
            raise QueryCancelled("the query was cancelled") from None
        finally:
            del self._running[query_id]

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Run:
    """A query under way; cancelling its task cancels it on the server, too."""

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.task = task
        self.cancelled = False

    def cancel(self) -> None:
        """Cancel the task, once."""
        if not self.cancelled:
            self.cancelled = True
            self.task.cancel()


async def _first_page(statement: Statement) -> Page:
    """Return the first page that tells that the statement is planned, or the last one."""
    page = await statement.page()
    assert page is not None
    while page.columns is None and not page.data and page.next_uri is not None:
        following = await statement.page()
        if following is None:
            break
        page = following
    return page


def _headers(session: Session, catalog: str, properties: Mapping[str, str]) -> dict[str, str]:
    settings = dict(properties)
    if session.scan_limit is not None:
        settings["query_max_scan_physical_bytes"] = f"{session.scan_limit}B"
    headers = {
        "X-Trino-User": session.user,
        "X-Trino-Source": "localaws",
        "X-Trino-Client-Info": session.query_id,
        "X-Trino-Catalog": catalog,
        "X-Trino-Schema": session.database,
        "X-Trino-Time-Zone": "UTC",
        "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
    }
    if settings:
        headers["X-Trino-Session"] = ",".join(
            f"{name}={quote(value, safe='')}" for name, value in settings.items()
        )
    return headers


def _scanned(page: Page, session: Session) -> int:
    """Return the bytes read so far.

    Raises:
        SqlError: they are more than the session may read.
    """
    scanned = page.stats.physical_input_bytes
    if session.scan_limit is not None and scanned > session.scan_limit:
        raise scan_limit_exceeded()
    return scanned
