"""Plain text: progress as lines on one stream, the answer on another."""

# ruff: noqa: D102  (the methods are documented in the Console protocol)
from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from typing import TextIO

from greatfin.console.base import Report, Table, cell_text, grouped, progress_line

PROGRESS_EVERY_SECONDS = 10.0
PAGE = 100


class PlainConsole:
    """Write text without colour or cursor movement."""

    def __init__(self, out: TextIO | None = None, progress: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._err = progress or sys.stderr
        self._next_progress = PROGRESS_EVERY_SECONDS

    def _say(self, text: str) -> None:
        self._err.write(text + "\n")
        self._err.flush()

    def heading(self, text: str) -> None:
        self._say(text)

    def step_started(self, number: int, total: int, title: str) -> None:
        self._next_progress = PROGRESS_EVERY_SECONDS

    def progress(self, done: int, total: int | None, unit: str, seconds: float) -> None:
        if seconds >= self._next_progress:
            self._next_progress = seconds + PROGRESS_EVERY_SECONDS
            self._say("      " + progress_line(done, total, unit, seconds))

    def step_finished(
        self, number: int, total: int, title: str, seconds: float, detail: str, unchanged: bool
    ) -> None:
        what = "unchanged" if unchanged else f"{seconds:.2f} s"
        self._say(f"[{number}/{total}] {title:<12} {what:>9}  {detail}".rstrip())

    def note(self, text: str) -> None:
        self._say("      " + text)

    def warn(self, text: str) -> None:
        self._say("warning: " + text)

    def report(self, report: Report) -> None:
        lines = [report.title, "=" * len(report.title)]
        for table in report.tables:
            lines += ["", *([table.title] if table.title else []), *render(table)]
            if table.note:
                lines.append(table.note)
        if report.checks:
            lines += ["", "Checks"]
            lines += [
                f"  {'PASS' if check.passed else 'FAIL'}  {check.name}"
                + (f": {check.detail}" if check.detail else "")
                for check in report.checks
            ]
        if report.links:
            width = max(len(name) for name, _ in report.links)
            lines += ["", "Open"]
            lines += [f"  {name:<{width}}  {address}" for name, address in report.links]
        if report.next:
            lines += ["", "Next", *(f"  {command}" for command in report.next)]
        self._out.write("\n".join(lines) + "\n")
        self._out.flush()

    def error(
        self, code: str, message: str, *, retryable: bool = False, actions: Sequence[str] = ()
    ) -> None:
        self._say(f"{code}: {message}")
        if actions:
            self._say("try:")
        for action in actions:
            self._say(f"  {action}")


def render(table: Table) -> list[str]:
    """Return the lines of a table: header, rule, rows."""
    numeric = [
        all(isinstance(row[i], int) or row[i] is None for row in table.rows) and bool(table.rows)
        for i in range(len(table.columns))
    ]
    cells = [[cell_text(value) for value in row] for row in grouped(table)]
    widths = [
        max([len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(table.columns)
    ]

    def line(values: Sequence[str]) -> str:
        parts = [
            value.rjust(width) if right else value.ljust(width)
            for value, width, right in zip(values, widths, numeric, strict=True)
        ]
        return ("  " + "  ".join(parts)).rstrip()

    if not any(table.columns):
        return [text for row in cells for text in _fact(row, widths[0])]
    return [line(table.columns), line(["-" * width for width in widths]), *map(line, cells)]


def _fact(row: Sequence[str], width: int) -> list[str]:
    """Return a name and its text, wrapped beside it."""
    lead = f"  {row[0]:<{width}}  "
    return textwrap.wrap(
        " ".join(row[1:]), PAGE, initial_indent=lead, subsequent_indent=" " * len(lead)
    ) or [lead.rstrip()]
