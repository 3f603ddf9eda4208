"""A client of Trino's statement protocol.

A statement is posted, then followed page by page until there is no next one:
https://trino.io/docs/current/develop/client-protocol.html
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec

from localaws.engines.sql.trino.errors import StatementFailed, lost, unavailable
from localaws.engines.sql.trino.protocol import Page, ServerInfo, decode_page, decode_rows

if TYPE_CHECKING:
    import aiohttp

PAGE_SIZE = "4MB"
RETRY_SECONDS = 10.0
"""How long a page is asked for again while the server does not answer."""
CONNECT_SECONDS = 3.0
"""The same for a new statement, of which the server knows nothing yet."""
FIRST_PAUSE_SECONDS = 0.05
LAST_PAUSE_SECONDS = 1.0
STARTING_SECONDS = 90.0
"""How long a statement waits for a server that answers but is not ready yet."""
CANCEL_SECONDS = 5.0
_STARTING = "SERVER_STARTING_UP"

_TRY_AGAIN = (502, 503, 504)
_UNKNOWN = (404, 410)

Locate = Callable[[], Awaitable[str]]


class TrinoClient:
    """Sends statements to one server.

    Args:
        locate: returns the server's URL, once it runs; asked before every statement.
        retry_seconds: how long to go on asking for a page of a running statement.
        connect_seconds: how long to go on trying to begin a statement.
    """

    def __init__(
        self,
        locate: Locate,
        *,
        retry_seconds: float = RETRY_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        self._locate = locate
        self._retry_seconds = retry_seconds
        self._connect_seconds = connect_seconds
        self._session: aiohttp.ClientSession | None = None

    async def stop(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def healthy(self) -> bool:
        """Return whether the server answers and has started.

        Raises:
            SqlError: it does not answer.
        """
        url = await self._locate()
        body = await self.request("GET", f"{url}/v1/info", url, patience=0)
        return not msgspec.json.decode(body, type=ServerInfo).starting

    def statement(self, sql: str, headers: Mapping[str, str]) -> Statement:
        """Return a statement, to be entered before its pages are asked for."""
        return Statement(self, sql, headers)

    async def rows(self, sql: str, headers: Mapping[str, str]) -> list[list[Any]]:
        """Run a statement with a small answer and return its rows.

        Raises:
            StatementFailed: it failed.
            SqlError: the server does not answer.
        """
        found: list[list[Any]] = []
        async with self.statement(sql, headers) as statement:
            while (page := await statement.page()) is not None:
                found += decode_rows(page.data)
        return found

    async def begin(self, sql: str, headers: Mapping[str, str]) -> tuple[str, bytes]:
        """Post a statement; return the server's URL and the first page."""
        url = await self._locate()
        return url, await self.request(
            "POST", f"{url}/v1/statement", url, self._connect_seconds, sql.encode(), headers
        )

    async def get(self, uri: str, url: str) -> bytes:
        """Return the page at an address; the same address may be asked again."""
        separator = "&" if "?" in uri else "?"
        address = f"{uri}{separator}targetResultSize={PAGE_SIZE}"
        return await self.request("GET", address, url, self._retry_seconds)

    async def delete(self, uri: str) -> None:
        """Give a statement up; where that cannot be told, the server notices by itself."""
        import aiohttp

        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with asyncio.timeout(CANCEL_SECONDS), self._http().delete(uri):
                pass

    async def request(
        self,
        method: str,
        address: str,
        url: str,
        patience: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Send a request, again where the protocol says so, and return the answer's body.

        Raises:
            SqlError: no answer in time, or the server does not know the statement.
        """
        import aiohttp

        deadline = time.monotonic() + patience
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                async with self._http().request(
                    method, address, data=body, headers=headers
                ) as response:
                    if response.status == 200:
                        return await response.read()
                    if method == "GET" and response.status in _UNKNOWN:
                        raise lost(url)
                    reason = f"it answers {response.status} {response.reason}"
                    if response.status not in _TRY_AGAIN:
                        text = (await response.text())[:500]
                        raise unavailable(url, f"{reason}: {text}")
            except aiohttp.ClientConnectorError as error:
                reason = str(error)
            except (aiohttp.ClientError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
                # it may have begun: never twice. A page may be asked for again.
                if method != "GET":
                    raise unavailable(url, reason) from error
            if time.monotonic() >= deadline:
                raise unavailable(url, reason)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LAST_PAUSE_SECONDS)

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=120),
                trust_env=False,
            )
        return self._session


class Statement:
    """One statement on the server; leaving it early cancels it there."""

    def __init__(self, client: TrinoClient, sql: str, headers: Mapping[str, str]) -> None:
        self._client = client
        self._sql = sql
        self._headers = headers
        self._url = ""
        self._next: str | None = None
        self._begun = False

    async def __aenter__(self) -> Statement:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._next is not None:
            uri, self._next = self._next, None
            await asyncio.shield(self._client.delete(uri))

    async def page(self) -> Page | None:
        """Return the next page, or None behind the last one.

        Raises:
            StatementFailed: the statement failed.
            SqlError: the server does not answer, or was restarted.
        """
        if self._begun and self._next is None:
            return None
        deadline = time.monotonic() + STARTING_SECONDS
        while True:
            page = await self._ask()
            if page.error is None:
                return page
            self._next = None
            if page.error.error_name != _STARTING:
                raise StatementFailed(page.error)
            # Nothing of the statement has run: it may be sent again until the server is ready.
            if time.monotonic() > deadline:
                raise unavailable(self._url, page.error.message or _STARTING)
            await asyncio.sleep(LAST_PAUSE_SECONDS)

    async def _ask(self) -> Page:
        """Return the next page of the statement, which is begun if it is not under way."""
        if self._next is None:
            self._begun = True
            self._url, body = await self._client.begin(self._sql, self._headers)
        else:
            body = await self._client.get(self._next, self._url)
        try:
            page = decode_page(body)
        except msgspec.MsgspecError as error:
            raise unavailable(self._url, f"what it sent is not understood: {error}") from error
        self._next = page.next_uri
        return page
