"""Blobs: immutable bytes with names of their own, never those of keys.

A blob is a file, written under its final name and seen by nobody until the index names it; threads
write and read it with buffers of 1 MiB. A small one is no file: its bytes are a row beside the
index's, on disk with the same flush (`bodies`).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import ctypes
import hashlib
import os
import shutil
import sys
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from localaws.engines.object_store.checksums import Checksums
from localaws.engines.object_store.errors import (
    incomplete_body,
    invalid_md5,
    md5_differs,
    vanished,
)

BUFFER = 1 << 20
SMALL = 16 << 10
"""Blobs up to this size are rows."""

_ROW = "r"
"""First letter of the names of blobs that are rows; those of files are hexadecimal."""

READ_INLINE = 256 << 10
THREADS = 8

T = TypeVar("T")


@dataclass(frozen=True)
class Blob:
    """Stored bytes; `md5` (hex) is empty where it was not computed."""

    name: str
    size: int
    md5: str

    @property
    def is_row(self) -> bool:
        """Whether the bytes are a row instead of a file."""
        return self.name.startswith(_ROW)

    def __str__(self) -> str:
        return f"{self.name}:{self.size}:{self.md5}"

    @classmethod
    def parse(cls, text: str) -> Blob:
        """Return the blob that `str` gave."""
        name, size, md5 = text.split(":")
        return cls(name, int(size), md5)


@dataclass(frozen=True)
class Expected:
    """What a writer promises of the bytes; what does not hold refuses them.

    Attributes:
        checksums: base64 by algorithm; an empty value is computed and not compared.
        content_md5: MD5 in base64.
        length: number of bytes.
    """

    checksums: Mapping[str, str] = field(default_factory=dict)
    content_md5: str | None = None
    length: int | None = None


@dataclass(frozen=True)
class Written:
    """A blob just written and its checksums; `body` are the bytes that become its row."""

    blob: Blob
    checksums: dict[str, str]
    body: bytes | None = None


class Digests:
    """What is computed on the way of the bytes, and compared with what was promised."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._checksums = Checksums(expected.checksums)
        self._size = 0
        if expected.content_md5 is not None:
            with contextlib.suppress(binascii.Error, ValueError):
                if len(base64.b64decode(expected.content_md5, validate=True)) == 16:
                    return
            raise invalid_md5(expected.content_md5)

    @property
    def size(self) -> int:
        """Number of bytes taken in."""
        return self._size

    def update(self, data: bytes) -> None:
        """Take in more bytes."""
        self._size += len(data)
        self._md5.update(data)
        self._checksums.update(data)

    def finish(self, name: str) -> tuple[Blob, dict[str, str]]:
        """Return the blob of these bytes and its checksums.

        Raises:
            AwsError: IncompleteBody, BadDigest.
        """
        if self._expected.length is not None and self._size != self._expected.length:
            raise incomplete_body()
        md5 = self._md5.digest()
        promised = self._expected.content_md5
        if promised is not None and base64.b64decode(promised) != md5:
            raise md5_differs(promised, base64.b64encode(md5).decode())
        return Blob(name, self._size, md5.hex()), self._checksums.finish()


