"""The console protocol, and the report that a command ends with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

Cell: TypeAlias = str | int | None


@dataclass(frozen=True)
class Table:
    """A titled table; integers are right-aligned and get thousands separators.

    Attributes:
        note: a sentence under the table.
        group: name of a column whose repeated values are shown once.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    note: str = ""
    group: str = ""


@dataclass(frozen=True)
class Check:
    """One statement about the result, and whether it holds."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """What a command has to say at its end.

    Attributes:
        data: the machine-readable answer, shown only as JSON.
        links: name and address of what can be opened now.
        next: commands to type next.
    """

    title: str
    tables: Sequence[Table] = ()
    checks: Sequence[Check] = ()
    links: Sequence[tuple[str, str]] = ()
    next: Sequence[str] = ()
    data: dict[str, object] = field(default_factory=dict)
    warnings: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Return whether every check holds."""
        return all(check.passed for check in self.checks)


class Console(Protocol):
    """Where progress and reports go."""

    def heading(self, text: str) -> None:
        """Begin something."""

    def step_started(self, number: int, total: int, title: str) -> None:
        """Announce step `number` of `total`."""

    def progress(self, done: int, total: int | None, unit: str, seconds: float) -> None:
        """Tell how far the current step is after `seconds` of work."""

    def step_finished(
        self, number: int, total: int, title: str, seconds: float, detail: str, unchanged: bool
    ) -> None:
        """Tell what a step did; `unchanged` when there was nothing to do."""

    def note(self, text: str) -> None:
        """Say something in passing."""

    def warn(self, text: str) -> None:
        """Say something that the user should look at."""

    def report(self, report: Report) -> None:
        """Show the answer."""

    def error(
        self, code: str, message: str, *, retryable: bool = False, actions: Sequence[str] = ()
    ) -> None:
        """Show why there is no answer."""


def progress_line(done: int, total: int | None, unit: str, seconds: float) -> str:
    """Return e.g. ``40,000 of 100,000 rows · 20,000/s · 3 s left``."""
    rate = done / seconds if seconds > 0 else 0.0
    text = f"{done:,} {unit}" if total is None else f"{done:,} of {total:,} {unit}"
    if rate > 0:
        text += f" · {rate:,.0f}/s"
        if total is not None and total > done:
            text += f" · {(total - done) / rate:.0f} s left"
    return text


def cell_text(value: Cell) -> str:
    """Return a cell as text; a null is a hyphen."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else value


def grouped(table: Table) -> list[tuple[Cell, ...]]:
    """Return the rows with repeats in the group column blanked."""
    if not table.group:
        return list(table.rows)
    index = table.columns.index(table.group)
    rows: list[tuple[Cell, ...]] = []
    last: Cell = None
    for row in table.rows:
        repeats = row[index] == last
        last = row[index]
        rows.append((*row[:index], "", *row[index + 1 :]) if repeats else row)
    return rows
