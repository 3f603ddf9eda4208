"""The adapters of the ``object_store`` port; every test here runs on each of them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.engines.object_store.base import ObjectStore
from localaws.engines.object_store.files import FileObjectStore
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


@pytest.fixture
async def object_store(database_url: str, folder: Path) -> AsyncIterator[ObjectStore]:
    database = Database(database_url)
    await database.start()
    store = FileObjectStore(database, folder, Clock())
    await store.start()
    yield store
    await store.stop()
    await database.stop()


@pytest.fixture
async def bucket(object_store: ObjectStore) -> str:
    name = f"b-{uuid.uuid4().hex}"
    await object_store.create_bucket("111111111111", "us-east-1", name)
    return name
