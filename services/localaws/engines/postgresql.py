"""The embedded state database: PostgreSQL from a wheel, reached over a private Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import time
from pathlib import Path
from urllib.parse import quote

from localaws.engines.postgresql_host import (
    SOCKET_NAME,
    ServerUser,
    binaries,
    flush_folder,
    private_folder,
    server_user,
    socket_folder,
)
from localaws.engines.process import ChildProcess, FileLock, ProcessError, stop_processes_in

ROLE = "postgres"
START_SECONDS = 120.0  # recovery after a crash may take its time
POLL_SECONDS = 0.01

CONFIGURATION = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "50",
    # Small when idle: no replication, no separate I/O workers, no JIT.
    "shared_buffers": "32MB",
    "huge_pages": "off",
    "io_method": "sync",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "min_wal_size": "32MB",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    # An acknowledged commit is on disk; rows are short-lived, so statistics follow quickly.
    "fsync": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}

# What a store that is thrown away afterwards need not do: survive the loss of power.
THROWAWAY = {"fsync": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """A PostgreSQL server that is a child of this process and dies with it.

    Args:
        folder: its folder; ``data/`` and ``socket/`` are made in it.
        log: its log file; ``server.log`` in the folder if not given.
        flush: False for a store that is thrown away: commits survive the kill of any process, but
            after a loss of power the store may be unusable.
    """

    name = "database"

    def __init__(self, folder: Path, *, log: Path | None = None, flush: bool = True) -> None:
        self._folder = folder.absolute()
        self._data = self._folder / "data"
        self._log = log or self._folder / "server.log"
        self._flush = flush
        self._lock = FileLock(self._folder / "lock")
        self._process: ChildProcess | None = None
        self._socket_folder = socket_folder(self._folder)

    @property
    def url(self) -> str:
        """URL of the database, over the Unix socket."""
        return f"postgresql://{ROLE}@/{ROLE}?host={quote(str(self._socket_folder), safe='/')}"

    @property
    def pid(self) -> int | None:
        """Process id of the server, or None while it does not run."""
        running = self._process is not None and self._process.exit_code is None
        return self._process.pid if self._process is not None and running else None

    @property
    def has_data(self) -> bool:
        """Return whether the store was made."""
        return (self._data / "PG_VERSION").exists()

    async def start(self) -> str:
        """Start the server, making its store at first, and return its URL once it is ready.

        An orphan of a process that died is stopped first.

        Raises:
            ProcessError: another process holds the folder, or the server does not start; the
                message ends with the last lines of its log.
        """
        if self.pid is not None:
            return self.url
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock.__enter__()
        try:
            user = server_user(self._folder)
            private_folder(self._socket_folder, user)
            self._stop_orphans()
            if not self.has_data:
                await self._initialise(user)
            await self._launch(user)
        except BaseException:
            if self._process is not None:
                await self._process.stop(signal.SIGQUIT)
                self._process = None
            self._leave()
            raise
        return self.url

    async def stop(self) -> None:
        """Stop the server with a checkpoint, so the next start needs no recovery."""
        if self._process is not None:
            await self._process.stop(signal.SIGINT, grace=20)
            self._process = None
        self._leave()

    def _leave(self) -> None:
        """Let go of the folder, and remove that of the socket where it is elsewhere."""
        if not self._socket_folder.is_relative_to(self._folder):
            shutil.rmtree(self._socket_folder, ignore_errors=True)
        self._lock.release()

    async def wait(self) -> int:
        """Return the exit code once the server has ended."""
        if self._process is None:
            raise ProcessError("the database is not running")
        code = await self._process.wait()
        self._lock.release()
        return code

    async def healthy(self) -> bool:
        """Return whether the server is ready and answers (an SSL request: no login, no log)."""
        if self.pid is None or not self._is_ready(self.pid):
            return False
        try:
            reader, writer = await asyncio.open_unix_connection(
                str(self._socket_folder / SOCKET_NAME)
            )
        except OSError:
            return False
        try:
            writer.write(bytes.fromhex("0000000804d2162f"))
            return await reader.read(1) == b"N"
        except OSError:
            return False
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _stop_orphans(self) -> None:
        """Stop a server of this folder left by a process that died, and forget its lock file."""
        lock_file = self._data / "postmaster.pid"
        if lock_file.exists():
            stop_processes_in(self._data)
            # Nothing runs here (we hold the folder), so its process id may be anyone's by now.
            lock_file.unlink(missing_ok=True)

    async def _initialise(self, user: ServerUser) -> None:
        """Make the store beside its place and move it there whole, so a kill leaves none or one."""
        draft = self._folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        private_folder(draft, user)
        initdb: list[str | Path] = [binaries() / "initdb", "-D", draft]
        # One locale everywhere, so that text sorts by code point as AWS's keys and names do. The
        # settings given are those it would otherwise find out by trying.
        await self._run(
            [
                *initdb,
                *("-U", ROLE, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"),
                *("--no-instructions", "-c", "max_connections=50", "-c", "shared_buffers=32MB"),
            ],
            user,
        )
        if self._flush:
            await self._run([*initdb, "--sync-only"], user)
        shutil.rmtree(self._data, ignore_errors=True)
        draft.rename(self._data)
        if self._flush:
            flush_folder(self._folder)

    async def _run(self, command: list[str | Path], user: ServerUser) -> None:
        process = self._spawn(command, user, signal.SIGKILL)
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await process.stop(signal.SIGKILL)
            raise
        if code != 0:
            raise ProcessError(f"{Path(command[0]).name} failed ({code}):\n{process.log_tail()}")

    async def _launch(self, user: ServerUser) -> None:
        configuration = CONFIGURATION | {"unix_socket_directories": str(self._socket_folder)}
        if not self._flush:
            configuration |= THROWAWAY
        settings = [part for item in configuration.items() for part in ("-c", "=".join(item))]
        # SIGQUIT is PostgreSQL's immediate shutdown: its children end too, the next start recovers.
        process = self._process = self._spawn(
            [binaries() / "postgres", "-D", self._data, *settings], user, signal.SIGQUIT
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready(process.pid):
            if process.exit_code is not None:
                raise ProcessError(
                    f"the database in {self._data} does not start:\n{process.log_tail()}"
                )
            if time.monotonic() > deadline:
                raise ProcessError(
                    f"the database in {self._data} is not ready after {START_SECONDS:.0f} s:\n"
                    f"{process.log_tail()}"
                )
            await asyncio.sleep(POLL_SECONDS)

    def _spawn(
        self, command: list[str | Path], user: ServerUser, death_signal: signal.Signals
    ) -> ChildProcess:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PG", "LC_", "LANG"))
        }
        return ChildProcess.spawn(
            command,
            log=self._log,
            environment=environment | {"LC_ALL": "C"},
            folder=self._folder,
            user=user.uid,
            group=user.gid,
            death_signal=death_signal,
        )

    def _is_ready(self, pid: int) -> bool:
        """Read the status the server writes, as ``pg_ctl --wait`` does."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
