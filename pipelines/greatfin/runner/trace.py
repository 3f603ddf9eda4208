"""The trace of a run: a JSON file that says what ran where, how long, and how it ended."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from greatfin.workspace import home


@dataclass
class Trace:
    """One run.

    Attributes:
        status: ``running``, ``done``, ``problems``, ``failed`` or ``interrupted``.
        steps: for each finished step its name, seconds, rows, detail, whether it was unchanged.
        queries: for each Athena query its name, id, milliseconds and scanned bytes.
    """

    run_id: str
    use_case: str
    target: str
    endpoint: str | None
    scale: float
    seed: int
    started: str
    status: str = "running"
    attempts: int = 1
    steps: list[dict[str, Any]] = field(default_factory=list)
    queries: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    finished: str | None = None

    @property
    def path(self) -> Path:
        """Return where the trace is kept."""
        return runs_folder() / f"{self.run_id}.json"

    def save(self) -> None:
        """Write the trace; a reader never sees half of it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(asdict(self), indent=2) + "\n")
        part.replace(self.path)

    def end(self, status: str, error: str | None = None) -> None:
        """Record how the run ended."""
        self.status, self.error, self.finished = status, error, _now()
        self.save()


def runs_folder() -> Path:
    """Return the folder of all traces."""
    return home() / "runs"


def open_trace(
    use_case: str, target: str, endpoint: str | None, scale: float, seed: int
) -> tuple[Trace, bool]:
    """Begin a trace, or take up the last one when that run did not get to its end.

    Returns:
        The trace, and whether it continues an earlier attempt.
    """
    for earlier in _newest_first():
        if (earlier.use_case, earlier.target, earlier.endpoint) != (use_case, target, endpoint):
            continue
        unfinished = earlier.status in ("running", "interrupted", "failed")
        if unfinished and (earlier.scale, earlier.seed) == (scale, seed):
            earlier.attempts += 1
            earlier.status, earlier.error, earlier.finished = "running", None, None
            earlier.steps.clear()
            earlier.queries.clear()
            return earlier, True
        break
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    return Trace(run_id, use_case, target, endpoint, scale, seed, _now()), False


def _newest_first() -> Iterator[Trace]:
    if not runs_folder().is_dir():
        return
    for path in sorted(runs_folder().glob("*.json"), reverse=True):
        try:
            yield Trace(**json.loads(path.read_text()))
        except (ValueError, TypeError):
            continue  # another version's trace, or a foreign file: not ours to take up


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
