"""A terminal: colour, a spinner while a step runs, tables."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import rich.box
import rich.console
import rich.table
from rich.markup import escape

from localaws.console.base import Envelope, Table

STYLES = {
    "PASS": "green",
    "yes": "green",
    "WARN": "yellow",
    "FAIL": "bold red",
    "SKIP": "dim",
    "no": "dim",
    "executed": "green",
    "simulated": "yellow",
    "metadata": "cyan",
    "unsupported": "dim",
}


class TerminalConsole:
    """Prints for a human at a terminal."""

    def __init__(self) -> None:
        self._output = rich.console.Console(highlight=False)
        self._progress = rich.console.Console(stderr=True, highlight=False)

    @contextlib.contextmanager
    def step(self, number: int, total: int, title: str) -> Iterator[None]:
        """Turn a spinner while the step runs, then print it with the seconds it took."""
        started = time.monotonic()
        text = f"[dim]\\[{number}/{total}][/dim] {escape(title)}"
        try:
            with self._progress.status(text):
                yield
        except BaseException:
            self._progress.print(f"{text} [bold red]failed[/bold red]")
            raise
        self._progress.print(f"{text} [dim]{time.monotonic() - started:.1f} s[/dim]")

    def note(self, text: str) -> None:
        """Print to stderr."""
        self._progress.print(escape(text), soft_wrap=True)

    def warning(self, text: str) -> None:
        """Print to stderr."""
        self._progress.print(f"[yellow]warning:[/yellow] {escape(text)}", soft_wrap=True)

    def line(self, text: str) -> None:
        """Print to stdout."""
        self._output.print(escape(text), soft_wrap=True)

    def table(self, table: Table) -> None:
        """Print a table to stdout."""
        drawn = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
        for column in table.columns:
            drawn.add_column(column, overflow="fold")
        for row in table.rows:
            drawn.add_row(*(_styled(cell) for cell in row))
        self._output.print(drawn)

    def finish(self, envelope: Envelope) -> None:
        """Print the error, if there is one, and what to do about it."""
        if envelope.error is not None:
            text = f"[bold red]error:[/bold red] {escape(envelope.error.message)}"
            self._progress.print(text, soft_wrap=True)
            for action in envelope.error.actions:
                self._progress.print(f"  {escape(action)}", soft_wrap=True)


def _styled(cell: str) -> str:
    style = STYLES.get(cell)
    return f"[{style}]{cell}[/{style}]" if style else escape(cell)
