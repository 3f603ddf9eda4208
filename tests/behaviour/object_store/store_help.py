"""What the tests of the object store share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

from containers import containers
from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.core.events import Events
from localaws.engines.object_store.base import Listing, ObjectInfo, ObjectStore
from localaws.engines.object_store.files import FileObjectStore
from localaws.engines.object_store.minio.store import MinioObjectStore

MIB = 1 << 20

SERVER = os.environ.get("LOCALAWS_TEST_OBJECT_STORE_URL", "")
ADAPTERS = ["embedded", *containers("minio")]


def make_store(
    adapter: str, database: Database, folder: Path, events: Events | None = None
) -> ObjectStore:
    if adapter == "embedded":
        return FileObjectStore(database, folder, Clock(), events=events)
    return MinioObjectStore(
        database,
        Clock(),
        SERVER,
        os.environ["LOCALAWS_TEST_OBJECT_STORE_KEY"],
        os.environ["LOCALAWS_TEST_OBJECT_STORE_SECRET"],
        folder / "scratch",
        events,
    )


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


async def empty(store: ObjectStore, bucket: str) -> None:
    """Delete what a bucket holds: an example that failed leaves it as it was."""
    page = await store.page(bucket)
    while page.objects:
        await store.delete(bucket, [info.key for info in page.objects])
        page = await store.page(bucket)
