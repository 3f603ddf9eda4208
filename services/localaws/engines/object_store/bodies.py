"""The bytes of small blobs: rows, remembered for a while, and files for those who need them."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

from localaws.core.database import Database
from localaws.engines.object_store.blobs import Blob
from localaws.engines.object_store.errors import vanished

REMEMBERED_BYTES = 16 << 20


class Bodies:
    """The rows of small blobs.

    Args:
        folder: keeps copies as files, made when asked for.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._remembered: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    def prepare(self, *, clean: bool) -> None:
        """Make the folder; without a clean stop its files may be torn and are made anew."""
        if not clean:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)

    def remember(self, blob: Blob, body: bytes) -> None:
        """Keep the bytes, which never change, at hand."""
        if blob.name not in self._remembered:
            self._size += len(body)
        self._remembered[blob.name] = body
        self._remembered.move_to_end(blob.name)
        while self._size > REMEMBERED_BYTES:
            self._size -= len(self._remembered.popitem(last=False)[1])

    async def get(self, blob: Blob) -> bytes:
        """Return a blob's bytes.

        Raises:
            AwsError: InternalError where the row is gone: deleted longer ago than the grace time.
        """
        body = self._remembered.get(blob.name)
        if body is None:
            body = await self._database.fetchval(
                "SELECT body FROM object_body WHERE blob = $1", blob.name
            )
            if body is None:
                raise vanished()
        self.remember(blob, body)
        return body

    async def local_path(self, blob: Blob) -> Path:
        """Return a file with a blob's bytes."""
        path = self._folder / blob.name
        if not path.exists():
            draft = self._folder / uuid.uuid4().hex
            draft.write_bytes(await self.get(blob))
            draft.rename(path)
        return path

    async def remove(self, names: Iterable[str]) -> None:
        """Remove the files of rows that are gone."""
        await asyncio.to_thread(_unlink, [self._folder / name for name in names])


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
