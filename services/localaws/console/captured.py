"""Captured: keeps what it is told, for tests and for callers that show it themselves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from localaws.console.base import Envelope, Table


@dataclass
class CapturedConsole:
    """Keeps everything in lists."""

    steps: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    envelope: Envelope | None = None

    @contextlib.contextmanager
    def step(self, number: int, total: int, title: str) -> Iterator[None]:
        """Keep the step."""
        self.steps.append(f"[{number}/{total}] {title}")
        yield

    def note(self, text: str) -> None:
        """Keep the note."""
        self.notes.append(text)

    def warning(self, text: str) -> None:
        """Keep the warning."""
        self.warnings.append(text)

    def line(self, text: str) -> None:
        """Keep the line."""
        self.lines.append(text)

    def table(self, table: Table) -> None:
        """Keep the table."""
        self.tables.append(table)

    def finish(self, envelope: Envelope) -> None:
        """Keep the envelope."""
        self.envelope = envelope
