"""The embedded object store: bytes in files, the index in the state database.

A write puts the bytes into a new file, brings them to disk, and then commits a row: the commit is
the moment of visibility, so that nothing torn is ever seen and nothing acknowledged is ever lost.
Up to 16 KiB the bytes are part of the commit. Keys are never used as paths.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import shutil
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from localaws.core.clock import Clock
from localaws.core.database import Database, IntegrityViolation
from localaws.core.errors import AwsError
from localaws.core.events import Events
from localaws.engines.object_store.base import (
    STAGING_ACCOUNT,
    STAGING_BUCKET,
    Adoption,
    Attributes,
    Bucket,
    Listing,
    ObjectInfo,
    ObjectStore,
    Part,
    Staging,
    Upload,
    WriteCondition,
)
from localaws.engines.object_store.blobs import Blob, Blobs, Expected, Written
from localaws.engines.object_store.bodies import Bodies
from localaws.engines.object_store.buckets import Buckets
from localaws.engines.object_store.changes import COPY, PUT, Changes
from localaws.engines.object_store.errors import no_such_key
from localaws.engines.object_store.listing import read_page
from localaws.engines.object_store.objects import NewObject, Objects
from localaws.engines.object_store.schema import encode_key
from localaws.engines.object_store.upkeep import Upkeep
from localaws.engines.object_store.uploads import Uploads


class FileObjectStore(ObjectStore):
    """The store in a folder and a database.

    Args:
        database: keeps the index.
        folder: keeps the bytes; its file system must have room for them.
        clock: dates the objects.
        durability: ``power``: an acknowledged write survives the loss of power; ``process``: it
            survives the death of any process, and after a loss of power what was torn is gone.
        grace: how long files of deleted objects stay, for readers that hold their paths.
        events: takes the changes of objects.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        clock: Clock,
        durability: str = "power",
        grace: timedelta = timedelta(minutes=10),
        events: Events | None = None,
    ) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock
        self._blobs = Blobs(folder / "blobs")
        self._bodies = Bodies(database, folder / "small")
        self._upkeep = Upkeep(database, self._blobs, self._bodies, folder, durability, grace)
        self._buckets = Buckets(database, clock)
        self._objects = Objects(database, Changes(events))
        self._uploads = Uploads(database, clock, self._objects)
        self._joining: dict[str, asyncio.Lock] = {}
        self._has_staging = False

    async def start(self) -> None:
        """Make the store ready and collect what an interrupted process left."""
        self._blobs.prepare()
        await self._upkeep.start()

    async def stop(self) -> None:
        """Release what the store holds."""
        await self._upkeep.stop()
        self._blobs.close()

    async def healthy(self) -> bool:
        """Return True: the state database, on which all depends, reports for itself."""
        return True

    async def collect_garbage(self) -> int:
        """Remove files whose grace time is over now, and return how many (done by itself too)."""
        return await self._upkeep.collect()

    # buckets

    async def create_bucket(self, account: str, region: str, name: str) -> Bucket:
        """Create a bucket; BucketAlreadyExists / BucketAlreadyOwnedByYou where it is there."""
        return await self._buckets.create(account, region, name)

    async def delete_bucket(self, name: str) -> None:
        """Delete an empty bucket; BucketNotEmpty, NoSuchBucket."""
        await self._buckets.delete(name)

    async def bucket(self, name: str) -> Bucket:
        """Return a bucket; NoSuchBucket."""
        return await self._buckets.get(name)

    async def buckets(self, account: str) -> list[Bucket]:
        """Return an account's buckets by name."""
        return await self._buckets.of_account(account)

    async def configure_bucket(
        self,
        name: str,
        configuration: Mapping[str, object | None] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Bucket:
        """Set (or with None remove) configuration documents, and replace the tags where given."""
        return await self._buckets.configure(name, configuration, tags)

    # objects

    async def put(
        self,
        bucket: str,
        key: str,
        body: AsyncIterator[bytes],
        attributes: Attributes | None = None,
        condition: WriteCondition | None = None,
        content_md5: str | None = None,
        length: int | None = None,
    ) -> ObjectInfo:
        """Write an object whole or not at all."""
        attributes = attributes or Attributes()
        expected = Expected(attributes.checksums, content_md5, length)
        return await self._put(bucket, key, body, attributes, condition, expected, PUT)

    async def _put(
        self,
        bucket: str,
        key: str,
        body: AsyncIterator[bytes],
        attributes: Attributes,
        condition: WriteCondition | None,
        expected: Expected,
        event: str,
    ) -> ObjectInfo:
        encode_key(key)
        await self._buckets.get(bucket)
        written = await self._write(body, expected)
        with self._publishing([written.blob]) as epoch:
            new = self._new_object(bucket, key, attributes, written, epoch)
            info = await self._objects.write(new, condition, event=event)
        if written.body is not None:
            self._bodies.remember(written.blob, written.body)
        return info

    async def _write(self, body: AsyncIterator[bytes], expected: Expected) -> Written:
        return await self._blobs.write(body, expected, flush=self._upkeep.flush)

    @contextlib.contextmanager
    def _publishing(self, blobs: Sequence[Blob]) -> Iterator[int]:
        """Yield the epoch in which the index takes in blobs, and remove them when it refuses."""
        try:
            with self._upkeep.writing() as epoch:
                yield epoch
        except (AwsError, IntegrityViolation):
            self._blobs.remove(blob.name for blob in blobs)
            raise
        except BaseException:
            # Committed or not: only the index knows, and it may not be there to ask.
            self._upkeep.doubt()
            raise

    def _new_object(
        self, bucket: str, key: str, attributes: Attributes, written: Written, epoch: int
    ) -> NewObject:
        return NewObject(
            bucket=bucket,
            key=key,
            etag=written.blob.md5,
            last_modified=self._now(),
            attributes=replace(
                attributes, checksums=written.checksums, checksum_type="FULL_OBJECT"
            ),
            blobs=[written.blob],
            epoch=epoch,
            body=written.body,
        )

    def _now(self) -> datetime:
        # S3 keeps whole seconds: Last-Modified has no more.
        return self._clock.now().replace(microsecond=0)

    async def head(self, bucket: str, key: str) -> ObjectInfo:
        """Return what is stored under a key; NoSuchBucket, NoSuchKey."""
        info = await self._objects.get(bucket, key)
        if info is None:
            await self._buckets.get(bucket)
            raise no_such_key(key)
        return info

    async def read(
        self, info: ObjectInfo, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Stream bytes [start, end) of an object, in bounded memory."""
        end = info.size if end is None else min(end, info.size)
        offset = 0
        for blob in map(Blob.parse, info.blob.split(",")):
            first, last = max(start - offset, 0), min(end - offset, blob.size)
            if first < last and blob.is_row:
                yield (await self._bodies.get(blob))[first:last]
            elif first < last:
                # The inner stream is closed with this one, not when it happens to be collected.
                async with contextlib.aclosing(self._blobs.read(blob, first, last)) as chunks:
                    async for chunk in chunks:
                        yield chunk
            offset += blob.size

    async def delete(self, bucket: str, keys: Sequence[str]) -> None:
        """Delete keys in one step; keys that are not there are no error."""
        await self._buckets.get(bucket)
        await self._objects.delete(bucket, keys)

    async def copy(
        self,
        source: ObjectInfo,
        bucket: str,
        key: str,
        attributes: Attributes,
        condition: WriteCondition | None = None,
    ) -> ObjectInfo:
        """Write a copy: a link to the same bytes, or where their digests are missing a new file."""
        blobs = [Blob.parse(text) for text in source.blob.split(",")]
        composite = source.attributes.checksum_type != "FULL_OBJECT"
        known = {} if composite else source.attributes.checksums
        if (
            len(blobs) > 1
            or blobs[0].is_row
            or not blobs[0].md5
            or not attributes.checksums.keys() <= known.keys()
        ):
            expected = Expected(attributes.checksums, length=source.size)
            body = self.read(source)
            return await self._put(bucket, key, body, attributes, condition, expected, COPY)
        encode_key(key)
        await self._buckets.get(bucket)
        flush = self._upkeep.flush
        copy = await self._blobs.run(lambda: self._blobs.link(blobs[0], flush=flush))
        written = Written(copy, {name: known[name] for name in attributes.checksums})
        with self._publishing([copy]) as epoch:
            new = self._new_object(bucket, key, attributes, written, epoch)
            return await self._objects.write(new, condition, event=COPY)

    async def set_tags(self, bucket: str, key: str, tags: Mapping[str, str]) -> None:
        """Replace an object's tags."""
        while True:
            info = await self.head(bucket, key)
            if await self._objects.set_tags(info, replace(info.attributes, tags=dict(tags))):
                return

    async def page(
        self,
        bucket: str,
        prefix: str = "",
        delimiter: str = "",
        after: str = "",
        limit: int = 1000,
    ) -> Listing:
        """Return a page of keys that start with `prefix` and sort behind `after`."""
        await self._buckets.get(bucket)
        return await read_page(self._database, bucket, prefix, delimiter, after, limit)

    # local files

    async def adopt(
        self, bucket: str, files: Sequence[Adoption], replace_prefix: str | None = None
    ) -> list[ObjectInfo]:
        """Make what is finished in staging objects, all of them in one step or none."""
        await self._buckets.get(bucket)
        keys = [encode_key(file.key) for file in files]
        local = [(file, file.source) for file in files if isinstance(file.source, Path)]
        staged = [(file, file.source) for file in files if isinstance(file.source, ObjectInfo)]
        moved = await self._move(local)
        with self._publishing([written.blob for written in moved]) as epoch:
            news = [
                self._new_object(bucket, file.key, file.attributes, written, epoch)
                for (file, _), written in zip(local, moved, strict=True)
            ]
            async with self._database.transaction() as connection:
                if replace_prefix is not None:
                    await self._objects.delete_prefix(bucket, replace_prefix, keys, connection)
                await self._objects.write_all(connection, bucket, news)
                infos = {new.key: new.info for new in news} | {
                    file.key: await self._objects.rename(
                        connection, source, bucket, file.key, file.attributes, self._now()
                    )
                    for file, source in staged
                }
        for (_, path), written in zip(local, moved, strict=True):
            if written.body is not None:
                path.unlink(missing_ok=True)
        return [infos[file.key] for file in files]

    async def _move(self, files: Sequence[tuple[Adoption, Path]]) -> list[Written]:
        """Move files to the blobs, all or none."""
        adopt = functools.partial(self._blobs.adopt, flush=self._upkeep.flush)
        moves = [
            self._blobs.run(adopt, path, Expected(file.attributes.checksums))
            for file, path in files
        ]
        results = await asyncio.gather(*moves, return_exceptions=True)
        moved = [result for result in results if isinstance(result, Written)]
        for result in results:
            if isinstance(result, BaseException):
                self._blobs.remove(written.blob.name for written in moved)
                raise result
        return moved

    async def local_path(self, info: ObjectInfo) -> Path | None:
        """Return a local file with the object's bytes; those of several parts are joined once."""
        blobs = info.blob.split(",")
        if len(blobs) == 1:
            return await self._file(Blob.parse(blobs[0]))
        lock = self._joining.setdefault(info.blob, asyncio.Lock())
        try:
            async with lock:
                there = await self._objects.get(info.bucket, info.key)
                if there is not None and there.etag == info.etag and "," not in there.blob:
                    return self._blobs.path(Blob.parse(there.blob).name)
                files = [await self._file(Blob.parse(text)) for text in blobs]
                joined = await self._blobs.run(self._blobs.join, files)
                with self._publishing([joined]):
                    await self._objects.join_blobs(info, joined)
                return self._blobs.path(joined.name)
        finally:
            self._joining.pop(info.blob, None)

    async def _file(self, blob: Blob) -> Path:
        return await self._bodies.local_path(blob) if blob.is_row else self._blobs.path(blob.name)

    async def staging(self) -> Staging:
        """Return a new empty folder on the store's own file system, and one of the store."""
        if not self._has_staging:
            with contextlib.suppress(AwsError):  # BucketAlreadyOwnedByYou
                await self._buckets.create(STAGING_ACCOUNT, "us-east-1", STAGING_BUCKET)
            self._has_staging = True
        name = uuid.uuid4().hex
        folder = self._folder / "staging" / name
        folder.mkdir(parents=True)
        return Staging(folder, STAGING_BUCKET, f"{name}/")

    async def discard(self, staging: Staging) -> None:
        """Remove a staging place with everything that was not adopted."""
        await asyncio.to_thread(shutil.rmtree, staging.folder, True)
        await self._objects.delete_prefix(staging.bucket, staging.prefix)

    # multipart uploads

    async def create_upload(self, bucket: str, key: str, attributes: Attributes) -> str:
        """Begin a multipart upload and return its id."""
        return await self._uploads.create(bucket, key, attributes)

    async def put_part(
        self,
        bucket: str,
        key: str,
        upload: str,
        number: int,
        body: AsyncIterator[bytes],
        checksums: Mapping[str, str] | None = None,
        content_md5: str | None = None,
        length: int | None = None,
    ) -> Part:
        """Write one part; NoSuchUpload, BadDigest, IncompleteBody."""
        begun = await self._uploads.get(bucket, key, upload)
        wanted = {**dict.fromkeys(begun.attributes.checksums, ""), **(checksums or {})}
        written = await self._write(body, Expected(wanted, content_md5, length))
        with self._publishing([written.blob]) as epoch:
            return await self._uploads.put_part(upload, number, written, epoch)

    async def parts(self, bucket: str, key: str, upload: str) -> list[Part]:
        """Return the parts written so far by number; NoSuchUpload."""
        return await self._uploads.parts(bucket, key, upload)

    async def upload(self, bucket: str, key: str, upload: str) -> Upload:
        """Return an open upload; NoSuchUpload."""
        return await self._uploads.get(bucket, key, upload)

    async def uploads(self, bucket: str, prefix: str = "") -> Sequence[Upload]:
        """Return the open uploads of a bucket by key and start."""
        await self._buckets.get(bucket)
        return await self._uploads.of_bucket(bucket, prefix)

    async def complete_upload(
        self,
        bucket: str,
        key: str,
        upload: str,
        parts: Sequence[tuple[int, str]],
        condition: WriteCondition | None = None,
        checksums: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Make the object of the parts named by (number, etag)."""
        return await self._uploads.complete(bucket, key, upload, parts, condition, checksums or {})

    async def abort_upload(self, bucket: str, key: str, upload: str) -> None:
        """Drop an upload and its parts; NoSuchUpload."""
        await self._uploads.abort(bucket, key, upload)
