"""The object store over a MinIO server.

Objects live in the server alone, where SQL and Spark engines read and write them directly. What
only AWS knows of a bucket (account, region, tags, documents) is in the state database, like the
open multipart uploads and the adoptions that are on their way.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from localaws.core.clock import Clock
from localaws.core.database import Database
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
from localaws.engines.object_store.blobs import Expected
from localaws.engines.object_store.buckets import Buckets
from localaws.engines.object_store.errors import bucket_not_empty
from localaws.engines.object_store.minio.adoption import Adoptions
from localaws.engines.object_store.minio.client import Client
from localaws.engines.object_store.minio.listing import Lister
from localaws.engines.object_store.minio.notifications import Notifications
from localaws.engines.object_store.minio.objects import Objects
from localaws.engines.object_store.minio.placement import Placement
from localaws.engines.object_store.minio.sending import outgoing
from localaws.engines.object_store.minio.uploads import Uploads
from localaws.engines.object_store.schema import encode_key

_START_ATTEMPTS = 60
_START_PAUSE_SECONDS = 0.5
_ABANDONED = timedelta(days=1)
_LOCK = 7235882
"""Of the state database: held by the process that collects what an earlier one left."""


class MinioObjectStore(ObjectStore):
    """The store on a server.

    Args:
        database: keeps what the server does not.
        clock: dates the objects.
        url: the server's, ``http://host:port``.
        key: access key.
        secret: secret key.
        folder: local scratch, for staging and for bodies whose length is not known.
        events: takes the changes of objects, also those that others make.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        url: str,
        key: str,
        secret: str,
        folder: Path,
        events: Events | None = None,
    ) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock
        self._client = Client(url, key, secret)
        self._buckets = Buckets(database, clock)
        self._placement = Placement(self._client, database)
        self._objects = Objects(self._client, clock, self._placement)
        self._lister = Lister(self._client, self._placement, self._objects.find)
        self._uploads = Uploads(self._client, database, clock, self._objects, self._placement)
        self._adoptions = Adoptions(database, self._objects, self._lister, folder)
        self._notifications = (
            None if events is None else Notifications(self._client, database, events)
        )
        self._owner = ""
        self._held = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Wait for the server, and collect what an interrupted process left."""
        self._folder.mkdir(parents=True, exist_ok=True)
        await self._client.start()
        await self._wait()
        with contextlib.suppress(AwsError):  # BucketAlreadyOwnedByYou
            await self._buckets.create(STAGING_ACCOUNT, "us-east-1", STAGING_BUCKET)
        await self._make_bucket(STAGING_BUCKET)
        await self._placement.start()
        self._owner = await self._database.fetchval("SELECT id FROM object_staging_owner")
        if await self._is_alone():
            await asyncio.to_thread(shutil.rmtree, self._folder / "staging", True)
            await self._adoptions.settle()
            await self._adoptions.remove_prefix(STAGING_BUCKET, f"{self._owner}/")
            await self._abort_abandoned()
        if self._notifications is not None:
            await self._notifications.start()

    async def _is_alone(self) -> bool:
        """Return whether no other process works with this state; hold the place until the stop."""
        connection = await self._held.enter_async_context(self._database.connection())
        alone = bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK))
        if alone:
            self._held.push_async_callback(
                connection.execute, "SELECT pg_advisory_unlock($1)", _LOCK
            )
        else:
            await self._held.aclose()
        return alone

    async def _wait(self) -> None:
        for attempt in range(_START_ATTEMPTS):
            try:
                await self._client.call("ListBuckets", {})
                return
            except AwsError as error:
                if error.status != 503 or attempt == _START_ATTEMPTS - 1:
                    await self._client.stop()
                    raise
            await asyncio.sleep(_START_PAUSE_SECONDS)

    async def _abort_abandoned(self) -> None:
        """Abort uploads that engines began in staging and never ended."""
        answer = await self._client.call("ListMultipartUploads", {"Bucket": STAGING_BUCKET})
        for upload in answer.members.get("Uploads", []):
            if upload["Initiated"] < self._clock.now() - _ABANDONED:
                place = {"Bucket": STAGING_BUCKET, "Key": upload["Key"]}
                with contextlib.suppress(AwsError):  # NoSuchUpload: it ended just now
                    await self._client.call(
                        "AbortMultipartUpload", {**place, "UploadId": upload["UploadId"]}
                    )

    async def stop(self) -> None:
        """Release what the store holds."""
        if self._notifications is not None:
            await self._notifications.stop()
        await self._held.aclose()
        await self._client.stop()

    async def healthy(self) -> bool:
        """Return whether the server answers a call that it must authenticate.

        Raises:
            AwsError: it does not; the message says so.
        """
        await self._client.call("HeadBucket", {"Bucket": STAGING_BUCKET})
        return True

    # buckets

    async def create_bucket(self, account: str, region: str, name: str) -> Bucket:
        """Create a bucket; BucketAlreadyExists / BucketAlreadyOwnedByYou where it is there."""
        # The server's first: what a kill leaves between is an empty bucket that nobody owns, and
        # that the next creation takes.
        await self._make_bucket(name)
        return await self._buckets.create(account, region, name)

    async def _make_bucket(self, name: str) -> None:
        try:
            await self._client.call("CreateBucket", {"Bucket": name})
        except AwsError as error:
            if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise
        if self._notifications is not None and name != STAGING_BUCKET:
            await self._notifications.watch(name)

    async def delete_bucket(self, name: str) -> None:
        """Delete an empty bucket; BucketNotEmpty, NoSuchBucket."""
        await self._buckets.get(name)
        with contextlib.suppress(_Gone):
            await self._delete_from_server(name)
        await self._buckets.delete(name)

    async def _delete_from_server(self, name: str) -> None:
        try:
            page = await self._lister.page(name, "", "", "", 1)
            if page.objects:
                raise bucket_not_empty(name)
            for upload in await self._uploads.of_bucket(name):
                await self._uploads.abort(name, upload.key, upload.id)
            await self._client.call("DeleteBucket", {"Bucket": name})
        except AwsError as error:
            if error.code == "NoSuchBucket":
                raise _Gone from error
            raise

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
        encode_key(key)
        await self._buckets.get(bucket)
        attributes = attributes or Attributes()
        expected = Expected(attributes.checksums, content_md5, length)
        async with outgoing(body, expected, self._folder) as ready:
            return await self._objects.put(bucket, key, attributes, ready, condition)

    async def head(self, bucket: str, key: str) -> ObjectInfo:
        """Return what is stored under a key; NoSuchBucket, NoSuchKey."""
        encode_key(key)
        await self._buckets.get(bucket)
        return await self._objects.head(bucket, key)

    async def read(
        self, info: ObjectInfo, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Stream bytes [start, end) of an object, in bounded memory."""
        async with contextlib.aclosing(self._objects.read(info, start, end)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def delete(self, bucket: str, keys: Sequence[str]) -> None:
        """Delete keys; keys that are not there are no error."""
        for key in keys:
            encode_key(key)
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
        """Write a copy, inside the server where that gives what was asked."""
        encode_key(key)
        await self._buckets.get(bucket)
        composite = source.attributes.checksum_type != "FULL_OBJECT"
        known = {} if composite else source.attributes.checksums
        if (
            # The server has no conditions on the target of a copy, keeps the ETag of parts, and
            # computes one checksum at most.
            condition is not None
            or "-" in source.etag
            or not attributes.checksums.keys() <= known.keys()
        ):
            return await self.put(
                bucket, key, self.read(source), attributes, condition, length=source.size
            )
        checksums = {name: known[name] for name in attributes.checksums}
        return await self._objects.copy(source, bucket, key, attributes, checksums)

    async def set_tags(self, bucket: str, key: str, tags: Mapping[str, str]) -> None:
        """Replace an object's tags."""
        encode_key(key)
        await self._buckets.get(bucket)
        await self._objects.set_tags(bucket, key, tags)

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
        return await self._lister.page(bucket, prefix, delimiter, after, limit)

    # staging

    async def adopt(
        self, bucket: str, files: Sequence[Adoption], replace_prefix: str | None = None
    ) -> list[ObjectInfo]:
        """Make what is finished in staging objects; readers may see a part of it meanwhile."""
        await self._buckets.get(bucket)
        return await self._adoptions.adopt(bucket, files, replace_prefix)

    async def local_path(self, info: ObjectInfo) -> Path | None:
        """Return None: the server's files are its own."""
        return None

    async def staging(self) -> Staging:
        """Return a new empty folder here, and one of the store."""
        name = uuid.uuid4().hex
        folder = self._folder / "staging" / name
        folder.mkdir(parents=True)
        return Staging(folder, STAGING_BUCKET, f"{self._owner}/{name}/")

    async def discard(self, staging: Staging) -> None:
        """Remove a staging place with everything that was not adopted."""
        await asyncio.to_thread(shutil.rmtree, staging.folder, True)
        await self._adoptions.remove_prefix(staging.bucket, staging.prefix)

    # multipart uploads

    async def create_upload(self, bucket: str, key: str, attributes: Attributes) -> str:
        """Begin a multipart upload and return its id."""
        await self._buckets.get(bucket)
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
        async with outgoing(body, Expected(wanted, content_md5, length), self._folder) as ready:
            return await self._uploads.put_part(bucket, key, begun, number, ready)

    async def parts(self, bucket: str, key: str, upload: str) -> list[Part]:
        """Return the parts written so far by number; NoSuchUpload."""
        await self._uploads.get(bucket, key, upload)
        return await self._uploads.parts(upload)

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


class _Gone(Exception):
    """The server has no such bucket any more."""
