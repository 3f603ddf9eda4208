"""Stores of their own folder and database, to be killed, torn and started again."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from open_store_help import OpenStore

from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.engines.object_store.files import FileObjectStore
from localaws.engines.postgresql import EmbeddedPostgres


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("pg"), flush=False)
    with asyncio.Runner() as runner:
        yield runner.run(server.start())
        runner.run(server.stop())


@pytest.fixture
async def database_url(database_server: str) -> str:
    """URL of an empty database."""
    name = f"t_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(database_server)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return urlunsplit(urlsplit(database_server)._replace(path=f"/{name}"))


@pytest.fixture
def open_store(database_url: str, tmp_path: Path) -> OpenStore:
    """Open the store of this test, as often as it likes."""

    @contextlib.asynccontextmanager
    async def opened(
        durability: str = "power", grace: timedelta = timedelta(0), clean: bool = True
    ) -> AsyncIterator[FileObjectStore]:
        database = Database(database_url)
        await database.start()
        store = FileObjectStore(database, tmp_path, Clock(), durability, grace)
        await store.start()
        try:
            yield store
        finally:
            await store.stop()
            if not clean:
                await database.execute("UPDATE object_store_state SET clean = false, synced = 0")
            await database.stop()

    return opened
