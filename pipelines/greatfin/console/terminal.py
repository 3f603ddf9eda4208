"""A terminal: a live line for the current step, colours and tables."""

# ruff: noqa: D102  (the methods are documented in the Console protocol)
from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console as Rich
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table as RichTable
from rich.text import Text

from greatfin.console.base import Report, Table, cell_text, grouped, progress_line


class TerminalConsole:
    """Write with rich: progress to stderr, the answer to stdout."""

    def __init__(self) -> None:
        self._out = Rich(file=sys.stdout, highlight=False)
        self._err = Rich(file=sys.stderr, highlight=False)
        self._live: Live | None = None
        self._spinner = Spinner("dots")
        self._label = ""

    def heading(self, text: str) -> None:
        self._err.print(Text(text, style="bold"))

    def step_started(self, number: int, total: int, title: str) -> None:
        self._label = f"[{number}/{total}] {title}"
        self._spinner.update(text=Text(self._label))
        self._live = Live(self._spinner, console=self._err, transient=True)
        self._live.start()

    def progress(self, done: int, total: int | None, unit: str, seconds: float) -> None:
        text = f"{self._label}  {progress_line(done, total, unit, seconds)}"
        self._spinner.update(text=Text(text))

    def step_finished(
        self, number: int, total: int, title: str, seconds: float, detail: str, unchanged: bool
    ) -> None:
        self._stop_live()
        mark = Text("= " if unchanged else "✓ ", style="cyan" if unchanged else "green")
        line = mark + Text(f"[{number}/{total}] ", style="dim") + Text(f"{title:<12} ")
        line += Text(f"{'unchanged' if unchanged else f'{seconds:.2f} s':>9}  ", style="dim")
        self._err.print(line + Text(detail, style="dim"), soft_wrap=True)

    def note(self, text: str) -> None:
        self._err.print(Text("      " + text, style="dim"), soft_wrap=True)

    def warn(self, text: str) -> None:
        self._err.print(Text("warning: " + text, style="yellow"), soft_wrap=True)

    def report(self, report: Report) -> None:
        self._stop_live()
        out = self._out
        out.print()
        out.print(Text(report.title, style="bold"))
        for table in report.tables:
            out.print()
            out.print(_rich_table(table))
            if table.note:
                out.print(Text(table.note, style="dim"))
        if report.checks:
            out.print()
            out.print(Text("Checks", style="bold"))
            for check in report.checks:
                mark = (
                    Text("  ✓ ", style="green") if check.passed else Text("  ✗ ", style="bold red")
                )
                out.print(mark + Text(check.name) + Text(f"  {check.detail}", style="dim"))
        if report.links:
            out.print()
            out.print(Text("Open", style="bold"))
            width = max(len(name) for name, _ in report.links)
            for name, address in report.links:
                out.print(Text(f"  {name:<{width}}  ") + Text(address, style="cyan"))
        if report.next:
            out.print()
            out.print(Text("Next", style="bold"))
            for command in report.next:
                out.print(Text(f"  {command}"))

    def error(
        self, code: str, message: str, *, retryable: bool = False, actions: Sequence[str] = ()
    ) -> None:
        self._stop_live()
        self._err.print(Text(f"{code}: ", style="bold red") + Text(message), soft_wrap=True)
        for action in actions:
            self._err.print(Text("  try: ", style="dim") + Text(action))

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def _rich_table(table: Table) -> RichTable:
    rendered = RichTable(
        title=table.title or None,
        title_justify="left",
        title_style="bold",
        box=None,
        show_header=any(table.columns),
    )
    for index, name in enumerate(table.columns):
        numeric = bool(table.rows) and all(
            isinstance(row[index], int) or row[index] is None for row in table.rows
        )
        rendered.add_column(
            name,
            justify="right" if numeric else "left",
            header_style="dim",
            no_wrap=any(table.columns),
        )
    for row in grouped(table):
        rendered.add_row(*(Text(cell_text(value)) for value in row))
    return rendered
