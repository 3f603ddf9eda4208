"""A console that remembers, for tests and notebooks."""

# ruff: noqa: D102  (the methods are documented in the Console protocol)
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from greatfin.console.base import Report


@dataclass
class CapturedConsole:
    """Keep everything that was said."""

    steps: list[tuple[str, str, bool]] = field(default_factory=list)
    """Title, detail and whether it was unchanged, of each finished step."""
    messages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)

    def heading(self, text: str) -> None:
        self.messages.append(text)

    def step_started(self, number: int, total: int, title: str) -> None:
        pass

    def progress(self, done: int, total: int | None, unit: str, seconds: float) -> None:
        pass

    def step_finished(
        self, number: int, total: int, title: str, seconds: float, detail: str, unchanged: bool
    ) -> None:
        self.steps.append((title, detail, unchanged))

    def note(self, text: str) -> None:
        self.messages.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def report(self, report: Report) -> None:
        self.reports.append(report)

    def error(
        self, code: str, message: str, *, retryable: bool = False, actions: Sequence[str] = ()
    ) -> None:
        self.errors.append((code, message))
