"""A step of a use case, and what it may use."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from greatfin.errors import Interrupted

if TYPE_CHECKING:
    from greatfin.console import Console
    from greatfin.runner.trace import Trace
    from greatfin.target import Clients


@dataclass(frozen=True)
class Options:
    """What the user chose for a run.

    Attributes:
        scale: size of the bank; 1 is 10,000 customers.
        seed: seed of all generated data.
        force: do again what is already done.
    """

    scale: float = 1.0
    seed: int = 1
    force: bool = False


@dataclass
class Context:
    """What the steps of one run share.

    Attributes:
        outputs: outputs of the use case's stack, once it is deployed.
        facts: results that later steps and the report need.
    """

    clients: Clients
    console: Console
    options: Options
    trace: Trace
    stop: threading.Event = field(default_factory=threading.Event)
    outputs: dict[str, str] = field(default_factory=dict)
    facts: dict[str, object] = field(default_factory=dict)
    _started: float = field(default_factory=time.perf_counter)

    def begin(self) -> None:
        """Start the current step's clock."""
        self._started = time.perf_counter()

    def progress(self, done: int, total: int | None, unit: str) -> None:
        """Tell how far the current step is.

        Raises:
            Interrupted: the user asked the run to stop.
        """
        self.check_stop()
        self.console.progress(done, total, unit, time.perf_counter() - self._started)

    def check_stop(self) -> None:
        """Raise `Interrupted` when the user asked the run to stop."""
        if self.stop.is_set():
            raise Interrupted("Stopped on request")


@dataclass(frozen=True)
class StepResult:
    """What a step did.

    Attributes:
        detail: a line for people, e.g. ``240,113 rows in 26 files``.
        rows: rows it handled, for the trace.
        unchanged: everything was already as it should be.
    """

    detail: str
    rows: int | None = None
    unchanged: bool = False


@dataclass(frozen=True)
class Step:
    """One step: killed at any line and run again, it ends in the same state."""

    name: str
    run: Callable[[Context], StepResult]
