"""Durable work: anything long is a row with a state, a lease and a heartbeat.

A service declares what runs a kind of job and what happens to a job whose process died::

    @service.job("athena.query", on_lost=fail_query)
    async def run_query(platform: Platform, job: Job) -> None: ...

    async with database.transaction() as connection:
        await state.create(...)                       # the resource
        await jobs.submit(connection, "athena.query", scope, id)   # and its work, atomically
    jobs.start(id)
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from localaws.core.database import Connection, Database, declare_schema, is_unavailable
from localaws.core.state import Scope

if TYPE_CHECKING:
    from localaws.core.platform import Platform

declare_schema(
    "jobs",
    """
    CREATE TABLE job (
        id text PRIMARY KEY, kind text NOT NULL, account text NOT NULL, region text NOT NULL,
        state text NOT NULL DEFAULT 'QUEUED'
            CHECK (state IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED')),
        payload bytea NOT NULL, attempt int NOT NULL DEFAULT 0, owner text, error text,
        lease_until timestamptz, created_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz
    );
    CREATE INDEX job_open ON job (created_at) WHERE state IN ('QUEUED', 'RUNNING')
    """,
)

LEASE = "15 seconds"
HEARTBEAT_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One piece of work: `id` is that of the resource it works for, `attempt` counts from 1."""

    id: str
    kind: str
    scope: Scope
    payload: Any
    attempt: int


JobFunction = Callable[["Platform", Job], Awaitable[None]]


@dataclass(frozen=True)
class JobKind:
    """How a kind of job runs.

    `on_lost` settles a job whose process died while it ran (sets its resource to failed, with the
    reason); without it the job is simply run again, which it must then be able to bear.
    """

    name: str
    run: JobFunction
    on_lost: JobFunction | None = None


class Jobs:
    """Runs jobs in this process, and takes over those whose process died."""

    def __init__(self, database: Database, kinds: Callable[[], dict[str, JobKind]]) -> None:
        self._database = database
        self._kinds = kinds
        self._owner = uuid.uuid4().hex
        self._running: dict[str, asyncio.Task[None]] = {}
        self._platform: Platform | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start_up(self, platform: Platform, *, alone: bool) -> None:
        """Begin to run jobs; with `alone` no one else serves this store: every lease is void."""
        self._platform = platform
        if alone:
            await self._database.execute(
                "UPDATE job SET lease_until = now() WHERE state = 'RUNNING'"
            )
        await self._take_over()
        self._keeper = asyncio.create_task(self._keep(), name="jobs-keeper")

    async def shut_down(self) -> None:
        """Stop running jobs; they stay open in the store and go on at the next start."""
        if self._keeper is not None:
            self._keeper.cancel()
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._database.execute(
            "UPDATE job SET lease_until = now() WHERE state = 'RUNNING' AND owner = $1",
            self._owner,
        )

    async def submit(
        self, connection: Connection, kind: str, scope: Scope, id: str, payload: Any = None
    ) -> None:
        """Write a job in the caller's transaction; call `start` once it is committed."""
        await connection.execute(
            "INSERT INTO job (id, kind, account, region, payload) VALUES ($1, $2, $3, $4, $5)",
            id,
            kind,
            scope.account,
            scope.region,
            msgspec.json.encode(payload),
        )

    def start(self, id: str) -> None:
        """Run a submitted job now, in the background."""
        if id not in self._running:
            task = asyncio.create_task(self._run(id), name=f"job-{id}")
            self._running[id] = task
            task.add_done_callback(lambda _: self._running.pop(id, None))

    async def _run(self, id: str) -> None:
        try:
            await self._attempt(id)
        except Exception as error:
            if not is_unavailable(error):
                raise
            # Nobody knows how far it came: when its lease is over it is taken over and settled.
            log.warning("job %s was cut off from the database", id)

    async def _attempt(self, id: str) -> None:
        row = await self._database.fetchrow(
            "UPDATE job SET state = 'RUNNING', owner = $2, attempt = attempt + 1, "
            f"lease_until = now() + interval '{LEASE}' WHERE id = $1 AND (state = 'QUEUED' OR "
            "(state = 'RUNNING' AND lease_until <= now())) "
            "RETURNING id, kind, account, region, payload, attempt",
            id,
            self._owner,
        )
        if row is None or self._platform is None:
            return
        job = Job(
            id=row["id"],
            kind=row["kind"],
            scope=Scope(row["account"], row["region"]),
            payload=msgspec.json.decode(row["payload"]),
            attempt=row["attempt"],
        )
        error: str | None = None
        try:
            kind = self._kinds()[job.kind]
            if job.attempt > 1 and kind.on_lost is not None:
                await kind.on_lost(self._platform, job)
            else:
                await kind.run(self._platform, job)
        except Exception as failure:
            if is_unavailable(failure):
                raise
            log.exception("job %s %s failed", job.kind, job.id)
            error = f"{type(failure).__name__}: {failure}"
        await self._database.execute(
            "UPDATE job SET state = $2, error = $3, finished_at = now(), lease_until = NULL "
            "WHERE id = $1",
            id,
            "FAILED" if error else "DONE",
            error,
        )

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                if self._running:
                    await self._database.execute(
                        f"UPDATE job SET lease_until = now() + interval '{LEASE}' "
                        "WHERE owner = $1 AND state = 'RUNNING' AND id = ANY($2)",
                        self._owner,
                        list(self._running),
                    )
                await self._take_over()
            except Exception as error:
                if not is_unavailable(error):
                    log.exception("the upkeep of jobs failed; trying again")

    async def _take_over(self) -> None:
        rows = await self._database.fetch(
            "SELECT id FROM job WHERE (state = 'QUEUED' AND created_at < now() - interval "
            "'1 second') OR (state = 'RUNNING' AND lease_until <= now()) ORDER BY created_at"
        )
        for row in rows:
            self.start(row["id"])
