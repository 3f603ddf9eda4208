"""One platform from its settings: engines and core started, the endpoint served, all stopped."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
from collections.abc import AsyncIterator, Callable

import uvicorn

from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.core.errors import LocalAwsError
from localaws.core.events import Events
from localaws.core.jobs import Jobs
from localaws.core.platform import Platform
from localaws.core.service import Services
from localaws.core.state import State
from localaws.engines.catalog.postgresql import PostgresCatalog
from localaws.engines.object_store.files import FileObjectStore
from localaws.engines.postgresql import EmbeddedPostgres
from localaws.engines.sql.base import SqlEngine
from localaws.engines.sql.duckdb.adapter import DuckDbEngine
from localaws.engines.sql.duckdb.pool import PoolSettings
from localaws.engines.supervisor import EngineStatus, Supervisor, memory_of
from localaws.gateway.app import create_app
from localaws.gateway.forward import Forwarder
from localaws.settings import Settings

GRACE_SECONDS = 10


class PortTaken(LocalAwsError):
    """Another process listens on the endpoint's port."""


def listen(settings: Settings) -> socket.socket:
    """Bind the endpoint's socket.

    Raises:
        PortTaken: another process listens there.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise PortTaken(f"Port {settings.port} on {settings.host} is taken") from error
    listener.set_inheritable(False)
    return listener


@contextlib.asynccontextmanager
async def platform(
    settings: Settings,
) -> AsyncIterator[tuple[Platform, Forwarder, Supervisor]]:
    """Start everything a platform needs, and stop it in reverse order."""
    async with contextlib.AsyncExitStack() as stack:
        supervisor = Supervisor()
        stack.push_async_callback(supervisor.stop)
        url = settings.database_url
        if not url:
            server = EmbeddedPostgres(
                settings.home / "database",
                log=settings.home / "logs" / "database.log",
                flush=settings.durability != "none",
            )
            await supervisor.start(server)
            url = server.url
        services = Services()
        services.load_all()  # they declare tables
        database = Database(url)
        await database.start()
        stack.push_async_callback(database.stop)
        clock = Clock()
        forwarder = Forwarder(database)
        stack.callback(forwarder.stop)
        object_store = FileObjectStore(
            database, settings.home / "objects", clock, settings.durability
        )
        catalog = PostgresCatalog(database, clock)
        sql = DuckDbEngine(
            PoolSettings(
                home=settings.home / "sql",
                maximum=settings.sql_workers or max(2, os.cpu_count() or 1),
                memory_limit=f"{settings.sql_memory_mb}MB",
            )
        )
        handles = Platform(
            settings=settings,
            clock=clock,
            database=database,
            state=State(database),
            jobs=Jobs(database, services.job_kinds),
            events=Events(database),
            services=services,
            object_store=object_store,
            catalog=catalog,
            sql=sql,
            forward=forwarder.operation,
        )
        for engine in (object_store, sql):
            await engine.start()
            stack.push_async_callback(engine.stop)
        supervisor.register("sql", functools.partial(_sql_status, sql))
        await catalog.start()
        await handles.events.start()
        stack.push_async_callback(handles.events.stop)
        await handles.jobs.start_up(handles, alone=not settings.database_url)
        stack.push_async_callback(handles.jobs.shut_down)
        yield handles, forwarder, supervisor


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


async def serve(settings: Settings, ready: Callable[[str], None] | None = None) -> None:
    """Serve the endpoint until SIGTERM or SIGINT.

    Args:
        settings: the platform's settings.
        ready: called once with the endpoint's URL when it answers.

    Raises:
        PortTaken: another process listens on the port.
    """
    with contextlib.closing(listen(settings)) as listener:
        port = listener.getsockname()[1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        async with platform(settings) as (handles, forwarder, supervisor):
            config = uvicorn.Config(
                create_app(handles, forwarder, supervisor),
                access_log=False,
                lifespan="off",
                proxy_headers=False,
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
                timeout_keep_alive=75,
                h11_max_incomplete_event_size=64 * 1024,
            )
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started and not serving.done():
                await asyncio.sleep(0.005)
            if ready is not None and server.started:
                ready(f"http://{host}:{port}")
            await serving
