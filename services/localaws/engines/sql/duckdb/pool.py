"""Worker processes: started on demand, kept warm, one query each, replaced when they die.

A query borrows a worker (`WorkerPool.session`), restricts it to its files, executes statements and
gives it back. A worker that was killed, crashed or did not stop when asked fails the query that
had it and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from localaws.engines.sql.base import QueryCancelled, SqlError

Rows = list[list[Any]]


@dataclass(frozen=True)
class PoolSettings:
    """Limits of the worker processes.

    Attributes:
        home: directory for what queries spill; emptied at start.
        warm: idle workers kept ready.
        maximum: workers at once; further queries wait for one.
        memory_limit: of one worker, in DuckDB's notation; beyond it a query spills or fails.
        spill_limit: disk one worker may use for that.
        threads: of one worker.
        idle_seconds: after which an idle worker above `warm` is stopped.
        cancel_seconds: a worker gets to stop a cancelled query before it is killed.
    """

    home: Path
    warm: int = 1
    maximum: int = field(default_factory=lambda: max(2, os.cpu_count() or 2))
    memory_limit: str = "2GB"
    spill_limit: str = "20GB"
    threads: int = field(default_factory=lambda: max(1, os.cpu_count() or 1))
    idle_seconds: float = 60.0
    cancel_seconds: float = 1.0


class ExecutionError(Exception):
    """A statement failed inside the worker; `kind` is DuckDB's exception class."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class WorkerLost(Exception):
    """The worker process ended in the middle of a request."""


class WorkerProcess:
    """One worker as its parent sees it: requests in, answers out, one at a time."""

    def __init__(self, process: asyncio.subprocess.Process, spill: Path, errors: IO[bytes]) -> None:
        self.process = process
        self.spill = spill
        self.errors = errors
        self.idle_since = time.monotonic()

    @classmethod
    async def start(cls, settings: PoolSettings) -> WorkerProcess:
        """Start a process. Call it on the main thread: the kernel ties the child's life to it."""
        spill = Path(tempfile.mkdtemp(prefix="worker-", dir=settings.home))
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `kill`
        config = {
            "parent": os.getpid(),
            "memory_limit": settings.memory_limit,
            "threads": settings.threads,
            "temp_directory": str(spill),
            "max_temp_directory_size": settings.spill_limit,
        }
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "localaws.engines.sql.duckdb.worker",
                json.dumps(config),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        except OSError:
            errors.close()
            spill.rmdir()
            raise
        return cls(process, spill, errors)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.returncode is None

    def send(self, message: Mapping[str, Any]) -> None:
        """Queue a message for the process."""
        assert self.process.stdin is not None
        body = json.dumps(message, separators=(",", ":")).encode()
        self.process.stdin.write(len(body).to_bytes(4, "big") + body)

    async def request(self, message: Mapping[str, Any]) -> Any:
        """Send a message and return its result.

        Raises:
            ExecutionError: the statement failed.
            WorkerLost: the process ended first.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.send(message)
            await self.process.stdin.drain()
            header = await self.process.stdout.readexactly(4)
            body = await self.process.stdout.readexactly(int.from_bytes(header, "big"))
        except (OSError, asyncio.IncompleteReadError) as error:
            raise WorkerLost(await self._last_words()) from error
        answer = json.loads(body)
        if (failure := answer.get("error")) is not None:
            raise ExecutionError(failure["type"], failure["message"])
        return answer["result"]

    async def _last_words(self) -> str:
        """Return how the process ended, with the last line it wrote."""
        status = await self.process.wait()
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return f"the query process {how}" + (f": {lines[-1]}" if lines else "")

    async def kill(self) -> None:
        """End the process and remove what it spilled."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
        if self.process.stdin is not None:
            self.process.stdin.close()
        await self.process.wait()
        if self.process.stdout is not None:
            # drain, so that the transport closes before the event loop does
            await self.process.stdout.read()
        self.errors.close()
        await asyncio.to_thread(shutil.rmtree, self.spill, True)


