"""One platform from its settings: engines and core started, the endpoint served, all stopped."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import uvicorn

from localaws.core.errors import LocalAwsError
from localaws.engines.postgresql import EmbeddedPostgres
from localaws.engines.supervisor import Supervisor
from localaws.settings import Settings

if TYPE_CHECKING:
    from localaws.core.platform import Platform
    from localaws.gateway.app import Gateway

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
async def platform(settings: Settings) -> AsyncIterator[tuple[Platform, Gateway]]:
    """Start everything a platform needs, and stop it in reverse order."""
    supervisor = Supervisor()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(supervisor.stop)
        # The imports of all services and of the SQL planner take as long as the database's start.
        importing = asyncio.create_task(
            asyncio.to_thread(importlib.import_module, "localaws.gateway.assembly")
        )
        url = settings.database_url
        if not url:
            server = EmbeddedPostgres(
                settings.home / "database",
                log=settings.home / "logs" / "database.log",
                flush=settings.durability != "none",
            )
            await supervisor.start(server)
            url = server.url
        assembly = await importing
        yield await stack.enter_async_context(assembly.assemble(settings, url, supervisor))


async def serve(settings: Settings, ready: Callable[[str], None] | None = None) -> None:
    """Serve the endpoint until SIGTERM or SIGINT.

    Args:
        settings: the platform's settings.
        ready: called once with the endpoint's URL when it answers.

    Raises:
        PortTaken: another process listens on the port.
    """
    with contextlib.closing(listen(settings)) as listener:
        settings = replace(settings, port=listener.getsockname()[1])
        async with platform(settings) as (_, gateway):
            config = uvicorn.Config(
                gateway,
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
                ready(settings.url)
            await serving
