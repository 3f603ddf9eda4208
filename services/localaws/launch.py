"""Start a gateway in a process of its own."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
import psutil

from localaws.bootstrap import Deletes, Message
from localaws.core.errors import LocalAwsError
from localaws.engines.process import tail
from localaws.home import STOP_SECONDS, Home, RunRecord, end_process
from localaws.settings import Settings

START_SECONDS = 150.0


class StartError(LocalAwsError):
    """The gateway process did not start; the message ends with the last lines of its log."""

    def __init__(self, kind: str, message: str, log_tail: str = "") -> None:
        super().__init__(f"{message}\n{log_tail}".rstrip())
        self.kind = kind
        self.log_tail = log_tail


@dataclass
class Launched:
    """A gateway in a process of its own."""

    record: RunRecord
    home: Home
    _popen: subprocess.Popen[bytes] = field(repr=False)
    _lifeline: int = field(repr=False)

    def stop(self) -> None:
        """Stop it gracefully, kill it where it does not end in time."""
        if self._popen.poll() is None:
            end_process(psutil.Process(self._popen.pid), STOP_SECONDS)
        self._popen.wait()
        self._close()

    def kill(self) -> None:
        """Kill it (SIGKILL) and wait for its end."""
        self._popen.kill()
        self._popen.wait()
        self._close()

    def release(self) -> None:
        """Let it run on after this process."""
        self._popen.returncode = 0  # it is not ours to wait for any more

    def _close(self) -> None:
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1


def launch(
    settings: Settings,
    *,
    tied: bool = False,
    deletes: Deletes = "never",
    environment: Mapping[str, str] | None = None,
) -> Launched:
    """Start a gateway in a process of its own and return once it answers.

    Args:
        settings: its settings.
        tied: stop it when this process ends, however that happens.
        deletes: when it deletes its home at its end.
        environment: its environment besides the settings; None gives it this process's.

    Raises:
        StartError: it did not start; `kind` is the name of the error's type.
    """
    home = Home(settings.home)
    home.prepare()
    report_read, report_write = os.pipe()
    life_read, life_write = os.pipe() if tied else (-1, -1)
    command = [sys.executable, "-P", "-m", "localaws.bootstrap"]
    arguments = [str(report_write), str(life_read), deletes]
    try:
        with home.log("gateway").open("ab") as output:
            popen = subprocess.Popen(
                command + arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**(os.environ if environment is None else environment)}
                | settings.environment(),
                pass_fds=[descriptor for descriptor in (report_write, life_read) if descriptor > 0],
                start_new_session=True,
            )
    finally:
        for descriptor in (report_write, life_read):
            if descriptor >= 0:
                os.close(descriptor)
    try:
        message = _receive(report_read)
    except BaseException:
        popen.kill()
        popen.wait()
        raise
    finally:
        os.close(report_read)
    if message.record is None:
        popen.wait()
        if life_write >= 0:
            os.close(life_write)
        quoted = "" if message.kind else tail(home.log("gateway"), 10)
        reason = message.error or f"the gateway ended with code {popen.returncode}"
        raise StartError(message.kind or "Ended", reason, quoted)
    return Launched(message.record, home, popen, life_write)


def _receive(descriptor: int) -> Message:
    """Return the gateway's message, an empty one where it ended without."""
    deadline = time.monotonic() + START_SECONDS
    content = b""
    while not content.endswith(b"\n"):
        if not select.select([descriptor], [], [], max(0, deadline - time.monotonic()))[0]:
            raise StartError("Timeout", f"the gateway does not answer after {START_SECONDS:.0f} s")
        chunk = os.read(descriptor, 65536)
        if not chunk:
            return Message()
        content += chunk
    return msgspec.json.decode(content, type=Message)
