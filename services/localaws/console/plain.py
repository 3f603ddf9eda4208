"""Plain text: for pipes, logs and terminals without colour."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TextIO

from localaws.console.base import Envelope, Table


class PlainConsole:
    """Prints lines as they come, without colour or movement."""

    def __init__(self, output: TextIO | None = None, progress: TextIO | None = None) -> None:
        self._output = sys.stdout if output is None else output
        self._progress = sys.stderr if progress is None else progress

    @contextlib.contextmanager
    def step(self, number: int, total: int, title: str) -> Iterator[None]:
        """Print the step once it is done, with the seconds it took."""
        started = time.monotonic()
        try:
            yield
        except BaseException:
            self._tell(f"[{number}/{total}] {title}: failed")
            raise
        self._tell(f"[{number}/{total}] {title} ({time.monotonic() - started:.1f} s)")

    def note(self, text: str) -> None:
        """Print to stderr."""
        self._tell(text)

    def warning(self, text: str) -> None:
        """Print to stderr."""
        self._tell(f"warning: {text}")

    def line(self, text: str) -> None:
        """Print to stdout."""
        print(text, file=self._output, flush=True)

    def table(self, table: Table) -> None:
        """Print aligned columns to stdout."""
        rows = [table.columns, *table.rows]
        widths = [max(len(row[index]) for row in rows) for index in range(len(table.columns))]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.line("  ".join(cells).rstrip())

    def finish(self, envelope: Envelope) -> None:
        """Print the error, if there is one, and what to do about it."""
        if envelope.error is not None:
            self._tell(f"error: {envelope.error.message}")
            for action in envelope.error.actions:
                self._tell(f"  {action}")

    def _tell(self, text: str) -> None:
        print(text, file=self._progress, flush=True)
