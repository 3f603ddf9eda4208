"""Objects in the store, one request each."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

from localaws.core.clock import Clock
from localaws.core.errors import AwsError
from localaws.engines.object_store.base import Attributes, ObjectInfo, WriteCondition
from localaws.engines.object_store.errors import no_such_key, vanished
from localaws.engines.object_store.minio.attributes import (
    escaped_tags,
    marked_adoption,
    modified_header,
    object_headers,
    object_info,
    unescaped_tag,
)
from localaws.engines.object_store.minio.client import Client, Extra
from localaws.engines.object_store.minio.names import key_of_name
from localaws.engines.object_store.minio.placement import Placement
from localaws.engines.object_store.minio.sending import Outgoing
from localaws.engines.object_store.schema import encode_key

_CHUNK = 1 << 20
_MAX_PARTS = 10_000
_DELETED_AT_ONCE = 1000
_FEW = 4
_NOT_IN_XML = re.compile(r"[\x00-\x1f\ud800-\udfff\ufffe\uffff]")


class Objects:
    """The objects of all buckets."""

    def __init__(self, client: Client, clock: Clock, placement: Placement) -> None:
        self._client = client
        self._clock = clock
        self._placement = placement

    def now(self) -> datetime:
        """Return the time of a write: Last-Modified has whole seconds."""
        return self._clock.now().replace(microsecond=0)

    async def put(
        self,
        bucket: str,
        key: str,
        attributes: Attributes,
        body: Outgoing,
        condition: WriteCondition | None = None,
        adoption: str = "",
    ) -> ObjectInfo:
        """Write an object."""
        now = self.now()
        async with self._placement.writing(bucket, key) as name:
            answer = await body.send(
                self._client,
                "PutObject",
                {"Bucket": bucket, "Key": name, **condition_members(condition)},
                object_headers(attributes, key, name, body.kept, adoption) | modified_header(now),
                conditional=condition is not None,
            )
        return ObjectInfo(
            bucket=bucket,
            key=key,
            size=body.size,
            etag=answer.headers["ETag"].strip('"'),
            last_modified=now,
            attributes=replace(attributes, checksums=body.checksums, checksum_type="FULL_OBJECT"),
        )

    async def head(self, bucket: str, key: str) -> ObjectInfo:
        """Return what is stored under a key; NoSuchBucket, NoSuchKey."""
        encode_key(key)
        return await self.find(bucket, self._placement.name(bucket, key))

    async def find(self, bucket: str, name: str) -> ObjectInfo:
        """Return what is stored under a name."""
        place = {"Bucket": bucket, "Key": name}
        answer = await self._client.call("HeadObject", {**place, "ChecksumMode": "ENABLED"})
        key = key_of_name(name)
        tags: dict[str, str] = {}
        if answer.headers.get("x-amz-tagging-count", "0") != "0":
            tagging = await self._client.call("GetObjectTagging", place)
            tags = {
                unescaped_tag(tag["Key"]): unescaped_tag(tag["Value"])
                for tag in tagging.members["TagSet"]
            }
        sizes: tuple[int, ...] = ()
        if "-" in answer.headers.get("ETag", ""):
            parts = await self._client.call(
                "GetObjectAttributes",
                {**place, "ObjectAttributes": ["ObjectParts"], "MaxParts": _MAX_PARTS},
            )
            listed = parts.members.get("ObjectParts", {}).get("Parts", [])
            sizes = tuple(part["Size"] for part in listed)
        return object_info(bucket, key or name, answer.headers, tags, sizes)

    async def adopted_by(self, bucket: str, key: str) -> str:
        """Return the adoption that wrote what is under a key, or nothing."""
        place = {"Bucket": bucket, "Key": self._placement.name(bucket, key)}
        try:
            answer = await self._client.call("HeadObject", place)
        except AwsError as error:
            if error.code in ("NoSuchKey", "NoSuchBucket"):
                return ""
            raise
        return marked_adoption(answer.headers)

    async def read(
        self, info: ObjectInfo, start: int, end: int | None
    ) -> AsyncGenerator[bytes, None]:
        """Stream bytes [start, end) of an object, by one request for exactly these bytes."""
        end = info.size if end is None else min(end, info.size)
        if start >= end:
            return
        members = {
            "Bucket": info.bucket,
            "Key": self._placement.name(info.bucket, info.key),
            "IfMatch": f'"{info.etag}"',
        }
        if (start, end) != (0, info.size):
            members["Range"] = f"bytes={start}-{end - 1}"
        left = end - start
        try:
            async with self._client.stream("GetObject", members) as response:
                async for chunk in response.content.iter_chunked(_CHUNK):
                    left -= len(chunk)
                    yield chunk
        except AwsError as error:
            if error.code in ("PreconditionFailed", "NoSuchKey"):
                raise vanished() from error
            raise
        if left:
            raise vanished()

    async def delete(self, bucket: str, keys: Sequence[str]) -> None:
        """Delete keys; keys that are not there are no error."""
        names = [self._placement.name(bucket, key) for key in keys]
        alone = names if len(names) <= _FEW else [n for n in names if _NOT_IN_XML.search(n)]
        for name in alone:
            await self._client.call("DeleteObject", {"Bucket": bucket, "Key": name})
        many = [] if alone is names else [n for n in names if not _NOT_IN_XML.search(n)]
        for start in range(0, len(many), _DELETED_AT_ONCE):
            batch = many[start : start + _DELETED_AT_ONCE]
            answer = await self._client.call(
                "DeleteObjects",
                {
                    "Bucket": bucket,
                    "Delete": {"Objects": [{"Key": name} for name in batch], "Quiet": True},
                },
            )
            for refused in answer.members.get("Errors", []):
                if refused.get("Code") not in ("NoSuchKey", "NoSuchVersion"):
                    raise AwsError(
                        refused.get("Code", "InternalError"),
                        f"{refused.get('Key', '')}: {refused.get('Message', '')}",
                        500,
                    )
        await self._placement.forget(bucket, keys)

    async def copy(
        self,
        source: ObjectInfo,
        bucket: str,
        key: str,
        attributes: Attributes,
        checksums: Mapping[str, str],
        adoption: str = "",
    ) -> ObjectInfo:
        """Write a copy of an object whose checksums are known, inside the store."""
        place = f"/{source.bucket}/{self._placement.name(source.bucket, source.key)}"
        directives = {
            # A directive of tags replaces them only where it names some.
            "x-amz-tagging": "",
            "x-amz-copy-source": quote(place, safe="/-_.~"),
            "x-amz-copy-source-if-match": f'"{source.etag}"',
            "x-amz-metadata-directive": "REPLACE",
            "x-amz-tagging-directive": "REPLACE",
            **modified_header(self.now()),
        }
        async with self._placement.writing(bucket, key) as name:
            headers = directives | object_headers(attributes, key, name, checksums, adoption)
            try:
                answer = await self._client.call(
                    "CopyObject", {"Bucket": bucket, "Key": name}, Extra(headers)
                )
            except AwsError as error:
                if error.code == "NoSuchKey":
                    raise no_such_key(source.key) from error
                raise
        result = answer.members["CopyObjectResult"]
        return ObjectInfo(
            bucket=bucket,
            key=key,
            size=source.size,
            etag=result["ETag"].strip('"'),
            last_modified=result["LastModified"].replace(microsecond=0),
            attributes=replace(attributes, checksums=dict(checksums), checksum_type="FULL_OBJECT"),
        )

    async def set_tags(self, bucket: str, key: str, tags: Mapping[str, str]) -> None:
        """Replace an object's tags."""
        place = {"Bucket": bucket, "Key": self._placement.name(bucket, key)}
        if not tags:
            await self._client.call("DeleteObjectTagging", place)
            return
        pairs = [{"Key": name, "Value": value} for name, value in escaped_tags(tags).items()]
        await self._client.call("PutObjectTagging", {**place, "Tagging": {"TagSet": pairs}})


def condition_members(condition: WriteCondition | None) -> dict[str, str]:
    """Return the members that make a write conditional."""
    if condition is None:
        return {}
    if condition.must_not_exist:
        return {"IfNoneMatch": "*"}
    if condition.must_match is None:
        return {}
    return {"IfMatch": condition.must_match}


async def together(calls: Iterable[Awaitable[object]], limit: int = 8) -> None:
    """Await calls, a few at a time; the first error is raised when all of them have ended."""
    gate = asyncio.Semaphore(limit)

    async def run(call: Awaitable[object]) -> None:
        async with gate:
            await call

    results = await asyncio.gather(*(run(call) for call in calls), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
