"""The adapters of the ``catalog`` port; every test here runs on each of them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from catalog_help import Lake

from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.engines.catalog.base import Catalog
from localaws.engines.catalog.postgresql import PostgresCatalog
from localaws.engines.postgresql import EmbeddedPostgres


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("pg"), flush=False)
    with asyncio.Runner() as runner:
        yield runner.run(server.start())
        runner.run(server.stop())


@pytest.fixture
async def port(database_url: str) -> AsyncIterator[Catalog]:
    database = Database(database_url)
    await database.start()
    catalog = PostgresCatalog(database, Clock())
    await catalog.start()
    yield catalog
    await database.stop()


@pytest.fixture
async def lake(port: Catalog) -> Lake:
    catalog = f"{uuid.uuid4().hex}/us-east-1"
    await port.create_database(catalog, {"Name": "lake"})
    return Lake(port, catalog)
