"""A state database for each test of the core."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localaws.core.database import Database
from localaws.engines.postgresql import EmbeddedPostgres


@pytest.fixture(scope="session")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("database")


@pytest.fixture
async def database(_folder: Path) -> AsyncIterator[Database]:
    """Return an open database whose documents, jobs and events are empty."""
    server = EmbeddedPostgres(_folder, flush=False)
    await server.start()
    opened = Database(server.url)
    await opened.start()
    await opened.execute("TRUNCATE document, job, outbox")
    yield opened
    await opened.stop()
    await server.stop()
