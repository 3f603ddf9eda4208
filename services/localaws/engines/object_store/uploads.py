"""Multipart uploads in the index: parts are blobs, and the object is the list of them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from localaws.core.clock import Clock
from localaws.core.database import Connection, Database, ForeignKeyViolation
from localaws.engines.object_store.base import (
    Attributes,
    ObjectInfo,
    Part,
    Upload,
    WriteCondition,
)
from localaws.engines.object_store.blobs import Blob, Written
from localaws.engines.object_store.changes import COMPLETE
from localaws.engines.object_store.checksums import (
    multipart_etag,
)
from localaws.engines.object_store.errors import (
    no_such_bucket,
    no_such_upload,
)
from localaws.engines.object_store.multipart import choose_parts, object_checksums
from localaws.engines.object_store.objects import NewObject, Objects
from localaws.engines.object_store.schema import (
    NO_KEY_ABOVE,
    encode_key,
    encode_text,
    successor,
)

_PUT_PART = """
    WITH open AS (
        SELECT id FROM object_upload WHERE id = $1 AND completed_at IS NULL FOR SHARE
    ), body AS (
        INSERT INTO object_body (blob, body) SELECT $9::text, $10::bytea FROM open
        WHERE $10::bytea IS NOT NULL
    )
    INSERT INTO object_part (upload, number, size, etag, last_modified, checksums, blobs, epoch)
    SELECT id, $2::int, $3::bigint, $4, $5::timestamptz, $6::bytea, $7::text[], $8::bigint FROM open
    ON CONFLICT (upload, number) DO UPDATE SET size = excluded.size, etag = excluded.etag,
        last_modified = excluded.last_modified, checksums = excluded.checksums,
        blobs = excluded.blobs, epoch = excluded.epoch
