"""What the tests of the object store share."""

from __future__ import annotations

from collections.abc import AsyncIterator

from localaws.engines.object_store.base import Listing, ObjectInfo, ObjectStore

MIB = 1 << 20


async def chunks(data: bytes, size: int = 64 << 10) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def content(
    store: ObjectStore, info: ObjectInfo, start: int = 0, end: int | None = None
) -> bytes:
    return b"".join([chunk async for chunk in store.read(info, start, end)])


async def stored(store: ObjectStore, bucket: str, key: str) -> bytes:
    return await content(store, await store.head(bucket, key))


async def all_pages(
    store: ObjectStore, bucket: str, prefix: str = "", delimiter: str = "", limit: int = 1000
) -> tuple[list[str], list[str]]:
    """Return the keys and common prefixes of all pages."""
    keys: list[str] = []
    prefixes: list[str] = []
    page = Listing((), (), True)
    while page.truncated:
        page = await store.page(bucket, prefix, delimiter, page.next_key, limit)
        assert len(page.objects) + len(page.prefixes) <= limit
        keys += [info.key for info in page.objects]
        prefixes += page.prefixes
    return keys, prefixes
