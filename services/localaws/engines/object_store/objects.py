"""Objects in the index: what is written here is what is visible."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from localaws.core.database import Connection, Database, ForeignKeyViolation
from localaws.engines.object_store.base import Attributes, ObjectInfo, WriteCondition
from localaws.engines.object_store.blobs import Blob
from localaws.engines.object_store.changes import COPY, PUT, Changes
from localaws.engines.object_store.errors import no_such_bucket, no_such_key, precondition_failed
from localaws.engines.object_store.schema import (
    COLUMNS,
    NO_KEY_ABOVE,
    encode_key,
    encode_text,
    object_info,
    successor,
)

_INSERT = """
    WITH body AS (
        INSERT INTO object_body (blob, body) SELECT $10::text, $11::bytea
        WHERE $11::bytea IS NOT NULL
    )
    INSERT INTO object (bucket, key, size, etag, last_modified, attributes, part_sizes, blobs,
        epoch) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_ADD = _INSERT + "ON CONFLICT DO NOTHING"
_PUT = (
    _INSERT
    + """ON CONFLICT (bucket, key) DO UPDATE SET size = excluded.size, etag = excluded.etag,
        last_modified = excluded.last_modified, attributes = excluded.attributes,
        part_sizes = excluded.part_sizes, blobs = excluded.blobs, epoch = excluded.epoch"""
)


@dataclass(frozen=True)
class NewObject:
    """A row to be written; `body` are the bytes of a blob that is a row itself."""

    bucket: str
    key: str
    etag: str
    last_modified: datetime
    attributes: Attributes
    blobs: Sequence[Blob]
    epoch: int
    part_sizes: Sequence[int] = ()
    body: bytes | None = None

    @property
    def info(self) -> ObjectInfo:
        """The object this row makes."""
        return ObjectInfo(
            bucket=self.bucket,
            key=self.key,
            size=sum(blob.size for blob in self.blobs),
            etag=self.etag,
            last_modified=self.last_modified,
            attributes=self.attributes,
            part_sizes=tuple(self.part_sizes),
            blob=",".join(map(str, self.blobs)),
        )

    def row(self) -> tuple[Any, ...]:
        """Return the parameters of the statements above."""
        return (
            self.bucket,
            encode_key(self.key),
            sum(blob.size for blob in self.blobs),
            self.etag,
            self.last_modified,
            msgspec.json.encode(self.attributes),
            list(self.part_sizes),
            [str(blob) for blob in self.blobs],
            self.epoch,
            self.blobs[0].name,
            self.body,
        )