class Blobs:
    """The folder of blobs: ``<first two hex digits>/<name>`` below it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="object-store")

    def prepare(self) -> None:
        """Make the folders, so that no write has to."""
        if not (self._folder / "ff").exists():
            for number in range(256):
                (self._folder / f"{number:02x}").mkdir(parents=True, exist_ok=True)
            sync_file(self._folder)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def run(self, function: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
        """Run blocking work in a thread of the store."""
        return asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    def path(self, name: str) -> Path:
        """Return the file of a blob."""
        return self._folder / name[:2] / name

    def names(self) -> Iterable[tuple[str, float]]:
        """Yield the name and time of change (Unix seconds) of every file."""
        for number in range(256):
            with os.scandir(self._folder / f"{number:02x}") as entries:
                for entry in entries:
                    # Not the time of modification: a link or a moved file keeps its old one.
                    yield entry.name, entry.stat(follow_symlinks=False).st_ctime

    async def write(
        self, body: AsyncIterator[bytes], expected: Expected, *, flush: bool
    ) -> Written:
        """Write a blob of the body's bytes; whatever fails leaves no file.

        With `flush` those of a file are on disk when it returns.

        Raises:
            AwsError: BadDigest, InvalidDigest, IncompleteBody, or what the body raises.
        """
        name = uuid.uuid4().hex
        digests = Digests(expected)
        chunks: list[bytes] = []
        held = 0
        writer: _Writer | None = None
        step: asyncio.Future[None] | None = None
        try:
            async for chunk in body:
                chunks.append(chunk)
                held += len(chunk)
                if held >= BUFFER:
                    if writer is None:
                        writer = _Writer(self.path(name), digests)
                    if step is not None:
                        await step
                    step = self.run(writer.write, chunks)
                    chunks, held = [], 0
            if writer is None:
                if held <= SMALL:
                    return _row(b"".join(chunks), digests)
                writer = _Writer(self.path(name), digests)
            elif step is not None:
                await step
            step = self.run(writer.write, chunks)
            await step
            blob, checksums = await self.run(writer.finish, flush)
            return Written(blob, checksums)
        except BaseException:
            if writer is not None:
                if step is not None and not step.done():
                    await asyncio.wait([step])
                writer.discard()
            raise

    async def read(self, blob: Blob, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Stream bytes [start, end) of a blob."""
        try:
            descriptor = os.open(self.path(blob.name), os.O_RDONLY)
        except FileNotFoundError:
            raise vanished() from None
        step: asyncio.Future[bytes] | None = None
        try:
            if end - start <= READ_INLINE:
                yield os.pread(descriptor, end - start, start)
                return
            step = self.run(os.pread, descriptor, min(BUFFER, end - start), start)
            while start < end:
                data = await step
                if not data:
                    raise vanished()
                start += len(data)
                if start < end:
                    step = self.run(os.pread, descriptor, min(BUFFER, end - start), start)
                yield data
        finally:
            if step is not None and not step.done():
                await asyncio.wait([step])
            os.close(descriptor)

    def link(self, blob: Blob, *, flush: bool) -> Blob:
        """Return another blob of the same bytes, which never change. Blocking."""
        copy = Blob(uuid.uuid4().hex, blob.size, blob.md5)
        target = self.path(copy.name)
        try:
            os.link(self.path(blob.name), target)
        except FileNotFoundError:
            raise vanished() from None
        except OSError:  # a file system without links, or too many of them
            shutil.copyfile(self.path(blob.name), target)
        if flush:
            sync_file(target)
            sync_file(target.parent)
        return copy

    def join(self, files: Sequence[Path]) -> Blob:
        """Return one blob of the bytes of several files, on disk. Blocking."""
        name = uuid.uuid4().hex
        target = self.path(name)
        try:
            with target.open("xb") as output:
                for file in files:
                    with file.open("rb") as source:
                        shutil.copyfileobj(source, output, BUFFER)
                output.flush()
                os.fsync(output.fileno())
                size = output.tell()
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        sync_file(target.parent)
        return Blob(name, size, "")

    def adopt(self, file: Path, expected: Expected, *, flush: bool) -> Written:
        """Move a finished file here. Blocking."""
        digests = Digests(expected)
        with file.open("rb") as source:
            first = data = source.read(BUFFER)
            if len(first) <= SMALL:
                return _row(first, digests)
            while data:
                digests.update(data)
                data = source.read(BUFFER)
            if flush:
                os.fsync(source.fileno())
        name = uuid.uuid4().hex
        blob, checksums = digests.finish(name)
        target = self.path(name)
        file.rename(target)
        if flush:
            sync_file(target.parent)
        return Written(blob, checksums)

    def intact(self, blob: Blob) -> bool:
        """Return whether a blob's file has its size and its MD5. Blocking."""
        try:
            with self.path(blob.name).open("rb") as source:
                if os.fstat(source.fileno()).st_size != blob.size:
                    return False
                if not blob.md5:
                    return True
                digest = hashlib.file_digest(
                    source, lambda: hashlib.md5(usedforsecurity=False)
                ).hexdigest()
                return digest == blob.md5
        except FileNotFoundError:
            return False

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; reads that are open go on. Blocking."""
        for name in names:
            if not name.startswith(_ROW):
                self.path(name).unlink(missing_ok=True)

    def sync(self) -> None:
        """Bring everything written so far to disk. Blocking."""
        if sys.platform == "linux":
            descriptor = os.open(self._folder, os.O_RDONLY)
            try:
                library = ctypes.CDLL(None, use_errno=True)
                if library.syncfs(descriptor) != 0:
                    raise OSError(ctypes.get_errno(), "syncfs failed")
            finally:
                os.close(descriptor)
        else:
            os.sync()


def _row(body: bytes, digests: Digests) -> Written:
    digests.update(body)
    blob, checksums = digests.finish(f"{_ROW}{uuid.uuid4().hex}")
    return Written(blob, checksums, body)


class _Writer:
    """A blob being written; its methods block and are called one after the other."""

    def __init__(self, path: Path, digests: Digests) -> None:
        self._path = path
        self._digests = digests
        self._descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)

    def write(self, chunks: Sequence[bytes]) -> None:
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._digests.update(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def finish(self, flush: bool) -> tuple[Blob, dict[str, str]]:
        result = self._digests.finish(self._path.name)
        if flush:
            os.fsync(self._descriptor)
        self._close()
        if flush:
            sync_file(self._path.parent)
        return result

    def discard(self) -> None:
        self._close()
        self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def sync_file(path: Path) -> None:
    """Bring a file's bytes, or a folder's names, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
