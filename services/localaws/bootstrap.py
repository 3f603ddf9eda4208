"""The gateway process: the platform of a home, served until it is stopped.

Run as ``python -m localaws.bootstrap REPORT LIFELINE DELETES`` by `localaws.launch`, with the
settings in the environment. REPORT and LIFELINE are descriptors of pipes (-1 for none): the gateway
writes one `Message` to the first when it serves or has failed, and stops when the other end of the
second is closed, as the system does when the process there dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import FrameType
from typing import Literal
from urllib.parse import urlsplit

import msgspec
import psutil

from localaws.core.errors import LocalAwsError
from localaws.engines.process import rotate
from localaws.home import Home, RunRecord
from localaws.settings import Settings

RESET_SIGNAL = signal.SIGUSR1

Deletes = Literal["never", "orphaned", "always"]
"""When a gateway deletes its home at its end; `orphaned`: if who started it has ended too."""

log = logging.getLogger(__name__)


class AlreadyRunning(LocalAwsError):
    """Another gateway serves the home."""


class Message(msgspec.Struct):
    """What a gateway tells the process that started it: its record, or why it failed."""

    record: RunRecord | None = None
    kind: str = ""
    error: str = ""


@dataclass
class _Round:
    """One serving of the platform, until it is stopped or reset."""

    task: asyncio.Task[None] | None = None
    ready: bool = False
    stop: bool = False
    reset: bool = False
    swallow: int = 0
    """Stop signals of our own that the server hands on when it has stopped."""


@dataclass
class Gateway:
    """Runs the platform of a home in this process.

    Args:
        settings: its settings.
        ready: told the record each time the endpoint begins to answer.
        deletes: when to delete the home at the end.
    """

    settings: Settings
    ready: Callable[[RunRecord], None] = lambda _: None
    deletes: Deletes = "never"
    orphaned: bool = False
    """Whether the process that started this one has ended."""
    _round: _Round = field(default_factory=_Round)
    _resets: int = 0
    _reserved: socket.socket | None = None

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; at `RESET_SIGNAL` delete all data and serve on.

        Raises:
            AlreadyRunning: another gateway serves the home.
            LocalAwsError: the platform does not start.
        """
        home = Home(self.settings.home)
        home.prepare()
        if not home.lock.acquire():
            raise AlreadyRunning(f"another platform runs on {home.path}")
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._on_stop)
            signal.signal(RESET_SIGNAL, self._on_reset)
            if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup has it ignored
                signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
            while self._serve(home):
                self._resets += 1
                self._reserve_port()
                home.empty()
        finally:
            self._release_port()
            home.remove_record()
            if self.deletes == "always" or (self.deletes == "orphaned" and self.orphaned):
                home.delete()
            home.lock.release()

    def _serve(self, home: Home) -> bool:
        """Serve until stopped; return whether to empty the home and serve again."""
        gc.disable()  # what a start makes stays: looking through it costs a tenth of the start
        from localaws.gateway.server import serve

        current = self._round = _Round()

        def ready(url: str) -> None:
            current.ready = True
            self._release_port()
            gc.freeze()
            gc.enable()
            # The port given may have been 0; a reset comes back on the one that was taken.
            port = urlsplit(url).port or self.settings.port
            self.settings = replace(self.settings, port=port)
            record = RunRecord(
                pid=os.getpid(),
                created=psutil.Process().create_time(),
                url=url,
                port=port,
                started=datetime.now(UTC).isoformat(timespec="seconds"),
                resets=self._resets,
            )
            home.write_record(record)
            log.info("serving %s", url)
            self.ready(record)

        async def main() -> None:
            current.task = asyncio.current_task()
            await serve(self.settings, ready)

        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            try:
                runner.run(main())
            except asyncio.CancelledError:
                if not (current.stop or current.reset):
                    raise
        return current.reset and not current.stop

    def _reserve_port(self) -> None:
        """Keep the port from being given to an outgoing connection until it is listened on again.

        Bound but not listening, it does not hinder the listener (both allow the address's reuse).
        """
        family = socket.AF_INET6 if ":" in self.settings.host else socket.AF_INET
        self._reserved = socket.socket(family, socket.SOCK_STREAM)
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # taken already: the listener says so
            self._reserved.bind((self.settings.host, self.settings.port))

    def _release_port(self) -> None:
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        current = self._round
        if current.swallow:
            current.swallow -= 1
            return
        current.stop = True
        if not current.ready and current.task is not None:
            current.task.cancel()  # the server, which would see the signal, is not there yet

    def _on_reset(self, number: int, frame: FrameType | None) -> None:
        current = self._round
        if current.reset:
            return
        current.reset = True
        if current.ready:
            current.swallow += 1
            os.kill(os.getpid(), signal.SIGTERM)
        elif current.task is not None:
            current.task.cancel()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def configure_logging(settings: Settings) -> None:
    """Send all logs to the gateway's log file."""
    path = Home(settings.home).log("gateway")
    path.parent.mkdir(parents=True, exist_ok=True)
    rotate(path)
    logging.basicConfig(
        filename=path,
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )


def main() -> None:
    """Run the gateway that `launch` started."""
    report, lifeline = int(sys.argv[1]), int(sys.argv[2])
    settings = Settings.from_environment()
    message = Message()

    def tell(record: RunRecord) -> None:
        nonlocal report
        if report >= 0:
            _send(report, Message(record=record))
            report = -1

    try:
        Home(settings.home).prepare()
        configure_logging(settings)
        gateway = Gateway(settings, tell, msgspec.convert(sys.argv[3], Deletes))
        threading.Thread(target=_follow, args=(lifeline, gateway), daemon=True).start()
        gateway.run()
    except LocalAwsError as error:
        log.error("%s", error)
        message = Message(kind=type(error).__name__, error=str(error))
    except BaseException as error:
        log.exception("the platform failed")
        message = Message(kind=type(error).__name__, error=f"{type(error).__name__}: {error}")
    if message.kind:
        if report >= 0:
            _send(report, message)
        sys.exit(1)


def _follow(lifeline: int, gateway: Gateway) -> None:
    """Stop this process when the other end of the lifeline is closed."""
    if lifeline >= 0:
        with contextlib.suppress(OSError):
            os.read(lifeline, 1)
        gateway.orphaned = True
        os.kill(os.getpid(), signal.SIGTERM)


def _send(descriptor: int, message: Message) -> None:
    with contextlib.suppress(OSError):  # who started us may be gone
        os.write(descriptor, msgspec.json.encode(message) + b"\n")
    os.close(descriptor)


if __name__ == "__main__":
    main()