class Objects:
    """The objects of all buckets."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    async def write(
        self,
        new: NewObject,
        condition: WriteCondition | None = None,
        connection: Connection | None = None,
        event: str = PUT,
    ) -> ObjectInfo:
        """Make an object visible, if the condition holds, and tell of it as `event`.

        Raises:
            AwsError: NoSuchBucket, NoSuchKey (of a condition on its ETag), PreconditionFailed.
        """
        try:
            if connection is None and condition is None and not self._changes.heard:
                await self._database.execute(_PUT, *new.row())
                return new.info
            async with self._transaction(connection) as own:
                await _write(own, new, condition)
                await self._changes.written(own, event, new.bucket, [new.info])
        except ForeignKeyViolation:
            raise no_such_bucket(new.bucket) from None
        return new.info

    async def write_all(
        self, connection: Connection, bucket: str, news: Sequence[NewObject]
    ) -> None:
        """Make objects visible without conditions."""
        try:
            await connection.executemany(_PUT, [new.row() for new in news])
            await self._changes.written(connection, PUT, bucket, [new.info for new in news])
        except ForeignKeyViolation:
            raise no_such_bucket(bucket) from None

    async def get(
        self, bucket: str, key: str, connection: Connection | None = None
    ) -> ObjectInfo | None:
        """Return an object, or None."""
        row = await (connection or self._database).fetchrow(
            f"SELECT {COLUMNS} FROM object WHERE bucket = $1 AND key = $2", bucket, encode_key(key)
        )
        return None if row is None else object_info(bucket, row)

    async def delete(self, bucket: str, keys: Sequence[str]) -> None:
        """Delete keys in one step."""
        await self._delete(
            None, bucket, "key = ANY($2::bytea[])", [encode_key(key) for key in keys]
        )

    async def delete_prefix(
        self,
        bucket: str,
        prefix: str,
        kept: Sequence[bytes] = (),
        connection: Connection | None = None,
    ) -> None:
        """Delete what is under a prefix, but not the keys in `kept`."""
        start = encode_text(prefix)
        await self._delete(
            connection,
            bucket,
            "key >= $2 AND key < $3 AND key <> ALL($4::bytea[])",
            start,
            successor(start) if start else NO_KEY_ABOVE,
            list(kept),
        )

    async def _delete(
        self, connection: Connection | None, bucket: str, which: str, *arguments: object
    ) -> None:
        """Delete the objects of a bucket for which `which` holds, and tell of it."""
        statement = f"DELETE FROM object WHERE bucket = $1 AND {which}"
        if not self._changes.heard:
            await (connection or self._database).execute(statement, bucket, *arguments)
            return
        async with self._transaction(connection) as own:
            rows = await own.fetch(f"{statement} RETURNING key", bucket, *arguments)
            await self._changes.deleted(own, bucket, [row["key"].decode() for row in rows])

    @contextlib.asynccontextmanager
    async def _transaction(self, connection: Connection | None) -> AsyncIterator[Connection]:
        """Yield the caller's transaction, or one of our own."""
        if connection is not None:
            yield connection
        else:
            async with self._database.transaction() as own:
                yield own

    async def rename(
        self,
        connection: Connection,
        source: ObjectInfo,
        bucket: str,
        key: str,
        attributes: Attributes,
        moment: datetime,
    ) -> ObjectInfo:
        """Give an object another bucket and key, over what is there, and other attributes.

        Raises:
            AwsError: NoSuchKey: `source` is not there any more.
        """
        await connection.execute(
            "DELETE FROM object WHERE bucket = $1 AND key = $2", bucket, encode_key(key)
        )
        row = await connection.fetchrow(
            "UPDATE object SET bucket = $3, key = $4, attributes = $5, last_modified = $6 "
            f"WHERE bucket = $1 AND key = $2 RETURNING {COLUMNS}",
            source.bucket,
            encode_key(source.key),
            bucket,
            encode_key(key),
            msgspec.json.encode(attributes),
            moment,
        )
        if row is None:
            raise no_such_key(source.key)
        info = object_info(bucket, row)
        await self._changes.written(connection, COPY, bucket, [info])
        return info

    async def set_tags(self, info: ObjectInfo, attributes: Attributes) -> bool:
        """Replace the attributes of an object that still has the same bytes."""
        tag = await self._database.execute(
            "UPDATE object SET attributes = $4 WHERE bucket = $1 AND key = $2 AND blobs = $3",
            info.bucket,
            encode_key(info.key),
            info.blob.split(","),
            msgspec.json.encode(attributes),
        )
        return tag == "UPDATE 1"

    async def join_blobs(self, info: ObjectInfo, joined: Blob) -> None:
        """Let one blob take the place of an object's several; where it changed, drop the blob."""
        async with self._database.transaction() as connection:
            tag = await connection.execute(
                "UPDATE object SET blobs = $4, epoch = 0 "
                "WHERE bucket = $1 AND key = $2 AND blobs = $3",
                info.bucket,
                encode_key(info.key),
                info.blob.split(","),
                [str(joined)],
            )
            if tag == "UPDATE 0":
                await connection.execute(
                    "INSERT INTO object_garbage (blob) VALUES ($1)", str(joined)
                )


async def _write(connection: Connection, new: NewObject, condition: WriteCondition | None) -> None:
    row = new.row()
    if condition is not None and condition.must_not_exist:
        if await connection.execute(_ADD, *row) == "INSERT 0 0":
            raise precondition_failed("If-None-Match")
        return
    if condition is not None and condition.must_match is not None:
        etag = await connection.fetchval(
            "SELECT etag FROM object WHERE bucket = $1 AND key = $2 FOR UPDATE", *row[:2]
        )
        if etag is None:
            raise no_such_key(new.key)
        if condition.must_match not in ("*", etag):
            raise precondition_failed("If-Match")
    await connection.execute(_PUT, *row)
