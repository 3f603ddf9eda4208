"""The parity page: what each adapter of a port does not do, read from the behaviour suites."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUITES = Path(__file__).parent.parent / "tests" / "behaviour"

PORTS = {
    "object_store": ("files and an index in PostgreSQL", "MinIO"),
    "catalog": ("PostgreSQL", "Hive Metastore on PostgreSQL"),
    "sql": ("DuckDB, then Trino where it is installed", "Trino"),
    "stream": ("with its own issue", "Kafka"),
    "spark": ("with its own issue", "Spark cluster"),
}
"""Adapters of each port: embedded, on compose."""


@dataclass(frozen=True)
class Gap:
    """A behaviour that an adapter lacks: why, and the error that says so."""

    port: str
    adapter: str
    behaviour: str
    reason: str
    error: str


def gaps() -> list[Gap]:
    """Return every marker ``gap(adapter, reason=…, raises=…)`` of the suites."""
    return sorted(_gaps(), key=lambda gap: (gap.port, gap.adapter, gap.behaviour))


def _gaps() -> Iterator[Gap]:
    for path in sorted(SUITES.rglob("*.py")):
        port = path.relative_to(SUITES).parts[0]
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                where = _words(node.name)
                marked = node.decorator_list
            elif isinstance(node, ast.Assign):
                where, marked = "all of it", [node.value]
            else:
                continue
            for decorator in marked:
                for call in ast.walk(decorator):
                    if _is_gap(call):
                        yield _gap(call, port, where)


def _is_gap(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "gap"
    )


def _gap(call: ast.AST, port: str, behaviour: str) -> Gap:
    assert isinstance(call, ast.Call)
    given = {word.arg: word.value for word in call.keywords}
    (adapter,) = call.args
    return Gap(
        port,
        ast.literal_eval(adapter),
        behaviour,
        ast.literal_eval(given["reason"]),
        ast.unparse(given["raises"]),
    )


def _words(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")


def count(port: str) -> int:
    """Return how many behaviours a port's suite states."""
    return sum(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        for path in (SUITES / port).rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
    )


def parity_page() -> str:
    """Return the page: the suites, then the gaps by port."""
    found = gaps()
    lines = [
        "# Parity: one behaviour, two stacks\n\n",
        "Each port of the platform has one suite of behaviours in `tests/behaviour/`, which runs "
        "on its embedded adapter (`make test`) and on the one over the containers "
        "(`make test-compose`). What an adapter lacks is marked in the suite, with the error that "
        "it raises; a marked behaviour that begins to work fails the tests.\n\n",
        "| port | embedded | compose | behaviours | gaps |\n|---|---|---|--:|--:|\n",
    ]
    for port, (embedded, compose) in PORTS.items():
        mine = sum(gap.port == port for gap in found)
        lines.append(f"| `{port}` | {embedded} | {compose} | {count(port)} | {mine} |\n")
    lines.append("\n## Gaps\n\n")
    if not found:
        return "".join([*lines, "There are none.\n"])
    lines.append("| port | adapter | behaviour | why | error |\n|---|---|---|---|---|\n")
    lines.extend(
        f"| `{gap.port}` | {gap.adapter} | {gap.behaviour} | {gap.reason} | `{gap.error}` |\n"
        for gap in found
    )
    return "".join(lines)
