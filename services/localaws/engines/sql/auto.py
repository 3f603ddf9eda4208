"""``sql=auto``: the fast engine where it is proven, the exact one for the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from localaws.engines.sql.base import (
    Column,
    Outcome,
    ResultSink,
    Session,
    SqlEngine,
    SqlRefused,
    TableReader,
    TableSink,
)


class AutoEngine(SqlEngine):
    """Ask the first engine; what it refuses goes to the second one, where that is installed.

    Args:
        first: refuses what it is not proven to answer.
        exact: makes the engine that answers everything; called when it is first needed.
        installed: tells whether `exact` can be started on this machine; asked at each refusal, so
            that installing it needs no restart.
        cure: what to do where it cannot, put behind the refusal.
    """

    name = "auto"

    def __init__(
        self,
        first: SqlEngine,
        exact: Callable[[], SqlEngine],
        installed: Callable[[], bool],
        cure: str,
    ) -> None:
        self.first = first
        self._make_exact = exact
        self._exact: SqlEngine | None = None
        self._installed = installed
        self._cure = cure

    @property
    def processes(self) -> list[int]:
        """Processes of both engines."""
        exact = [] if self._exact is None else self._exact.processes
        return [*self.first.processes, *exact]

    async def start(self) -> None:
        """Make the first engine ready; the exact one waits until it is needed."""
        await self.first.start()

    async def stop(self) -> None:
        """Stop both."""
        if self._exact is not None:
            await self._exact.stop()
        await self.first.stop()

    async def columns(self, sql: str, session: Session, tables: TableReader) -> tuple[Column, ...]:
        """Return the output columns of a query without running it."""
        try:
            return await self.first.columns(sql, session, tables)
        except SqlRefused as refusal:
            return await (await self._second(refusal)).columns(sql, session, tables)

    async def run(
        self,
        sql: str,
        session: Session,
        tables: TableReader,
        sink: ResultSink | TableSink,
        parameters: Sequence[str] = (),
    ) -> Outcome:
        """Run one query; an engine that refuses it has written nothing."""
        try:
            return await self.first.run(sql, session, tables, sink, parameters)
        except SqlRefused as refusal:
            return await (await self._second(refusal)).run(sql, session, tables, sink, parameters)

    async def cancel(self, query_id: str) -> bool:
        """Stop a running query, whichever engine runs it."""
        if await self.first.cancel(query_id):
            return True
        return self._exact is not None and await self._exact.cancel(query_id)

    async def explain(self, sql: str, session: Session, tables: TableReader) -> str:
        """Return the plan of the engine that would answer."""
        try:
            return await self.first.explain(sql, session, tables)
        except SqlRefused as refusal:
            return await (await self._second(refusal)).explain(sql, session, tables)

    async def _second(self, refusal: SqlRefused) -> SqlEngine:
        """Return the exact engine.

        Raises:
            SqlRefused: it is not installed.
        """
        if self._exact is None:
            if not self._installed():
                raise SqlRefused(f"{refusal.message.rstrip('.')}. {self._cure}") from refusal
            self._exact = self._make_exact()
            await self._exact.start()
        return self._exact
