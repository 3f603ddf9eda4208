"""Child processes that never outlive this one, and locks that die with their holder."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import psutil

from localaws.core.errors import LocalAwsError

PR_SET_PDEATHSIG = 1
LOG_LIMIT_BYTES = 10 * 1024 * 1024
_POLL_SECONDS = 0.02

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ProcessError(LocalAwsError):
    """A child process could not be started, or ended when it should not have."""


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """Return a ``preexec_fn`` after which the child gets `death_signal` when this process dies.

    The kernel sends it when the *thread* that made the child ends, so that must be the main one,
    and forgets it when the child changes its user, so it is asked for after that (`subprocess`
    calls ``preexec_fn`` last). Elsewhere than on Linux there is no such signal: orphans are found
    and stopped at the next start.

    https://man7.org/linux/man-pages/man2/pr_set_pdeathsig.2const.html
    """
    if threading.current_thread() is not threading.main_thread():
        raise ProcessError("engine processes are started from the main thread only")
    parent = os.getpid()

    def prepare() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
            if os.getppid() != parent:  # it died before the signal was asked for
                os._exit(1)

    return prepare


class ChildProcess:
    """A child with its output in a file; it dies with this process even at a ``kill -9``."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Path) -> None:
        self._popen = popen
        self._log = log

    @classmethod
    def spawn(
        cls,
        command: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        user: int | None = None,
        group: int | None = None,
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> ChildProcess:
        """Start a program in a session of its own, so a terminal's Ctrl-C does not reach it.

        Args:
            command: program and arguments.
            log: file that its stdout and stderr are appended to.
            environment: its whole environment; None gives it this process's.
            folder: its working directory.
            user: user id to run as (this process must be root).
            group: group id to run as.
            death_signal: what it is sent when this process dies.

        Raises:
            ProcessError: it could not be started.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        rotate(log)
        try:
            with log.open("ab") as output:
                popen = subprocess.Popen(
                    [str(part) for part in command],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=folder,
                    env=None if environment is None else dict(environment),
                    user=user,
                    group=group,
                    extra_groups=None if user is None else [],
                    start_new_session=True,
                    preexec_fn=die_with_parent(death_signal),
                )
        except (OSError, subprocess.SubprocessError) as error:
            raise ProcessError(f"cannot start {command[0]}: {error}") from error
        return cls(popen, log)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code (minus the signal that ended it), or None while it runs."""
        return self._popen.poll()

    def log_tail(self, lines: int = 10) -> str:
        """Return the last lines of its output."""
        return tail(self._log, lines)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens where it has ended."""
        if self._popen.poll() is None:
            self._popen.send_signal(number)

    async def wait(self) -> int:
        """Return the exit code once it has ended."""
        if self._popen.poll() is None and sys.platform == "linux":
            await self._wait_readable(os.pidfd_open(self.pid))
        while self._popen.poll() is None:
            await asyncio.sleep(_POLL_SECONDS)
        return self._popen.returncode

    @staticmethod
    async def _wait_readable(descriptor: int) -> None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_reader(descriptor, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)

    async def stop(self, number: signal.Signals = signal.SIGTERM, grace: float = 10) -> int:
        """Ask it to end, kill it after `grace` seconds, and return its exit code."""
        self.send_signal(number)
        try:
            return await asyncio.wait_for(self.wait(), grace)
        except TimeoutError:
            self.send_signal(signal.SIGKILL)
            return await self.wait()


def rotate(log: Path) -> None:
    """Set a log that has grown past its limit aside, as ``<name>.1``."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT_BYTES:
            log.replace(log.with_name(log.name + ".1"))


def tail(log: Path, lines: int) -> str:
    """Return the last lines of a text file, empty where there is none."""
    try:
        with log.open(encoding="utf-8", errors="replace") as text:
            return "".join(deque(text, maxlen=lines)).rstrip("\n")
    except FileNotFoundError:
        return ""


class FileLock:
    """A lock on a file, held by one process and free again as soon as that dies.

    The file holds the process id of its holder, for messages only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock; return False where another holds it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back; cheap to call again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> FileLock:
        if not self.acquire():
            holder = tail(self._path, 1) or "unknown"
            raise ProcessError(f"{self._path} is held by process {holder}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def stop_processes_in(
    folder: Path, number: signal.Signals = signal.SIGQUIT, grace: float = 5
) -> int:
    """Stop every process whose working directory is `folder`; return how many there were.

    They are orphans of a platform that died: sent `number` first, killed after `grace` seconds.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.cwd() == str(folder):
                found.append(process)
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    deadline = time.monotonic() + grace
    while _alive(found) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    for process in _alive(found):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    while _alive(found):
        time.sleep(_POLL_SECONDS)
    return len(found)


def _alive(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    alive = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
    return alive
