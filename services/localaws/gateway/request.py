"""One HTTP request, as the ASGI server hands it over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

Receive = Callable[[], Awaitable[dict[str, Any]]]

MAX_BUFFERED = 32 * 1024 * 1024
"""Most bytes of a body that is not streamed: more than any AWS API takes."""


class ClientGone(Exception):
    """The client closed the connection before its request was whole."""


class BodyTooLarge(Exception):
    """A body that is not streamed is over the limit."""


@dataclass
class Request:
    """Method, path and headers of a request; the body is read once, whole or streamed.

    `path` is percent-decoded; `raw_path` is as sent. Header names are in lower case.
    """

    method: str
    path: str
    raw_path: str
    query_string: str
    query: dict[str, str]
    headers: dict[str, str]
    receive: Receive = field(repr=False)
    scheme: str = "http"
    read_whole: bool = False
    """Whether the body has been read to its end."""

    @classmethod
    def from_scope(cls, scope: dict[str, Any], receive: Receive) -> Request:
        """Build a request from an ASGI scope."""
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        query_string = scope["query_string"].decode("latin-1")
        return cls(
            method=scope["method"],
            path=unquote_to_bytes(raw_path).decode("utf-8", "surrogateescape"),
            raw_path=raw_path.decode("latin-1"),
            query_string=query_string,
            query=dict(parse_qsl(query_string, keep_blank_values=True)) if query_string else {},
            headers={
                name.decode("latin-1"): value.decode("utf-8", "surrogateescape")
                for name, value in scope["headers"]
            },
            receive=receive,
            scheme=scope.get("scheme", "http"),
        )

    @property
    def leaves_a_body(self) -> bool:
        """Return whether bytes of the body may still come, so that the connection must end."""
        return not self.read_whole and (
            self.headers.get("content-length", "0") != "0" or "transfer-encoding" in self.headers
        )

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives.

        Raises:
            ClientGone: the connection ended first.
        """
        more = True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk: bytes = message.get("body", b"")
            more = message.get("more_body", False)
            self.read_whole = not more
            if chunk:
                yield chunk

    async def body(self) -> bytes:
        """Read the whole body.

        Raises:
            ClientGone: the connection ended first.
            BodyTooLarge: it is larger than `MAX_BUFFERED`.
        """
        return await joined(self.stream())


async def joined(chunks: AsyncIterator[bytes]) -> bytes:
    """Return a stream's bytes as one.

    Raises:
        BodyTooLarge: they are more than `MAX_BUFFERED`.
    """
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size > MAX_BUFFERED:
            raise BodyTooLarge
    return b"".join(parts)


@dataclass
class Response:
    """A response: the body is bytes, or a stream of them."""

    status: int
    headers: dict[str, str]
    body: bytes | AsyncIterator[bytes] = b""
