"""JSON: one envelope on stdout, progress on stderr."""

# ruff: noqa: D102  (the methods are documented in the Console protocol)
from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TextIO

from greatfin.console.base import Report
from greatfin.console.plain import PlainConsole


class JsonConsole(PlainConsole):
    """Answer with ``{"command","status","data","warnings","error"}``, once."""

    def __init__(
        self, command: str, out: TextIO | None = None, progress: TextIO | None = None
    ) -> None:
        super().__init__(out, progress)
        self._command = command
        self._stdout = out or sys.stdout
        self._warnings: list[str] = []

    def warn(self, text: str) -> None:
        super().warn(text)
        self._warnings.append(text)

    def report(self, report: Report) -> None:
        data: dict[str, object] = dict(report.data)
        if report.checks:
            data["checks"] = [
                {"name": check.name, "passed": check.passed, "detail": check.detail}
                for check in report.checks
            ]
        self._envelope("ok" if report.passed else "problems", data, report.warnings, None)

    def error(
        self, code: str, message: str, *, retryable: bool = False, actions: Sequence[str] = ()
    ) -> None:
        super().error(code, message, retryable=retryable, actions=actions)
        detail = {
            "code": code,
            "message": message,
            "retryable": retryable,
            "actions": list(actions),
        }
        self._envelope("failed", None, (), detail)

    def _envelope(
        self,
        status: str,
        data: dict[str, object] | None,
        warnings: Sequence[str],
        error: dict[str, object] | None,
    ) -> None:
        envelope = {
            "command": self._command,
            "status": status,
            "data": data,
            "warnings": [*self._warnings, *warnings],
            "error": error,
        }
        self._stdout.write(json.dumps(envelope, indent=2, default=str) + "\n")
        self._stdout.flush()
