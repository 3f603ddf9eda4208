"""Real Trino, asked through the engine, gives the recorded answers byte for byte.

Runs on the containers that `make test-compose` brings up.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from corpus.entries import FIXTURES, Entry, recorded, topics

from localaws.engines.sql.base import ResultSink, Session, SqlError
from localaws.engines.sql.trino.adapter import TrinoEngine
from localaws.engines.sql.trino.client import TrinoClient

URL = os.environ.get("LOCALAWS_TEST_SQL_URL", "")
pytestmark = pytest.mark.compose

SESSION = Session("corpus", "000000000000", "us-east-1", database="default", user="corpus")


class MemoryCatalog:
    """The one catalog of the corpus, in place of the accounts' catalogs."""

    def __init__(self, name: str) -> None:
        self.name = name

    @contextlib.asynccontextmanager
    async def use(self, account: str, region: str) -> AsyncIterator[str]:
        yield self.name

    def exists(self, name: str) -> bool:
        return False


async def _locate() -> str:
    return URL.rstrip("/")


@pytest.fixture
async def engine() -> AsyncIterator[TrinoEngine]:
    client = TrinoClient(_locate)
    headers = {"X-Trino-User": "corpus"}
    name = f"corpus_{uuid.uuid4().hex}"
    await client.rows(f"CREATE CATALOG {name} USING memory", headers)
    for table, body in FIXTURES.items():
        await client.rows(f"CREATE TABLE {name}.default.{table} AS {body}", headers)
    catalogs: Any = MemoryCatalog(name)
    store: Any = None
    made = TrinoEngine(client, catalogs, store)
    yield made
    await client.rows(f"DROP CATALOG {name}", headers)
    await made.stop()


async def _difference(engine: TrinoEngine, entry: Entry, path: Path) -> str | None:
    sql = entry.sql.replace("memory.default.", "awsdatacatalog.default.")
    try:
        outcome = await engine.run(sql, SESSION, None, ResultSink(path))  # type: ignore[arg-type]
    except SqlError as error:
        if error.name != entry.error:
            return f"{error}; recorded: {entry.error or entry.rows[:3]}"
        message = (entry.message or "").replace("memory", "awsdatacatalog")
        return None if error.message == message else f"{error.message}; recorded: {message}"
    if entry.error is not None:
        return f"answered; recorded: {entry.error}"
    types = tuple(column.type for column in outcome.columns)
    if types != entry.columns:
        return f"types {types}; recorded: {entry.columns}"
    expected = _csv([tuple(name.lower() for name in entry.names), *entry.rows])
    found = path.read_bytes()
    if found != expected and sorted(_cells(found)) != sorted(_cells(expected)):
        return f"{found!r}; recorded: {expected!r}"
    return None if outcome.rows == len(entry.rows) else f"{outcome.rows} rows counted"


def _csv(rows: list[tuple[str | None, ...]]) -> bytes:
    lines = (
        ",".join("" if v is None else '"' + v.replace('"', '""') + '"' for v in row) for row in rows
    )
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")


def _cells(content: bytes) -> list[list[str]]:
    """Return the rows with what has no order put in one."""
    rows = csv.reader(io.StringIO(content.decode("utf-8", "surrogatepass"), newline=""))
    return [
        ["".join(sorted(cell)) if cell.startswith(("{", "[")) else cell for cell in row]
        for row in rows
    ]


@pytest.mark.parametrize("topic", topics(), ids=lambda path: path.stem)
async def test_the_engine_prints_what_was_recorded(
    engine: TrinoEngine, tmp_path: Path, topic: Path
) -> None:
    wrong = []
    for entry in recorded(topic):
        found = await _difference(engine, entry, tmp_path / "result.csv")
        if found is not None:
            wrong.append(f"{entry.sql}\n    {found}")
    assert not wrong, f"{len(wrong)} differences:\n" + "\n".join(wrong)
