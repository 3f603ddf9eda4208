"""The supervisor: starts engine processes, checks them, restarts and stops them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import psutil

from localaws.core.errors import LocalAwsError

FIRST_BACK_OFF_SECONDS = 0.05
LAST_BACK_OFF_SECONDS = 5.0
RESTART_LIMIT = 8
RESTART_WINDOW_SECONDS = 60.0
CHECK_SECONDS = 5.0
CHECK_TIMEOUT_SECONDS = 10.0
FAILED_CHECKS = 3

log = logging.getLogger(__name__)


class Engine(Protocol):
    """An engine process that can be supervised."""

    name: str
    """Role name, e.g. ``database``."""

    @property
    def pid(self) -> int | None:
        """Process id, or None while it does not run."""

    @property
    def has_data(self) -> bool:
        """Return whether it holds data already."""

    async def start(self) -> Any:
        """Start it and return once it serves; cheap where it runs already."""

    async def stop(self) -> None:
        """Stop it and wait for its end."""

    async def wait(self) -> int:
        """Return its exit code once it has ended."""

    async def healthy(self) -> bool:
        """Return whether it answers."""


@dataclass(frozen=True)
class EngineStatus:
    """What `localaws status` tells of an engine.

    `declared` engines are part of the platform; one that is started at first need is declared and
    not running until then.
    """

    name: str
    declared: bool = True
    running: bool = False
    healthy: bool = False
    has_data: bool = False
    pid: int | None = None
    memory_bytes: int = 0
    """Of all its processes; pages they share count once (where the system tells)."""
    restarts: int = 0
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the status as a JSON object."""
        return asdict(self)


Report = Callable[[], Awaitable[EngineStatus]]


@dataclass
class _Supervised:
    engine: Engine
    watcher: asyncio.Task[None] | None = None
    restarts: int = 0
    recent: deque[float] = field(default_factory=deque)
    error: str | None = None


class Supervisor:
    """Keeps engine processes running until they are stopped.

    An engine that ends by itself is started again, at once at first and then with growing pauses;
    after `RESTART_LIMIT` restarts within `RESTART_WINDOW_SECONDS` it stays down and its status
    says why. One that does not answer `FAILED_CHECKS` checks in a row is stopped and started.
    """

    def __init__(self) -> None:
        self._engines: dict[str, _Supervised] = {}
        self._reports: dict[str, Report] = {}

    async def start(self, engine: Engine) -> None:
        """Start an engine and watch it from then on.

        Raises:
            LocalAwsError: it does not start.
        """
        await engine.start()
        entry = self._engines[engine.name] = _Supervised(engine)
        entry.watcher = asyncio.create_task(self._watch(entry), name=f"supervise-{engine.name}")

    def register(self, name: str, report: Report) -> None:
        """Add the status of processes that something else looks after, e.g. a pool of workers."""
        self._reports[name] = report

    async def stop(self) -> None:
        """Stop all engines, the last started first."""
        for entry in reversed(list(self._engines.values())):
            if entry.watcher is not None:
                entry.watcher.cancel()
                await asyncio.gather(entry.watcher, return_exceptions=True)
            await entry.engine.stop()
        self._engines.clear()
        self._reports.clear()

    async def statuses(self) -> list[EngineStatus]:
        """Return the status of every engine, asked for now."""
        engines = [self._status(entry) for entry in self._engines.values()]
        reports = [report() for report in self._reports.values()]
        return list(await asyncio.gather(*engines, *reports))

    async def _status(self, entry: _Supervised) -> EngineStatus:
        pid = entry.engine.pid
        return EngineStatus(
            name=entry.engine.name,
            running=pid is not None,
            healthy=pid is not None and await self._check(entry.engine, timeout=2),
            has_data=entry.engine.has_data,
            pid=pid,
            memory_bytes=memory_of(pid) if pid is not None else 0,
            restarts=entry.restarts,
            error=entry.error,
        )

    async def _watch(self, entry: _Supervised) -> None:
        while True:
            reason = await self._ended(entry.engine)
            log.warning("%s %s; starting it again", entry.engine.name, reason)
            if not await self._restart(entry, reason):
                log.error("%s stays down: %s", entry.engine.name, entry.error)
                return

    async def _ended(self, engine: Engine) -> str:
        """Return once the engine has ended or was stopped for not answering, with the reason."""
        failed = 0
        end = asyncio.ensure_future(engine.wait())
        try:
            while True:
                done, _ = await asyncio.wait([end], timeout=CHECK_SECONDS)
                if done:
                    return f"ended with code {end.result()}"
                failed = 0 if await self._check(engine, CHECK_TIMEOUT_SECONDS) else failed + 1
                if failed >= FAILED_CHECKS and not end.done():
                    await engine.stop()
                    return f"did not answer {failed} checks"
        finally:
            end.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await end

    async def _check(self, engine: Engine, timeout: float) -> bool:
        try:
            return await asyncio.wait_for(engine.healthy(), timeout)
        except TimeoutError:
            return False

    async def _restart(self, entry: _Supervised, reason: str) -> bool:
        """Start an ended engine again; return False once the limit is reached."""
        pause = FIRST_BACK_OFF_SECONDS
        while True:
            now = time.monotonic()
            while entry.recent and entry.recent[0] < now - RESTART_WINDOW_SECONDS:
                entry.recent.popleft()
            if len(entry.recent) >= RESTART_LIMIT:
                entry.error = f"{RESTART_LIMIT} restarts did not help; last: {reason}"
                return False
            if entry.recent:
                await asyncio.sleep(min(pause * 2 ** len(entry.recent), LAST_BACK_OFF_SECONDS))
            entry.recent.append(now)
            entry.restarts += 1
            try:
                await entry.engine.start()
            except (LocalAwsError, OSError) as error:
                reason = str(error)
                entry.error = reason
                log.warning("%s does not start: %s", entry.engine.name, error)
            else:
                entry.error = None
                return True


def memory_of(pid: int) -> int:
    """Return the memory in bytes of a process and its descendants, 0 where it has ended."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for member in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                try:
                    total += member.memory_full_info().pss
                except (AttributeError, psutil.AccessDenied):
                    total += member.memory_info().rss
    return total
