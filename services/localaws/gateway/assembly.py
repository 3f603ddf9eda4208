"""A platform put together: adapters chosen, services declared, core started."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.core.events import Events
from localaws.core.jobs import Jobs
from localaws.core.platform import Platform
from localaws.core.service import Services
from localaws.core.state import State
from localaws.engines.supervisor import Supervisor
from localaws.gateway import adapters
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
        clock = Clock()
        forwarder = Forwarder(database)
        stack.callback(forwarder.stop)
        events = Events(database)
        store = adapters.object_store(settings, database, clock, events)
        platform = Platform(
            settings=settings,
            clock=clock,
            database=database,
            state=State(database),
            jobs=Jobs(database, SERVICES.job_kinds),
            events=events,
            services=SERVICES,
            object_store=store,
            catalog=adapters.catalog(settings, database, clock),
            sql=adapters.sql(settings, store),
            stream=adapters.stream(settings, clock),
            spark=adapters.spark(settings),
            forward=forwarder.operation,
        )
        # The adapters declare tables, too, so they come before the database is opened.
        await database.start()
        stack.push_async_callback(database.stop)
        for engine in (store, platform.catalog, platform.sql, platform.stream, platform.spark):
            if engine is not None:
                await engine.start()
                stack.push_async_callback(engine.stop)
        _report(platform, supervisor)
        await platform.events.start()
        stack.push_async_callback(platform.events.stop)
        await platform.jobs.start_up(platform, alone=not settings.database_url)
        stack.push_async_callback(platform.jobs.shut_down)
        yield platform, Gateway(platform, forwarder, supervisor)


def _report(platform: Platform, supervisor: Supervisor) -> None:
    """Let the health of every engine be asked for."""
    settings = platform.settings
    remote = {
        "object-store": platform.object_store if settings.object_store_url else None,
        "catalog": platform.catalog if settings.catalog_url else None,
        "sql": platform.sql if settings.sql_url else None,
        "stream": platform.stream,
        "spark": platform.spark,
    }
    for name, engine in remote.items():
        if engine is not None:
            supervisor.register(name, adapters.remote_report(name, engine.healthy))
    if not settings.sql_url:
        supervisor.register("sql", adapters.processes_report("sql", lambda: platform.sql.processes))
