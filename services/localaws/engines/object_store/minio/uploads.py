"""Multipart uploads: parts are in the store, what it does not tell of them in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.core.errors import AwsError, not_implemented
from localaws.engines.object_store.base import (
    Attributes,
    ObjectInfo,
    Part,
    Upload,
    WriteCondition,
)
from localaws.engines.object_store.checksums import multipart_etag
from localaws.engines.object_store.errors import no_such_upload
from localaws.engines.object_store.minio.attributes import (
    CHECKSUM,
    NATIVE_CHECKSUMS,
    modified_header,
    object_headers,
)
from localaws.engines.object_store.minio.client import Client, Extra
from localaws.engines.object_store.minio.names import name_of_key
from localaws.engines.object_store.minio.objects import Objects, condition_members
from localaws.engines.object_store.minio.placement import Placement
from localaws.engines.object_store.minio.sending import Outgoing
from localaws.engines.object_store.multipart import choose_parts, object_checksums
from localaws.engines.object_store.schema import (
    NO_KEY_ABOVE,
    encode_key,
    encode_text,
    successor,
)

_PART_MEMBERS = {
    "crc32": "ChecksumCRC32",
    "crc32c": "ChecksumCRC32C",
    "crc64nvme": "ChecksumCRC64NVME",
    "sha1": "ChecksumSHA1",
    "sha256": "ChecksumSHA256",
}

_PUT_PART = """
    INSERT INTO object_part (upload, number, size, etag, last_modified, checksums, blobs, epoch)
    SELECT id, $2::int, $3::bigint, $4, $5::timestamptz, $6::bytea, '{}', 0
    FROM object_upload WHERE id = $1 AND completed_at IS NULL
    ON CONFLICT (upload, number) DO UPDATE SET size = excluded.size, etag = excluded.etag,
        last_modified = excluded.last_modified, checksums = excluded.checksums
