"""The server of a platform's own: started at need, replaced when it dies, gone with its parent.

`make test-compose` installs it first.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from localaws.engines.sql.base import SqlError
from localaws.engines.sql.trino.client import TrinoClient
from localaws.engines.sql.trino.installation import Installation
from localaws.engines.sql.trino.server import EmbeddedTrino
from localaws.settings import Settings

pytestmark = pytest.mark.installed
USER = {"X-Trino-User": "test"}
PARENT = """
import asyncio, sys
from pathlib import Path
from localaws.engines.sql.trino.installation import Installation
from localaws.engines.sql.trino.server import EmbeddedTrino

async def main():
    server = EmbeddedTrino(Path(sys.argv[1]), Path(sys.argv[2]), Installation(Path(sys.argv[3])))
    await server.locate()
    print(server.pid, flush=True)
    await server.wait()

asyncio.run(main())
"""


@pytest.fixture
def tools() -> Path:
    return Settings.from_environment().tools


async def test_it_is_started_once_and_again_after_it_died(tmp_path: Path, tools: Path) -> None:
    server = EmbeddedTrino(tmp_path / "sql", tmp_path / "sql.log", Installation(tools))
    client = TrinoClient(server.locate, retry_seconds=1)
    assert server.processes == []
    first = await asyncio.gather(*(client.rows(f"SELECT {n}", USER) for n in range(3)))
    assert first == [[[0]], [[1]], [[2]]]
    (pid,) = server.processes
    assert await server.healthy()
    addresses = {
        connection.laddr.ip
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {address.removeprefix("::ffff:") for address in addresses} == {"127.0.0.1"}
    running = asyncio.create_task(
        client.rows(
            "SELECT count(*) FROM UNNEST(sequence(1, 10000)) CROSS JOIN UNNEST(sequence(1, 10000))"
            " CROSS JOIN UNNEST(sequence(1, 10000))",
            USER,
        )
    )
    await asyncio.sleep(0.5)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(SqlError, match="SQL engine"):
        await running
    assert await client.rows("SELECT 7", USER) == [[7]]
    assert server.processes not in ([], [pid])
    await client.stop()
    await server.stop()
    assert server.processes == []


def test_it_dies_with_its_parent(tmp_path: Path, tools: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "sql"), str(tmp_path / "log"), str(tools)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_what_is_not_installed_is_said_with_the_cure(tmp_path: Path) -> None:
    server = EmbeddedTrino(tmp_path / "sql", tmp_path / "log", Installation(tmp_path / "none"))
    with pytest.raises(SqlError, match="localaws install trino"):
        await server.locate()