class QuerySession:
    """A borrowed worker, between `open` and the end of its query."""

    def __init__(self, worker: WorkerProcess) -> None:
        self.worker = worker
        self.cancelled = False

    async def open(
        self,
        paths: Sequence[str],
        directories: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Allow the query these files and directories, and nothing else from here on."""
        await self._request(
            {
                "op": "open",
                "paths": list(paths),
                "directories": list(directories),
                "settings": dict(settings or {}),
            }
        )

    async def execute(self, sql: str) -> Rows:
        """Execute one statement and return its rows."""
        rows: Rows = await self._request({"op": "execute", "sql": sql})
        return rows

    async def _request(self, message: Mapping[str, Any]) -> Any:
        try:
            result = await self.worker.request(message)
        except (ExecutionError, WorkerLost) as error:
            if self.cancelled:
                raise QueryCancelled("the query was cancelled") from error
            if isinstance(error, WorkerLost):
                raise SqlError("GENERIC_INTERNAL_ERROR", str(error), user=False) from error
            raise
        if self.cancelled:
            raise QueryCancelled("the query was cancelled")
        return result

    async def cancel(self, grace: float) -> None:
        """Interrupt the statement that runs; kill the worker if that does not stop it in time."""
        self.cancelled = True
        worker = self.worker
        with contextlib.suppress(OSError, RuntimeError):
            worker.send({"op": "cancel"})
        await asyncio.sleep(grace)
        if self.worker is worker and worker.alive and not self.finished:
            with contextlib.suppress(ProcessLookupError):
                worker.process.kill()

    finished = False


class WorkerPool:
    """Keep workers ready and lend them out, first come first served."""

    def __init__(self, settings: PoolSettings) -> None:
        self.settings = settings
        self._idle: list[WorkerProcess] = []
        self._all: set[WorkerProcess] = set()
        self._starting = 0
        self._slots = asyncio.Semaphore(settings.maximum)
        self._tasks: set[asyncio.Task[None]] = set()
        self._returning: set[asyncio.Task[None]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._warming = asyncio.Lock()

    async def start(self) -> None:
        """Empty the spill directory and start the warm workers in the background."""
        if self._keeper is not None:
            return
        home = self.settings.home
        await asyncio.to_thread(shutil.rmtree, home, True)
        home.mkdir(parents=True)
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End every process, whatever it is doing, and remove the spill directory."""
        tasks = [*self._tasks, *([self._keeper] if self._keeper else [])]
        self._keeper = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(worker.kill() for worker in self._all))
        self._idle.clear()
        self._all.clear()
        await asyncio.to_thread(shutil.rmtree, self.settings.home, True)

    @property
    def processes(self) -> list[int]:
        """Process ids of all workers."""
        return [worker.process.pid for worker in self._all if worker.alive]

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[QuerySession]:
        """Lend a worker for one query, waiting for one when all are busy.

        Raises:
            SqlError: no process could be started.
        """
        if self._keeper is None:
            raise SqlError("GENERIC_INTERNAL_ERROR", "the SQL engine is stopped", user=False)
        await self._slots.acquire()
        try:
            worker = await self._take()
        except BaseException:
            self._slots.release()
            raise
        session = QuerySession(worker)
        clean = False
        try:
            yield session
            clean = True
        except (ExecutionError, SqlError):
            clean = True
            raise
        finally:
            session.finished = True
            # A worker whose request was abandoned half way still runs it: it cannot be reused.
            # The query does not wait until its worker is ready for the next one.
            self._returning.add(
                self._background(self._return(worker, clean and not session.cancelled))
            )

    async def _return(self, worker: WorkerProcess, reusable: bool) -> None:
        try:
            await self._give_back(worker, reusable)
        finally:
            self._slots.release()

    async def _take(self) -> WorkerProcess:
        if not self._idle and self._returning:
            await asyncio.wait(self._returning, return_when=asyncio.FIRST_COMPLETED)
        if not self._idle:
            async with self._warming:  # one may be on its way
                pass
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            await self._drop(worker)
        return await self._spawn()

    async def _spawn(self) -> WorkerProcess:
        self._starting += 1
        starting = asyncio.ensure_future(WorkerProcess.start(self.settings))
        try:
            worker = await asyncio.shield(starting)
            self._all.add(worker)
            return worker
        except asyncio.CancelledError:
            # a process half started would have no owner
            await (await starting).kill()
            raise
        except OSError as error:
            message = f"no query process could be started: {error}"
            raise SqlError("GENERIC_INTERNAL_ERROR", message, user=False) from error
        finally:
            self._starting -= 1

    async def _give_back(self, worker: WorkerProcess, reusable: bool) -> None:
        if reusable and worker.alive and self._keeper is not None:
            try:
                await worker.request({"op": "close"})
            except (ExecutionError, WorkerLost):
                await self._drop(worker)
            else:
                worker.idle_since = time.monotonic()
                self._idle.append(worker)
                return
        else:
            await self._drop(worker)
        self._background(self._warm())

    async def _drop(self, worker: WorkerProcess) -> None:
        await worker.kill()
        self._all.discard(worker)  # only now: `stop` ends what this did not get to

    def _background(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._returning.discard)
        return task

    async def _warm(self) -> None:
        """Start workers until enough are idle."""
        async with self._warming:
            while (
                self._keeper is not None
                and len(self._idle) < self.settings.warm
                and len(self._all) + self._starting < self.settings.maximum
            ):
                self._idle.append(await self._spawn())

    async def _keep(self) -> None:
        """Keep the number of idle workers at `warm`, replacing those that died."""
        while True:
            with contextlib.suppress(SqlError):  # a query that needs a worker will say so
                for worker in [worker for worker in self._idle if not worker.alive]:
                    self._idle.remove(worker)
                    await self._drop(worker)
                limit = time.monotonic() - self.settings.idle_seconds
                while len(self._idle) > self.settings.warm and self._idle[0].idle_since < limit:
                    await self._drop(self._idle.pop(0))
                await self._warm()
            await asyncio.sleep(min(1.0, self.settings.idle_seconds))
