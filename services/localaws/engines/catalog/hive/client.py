"""The way to the metastore: a pool of Thrift connections, used from threads."""

from __future__ import annotations

import asyncio
import logging
import select
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pymetastore.hive_metastore import ttypes
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.Thrift import TApplicationException
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TTransportException

from localaws.core.errors import AwsError
from localaws.engines.catalog.errors import ALREADY_EXISTS, ENTITY_NOT_FOUND
from localaws.engines.catalog.hive.wire import ThriftClient

CONNECTIONS = 8
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
DEFAULT_PORT = 9083

Result = TypeVar("Result")

# An address that refuses is our error to tell, once, and not the library's to log.
logging.getLogger("thrift.transport.TSocket").setLevel(logging.CRITICAL)


class MetastoreClient:
    """Calls the metastore, at most `CONNECTIONS` calls at a time.

    A connection that died while it was idle is replaced before it is used. A call that failed on
    the way is repeated where it only reads; otherwise its outcome is unknown and it is an error.

    Args:
        url: ``thrift://host:port``.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "thrift" or not parts.hostname:
            raise ValueError(f"the catalog's address {url!r} is not thrift://host:port")
        self._host = parts.hostname
        self._port = parts.port or DEFAULT_PORT
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="catalog")
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()
        self._stopped = False

    async def call(self, function: Callable[[ThriftClient], Result]) -> Result:
        """Return what a function that only reads gives on a connection."""
        return await self._run(function, 2)

    async def change(self, function: Callable[[ThriftClient], Result]) -> Result:
        """Return what a function that writes gives on a connection."""
        return await self._run(function, 1)

    async def stop(self) -> None:
        """Close all connections."""
        self._stopped = True
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    async def _run(self, function: Callable[[ThriftClient], Result], attempts: int) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._attempt, function, attempts)

    def _attempt(self, function: Callable[[ThriftClient], Result], attempts: int) -> Result:
        for attempt in range(attempts):
            connection = self._borrow()
            try:
                result = function(connection.client)
            except (TTransportException, OSError, EOFError) as error:
                connection.close()
                if attempt == attempts - 1:
                    raise self._unreachable("broke off", error) from error
            except TApplicationException as error:
                connection.close()
                raise failed(str(error.message)) from error
            except _DECLARED as error:
                self._give_back(connection)
                raise _told(error) from None
            except BaseException:
                connection.close()
                raise
            else:
                self._give_back(connection)
                return result
        raise AssertionError("not reached")

    def _borrow(self) -> _Connection:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                break
            if connection.is_alive():
                return connection
            connection.close()
        try:
            return _Connection(self._host, self._port)
        except (TTransportException, OSError) as error:
            raise self._unreachable("does not answer", error) from error

    def _give_back(self, connection: _Connection) -> None:
        with self._lock:
            if not self._stopped:
                self._idle.append(connection)
                return
        connection.close()

    def _unreachable(self, what: str, error: Exception) -> AwsError:
        return AwsError(
            "InternalServiceException",
            f"The catalog (Hive Metastore at {self._host}:{self._port}) {what}: "
            f"{getattr(error, 'message', None) or error}. Look at it with "
            "`localaws logs hive-metastore`, then try again.",
            500,
        )


class Refusal(AwsError):
    """The metastore cannot or will not do it (its MetaException)."""


class NotThere(AwsError):
    """The metastore does not have what a call is about."""


class Exists(AwsError):
    """The metastore has already what a call would create."""


class Invalid(AwsError):
    """The metastore takes no such thing."""


_ERRORS = {
    ttypes.MetaException: (Refusal, "InternalServiceException", 500),
    ttypes.NoSuchObjectException: (NotThere, ENTITY_NOT_FOUND, 400),
    ttypes.UnknownDBException: (NotThere, ENTITY_NOT_FOUND, 400),
    ttypes.UnknownTableException: (NotThere, ENTITY_NOT_FOUND, 400),
    ttypes.AlreadyExistsException: (Exists, ALREADY_EXISTS, 400),
    ttypes.InvalidObjectException: (Invalid, "InvalidInputException", 400),
    ttypes.InvalidOperationException: (Invalid, "InvalidInputException", 400),
    ttypes.InvalidInputException: (Invalid, "InvalidInputException", 400),
}
_DECLARED = tuple(_ERRORS)


def failed(message: str) -> AwsError:
    """Return the error of a call that the metastore failed at."""
    return AwsError("InternalServiceException", f"The catalog failed: {message}", 500)


def _told(error: Any) -> AwsError:
    """Return our error for one of the metastore's, which cannot travel: they are immutable."""
    kind, code, status = _ERRORS[type(error)]
    message = (str(error.message or "").splitlines() or [""])[0]
    if "maximum length" in message:
        code, status = "InvalidInputException", 400
    return kind(code, f"The catalog refused: {message}", status)


class _Connection:
    """One open connection and its client."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = TSocket(host, port)
        self._socket.setTimeout(CONNECT_SECONDS * 1000)
        self._socket.open()
        self._socket.setTimeout(ANSWER_SECONDS * 1000)
        self.client = ThriftClient(TBinaryProtocolAccelerated(TBufferedTransport(self._socket)))

    def is_alive(self) -> bool:
        """Return whether the other end is still there: nothing to read, not even an end."""
        try:
            return not select.select([self._socket.handle], [], [], 0)[0]
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
