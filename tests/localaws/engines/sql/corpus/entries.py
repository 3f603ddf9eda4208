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

FIXTURES = {
    "t": """
SELECT * FROM (VALUES
 (1, 10, BIGINT '100', 'apple', 1.5e0, DECIMAL '10.25', DATE '2020-01-31', TIMESTAMP '2020-01-31 10:20:30.123', true, ARRAY[1, 2, 3], MAP(ARRAY['a', 'b'], ARRAY[1, 2]), CAST(ROW(1, 'x') AS ROW(a INTEGER, b VARCHAR)), '{"a": 1.50, "b": {"c": "x"}, "l": [1, 2]}'),
 (2, -7, BIGINT '9223372036854775807', 'Banana', -2.5e0, DECIMAL '-0.05', DATE '2019-12-30', TIMESTAMP '2019-12-30 23:59:59.999', false, ARRAY[], MAP(ARRAY['a'], ARRAY[CAST(NULL AS INTEGER)]), CAST(ROW(NULL, 'y') AS ROW(a INTEGER, b VARCHAR)), '{"a": "s", "b": null}'),
 (3, 0, BIGINT '-5', '', 0e0, DECIMAL '0.00', DATE '2000-02-29', TIMESTAMP '2000-02-29 00:00:00.000', NULL, ARRAY[NULL, 5], MAP(ARRAY['z'], ARRAY[26]), NULL, '[]'),
 (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (5, 3, BIGINT '7', ' a,b,,c ', 1e10, DECIMAL '99999999.99', DATE '1969-07-20', TIMESTAMP '1969-07-20 20:17:40.500', true, ARRAY[3, 3, 1], MAP(ARRAY['a', 'c'], ARRAY[5, 6]), CAST(ROW(3, NULL) AS ROW(a INTEGER, b VARCHAR)), '{"a": true, "l": []}'),
 (6, 2147483647, BIGINT '0', 'Éa-12_x', 1e-5, DECIMAL '1.10', DATE '2024-02-29', TIMESTAMP '2024-02-29 12:00:00.001', true, ARRAY[7], MAP(ARRAY[], ARRAY[]), CAST(ROW(7, 'z') AS ROW(a INTEGER, b VARCHAR)), '{"a": 12345678901234567890}'),
 (7, 10, BIGINT '100', 'apple', 123.456e0, DECIMAL '10.25', DATE '2020-01-31', TIMESTAMP '2020-01-31 10:20:30.123', false, ARRAY[1, 2, 3], MAP(ARRAY['a', 'b'], ARRAY[1, 2]), CAST(ROW(1, 'x') AS ROW(a INTEGER, b VARCHAR)), '{"a": -0.5e1}')
) AS v(id, i, b, s, d, dec, dt, ts, bo, arr, m, r, js)""",
    "u": """
SELECT * FROM (VALUES
 (1, 'apple', 100, DATE '2020-01-01'), (2, 'apple', 200, DATE '2020-02-01'), (3, 'pear', NULL, NULL),
 (4, NULL, 400, DATE '2020-01-01'), (10, 'Banana', 50, DATE '2021-12-31')
) AS v(id, k, v, day)""",
}


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
