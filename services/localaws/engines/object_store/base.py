"""The ``object_store`` port: buckets and objects, whichever store keeps them.

Errors are AWS's (`NoSuchBucket`, `NoSuchKey`, `PreconditionFailed` …), raised as `AwsError`, so
that every door to the store tells the same story. Bucket names are global; a bucket has an owner.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Bucket:
    """A bucket: the account that owns it, its region, tags, and configuration documents by name."""

    name: str
    account: str
    region: str
    created_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    configuration: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Attributes:
    """What a writer says of an object besides its bytes.

    Attributes:
        headers: stored system headers by AWS member name (``ContentType``, ``CacheControl`` …).
        metadata: user metadata, keys in lower case.
        tags: object tags.
        checksums: trailing or header checksums to keep and verify, by algorithm in lower case
            (``crc32``, ``crc32c``, ``crc64nvme``, ``sha1``, ``sha256``) in base64; an empty string
            asks for the checksum to be computed.
        checksum_type: ``FULL_OBJECT`` or ``COMPOSITE``.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    checksum_type: str = "FULL_OBJECT"


@dataclass(frozen=True)
class ObjectInfo:
    """An object as stored. `etag` is without quotes; `part_sizes` is empty unless multipart."""

    bucket: str
    key: str
    size: int
    etag: str
    last_modified: datetime
    attributes: Attributes = field(default_factory=Attributes)
    part_sizes: tuple[int, ...] = ()
    blob: str = ""
    """The store's own name of the bytes; opaque to others."""


@dataclass(frozen=True)
class WriteCondition:
    """Conditions of a write: ``If-None-Match: *`` and ``If-Match: etag``."""

    must_not_exist: bool = False
    must_match: str | None = None


@dataclass(frozen=True)
class Listing:
    """A page of objects and common prefixes, in UTF-8 order; `next_key` continues after it."""

    objects: tuple[ObjectInfo, ...]
    prefixes: tuple[str, ...]
    truncated: bool
    next_key: str = ""


STAGING_ACCOUNT = "999999999999"
"""The platform's own account: it owns the bucket of what is not finished yet."""

STAGING_BUCKET = "localaws-staging"


@dataclass(frozen=True)
class Staging:
    """Where one writer puts what is to be adopted: a local folder, or a folder of the store.

    Attributes:
        folder: an empty local folder, for writers of local files.
        bucket: a bucket of the platform's own, for writers that know only the store.
        prefix: the writer's folder in that bucket; ends with a slash.
    """

    folder: Path
    bucket: str
    prefix: str

    @property
    def uri(self) -> str:
        """The folder in the store, ``s3://bucket/prefix/``."""
        return f"s3://{self.bucket}/{self.prefix}"


@dataclass(frozen=True)
class Adoption:
    """Something finished in staging that becomes the object `key`; it is moved, not copied.

    `source` is a local file, or an object of the staging bucket.
    """

    key: str
    source: Path | ObjectInfo
    attributes: Attributes = field(default_factory=Attributes)


