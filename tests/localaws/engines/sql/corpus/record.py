"""Record what real Trino answers: ``python -m corpus.record URL [TOPIC…]`` in the folder above.

The server needs the ``memory`` connector as catalog ``memory``. Every answer is written beside its
query file as one JSON line; the first line names the Trino version.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from typing import Any

from .display import column_type, display
from .entries import FIXTURES, queries, topics

_HEADERS = {
    "X-Trino-User": "corpus",
    "X-Trino-Catalog": "memory",
    "X-Trino-Schema": "default",
    "X-Trino-Time-Zone": "UTC",
    "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
}


def run(url: str, sql: str) -> dict[str, Any]:
    """Run a query; return names, types and displayed rows, or the error's name and message."""
    request = urllib.request.Request(f"{url}/v1/statement", sql.encode(), _HEADERS)
    columns: list[dict[str, Any]] = []
    rows: list[list[Any]] = []
    while True:
        with urllib.request.urlopen(request) as response:
            page = json.load(response)
        columns = page.get("columns") or columns
        rows.extend(page.get("data") or [])
        if "error" in page:
            error = page["error"]
            return {"error": error["errorName"], "message": error["message"]}
        if "nextUri" not in page:
            break
        request = urllib.request.Request(page["nextUri"])
    types = [column_type(column["type"]) for column in columns]
    return {
        "names": [column["name"] for column in columns],
        "types": [str(type) for type in types],
        "rows": [[display(v, t) for v, t in zip(row, types, strict=True)] for row in rows],
    }


def main(url: str) -> None:
    """Record every topic."""
    with urllib.request.urlopen(f"{url}/v1/info") as response:
        version = json.load(response)["nodeVersion"]["version"]
    for name, body in FIXTURES.items():
        run(url, f"DROP TABLE IF EXISTS memory.default.{name}")
        made = run(url, f"CREATE TABLE memory.default.{name} AS {body}")
        if "error" in made:
            raise SystemExit(made["message"])
    only = sys.argv[2:]
    for path in topics():
        if only and path.stem not in only:
            continue
        lines = [json.dumps({"trino": version})]
        for sql in queries(path):
            lines.append(json.dumps({"sql": sql, **run(url, sql)}, ensure_ascii=False))
        path.with_suffix(".jsonl").write_text("\n".join(lines) + "\n")
        sys.stderr.write(f"{path.stem}: {len(lines) - 1}\n")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
