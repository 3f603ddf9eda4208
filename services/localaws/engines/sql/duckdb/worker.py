"""One process that runs DuckDB SQL for one query at a time and answers for nothing else.

Started by `pool.WorkerPool` as ``python -m localaws.engines.sql.duckdb.worker CONFIG`` with a
JSON configuration. It reads requests from stdin and answers on stdout, each a 4-byte big-endian
length followed by JSON::

    {"op": "open", "paths": [...], "directories": [...], "settings": {...}}  -> {"result": null}
    {"op": "execute", "sql": "..."}                                          -> {"result": rows}
    {"op": "close"}                                                          -> {"result": null}
    {"op": "cancel"}                                                         (no answer)

``open`` … ``close`` bracket a query. Each query gets a database of its own, opened ahead of time,
so nothing leaks from one query into the next. Between ``open`` and ``close`` the database can
touch the given files and directories and nothing else, and its configuration is locked: the
translator already emits an allow-list of functions, this is the second wall.

A failed request answers ``{"error": {"type": "BinderException", "message": "..."}}``.

The process imports the native module only (25 MB less than the Python package around it) and ends
with its parent, whichever way the parent ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import signal
import sys
import threading
from typing import Any, BinaryIO

import _duckdb

PR_SET_PDEATHSIG = 1

Message = dict[str, Any]


def read_message(stream: BinaryIO) -> Message | None:
    """Return the next message, or None at the end of the stream."""
    header = stream.read(4)
    if len(header) < 4:
        return None
    body = stream.read(int.from_bytes(header, "big"))
    message: Message = json.loads(body)
    return message


def frame(message: Message) -> bytes:
    """Return a message as it goes over the pipe."""
    body = json.dumps(message, separators=(",", ":"), default=str).encode()
    return len(body).to_bytes(4, "big") + body


def quote(text: str) -> str:
    """Return `text` as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


class Worker:
    """Execute requests on the main thread while a second thread listens for ``cancel``."""

    def __init__(self, config: Message, requests: BinaryIO, responses: BinaryIO) -> None:
        self.config = config
        self.requests = requests
        self.responses = responses
        self.pending: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.cancelled = threading.Event()
        self.database = self.connect()
        self.used: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.spare: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def connect(self) -> Any:
        """Return a new in-memory database with everything set that must be set before use."""
        database = _duckdb.connect(
            ":memory:",
            config={
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                **self.config,
            },
        )
        database.execute("SET python_enable_replacements = false")
        database.execute("SET TimeZone = 'UTC'")
        return database

    def listen(self) -> None:
        """Queue requests; interrupt on ``cancel``; leave when the parent has gone."""
        while (message := read_message(self.requests)) is not None:
            if message["op"] == "cancel":
                self.cancelled.set()
                self.database.interrupt()
            else:
                self.pending.put(message)
        os._exit(0)

    def serve(self) -> None:
        """Answer requests for ever."""
        threading.Thread(target=self.listen, daemon=True).start()
        threading.Thread(target=self.prepare, daemon=True).start()
        self.used.put(None)
        while True:
            message = self.pending.get()
            reset = False
            try:
                result: Any = None
                if message["op"] == "open":
                    self.open(message)
                elif message["op"] == "execute":
                    result = self.execute(message["sql"])
                else:
                    reset = True
                response: Message = {"result": result}
            except Exception as error:
                response = {"error": {"type": type(error).__name__, "message": str(error)}}
            self.responses.write(frame(response))
            self.responses.flush()
            if reset:
                # after the answer: the next query does not wait for this
                self.reset()

    def open(self, message: Message) -> None:
        """Restrict the database to the files of one query, then lock it."""
        self.cancelled.clear()
        for name, value in message["settings"].items():
            self.database.execute(f"SET {name} = {quote(str(value))}")
        for name in ("paths", "directories"):
            allowed = ", ".join(map(quote, message[name]))
            self.database.execute(f"SET allowed_{name} = [{allowed}]")
        self.database.execute("SET enable_external_access = false")
        self.database.execute("SET lock_configuration = true")

    def execute(self, sql: str) -> list[Any]:
        """Run exactly one statement and return its rows."""
        statements = self.database.extract_statements(sql)
        if len(statements) != 1:
            raise ValueError(f"one statement expected, got {len(statements)}")
        if self.cancelled.is_set():
            raise InterruptedError("the query was cancelled")
        rows: list[Any] = self.database.execute(statements[0]).fetchall()
        return rows

    def reset(self) -> None:
        """Leave everything the last query left behind; take the database of the next one."""
        self.used.put(self.database)
        self.database = self.spare.get()

    def prepare(self) -> None:
        """Keep one new database in reserve: opening one takes longer than a small query."""
        while True:
            if (used := self.used.get()) is not None:
                used.close()
            self.spare.put(self.connect())


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent dies; leave if it already has."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # when memory runs out, this process is the one to go, not the gateway or the store
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123
            score.write("800")
    if os.getppid() != parent:
        os._exit(0)


def main() -> None:
    """Serve the parent named in the configuration until it goes away."""
    config: Message = json.loads(sys.argv[1])
    die_with_parent(config.pop("parent"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the gateway, which then stops us
    responses = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing but responses may reach the pipe
    Worker(config, sys.stdin.buffer, responses).serve()


if __name__ == "__main__":
    main()
