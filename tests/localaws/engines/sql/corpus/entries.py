"""The corpus: queries in ``*.sql`` files and the answers real Trino gave in ``*.jsonl``.

A line is a query, or expressions to be selected, several separated by `` ;; ``. A line beginning
with ``t>`` selects its expressions for every row of the fixture table ``t``. ``--`` comments.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
_QUERY_WORDS = ("SELECT ", "WITH ", "VALUES ", "TABLE ", "(SELECT ", "!")

FIXTURES = {name: (FOLDER / f"table_{name}.txt").read_text() for name in ("t", "u")}


@dataclass(frozen=True)
class Entry:
    """A query with Trino's answer: column types and rows as text, or an error."""

    topic: str
    sql: str
    columns: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    error: str | None = None
    message: str | None = None


def queries(path: Path) -> Iterator[str]:
    """Yield the queries of a ``.sql`` file."""
    for line in path.read_text().splitlines():
        line = line.strip()
        if not line or line.startswith("--"):
            continue
        if line.upper().startswith(_QUERY_WORDS):
            yield line.removeprefix("!").strip()
        elif line.startswith("t>"):
            for part in line[2:].split(";;"):
                yield f"SELECT id, {part.strip()} FROM t"
        else:
            for part in line.split(";;"):
                yield f"SELECT {part.strip()}"


def topics() -> list[Path]:
    """Return the corpus files."""
    return sorted(FOLDER.glob("*.sql"))


def recorded(path: Path) -> list[Entry]:
    """Return the entries of a topic with their recorded answers."""
    found: list[Entry] = []
    for line in path.with_suffix(".jsonl").read_text().splitlines():
        data: dict[str, Any] = json.loads(line)
        if "sql" not in data:
            continue
        rows = tuple(tuple(row) for row in data.get("rows", []))
        found.append(
            Entry(
                path.stem,
                data["sql"],
                tuple(data.get("types", [])),
                tuple(data.get("names", [])),
                rows,
                data.get("error"),
                data.get("message"),
            )
        )
    return found
