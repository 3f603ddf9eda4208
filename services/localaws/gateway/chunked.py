"""Bodies of uploads: ``aws-chunked`` framing removed, digests checked as the bytes pass.

See https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator

from localaws.core.checksums import SIZES, Checksum, encode, new_checksum
from localaws.core.errors import AwsError
from localaws.gateway.request import ClientGone, Request

_MAX_LINE = 16 * 1024


def _running(trailer: str) -> Checksum | None:
    if not trailer.startswith("x-amz-checksum-"):
        return None
    algorithm = trailer.removeprefix("x-amz-checksum-")
    if algorithm not in SIZES:
        raise AwsError(
            "InvalidRequest",
            "Checksum algorithm provided is unsupported. Please try again with any of the valid "
            "types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
        )
    return new_checksum(algorithm)


def is_aws_chunked(request: Request) -> bool:
    """Return whether the body is framed as ``aws-chunked``."""
    return request.headers.get("x-amz-content-sha256", "").startswith("STREAMING-") or (
        "aws-chunked" in request.headers.get("content-encoding", "")
    )


def upload_body(request: Request) -> AsyncIterator[bytes]:
    """Return the request's body as the client meant it, checked at its end.

    The iterator raises at its end, so a writer commits nothing before it has read it whole:

    Raises:
        AwsError: IncompleteBody, BadDigest, XAmzContentSHA256Mismatch, InvalidRequest (framing).
        ClientGone: the connection ended first.
    """
    if is_aws_chunked(request):
        return _decoded(request)
    expected = request.headers.get("x-amz-content-sha256", "")
    if len(expected) == 64:
        return _hashed(request, expected)
    return request.stream()


async def _hashed(request: Request, expected: str) -> AsyncIterator[bytes]:
    running = hashlib.sha256()
    async for chunk in request.stream():
        running.update(chunk)
        yield chunk
    if not hmac.compare_digest(running.hexdigest(), expected.lower()):
        raise AwsError(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            members={
                "ClientComputedContentSHA256": expected,
                "S3ComputedContentSHA256": running.hexdigest(),
            },
        )


class _Buffer:
    """Lines and exact counts of bytes out of a stream of chunks."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self._data = b""

    async def _more(self) -> bool:
        async for chunk in self._source:
            self._data += chunk
            return True
        return False

    async def line(self) -> bytes:
        while (end := self._data.find(b"\r\n")) < 0:
            if len(self._data) > _MAX_LINE:
                raise AwsError("InvalidRequest", "The chunked encoding of the body is not valid.")
            if not await self._more():
                raise _incomplete()
        line, self._data = self._data[:end], self._data[end + 2 :]
        return line

    async def take(self, count: int) -> AsyncIterator[bytes]:
        while count:
            if not self._data and not await self._more():
                raise _incomplete()
            piece, self._data = self._data[:count], self._data[count:]
            count -= len(piece)
            yield piece


def _incomplete() -> AwsError:
    return AwsError(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header.",
    )


async def _decoded(request: Request) -> AsyncIterator[bytes]:
    trailer = request.headers.get("x-amz-trailer", "").strip().lower()
    running = _running(trailer)
    buffer = _Buffer(request.stream())
    size = 0
    try:
        while True:
            header = await buffer.line()
            try:
                count = int(header.partition(b";")[0], 16)
            except ValueError as error:
                raise AwsError(
                    "InvalidRequest", "The chunked encoding of the body is not valid."
                ) from error
            if count == 0:
                break
            async for piece in buffer.take(count):
                size += len(piece)
                if running is not None:
                    running.update(piece)
                yield piece
            if await buffer.line():
                raise AwsError("InvalidRequest", "The chunked encoding of the body is not valid.")
        trailers: dict[str, str] = {}
        while line := await buffer.line():
            name, _, value = line.decode("latin-1").partition(":")
            trailers[name.strip().lower()] = value.strip()
    except ClientGone as error:
        raise _incomplete() from error
    declared = request.headers.get("x-amz-decoded-content-length")
    if declared is not None and declared != str(size):
        raise _incomplete()
    if running is not None and trailers.get(trailer) != encode(running.digest()):
        algorithm = trailer.removeprefix("x-amz-checksum-").upper()
        raise AwsError(
            "BadDigest",
            f"The {algorithm} you specified did not match the calculated checksum.",
        )
