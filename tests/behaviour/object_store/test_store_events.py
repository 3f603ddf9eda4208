"""Changes of objects become events, whoever makes them.

The server of the adapter over one must write its notifications into the database that
``LOCALAWS_TEST_DATABASE_URL`` names, as the one of the compose file does.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest
from store_help import ADAPTERS, MIB, chunks, empty, make_store

from localaws.core.database import Database
from localaws.core.events import Event, Events
from localaws.engines.object_store.base import Adoption, Attributes, ObjectStore

OWNER, REGION = "111111111111", "eu-west-1"

# Notifications are taken by whoever is first.
pytestmark = pytest.mark.xdist_group("object-store-events")


@dataclass
class Heard:
    """A store, a bucket of it, and what was told of that."""

    store: ObjectStore
    bucket: str
    events: list[Event] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, event: Event) -> None:
        if event.detail["bucket"] == self.bucket:
            self.events.append(event)
            self.more.set()

    async def told(self, count: int) -> list[tuple[str, str, int, str]]:
        """Return what was told when it is `count` events."""
        try:
            async with asyncio.timeout(60):
                while len(self.events) < count:
                    self.more.clear()
                    await self.more.wait()
        except TimeoutError:
            pytest.fail(f"only {[event.detail for event in self.events]} were told")
        for event in self.events:
            assert (event.scope.account, event.scope.region) == (OWNER, REGION)
        details = [event.detail for event in self.events]
        return [(one["event"], one["key"], one["size"], one["etag"]) for one in details]


@pytest.fixture(params=ADAPTERS)
async def heard(
    request: pytest.FixtureRequest, database_url: str, folder: Path
) -> AsyncIterator[Heard]:
    shared = os.environ.get("LOCALAWS_TEST_DATABASE_URL", "")
    schema = f"test_{uuid.uuid4().hex}"
    if request.param == "minio":
        # State of its own beside the one of a gateway that may run there.
        database = Database(f"{shared}?search_path={schema},public")
        await database_command(shared, f"CREATE SCHEMA {schema}")
        await database.start()
        await database.execute(f"DROP TABLE {schema}.object_store_notification")
        await database.execute(
            "ALTER TABLE object_store_notification ADD COLUMN IF NOT EXISTS "
            "id bigint GENERATED ALWAYS AS IDENTITY"
        )
    else:
        database = Database(database_url)
        await database.start()
    events = Events(database)
    store = make_store(request.param, database, folder, events)
    listener = Heard(store, f"b-{uuid.uuid4().hex}")
    events.subscribe("object-store.changed", listener)
    await store.start()
    await events.start()
    await store.create_bucket(OWNER, REGION, listener.bucket)
    yield listener
    await empty(store, listener.bucket)
    await store.delete_bucket(listener.bucket)
    await events.stop()
    await store.stop()
    await database.stop()
    if request.param == "minio":
        await database_command(shared, f"DROP SCHEMA {schema} CASCADE")


async def database_command(url: str, command: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(command)
    await connection.close()


async def test_changes_of_objects_are_told(heard: Heard) -> None:
    store, bucket = heard.store, heard.bucket
    put = await store.put(bucket, "a b/ü+%", chunks(b"one"))
    copy = await store.copy(put, bucket, "copy", Attributes())
    upload = await store.create_upload(bucket, "big", Attributes())
    part = await store.put_part(bucket, "big", upload, 1, chunks(bytes(MIB)))
    big = await store.complete_upload(bucket, "big", upload, [(1, part.etag)])
    await store.delete(bucket, ["copy", "was never there"])
    assert await heard.told(4) == [
        ("ObjectCreated:Put", "a b/ü+%", 3, put.etag),
        ("ObjectCreated:Copy", "copy", 3, copy.etag),
        ("ObjectCreated:CompleteMultipartUpload", "big", MIB, big.etag),
        ("ObjectRemoved:Delete", "copy", 0, ""),
    ]


async def test_an_adoption_is_told_object_by_object(heard: Heard) -> None:
    store, bucket = heard.store, heard.bucket
    old = await store.put(bucket, "t/old", chunks(b"old"))
    staging = await store.staging()
    (staging.folder / "file").write_bytes(b"new")
    (new,) = await store.adopt(
        bucket, [Adoption("t/new", staging.folder / "file")], replace_prefix="t/"
    )
    await store.discard(staging)
    told = await heard.told(3)
    assert told[0] == ("ObjectCreated:Put", "t/old", 3, old.etag)
    assert set(told[1:]) == {
        ("ObjectCreated:Put", "t/new", 3, new.etag),
        ("ObjectRemoved:Delete", "t/old", 0, ""),
    }
