"""Which name a key has: its own, unless other keys need that name as their folder.

The store takes ``a`` and ``a/b``, but lists nothing below ``a`` while ``a`` is an object. So every
write looks whether the two meet: ``a`` looks below itself before, ``a/b`` above itself after. Where
they do, ``a`` steps aside to another name, and the state database remembers the few keys that did.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from localaws.core.database import Database
from localaws.core.errors import AwsError
from localaws.engines.object_store.minio.attributes import modified_header
from localaws.engines.object_store.minio.client import Client, Extra
from localaws.engines.object_store.minio.names import aside_of_key, key_of_name, name_of_key
from localaws.engines.object_store.schema import encode_key

_FOLDERS_REMEMBERED = 100_000

_Place = tuple[str, str]
"""A bucket and a name in it."""


class Placement:
    """The names of keys, for the one gateway of a store."""

    def __init__(self, client: Client, database: Database) -> None:
        self._client = client
        self._database = database
        self._aside: set[tuple[str, str]] = set()
        self._folders: set[_Place] = set()
        self._writes: dict[_Place, set[asyncio.Future[None]]] = {}
        self._moves: dict[_Place, asyncio.Future[None]] = {}

    async def start(self) -> None:
        """Read which keys have stepped aside."""
        rows = await self._database.fetch("SELECT bucket, key FROM object_aside")
        self._aside = {(row["bucket"], row["key"].decode()) for row in rows}

    def name(self, bucket: str, key: str) -> str:
        """Return the name of a key."""
        return aside_of_key(key) if self.is_aside(bucket, key) else name_of_key(key)

    def is_aside(self, bucket: str, key: str) -> bool:
        """Return whether a key has stepped aside."""
        return (bucket, key) in self._aside

    @contextlib.asynccontextmanager
    async def writing(self, bucket: str, key: str) -> AsyncIterator[str]:
        """Yield the name under which a key is to be written in the block."""
        place = (bucket, name_of_key(key))
        while move := self._moves.get(place):
            await asyncio.wait([move])
        done = asyncio.get_running_loop().create_future()
        self._writes.setdefault(place, set()).add(done)
        self._folders.discard(place)
        try:
            if not self.is_aside(bucket, key) and await self._is_folder(place):
                await self._remember(bucket, key)
            yield self.name(bucket, key)
        finally:
            done.set_result(None)
            writes = self._writes[place]
            writes.discard(done)
            if not writes:
                del self._writes[place]
        await self._clear_way(*place)

    async def _clear_way(self, bucket: str, name: str) -> None:
        """Let objects step aside whose names are folders now."""
        at = name.find("/")
        while 0 <= at < len(name) - 1:
            folder = (bucket, name[:at])
            writes = self._writes.get(folder)
            if writes:
                await asyncio.wait(writes)
            if writes or folder not in self._folders:
                await self.step_aside(*folder)
                if len(self._folders) >= _FOLDERS_REMEMBERED:
                    self._folders.clear()
                self._folders.add(folder)
            at = name.find("/", at + 1)

    async def forget(self, bucket: str, keys: Sequence[str]) -> None:
        """Note that keys are deleted."""
        gone = [key for key in keys if self.is_aside(bucket, key)]
        if gone:
            await self._database.execute(
                "DELETE FROM object_aside WHERE bucket = $1 AND key = ANY($2::bytea[])",
                bucket,
                [encode_key(key) for key in gone],
            )
            self._aside.difference_update((bucket, key) for key in gone)

    async def _remember(self, bucket: str, key: str) -> None:
        await self._database.execute(
            "INSERT INTO object_aside VALUES ($1, $2) ON CONFLICT DO NOTHING",
            bucket,
            encode_key(key),
        )
        self._aside.add((bucket, key))

    async def _is_folder(self, place: _Place) -> bool:
        bucket, name = place
        if name.endswith("/"):  # such a key is no folder to the store
            return False
        query = {"Bucket": bucket, "Prefix": f"{name}/", "MaxKeys": 2}
        answer = await self._client.call("ListObjectsV2", query)
        if b"<Contents>" not in answer.body:
            return False
        return any(item["Key"] != f"{name}/" for item in answer.members["Contents"])

    async def step_aside(self, bucket: str, name: str) -> None:
        """Move an object, if there is one under its own name."""
        place = (bucket, name)
        while move := self._moves.get(place):
            await asyncio.wait([move])
        moved = self._moves[place] = asyncio.get_running_loop().create_future()
        try:
            await self._move(bucket, name)
        finally:
            moved.set_result(None)
            del self._moves[place]

    async def _move(self, bucket: str, name: str) -> None:
        key = key_of_name(name)
        if key is None:
            return
        try:
            answer = await self._client.call("HeadObject", {"Bucket": bucket, "Key": name})
        except AwsError as error:
            if error.code != "NoSuchKey":
                raise
            return
        await self._client.call(
            "CopyObject",
            {"Bucket": bucket, "Key": aside_of_key(key)},
            Extra(
                {
                    "x-amz-copy-source": quote(f"/{bucket}/{name}", safe="/-_.~"),
                    **modified_header(parsedate_to_datetime(answer.headers["Last-Modified"])),
                }
            ),
        )
        await self._remember(bucket, key)
        await self._client.call("DeleteObject", {"Bucket": bucket, "Key": name})
