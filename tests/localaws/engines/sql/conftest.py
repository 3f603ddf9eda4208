"""Workers of the SQL engine, and tables made of local files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sql_help import Lake

from localaws.engines.sql.duckdb.pool import PoolSettings, WorkerPool


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[WorkerPool]:
    workers = WorkerPool(PoolSettings(home=tmp_path / "spill", threads=2))
    await workers.start()
    yield workers
    await workers.stop()
    assert not (tmp_path / "spill").exists()


@pytest.fixture
def lake(tmp_path: Path, pool: WorkerPool) -> Lake:
    directory = tmp_path / "objects"
    directory.mkdir()
    return Lake(directory, pool)