"""


@dataclass(frozen=True)
class _StoredPart:
    part: Part
    blob: Blob
    epoch: int


class Uploads:
    """The multipart uploads of all buckets."""

    def __init__(self, database: Database, clock: Clock, objects: Objects) -> None:
        self._database = database
        self._clock = clock
        self._objects = objects

    async def create(self, bucket: str, key: str, attributes: Attributes) -> str:
        """Begin an upload and return its id."""
        upload = uuid.uuid4().hex + uuid.uuid4().hex
        try:
            await self._database.execute(
                "INSERT INTO object_upload (id, bucket, key, started_at, attributes) "
                "VALUES ($1, $2, $3, $4, $5)",
                upload,
                bucket,
                encode_key(key),
                self._clock.now(),
                msgspec.json.encode(attributes),
            )
        except ForeignKeyViolation:
            raise no_such_bucket(bucket) from None
        return upload

    async def get(self, bucket: str, key: str, upload: str) -> Upload:
        """Return an open upload."""
        row = await self._database.fetchrow(
            "SELECT * FROM object_upload WHERE id = $1 AND bucket = $2 AND key = $3 "
            "AND completed_at IS NULL",
            upload,
            bucket,
            encode_key(key),
        )
        if row is None:
            raise no_such_upload(upload)
        return _upload(row)

    async def of_bucket(self, bucket: str, prefix: str) -> list[Upload]:
        """Return the open uploads of a bucket by key and start."""
        raw = encode_text(prefix)
        rows = await self._database.fetch(
            "SELECT * FROM object_upload WHERE bucket = $1 AND key >= $2 AND key < $3 "
            "AND completed_at IS NULL ORDER BY key, started_at, id",
            bucket,
            raw,
            successor(raw) if raw else NO_KEY_ABOVE,
        )
        return [_upload(row) for row in rows]

    async def put_part(self, upload: str, number: int, written: Written, epoch: int) -> Part:
        """Write down a part."""
        part = Part(
            number=number,
            size=written.blob.size,
            etag=written.blob.md5,
            last_modified=self._clock.now().replace(microsecond=0),
            checksums=written.checksums,
        )
        tag = await self._database.execute(
            _PUT_PART,
            upload,
            number,
            part.size,
            part.etag,
            part.last_modified,
            msgspec.json.encode(part.checksums),
            [str(written.blob)],
            epoch,
            written.blob.name,
            written.body,
        )
        if tag == "INSERT 0 0":
            raise no_such_upload(upload)
        return part

    async def parts(self, bucket: str, key: str, upload: str) -> list[Part]:
        """Return the parts written so far by number."""
        await self.get(bucket, key, upload)
        return [stored.part for stored in await self._parts(self._database, upload)]

    async def _parts(self, source: Database | Connection, upload: str) -> list[_StoredPart]:
        rows = await source.fetch(
            "SELECT * FROM object_part WHERE upload = $1 ORDER BY number", upload
        )
        return [_stored_part(row) for row in rows]

    async def complete(
        self,
        bucket: str,
        key: str,
        upload: str,
        parts: Sequence[tuple[int, str]],
        condition: WriteCondition | None,
        checksums: Mapping[str, str],
    ) -> ObjectInfo:
        """Make the object; a repetition of a completion gives its object again."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(
                "SELECT * FROM object_upload WHERE id = $1 AND bucket = $2 AND key = $3 FOR UPDATE",
                upload,
                bucket,
                encode_key(key),
            )
            if row is None:
                raise no_such_upload(upload)
            if row["completed_at"] is not None:
                there = await self._objects.get(bucket, key, connection)
                if there is None or there.etag != row["completed_etag"]:
                    raise no_such_upload(upload)
                return there
            stored_parts = await self._parts(connection, upload)
            by_number = {stored.part.number: stored for stored in stored_parts}
            chosen_parts = choose_parts(upload, parts, [stored.part for stored in stored_parts])
            chosen = [by_number[part.number] for part in chosen_parts]
            attributes = _upload(row).attributes
            info = await self._objects.write(
                NewObject(
                    bucket=bucket,
                    key=key,
                    etag=multipart_etag(stored.blob.md5 for stored in chosen),
                    last_modified=self._clock.now().replace(microsecond=0),
                    attributes=replace(
                        attributes,
                        checksums=object_checksums(attributes, chosen_parts, checksums),
                    ),
                    blobs=[stored.blob for stored in chosen],
                    epoch=max(stored.epoch for stored in chosen),
                    part_sizes=[stored.part.size for stored in chosen],
                ),
                condition,
                connection,
                COMPLETE,
            )
            # The rows of the parts leave their blobs to the garbage; the object's come back.
            await connection.execute("DELETE FROM object_part WHERE upload = $1", upload)
            await connection.execute(
                "DELETE FROM object_garbage WHERE blob = ANY($1)",
                [str(stored.blob) for stored in chosen],
            )
            await connection.execute(
                "UPDATE object_upload SET completed_at = now(), completed_etag = $2 WHERE id = $1",
                upload,
                info.etag,
            )
        return info

    async def abort(self, bucket: str, key: str, upload: str) -> None:
        """Drop an upload and its parts."""
        tag = await self._database.execute(
            "DELETE FROM object_upload WHERE id = $1 AND bucket = $2 AND key = $3 "
            "AND completed_at IS NULL",
            upload,
            bucket,
            encode_key(key),
        )
        if tag == "DELETE 0":
            raise no_such_upload(upload)


def _upload(row: Any) -> Upload:
    return Upload(
        id=row["id"],
        key=row["key"].decode(),
        started_at=row["started_at"],
        attributes=msgspec.json.decode(row["attributes"], type=Attributes),
    )


def _stored_part(row: Any) -> _StoredPart:
    return _StoredPart(
        Part(
            number=row["number"],
            size=row["size"],
            etag=row["etag"],
            last_modified=row["last_modified"],
            checksums=msgspec.json.decode(row["checksums"]),
        ),
        Blob.parse(row["blobs"][0]),
        row["epoch"],
    )
