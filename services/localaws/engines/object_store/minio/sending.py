"""Bodies on their way to the store: checked before their last byte leaves, in bounded memory.

The store makes an object only of a whole body. So whoever holds back the last bytes until all
digests are compared can refuse a body by closing the connection, and nothing is written.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from localaws.core.errors import AwsError
from localaws.engines.object_store.blobs import BUFFER, Digests, Expected
from localaws.engines.object_store.errors import incomplete_body
from localaws.engines.object_store.minio.attributes import CHECKSUM, NATIVE_CHECKSUMS
from localaws.engines.object_store.minio.client import (
    UNSIGNED,
    UNSIGNED_TRAILER,
    Answer,
    Client,
    Extra,
)


class Outgoing:
    """A body that is ready to be sent.

    Attributes:
        kept: its checksums where the store cannot keep them, else None; known before it is sent.
    """

    def __init__(
        self,
        digests: Digests,
        checksums: Mapping[str, str],
        length: int,
        chunks: Sequence[bytes],
        file: IO[bytes] | None,
        rest: AsyncIterator[bytes] | None,
    ) -> None:
        self._digests = digests
        self._length = length
        self._chunks = chunks
        self._file = file
        self._rest = rest
        self._error: BaseException | None = None
        self.checksums = dict(checksums)
        self.md5 = ""
        self.native = len(checksums) == 1 and NATIVE_CHECKSUMS.issuperset(checksums)
        self.kept = None if self.native or not checksums else self.checksums
        if rest is None:
            self._finish()

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self._length

    def _finish(self) -> None:
        blob, self.checksums = self._digests.finish("")
        self.md5 = blob.md5
        if self.kept is not None:
            self.kept = self.checksums

    async def send(
        self,
        client: Client,
        operation: str,
        members: Mapping[str, object],
        headers: Mapping[str, str],
        *,
        conditional: bool = False,
    ) -> Answer:
        """Send the body with an operation.

        Raises:
            AwsError: what the store or a digest refuses, or what the body itself raises.
        """
        try:
            return await client.call(operation, members, self._extra(headers, conditional))
        except AwsError:
            if self._error is not None:
                raise self._error from None
            raise

    def _extra(self, headers: Mapping[str, str], conditional: bool) -> Extra:
        headers = dict(headers)
        native = next(iter(self.checksums)) if self.native else ""
        if self._rest is not None and native and not self.checksums[native]:
            coding = headers.get("content-encoding")
            headers["content-encoding"] = f"{coding},aws-chunked" if coding else "aws-chunked"
            headers["x-amz-decoded-content-length"] = str(self._length)
            headers["x-amz-trailer"] = CHECKSUM + native
            return Extra(
                headers,
                body=self._framed(native),
                payload=UNSIGNED_TRAILER,
                repeatable=False,
            )
        headers["Content-Length"] = str(self._length)
        if native:
            headers[CHECKSUM + native] = self.checksums[native]
        if self._rest is not None:
            return Extra(headers, body=self._checked(), payload=UNSIGNED, repeatable=False)
        headers["Content-MD5"] = base64.b64encode(bytes.fromhex(self.md5)).decode()
        if self._file is not None:
            return Extra(headers, body=self._of_file(), repeatable=False)
        # A condition that held the first time does not hold the second.
        return Extra(headers, body=b"".join(self._chunks), repeatable=not conditional)

    async def _of_file(self) -> AsyncIterator[bytes]:
        assert self._file is not None
        self._file.seek(0)
        while data := await asyncio.to_thread(self._file.read, BUFFER):
            yield data

    async def _checked(self) -> AsyncGenerator[bytes, None]:
        """Yield the body; its last piece only when all of it is as promised."""
        assert self._rest is not None
        held = b"".join(self._chunks)
        try:
            async for chunk in self._rest:
                self._digests.update(chunk)
                if self._digests.size > self._length:
                    raise incomplete_body()
                if held and chunk:
                    yield held
                held = chunk or held
            self._finish()
        except Exception as error:
            self._error = error
            raise
        yield held

    async def _framed(self, algorithm: str) -> AsyncIterator[bytes]:
        """Yield the body in frames, and the checksum behind it."""
        async with contextlib.aclosing(self._checked()) as chunks:
            async for chunk in chunks:
                for start in range(0, len(chunk), 8 * BUFFER):
                    piece = chunk[start : start + 8 * BUFFER]
                    yield b"%x\r\n%b\r\n" % (len(piece), piece)
        trailer = f"{CHECKSUM}{algorithm}:{self.checksums[algorithm]}"
        yield f"0\r\n{trailer}\r\n\r\n".encode()


@contextlib.asynccontextmanager
async def outgoing(
    body: AsyncIterator[bytes], expected: Expected, folder: Path
) -> AsyncIterator[Outgoing]:
    """Make a body ready to be sent: small ones at once, others as they come.

    What cannot be sent before it is known whole (its length, or checksums that go into its
    headers) waits in a file of `folder`.

    Raises:
        AwsError: BadDigest, InvalidDigest, IncompleteBody of a body that is known whole.
    """
    digests = Digests(expected)
    chunks: list[bytes] = []
    held = 0
    ended = True
    async for chunk in body:
        chunks.append(chunk)
        held += len(chunk)
        if held > BUFFER:
            ended = False
            break
    for chunk in chunks:
        digests.update(chunk)
    if ended:
        yield Outgoing(digests, expected.checksums, held, chunks, None, None)
    elif expected.length is not None and _streams(expected.checksums):
        if held > expected.length:
            raise incomplete_body()
        yield Outgoing(digests, expected.checksums, expected.length, chunks, None, body)
    else:
        with tempfile.TemporaryFile(dir=folder) as file:
            size = held + await _spool(file, chunks, body, digests)
            yield Outgoing(digests, expected.checksums, size, (), file, None)


def _streams(checksums: Mapping[str, str]) -> bool:
    unknown = [name for name, value in checksums.items() if not value]
    return not unknown or (len(checksums) == 1 and NATIVE_CHECKSUMS.issuperset(unknown))


async def _spool(
    file: IO[bytes], chunks: list[bytes], body: AsyncIterator[bytes], digests: Digests
) -> int:
    """Write a body to a file and return how many bytes came after those in `chunks`."""
    await asyncio.to_thread(file.writelines, chunks)
    size = 0
    batch: list[bytes] = []
    held = 0

    def write(data: list[bytes]) -> None:
        for piece in data:
            digests.update(piece)
        file.writelines(data)

    async for chunk in body:
        batch.append(chunk)
        held += len(chunk)
        if held >= BUFFER:
            await asyncio.to_thread(write, batch)
            size, held, batch = size + held, 0, []
    await asyncio.to_thread(write, batch)
    return size + held
