"""A store over the server of the containers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.engines.object_store.minio.store import MinioObjectStore
from localaws.engines.postgresql import EmbeddedPostgres

SERVER = os.environ.get("LOCALAWS_TEST_OBJECT_STORE_URL", "")


@pytest.fixture(scope="session")
def state_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("pg"), flush=False)
    with asyncio.Runner() as runner:
        yield runner.run(server.start())
        runner.run(server.stop())


@pytest.fixture
async def state(state_url: str) -> AsyncIterator[Database]:
    database = Database(state_url)
    await database.start()
    yield database
    await database.stop()


@pytest.fixture
def store(state: Database, tmp_path: Path) -> MinioObjectStore:
    """A store that is not started yet."""
    return MinioObjectStore(
        state,
        Clock(),
        SERVER,
        os.environ["LOCALAWS_TEST_OBJECT_STORE_KEY"],
        os.environ["LOCALAWS_TEST_OBJECT_STORE_SECRET"],
        tmp_path,
    )
