"""A platform put together: adapters chosen, services declared, core started."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import AsyncIterator

from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.core.events import Events
from localaws.core.jobs import Jobs
from localaws.core.platform import Platform
from localaws.core.service import Services
from localaws.core.state import State
from localaws.engines.catalog.postgresql import PostgresCatalog
from localaws.engines.object_store.files import FileObjectStore
from localaws.engines.sql.base import SqlEngine
from localaws.engines.sql.duckdb.adapter import DuckDbEngine
from localaws.engines.sql.duckdb.pool import PoolSettings
from localaws.engines.supervisor import EngineStatus, Supervisor, memory_of
from localaws.gateway.app import Gateway
from localaws.gateway.forward import Forwarder
from localaws.settings import Settings

SERVICES = Services()
SERVICES.load_all()  # they declare tables, so they come before the database is opened


@contextlib.asynccontextmanager
async def assemble(
    settings: Settings, url: str, supervisor: Supervisor
) -> AsyncIterator[tuple[Platform, Gateway]]:
    """Start all but the state database at `url`, and stop it in reverse order."""
    async with contextlib.AsyncExitStack() as stack:
        database = Database(url)
        await database.start()
        stack.push_async_callback(database.stop)
        clock = Clock()
        forwarder = Forwarder(database)
        stack.callback(forwarder.stop)
        sql = DuckDbEngine(
            PoolSettings(
                home=settings.home / "sql",
                maximum=settings.sql_workers or max(2, os.cpu_count() or 1),
                memory_limit=f"{settings.sql_memory_mb}MB",
            )
        )
        platform = Platform(
            settings=settings,
            clock=clock,
            database=database,
            state=State(database),
            jobs=Jobs(database, SERVICES.job_kinds),
            events=Events(database),
            services=SERVICES,
            object_store=FileObjectStore(
                database, settings.home / "objects", clock, settings.durability
            ),
            catalog=PostgresCatalog(database, clock),
            sql=sql,
            forward=forwarder.operation,
        )
        for engine in (platform.object_store, sql):
            await engine.start()
            stack.push_async_callback(engine.stop)
        supervisor.register("sql", functools.partial(_sql_status, sql))
        await platform.catalog.start()
        await platform.events.start()
        stack.push_async_callback(platform.events.stop)
        await platform.jobs.start_up(platform, alone=not settings.database_url)
        stack.push_async_callback(platform.jobs.shut_down)
        yield platform, Gateway(platform, forwarder, supervisor)


async def _sql_status(sql: SqlEngine) -> EngineStatus:
    """Tell of the query processes; there may be none while nobody asks."""
    pids = sql.processes
    return EngineStatus(
        name="sql",
        running=bool(pids),
        healthy=True,
        pid=pids[0] if pids else None,
        memory_bytes=sum(memory_of(pid) for pid in pids),
    )
