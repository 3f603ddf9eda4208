"""The adapters of the ``catalog`` port; every test here runs on each of them.

That over a metastore runs on the containers that `make test-compose` brings up.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from catalog_help import Lake, drop_catalog

from containers import containers, url
from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.engines.catalog.base import Catalog
from localaws.engines.catalog.postgresql import PostgresCatalog
from localaws.engines.postgresql import EmbeddedPostgres

CATALOG_URL = url("catalog") or ""
collect_ignore = [] if CATALOG_URL else ["test_catalog_metastore.py"]


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("pg"), flush=False)
    if CATALOG_URL:
        # Declares its tables before the first start of the database.
        import localaws.engines.catalog.hive  # noqa: F401
    with asyncio.Runner() as runner:
        yield runner.run(server.start())
        runner.run(server.stop())


@pytest.fixture(params=["embedded", *containers("hive")])
def adapter(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def port(adapter: str, database_url: str) -> AsyncIterator[Catalog]:
    database = Database(database_url)
    await database.start()
    if adapter == "embedded":
        yield PostgresCatalog(database, Clock())
    else:
        from localaws.engines.catalog.hive import HiveCatalog

        catalog = HiveCatalog(database, Clock(), CATALOG_URL)
        yield catalog
        await catalog.stop()
    await database.stop()


@pytest.fixture
async def lake(adapter: str, port: Catalog) -> AsyncIterator[Lake]:
    catalog = f"{uuid.uuid4().hex}/us-east-1"
    await port.create_database(catalog, {"Name": "lake"})
    yield Lake(port, catalog)
    if adapter == "hive":
        await drop_catalog(port, catalog)
