"""A first start of the server that records its classes, so that later starts load them at once.

https://openjdk.org/jeps/514: the record is made when the process that was watched ends.
"""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec

from localaws.engines.sql.trino.installation import Installation, InstallError, java_command
from localaws.engines.sql.trino.server import (
    CONFIGURATION,
    START_SECONDS,
    free_port,
    is_ready,
    open_local,
    write_properties,
)

_MEMORY_MB = 1024
_STATEMENTS = (
    "SELECT 1",
    "CREATE CATALOG tpch USING tpch",
    "SELECT orderstatus, count(*), sum(totalprice), avg(totalprice) FROM tpch.tiny.orders "
    "GROUP BY orderstatus ORDER BY 1",
    "SELECT c.name, max(o.orderdate) FROM tpch.tiny.customer c JOIN tpch.tiny.orders o "
    "ON o.custkey = c.custkey WHERE c.name LIKE 'Cust%' GROUP BY 1 ORDER BY 2 DESC LIMIT 5",
    "SELECT date_format(date_add('day', 1, DATE '2026-01-31'), '%Y'), array_sort(ARRAY[2, 1]), "
    "json_extract('{\"a\": 1}', '$.a'), regexp_replace('abc', 'b', 'x')",
)
_END_SECONDS = 180.0


def train(installation: Installation, target: Path) -> None:
    """Start a server, ask it a few things, stop it, and wait until the record is written.

    Raises:
        InstallError: it does not start or leaves no record.
    """
    with tempfile.TemporaryDirectory(prefix="localaws-install-") as name:
        folder = Path(name)
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        own = {"http-server.http.port": str(port), "discovery.uri": url}
        write_properties(folder / "config.properties", CONFIGURATION | own)
        write_properties(folder / "log.properties", {"io": "ERROR", "org": "ERROR"})
        command = java_command(
            installation,
            memory_mb=_MEMORY_MB,
            properties={
                "node.environment": "localaws",
                "node.id": "localaws",
                "node.data-dir": name,
                "log.levels-file": str(folder / "log.properties"),
                "config": str(folder / "config.properties"),
            },
            options=[f"-XX:AOTCacheOutput={target}"],
        )
        log = folder / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
        try:
            _use(process, url)
            process.send_signal(signal.SIGTERM)
            process.wait(_END_SECONDS)
        except (TimeoutError, OSError, subprocess.TimeoutExpired, msgspec.MsgspecError) as error:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
            raise InstallError(
                "DoesNotStart",
                f"the server that was installed does not run ({error}):\n{last}",
                ("`localaws doctor` tells about memory; it takes 1.5 GB",),
            ) from error
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if not target.exists():
            last = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
            raise InstallError("DoesNotStart", f"Java left no record of the start:\n{last}")


def _use(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_ready(url):
        if process.poll() is not None or time.monotonic() > deadline:
            raise TimeoutError(f"exit code {process.poll()}")
        time.sleep(0.1)
    for statement in _STATEMENTS:
        request = urllib.request.Request(
            f"{url}/v1/statement", statement.encode(), {"X-Trino-User": "localaws"}
        )
        page = _page(request)
        while "nextUri" in page:
            page = _page(urllib.request.Request(page["nextUri"]))


def _page(request: urllib.request.Request) -> dict[str, Any]:
    with open_local(request, timeout=60) as answer:
        page: dict[str, Any] = msgspec.json.decode(answer.read())
        return page