class ObjectStore(ABC):
    """Buckets and objects. Every acknowledged write is durable; no torn write is ever visible."""

    @abstractmethod
    async def start(self) -> None:
        """Make the store ready and collect what an interrupted process left."""

    @abstractmethod
    async def stop(self) -> None:
        """Release what the store holds."""

    @abstractmethod
    async def healthy(self) -> bool:
        """Return whether the store answers."""

    @abstractmethod
    async def create_bucket(self, account: str, region: str, name: str) -> Bucket:
        """Create a bucket; BucketAlreadyExists / BucketAlreadyOwnedByYou where it is there."""

    @abstractmethod
    async def delete_bucket(self, name: str) -> None:
        """Delete an empty bucket; BucketNotEmpty, NoSuchBucket."""

    @abstractmethod
    async def bucket(self, name: str) -> Bucket:
        """Return a bucket; NoSuchBucket."""

    @abstractmethod
    async def buckets(self, account: str) -> list[Bucket]:
        """Return an account's buckets by name."""

    @abstractmethod
    async def configure_bucket(
        self,
        name: str,
        configuration: Mapping[str, object | None] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Bucket:
        """Set (or with None remove) configuration documents, and replace the tags where given."""

    @abstractmethod
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
        """Write an object whole or not at all.

        Raises:
            AwsError: NoSuchBucket, BadDigest (checksum or MD5 differs), IncompleteBody (fewer bytes
                than `length`), PreconditionFailed, KeyTooLongError.
        """

    @abstractmethod
    async def head(self, bucket: str, key: str) -> ObjectInfo:
        """Return what is stored under a key; NoSuchBucket, NoSuchKey."""

    @abstractmethod
    def read(
        self, info: ObjectInfo, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """Stream bytes [start, end) of an object, in bounded memory.

        A read that has begun is not torn by a later overwrite or delete.
        """

    @abstractmethod
    async def delete(self, bucket: str, keys: Sequence[str]) -> None:
        """Delete keys in one step; keys that are not there are no error."""

    @abstractmethod
    async def copy(
        self,
        source: ObjectInfo,
        bucket: str,
        key: str,
        attributes: Attributes,
        condition: WriteCondition | None = None,
    ) -> ObjectInfo:
        """Write a copy of a stored object under another key or with other attributes."""

    @abstractmethod
    async def set_tags(self, bucket: str, key: str, tags: Mapping[str, str]) -> None:
        """Replace an object's tags."""

    @abstractmethod
    async def page(
        self,
        bucket: str,
        prefix: str = "",
        delimiter: str = "",
        after: str = "",
        limit: int = 1000,
    ) -> Listing:
        """Return a page of keys that start with `prefix` and sort behind `after`."""

    @abstractmethod
    async def adopt(
        self, bucket: str, files: Sequence[Adoption], replace_prefix: str | None = None
    ) -> list[ObjectInfo]:
        """Make what is finished in staging objects of a bucket, all in one step or none.

        With `replace_prefix` every other object under that prefix goes in the same step.
        """

    @abstractmethod
    async def local_path(self, info: ObjectInfo) -> Path | None:
        """Return a local file with the object's bytes, or None where the store has none."""

    @abstractmethod
    async def staging(self) -> Staging:
        """Return a new empty place for what is to be adopted."""

    @abstractmethod
    async def discard(self, staging: Staging) -> None:
        """Remove a staging place with everything that was not adopted."""

    # multipart uploads

    @abstractmethod
    async def create_upload(self, bucket: str, key: str, attributes: Attributes) -> str:
        """Begin a multipart upload and return its id."""

    @abstractmethod
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

    @abstractmethod
    async def parts(self, bucket: str, key: str, upload: str) -> list[Part]:
        """Return the parts written so far by number; NoSuchUpload."""

    @abstractmethod
    async def upload(self, bucket: str, key: str, upload: str) -> Upload:
        """Return an open upload; NoSuchUpload."""

    @abstractmethod
    async def uploads(self, bucket: str, prefix: str = "") -> Sequence[Upload]:
        """Return the open uploads of a bucket by key and start."""

    @abstractmethod
    async def complete_upload(
        self,
        bucket: str,
        key: str,
        upload: str,
        parts: Sequence[tuple[int, str]],
        condition: WriteCondition | None = None,
        checksums: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Make the object of the parts named by (number, etag).

        A repetition gives the object again.

        Raises:
            AwsError: InvalidPart, InvalidPartOrder, EntityTooSmall, NoSuchUpload.
        """

    @abstractmethod
    async def abort_upload(self, bucket: str, key: str, upload: str) -> None:
        """Drop an upload and its parts; NoSuchUpload."""


@dataclass(frozen=True)
class Part:
    """A part of a multipart upload."""

    number: int
    size: int
    etag: str
    last_modified: datetime
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Upload:
    """An open multipart upload."""

    id: str
    key: str
    started_at: datetime
    attributes: Attributes
