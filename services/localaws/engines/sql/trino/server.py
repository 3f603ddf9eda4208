"""Trino without containers: a server of this platform's own, started when it is first needed."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import signal
import socket
import time
import urllib.request
from pathlib import Path

import msgspec
import psutil

from localaws.engines.process import ChildProcess, ProcessError, stop_processes_in
from localaws.engines.sql.base import SqlError
from localaws.engines.sql.trino.installation import Installation, java_command
from localaws.engines.sql.trino.protocol import ServerInfo

START_SECONDS = 180.0
_POLL_SECONDS = 0.1

CONFIGURATION = {
    "coordinator": "true",
    "node-scheduler.include-coordinator": "true",
    "node.internal-address": "127.0.0.1",
    "node.bind-ip": "127.0.0.1",
    "query.max-memory": "400MB",
    "query.max-memory-per-node": "400MB",
    "memory.heap-headroom-per-node": "300MB",
    # accounts come and go; after a restart their catalogs are made again when they are needed
    "catalog.management": "dynamic",
    "catalog.store": "memory",
    # a statement whose columns are asked for travels in a header
    "http-server.max-request-header-size": "2MB",
    "query.max-length": "1000000",
    # answers are read at once or never: forget finished statements soon
    "query.max-history": "20",
    "query.min-expire-age": "1m",
    "query.client.timeout": "2m",
    # no process of its own may be asked to stop by whoever reaches the port
    "web-ui.enabled": "false",
    "http-server.log.enabled": "false",
}
# "Bootstrap" tells every property of every catalog that is made
_LEVELS = {"io.trino": "WARN", "io.airlift": "WARN", "org.eclipse": "WARN", "Bootstrap": "WARN"}


class EmbeddedTrino:
    """A Trino server that is a child of this process and dies with it.

    Args:
        folder: its folder: configuration, scratch files.
        log: its log file.
        installation: where it is installed.
        memory_mb: its heap.
    """

    name = "sql"

    def __init__(
        self, folder: Path, log: Path, installation: Installation, memory_mb: int = 1024
    ) -> None:
        self.folder = folder.absolute()
        self.scratch = self.folder / "scratch"
        self._log = log
        self._installation = installation
        self._memory_mb = memory_mb
        self._process: ChildProcess | None = None
        self._port = 0
        self._starting: asyncio.Task[str] | None = None

    @property
    def url(self) -> str:
        """Its URL while it runs."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """Process id of the server, or None while it does not run."""
        if self._process is None or self._process.exit_code is not None:
            return None
        return self._process.pid

    @property
    def has_data(self) -> bool:
        """It keeps nothing."""
        return False

    @property
    def processes(self) -> list[int]:
        """Process ids: one or none."""
        return [] if self.pid is None else [self.pid]

    async def locate(self) -> str:
        """Return the URL, starting the server where it does not run; once for all who wait.

        Raises:
            SqlError: it cannot be started.
        """
        if self.pid is not None and self._starting is None:
            return self.url
        if self._starting is None:
            self._starting = asyncio.create_task(self.start(), name="start-sql-server")
            self._starting.add_done_callback(self._started)
        try:
            return await asyncio.shield(self._starting)
        except ProcessError as error:
            raise SqlError("GENERIC_INTERNAL_ERROR", str(error), user=False) from error

    def _started(self, task: asyncio.Task[str]) -> None:
        self._starting = None
        if not task.cancelled():
            task.exception()

    async def start(self) -> str:
        """Start the server and return its URL once it answers queries.

        Raises:
            ProcessError: it is not installed or does not start; the message ends with the last
                lines of its log.
        """
        if self.pid is not None:
            return self.url
        if not self._installation.ready:
            raise ProcessError("Trino is not installed: localaws install trino")
        await asyncio.to_thread(self._prepare)
        self._port = free_port()
        begun = time.monotonic()
        self._process = ChildProcess.spawn(self._command(), log=self._log, folder=self.scratch)
        try:
            await self._until_ready(begun)
        except BaseException:
            await self._process.stop(signal.SIGKILL)
            raise
        return self.url

    async def stop(self) -> None:
        """Stop the server; it holds nothing that would have to be saved."""
        if self._starting is not None:
            self._starting.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._starting
        if self._process is not None:
            await self._process.stop(signal.SIGKILL)
            self._process = None

    async def wait(self) -> int:
        """Return the exit code once the server has ended."""
        if self._process is None:
            raise ProcessError("the SQL server is not running")
        return await self._process.wait()

    async def healthy(self) -> bool:
        """Return whether the server answers."""
        return self.pid is not None and await asyncio.to_thread(is_ready, self.url)

    async def _until_ready(self, begun: float) -> None:
        assert self._process is not None
        while not await asyncio.to_thread(is_ready, self.url):
            code = self._process.exit_code
            if code is not None:
                raise ProcessError(
                    f"Trino ended with code {code} while it started:\n{self._process.log_tail()}"
                )
            if time.monotonic() - begun > START_SECONDS:
                raise ProcessError(
                    f"Trino does not answer after {START_SECONDS:.0f} s; memory available: "
                    f"{psutil.virtual_memory().available >> 20} MB\n{self._process.log_tail()}"
                )
            await asyncio.sleep(_POLL_SECONDS)

    def _prepare(self) -> None:
        """Stop an orphan of a platform that died; make the folder as it is at first."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        stop_processes_in(self.scratch, signal.SIGKILL)

    def _command(self) -> list[str | Path]:
        own = {
            "http-server.http.port": str(self._port),
            "discovery.uri": self.url,
        }
        configuration = self.folder / "config.properties"
        levels = self.folder / "log.properties"
        write_properties(configuration, CONFIGURATION | own)
        write_properties(levels, _LEVELS)
        return java_command(
            self._installation,
            memory_mb=self._memory_mb,
            properties={
                "node.environment": "localaws",
                "node.id": "localaws",
                "node.data-dir": str(self.scratch),
                "log.levels-file": str(levels),
                "config": str(configuration),
            },
        )


def write_properties(path: Path, values: dict[str, str]) -> None:
    """Write a properties file."""
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# a proxy that the environment names is not for this machine
_local = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def open_local(request: urllib.request.Request | str, timeout: float) -> http.client.HTTPResponse:
    """Send a request to a server on this machine."""
    answer: http.client.HTTPResponse = _local.open(request, timeout=timeout)
    return answer


def is_ready(url: str) -> bool:
    """Return whether a server answers and has started."""
    try:
        with open_local(f"{url}/v1/info", timeout=5) as answer:
            return not msgspec.json.decode(answer.read(), type=ServerInfo).starting
    except (OSError, http.client.HTTPException, msgspec.MsgspecError):
        return False
