"""Pages of keys and common prefixes, as S3 lists them.

The store itself rolls keys up at slashes, which is what nearly everyone asks; every other question
is answered from plain listings, skipping what a common prefix stands for.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_plus
from xml.etree import ElementTree

from localaws.core.errors import AwsError
from localaws.engines.object_store.base import Listing, ObjectInfo
from localaws.engines.object_store.minio.attributes import MARK, METADATA, listed_attributes
from localaws.engines.object_store.minio.client import Client, Extra
from localaws.engines.object_store.minio.names import (
    key_of_name,
    name_of_key,
    name_of_prefix,
)
from localaws.engines.object_store.minio.placement import Placement
from localaws.engines.object_store.schema import encode_text

_PAGE = 1000
_LAST = "\U0010ffff"

Find = Callable[[str, str], Awaitable[ObjectInfo]]
"""Returns the object with a name in a bucket, its key from its metadata."""

_Entry = ObjectInfo | str


@dataclass(frozen=True)
class _Query:
    bucket: str
    prefix: str
    delimiter: str

    def rolled(self, key: str) -> str | None:
        """Return the common prefix that stands for a key, or None."""
        if not self.delimiter or not key.startswith(self.prefix):
            return None
        at = key.find(self.delimiter, len(self.prefix))
        return key[: at + len(self.delimiter)] if at >= 0 else None


class Lister:
    """Listings of the store's buckets."""

    def __init__(self, client: Client, placement: Placement, find: Find) -> None:
        self._client = client
        self._placement = placement
        self._find = find

    async def page(
        self, bucket: str, prefix: str, delimiter: str, after: str, limit: int
    ) -> Listing:
        """Return the page of a bucket behind `after`; see `ObjectStore.page`."""
        for text in (prefix, delimiter, after):
            encode_text(text)
        query = _Query(bucket, prefix, delimiter)
        if limit <= 0:
            return Listing((), (), False)
        entries: list[_Entry] = []
        async for entry in self._entries(query, after, limit + 1):
            entries.append(entry)
            if len(entries) > limit:
                break
        truncated = len(entries) > limit
        entries = entries[:limit]
        return Listing(
            objects=tuple(entry for entry in entries if isinstance(entry, ObjectInfo)),
            prefixes=tuple(entry for entry in entries if isinstance(entry, str)),
            truncated=truncated,
            next_key=_key(entries[-1]) if truncated else "",
        )

    async def _entries(self, query: _Query, after: str, wanted: int) -> AsyncIterator[_Entry]:
        """Yield keys and common prefixes behind `after`, in order."""
        done = query.rolled(after) if after else None
        if done is not None and done != after:
            # Behind a key inside a common prefix the prefix is listed if it stands for more.
            async for key in self._keys(_Query(query.bucket, done, ""), after, 1):
                if _key(key).startswith(done):
                    yield done
                break
        if done is not None:
            after = done + _LAST
        while True:
            skip = None
            async for entry in self._keys(query, after, wanted):
                rolled = entry if isinstance(entry, str) else query.rolled(entry.key)
                if rolled is None:
                    yield entry
                elif rolled != done:
                    done = rolled
                    yield rolled
                elif not isinstance(entry, str):
                    skip = rolled
                    break
            if skip is None:
                return
            after = skip + _LAST

    async def _keys(self, query: _Query, after: str, wanted: int) -> AsyncIterator[_Entry]:
        """Yield what the store lists behind `after`: keys, and common prefixes that it rolled."""
        name, exact = name_of_prefix(query.prefix)
        members: dict[str, object] = {
            "Bucket": query.bucket,
            "Prefix": name,
            "EncodingType": "url",
            "MaxKeys": min(wanted, _PAGE),
        }
        if exact and query.delimiter == "/":
            members["Delimiter"] = "/"
        if after:
            members["StartAfter"] = name_of_key(after)
        bound = after.encode()
        if after < query.prefix and self._placement.is_aside(query.bucket, query.prefix):
            # Its name does not start with its key.
            name_aside = self._placement.name(query.bucket, query.prefix)
            with contextlib.suppress(AwsError):
                yield await self._find(query.bucket, name_aside)
        while True:
            answer = await self._client.call(
                "ListObjectsV2", members, Extra(query={"metadata": "true"})
            )
            document = ElementTree.fromstring(answer.body)
            for entry in await self._read(query.bucket, document):
                key = _key(entry)
                if not key.startswith(query.prefix):
                    if not exact and key > query.prefix and "StartAfter" not in members:
                        return
                    continue
                if key.encode() > bound:
                    yield entry
            token = document.findtext("{*}NextContinuationToken")
            if document.findtext("{*}IsTruncated") != "true" or not token:
                return
            members = {**members, "ContinuationToken": token}

    async def _read(self, bucket: str, document: ElementTree.Element) -> list[_Entry]:
        entries: list[_Entry] = []
        for item in document.iterfind("{*}CommonPrefixes"):
            name = unquote_plus(item.findtext("{*}Prefix") or "")
            entries.append(key_of_name(name) or name)
        for item in document.iterfind("{*}Contents"):
            name = unquote_plus(item.findtext("{*}Key") or "")
            key = key_of_name(name)
            entries.append(
                await self._find(bucket, name) if key is None else _info(bucket, key, item)
            )
        entries.sort(key=lambda entry: _key(entry).encode())
        return entries


def _info(bucket: str, key: str, item: ElementTree.Element) -> ObjectInfo:
    mark = ""
    for entry in item.iterfind("{*}UserMetadata/{*}*"):
        if entry.tag.rpartition("}")[2].lower() == METADATA + MARK:
            mark = entry.text or ""
    return ObjectInfo(
        bucket=bucket,
        key=key,
        size=int(item.findtext("{*}Size") or 0),
        etag=(item.findtext("{*}ETag") or "").strip('"'),
        last_modified=datetime.fromisoformat(item.findtext("{*}LastModified") or "").replace(
            microsecond=0
        ),
        attributes=listed_attributes(mark),
    )


def _key(entry: _Entry) -> str:
    return entry.key if isinstance(entry, ObjectInfo) else entry
