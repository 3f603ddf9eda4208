"""The home of a platform: its folder, who runs on it, and how its data is emptied."""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
from pathlib import Path

import msgspec
import psutil

import localaws
from localaws.core.errors import LocalAwsError
from localaws.engines.process import FileLock

MARKER = "localaws.json"
KEPT_AT_RESET = frozenset({MARKER, "logs", "run"})
STOP_SECONDS = 30.0


class HomeError(LocalAwsError):
    """A folder cannot be the home of a platform."""


class RunRecord(msgspec.Struct, frozen=True):
    """Who serves a home, as written to ``run/gateway.json`` once it answers."""

    pid: int
    created: float
    """When the process was made (seconds since the epoch): tells it from a later one of its id."""
    url: str
    port: int
    started: str
    version: str = localaws.__version__
    resets: int = 0

    def process(self) -> psutil.Process | None:
        """Return the process, or None where it has ended."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            if (
                abs(process.create_time() - self.created) < 1
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                return process
        return None


class Home:
    """The folder of a platform."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = FileLock(path / "run" / "lock")

    def prepare(self) -> None:
        """Make the folder where there is none.

        Raises:
            HomeError: it holds something that is not a platform's.
        """
        if not self.exists:
            if self.path.is_dir() and any(self.path.iterdir()):
                raise HomeError(f"{self.path} is not empty and not a home of localaws")
            try:
                self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
                content = {"made_by": "localaws", "version": localaws.__version__}
                (self.path / MARKER).write_bytes(msgspec.json.encode(content))
            except OSError as error:
                raise HomeError(f"cannot make {self.path}: {error.strerror}") from error
        for name in ("logs", "run"):
            (self.path / name).mkdir(exist_ok=True)

    @property
    def exists(self) -> bool:
        """Return whether the folder is the home of a platform."""
        return (self.path / MARKER).is_file()

    @property
    def has_data(self) -> bool:
        """Return whether a platform has ever kept data here since the last reset."""
        return self.exists and any(path.name not in KEPT_AT_RESET for path in self.path.iterdir())

    def log(self, service: str) -> Path:
        """Return the log file of the gateway or an engine, by role name."""
        return self.path / "logs" / f"{service}.log"

    def logs(self) -> list[str]:
        """Return the names of those that have a log."""
        return sorted(path.stem for path in (self.path / "logs").glob("*.log"))

    @property
    def _record(self) -> Path:
        return self.path / "run" / "gateway.json"

    def record(self) -> RunRecord | None:
        """Return who serves this home now; a record left by a process that died is nobody's."""
        try:
            record = msgspec.json.decode(self._record.read_bytes(), type=RunRecord)
        except (OSError, msgspec.DecodeError):
            return None
        return record if record.process() is not None else None

    def write_record(self, record: RunRecord) -> None:
        """Write who serves this home, whole or not at all."""
        draft = self._record.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(record))
        draft.replace(self._record)

    def remove_record(self) -> None:
        """Forget who served this home."""
        self._record.unlink(missing_ok=True)

    def is_locked(self) -> bool:
        """Return whether a gateway holds this home, be it still starting."""
        if not self.exists:
            return False
        if not self.lock.acquire():
            return True
        self.lock.release()
        return False

    def stop(self) -> bool:
        """Stop the gateway that serves this home; it is killed where it does not end in time.

        Returns:
            Whether one ran.
        """
        record = self.record()
        process = record.process() if record is not None else None
        if process is None:
            return False
        end_process(process, STOP_SECONDS)
        self.remove_record()
        return True

    def empty(self) -> None:
        """Delete state and data of a home that nobody serves; logs stay."""
        for path in self.path.iterdir():
            if path.name not in KEPT_AT_RESET:
                remove_tree(path)

    def delete(self) -> None:
        """Delete the folder of a home that nobody serves; anything but a home is left alone."""
        if self.exists:
            remove_tree(self.path)


def end_process(process: psutil.Process, grace: float) -> None:
    """Ask a process to end (SIGTERM), kill it after `grace` seconds, and wait for its end."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        # One that has ended but that its parent has not waited for yet counts as ended: in a
        # container the parent may be an init that takes its time.
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                process.kill()
                deadline = float("inf")
            time.sleep(0.01)


def remove_tree(path: Path) -> None:
    """Delete a file or folder, though a process on its way out may still be adding to it."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    for attempt in range(50):
        try:
            shutil.rmtree(path)
        except FileNotFoundError:
            if not path.exists():
                return
        except OSError:
            if attempt == 49:
                raise
        else:
            return
        time.sleep(0.05)
