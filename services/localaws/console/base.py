"""The `Console` protocol: commands tell it what happens, it decides how that looks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Failure:
    """Why a command failed, and what to do about it."""

    code: str
    message: str
    retryable: bool = False
    actions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Envelope:
    """How a command ended, as ``--json`` prints it."""

    command: str
    status: str
    """``ok``, ``failed`` or ``problems``."""
    data: Any = None
    warnings: tuple[str, ...] = ()
    error: Failure | None = None


@dataclass(frozen=True)
class Table:
    """Rows of text under column names."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]] = field(default_factory=list)


class Console(Protocol):
    """Where a command's progress and results go: progress to stderr, results to stdout."""

    def step(self, number: int, total: int, title: str) -> AbstractContextManager[None]:
        """Show that a numbered step runs, and how long it took once it is done."""

    def note(self, text: str) -> None:
        """Tell something that is not a result, e.g. the next command."""

    def warning(self, text: str) -> None:
        """Warn."""

    def line(self, text: str) -> None:
        """Print a line of the result."""

    def table(self, table: Table) -> None:
        """Print a table of the result."""

    def finish(self, envelope: Envelope) -> None:
        """End the command: the error if there is one, the whole envelope in JSON."""