"""

_REMEMBERED = "1 day"
"""How long the completion of an upload may be repeated."""


class Uploads:
    """The multipart uploads that were begun here."""

    def __init__(
        self,
        client: Client,
        database: Database,
        clock: Clock,
        objects: Objects,
        placement: Placement,
    ) -> None:
        self._client = client
        self._placement = placement
        self._database = database
        self._clock = clock
        self._objects = objects

    async def create(self, bucket: str, key: str, attributes: Attributes) -> str:
        """Begin an upload and return its id."""
        raw = encode_key(key)
        headers = object_headers(attributes, key, name_of_key(key))
        for algorithm in attributes.checksums:
            if algorithm not in NATIVE_CHECKSUMS or len(attributes.checksums) > 1:
                raise not_implemented(f"A multipart upload with the checksum {algorithm.upper()}")
            headers[CHECKSUM + "algorithm"] = algorithm.upper()
            headers[CHECKSUM + "type"] = attributes.checksum_type
        answer = await self._client.call(
            "CreateMultipartUpload",
            {"Bucket": bucket, "Key": name_of_key(key)},
            Extra(headers, repeatable=False),
        )
        upload = str(answer.members["UploadId"])
        await self._database.execute(
            "DELETE FROM object_upload WHERE completed_at < now() - $1::text::interval", _REMEMBERED
        )
        await self._database.execute(
            "INSERT INTO object_upload (id, bucket, key, started_at, attributes) "
            "VALUES ($1, $2, $3, $4, $5)",
            upload,
            bucket,
            raw,
            self._clock.now(),
            msgspec.json.encode(attributes),
        )
        return upload

    async def get(self, bucket: str, key: str, upload: str) -> Upload:
        """Return an open upload."""
        row = await self._row(bucket, key, upload)
        if row["completed_at"] is not None:
            raise no_such_upload(upload)
        return _upload(row)

    async def _row(self, bucket: str, key: str, upload: str) -> Any:
        row = await self._database.fetchrow(
            "SELECT * FROM object_upload WHERE id = $1 AND bucket = $2 AND key = $3",
            upload,
            bucket,
            encode_key(key),
        )
        if row is None:
            raise no_such_upload(upload)
        return row

    async def of_bucket(self, bucket: str, prefix: str = "") -> list[Upload]:
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

    async def put_part(
        self, bucket: str, key: str, upload: Upload, number: int, body: Outgoing
    ) -> Part:
        """Write a part."""
        name = next(iter(upload.attributes.checksums), "")
        body.native = bool(name) and body.native
        answer = await body.send(
            self._client,
            "UploadPart",
            {
                "Bucket": bucket,
                "Key": name_of_key(key),
                "UploadId": upload.id,
                "PartNumber": number,
            },
            {CHECKSUM + name: body.checksums[name]} if name and body.checksums[name] else {},
        )
        part = Part(
            number=number,
            size=body.size,
            etag=answer.headers["ETag"].strip('"'),
            last_modified=self._clock.now().replace(microsecond=0),
            checksums=body.checksums,
        )
        tag = await self._database.execute(
            _PUT_PART,
            upload.id,
            number,
            part.size,
            part.etag,
            part.last_modified,
            msgspec.json.encode(part.checksums),
        )
        if tag == "INSERT 0 0":
            raise no_such_upload(upload.id)
        return part

    async def parts(self, upload: str) -> list[Part]:
        """Return the parts written so far by number."""
        rows = await self._database.fetch(
            "SELECT * FROM object_part WHERE upload = $1 ORDER BY number", upload
        )
        return [
            Part(
                number=row["number"],
                size=row["size"],
                etag=row["etag"],
                last_modified=row["last_modified"],
                checksums=msgspec.json.decode(row["checksums"]),
            )
            for row in rows
        ]

    async def complete(
        self,
        bucket: str,
        key: str,
        upload: str,
        wanted: Sequence[tuple[int, str]],
        condition: WriteCondition | None,
        checksums: Mapping[str, str],
    ) -> ObjectInfo:
        """Make the object; a repetition of a completion gives its object again."""
        row = await self._row(bucket, key, upload)
        if row["completed_at"] is not None:
            return await self._completed(bucket, key, upload, row["completed_etag"])
        attributes = _upload(row).attributes
        chosen = choose_parts(upload, wanted, await self.parts(upload))
        expected = object_checksums(attributes, chosen, checksums)
        etag = multipart_etag(part.etag for part in chosen)
        now = self._clock.now().replace(microsecond=0)
        try:
            async with self._placement.writing(bucket, key):
                await self._client.call(
                    "CompleteMultipartUpload",
                    {
                        "Bucket": bucket,
                        "Key": name_of_key(key),
                        "UploadId": upload,
                        "MultipartUpload": {
                            "Parts": [_member(attributes, part) for part in chosen]
                        },
                        **condition_members(condition),
                    },
                    Extra(modified_header(now), repeatable=False),
                )
        except AwsError as error:
            if error.code != "NoSuchUpload":
                raise
            # Completed, and the gateway ended before it could write that down; or by another now.
            return await self._note(upload, await self._completed(bucket, key, upload, etag))
        if self._placement.is_aside(bucket, key):
            # An upload is bound to the name it was begun with.
            await self._placement.step_aside(bucket, name_of_key(key))
        info = ObjectInfo(
            bucket=bucket,
            key=key,
            size=sum(part.size for part in chosen),
            etag=etag,
            last_modified=now,
            attributes=replace(attributes, checksums=expected),
            part_sizes=tuple(part.size for part in chosen),
        )
        return await self._note(upload, info)

    async def _completed(self, bucket: str, key: str, upload: str, etag: str) -> ObjectInfo:
        try:
            there = await self._objects.head(bucket, key)
        except AwsError:
            raise no_such_upload(upload) from None
        if there.etag != etag:
            raise no_such_upload(upload)
        return there

    async def _note(self, upload: str, info: ObjectInfo) -> ObjectInfo:
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE object_upload SET completed_at = now(), completed_etag = $2 WHERE id = $1",
                upload,
                info.etag,
            )
            await connection.execute("DELETE FROM object_part WHERE upload = $1", upload)
        return info

    async def abort(self, bucket: str, key: str, upload: str) -> None:
        """Drop an upload and its parts."""
        await self.get(bucket, key, upload)
        try:
            await self._client.call(
                "AbortMultipartUpload",
                {"Bucket": bucket, "Key": name_of_key(key), "UploadId": upload},
            )
        except AwsError as error:
            if error.code not in ("NoSuchUpload", "NoSuchBucket"):
                raise
        await self._database.execute("DELETE FROM object_upload WHERE id = $1", upload)


def _upload(row: Any) -> Upload:
    return Upload(
        id=row["id"],
        key=row["key"].decode(),
        started_at=row["started_at"],
        attributes=msgspec.json.decode(row["attributes"], type=Attributes),
    )


def _member(attributes: Attributes, part: Part) -> dict[str, object]:
    member: dict[str, object] = {"PartNumber": part.number, "ETag": f'"{part.etag}"'}
    for algorithm in attributes.checksums:
        member[_PART_MEMBERS[algorithm]] = part.checksums[algorithm]
    return member
