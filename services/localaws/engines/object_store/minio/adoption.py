"""Adoption: finished files and staged objects become objects, all of them or none.

The store commits one object at a time. So what is going to be written stands in the state database
first; whoever fails takes it back, and what a kill left is taken back (or, once all is written,
brought to its end) at the next start. A reader that lists meanwhile can see a part of an adoption.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from localaws.core.database import Database
from localaws.core.errors import AwsError
from localaws.engines.object_store.base import Adoption, ObjectInfo
from localaws.engines.object_store.blobs import BUFFER, Expected
from localaws.engines.object_store.minio.listing import Lister
from localaws.engines.object_store.minio.objects import Objects, together
from localaws.engines.object_store.minio.sending import outgoing
from localaws.engines.object_store.schema import encode_key

_AT_ONCE = 4
_PAGE = 1000

_Replaced = tuple[str, str, datetime]
"""An object that is to go: key, ETag and time of its last change."""


class Adoptions:
    """Adoptions into the store's buckets."""

    def __init__(self, database: Database, objects: Objects, lister: Lister, folder: Path) -> None:
        self._database = database
        self._objects = objects
        self._lister = lister
        self._folder = folder

    async def adopt(
        self, bucket: str, files: Sequence[Adoption], replace_prefix: str | None
    ) -> list[ObjectInfo]:
        """Make objects of files and staged objects; see `ObjectStore.adopt`."""
        keys = [file.key for file in files]
        for file in files:
            encode_key(file.key)
            if isinstance(file.source, Path):
                file.source.stat()
        there = await self._present(bucket, keys)
        new = [key for key in keys if key not in there]
        intent = uuid.uuid4().hex
        await self._database.execute(
            "INSERT INTO object_adoption (id, bucket, written) VALUES ($1, $2, $3)",
            intent,
            bucket,
            [encode_key(key) for key in new],
        )
        infos: dict[str, ObjectInfo] = {}
        try:
            # Objects that are written over cannot be taken back, so they come last.
            for group in (set(new), there):
                await together(
                    (
                        self._write(bucket, file, intent, infos)
                        for file in files
                        if file.key in group
                    ),
                    _AT_ONCE,
                )
        except BaseException:
            with contextlib.suppress(AwsError):  # away as before: the next start takes it back
                await asyncio.shield(self._take_back(intent, bucket, new))
            raise
        removed = await self._others(bucket, replace_prefix, set(keys))
        await self._database.execute(
            "UPDATE object_adoption SET committed = true, removed = $2 WHERE id = $1",
            intent,
            [msgspec.json.encode((info.key, info.etag, info.last_modified)) for info in removed],
        )
        await self._objects.delete(bucket, [info.key for info in removed])
        await self._forget(intent)
        await self._drop_sources(files)
        return [infos[key] for key in keys]

    async def settle(self) -> None:
        """Bring what interrupted adoptions left to its end."""
        for row in await self._database.fetch("SELECT * FROM object_adoption"):
            bucket = row["bucket"]
            if row["committed"]:
                for entry in row["removed"]:
                    await self._remove_replaced(bucket, *msgspec.json.decode(entry, type=_Replaced))
                await self._forget(row["id"])
            else:
                await self._take_back(row["id"], bucket, [key.decode() for key in row["written"]])

    async def _take_back(self, intent: str, bucket: str, keys: Sequence[str]) -> None:
        """Delete what an adoption wrote, but not what others wrote over it since."""
        for key in keys:
            if await self._objects.adopted_by(bucket, key) == intent:
                await self._objects.delete(bucket, [key])
        await self._forget(intent)

    async def _remove_replaced(self, bucket: str, key: str, etag: str, modified: datetime) -> None:
        try:
            there = await self._objects.head(bucket, key)
        except AwsError as error:
            if error.code not in ("NoSuchKey", "NoSuchBucket"):
                raise
            return
        if (there.etag, there.last_modified) == (etag, modified):
            await self._objects.delete(bucket, [key])

    async def _forget(self, intent: str) -> None:
        await self._database.execute("DELETE FROM object_adoption WHERE id = $1", intent)

    async def remove_prefix(self, bucket: str, prefix: str) -> None:
        """Delete every object under a prefix."""
        found = await self._others(bucket, prefix, set())
        await self._objects.delete(bucket, [info.key for info in found])

    async def _present(self, bucket: str, keys: Sequence[str]) -> set[str]:
        found: set[str] = set()

        async def look(key: str) -> None:
            try:
                await self._objects.head(bucket, key)
            except AwsError as error:
                if error.code != "NoSuchKey":
                    raise
            else:
                found.add(key)

        await together(look(key) for key in keys)
        return found

    async def _write(
        self, bucket: str, file: Adoption, intent: str, infos: dict[str, ObjectInfo]
    ) -> None:
        source = file.source
        if isinstance(source, ObjectInfo):
            if not file.attributes.checksums and "-" not in source.etag:
                infos[file.key] = await self._objects.copy(
                    source, bucket, file.key, file.attributes, {}, intent
                )
                return
            expected = Expected(file.attributes.checksums, length=source.size)
            body: AsyncIterator[bytes] = self._objects.read(source, 0, None)
        else:
            expected = Expected(file.attributes.checksums, length=source.stat().st_size)
            body = _bytes_of(source)
        async with outgoing(body, expected, self._folder) as ready:
            infos[file.key] = await self._objects.put(
                bucket, file.key, file.attributes, ready, adoption=intent
            )

    async def _others(self, bucket: str, prefix: str | None, kept: set[str]) -> list[ObjectInfo]:
        found: list[ObjectInfo] = []
        if prefix is None:
            return found
        after = ""
        while True:
            page = await self._lister.page(bucket, prefix, "", after, _PAGE)
            found += [info for info in page.objects if info.key not in kept]
            if not page.truncated:
                return found
            after = page.next_key

    async def _drop_sources(self, files: Sequence[Adoption]) -> None:
        staged: dict[str, list[str]] = {}
        for file in files:
            if isinstance(file.source, ObjectInfo):
                staged.setdefault(file.source.bucket, []).append(file.source.key)
            else:
                file.source.unlink(missing_ok=True)
        for bucket, keys in staged.items():
            await self._objects.delete(bucket, keys)


async def _bytes_of(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        while data := await asyncio.to_thread(source.read, BUFFER):
            yield data
