"""The adapters of the ``object_store`` port; every test here runs on each of them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from store_help import ADAPTERS, empty, make_store

from localaws.core.database import Database
from localaws.engines.object_store.base import STAGING_BUCKET, ObjectStore
from localaws.engines.postgresql import EmbeddedPostgres


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("pg"), flush=False)
    with asyncio.Runner() as runner:
        yield runner.run(server.start())
        runner.run(server.stop())


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("objects")


@pytest.fixture(params=ADAPTERS)
async def object_store(
    request: pytest.FixtureRequest, database_url: str, folder: Path
) -> AsyncIterator[ObjectStore]:
    database = Database(database_url)
    await database.start()
    store = make_store(request.param, database, folder)
    await store.start()
    before = await _buckets(database)
    yield store
    for name in await _buckets(database) - before:
        await empty(store, name)
        await store.delete_bucket(name)
    await store.stop()
    await database.stop()


async def _buckets(database: Database) -> set[str]:
    names = {row["name"] for row in await database.fetch("SELECT name FROM bucket")}
    return names - {STAGING_BUCKET}


@pytest.fixture
async def bucket(object_store: ObjectStore) -> str:
    name = f"b-{uuid.uuid4().hex}"
    await object_store.create_bucket("111111111111", "us-east-1", name)
    return name
