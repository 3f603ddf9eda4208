"""Run the steps of a use case, one after the other, and end with its report."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from greatfin.console import Console, Report
from greatfin.errors import EndpointDown, GreatFinError, Interrupted, StepFailed
from greatfin.runner.step import Context, Options, Step
from greatfin.runner.trace import open_trace
from greatfin.runner.use_case import UseCase
from greatfin.target import Clients, Target


def run(
    use_case: UseCase,
    clients: Clients,
    console: Console,
    options: Options,
    *,
    steps: Sequence[Step] | None = None,
) -> Report:
    """Run a use case (or only the steps given) and return its report.

    What is already done is left as it is.

    Raises:
        Interrupted: the user stopped the run; the message says how to go on.
        GreatFinError: a step failed; the trace names it.
    """
    target = clients.target
    trace, resumed = open_trace(
        use_case.name, target.name, target.endpoint, options.scale, options.seed
    )
    trace.save()
    context = Context(clients, console, options, trace)
    todo = use_case.steps() if steps is None else steps
    verb = "Resuming" if resumed else "Running"
    console.heading(
        f"{verb} {use_case.name} on {target.name}, scale {options.scale:g}, seed {options.seed} "
        f"(run {trace.run_id})"
    )
    again = (
        f"greatfin run {use_case.name} --target {target.name} "
        f"--scale {options.scale:g} --seed {options.seed}"
    )
    with _stop_on_signals(context.stop):
        for number, step in enumerate(todo, start=1):
            try:
                context.check_stop()
                _run_step(context, number, len(todo), step)
            except (Interrupted, KeyboardInterrupt) as error:
                trace.end("interrupted", f"at step {step.name}")
                raise Interrupted(
                    f"Stopped at step {number}/{len(todo)} ({step.name}); what is done stays done. "
                    f"Trace: {trace.path}",
                    actions=(again,),
                ) from error
            except Exception as error:
                trace.end("failed", f"step {step.name}: {error}")
                failure = _failure(error, step, target)
                if failure is None:
                    raise
                failure.actions = failure.actions or (again,)
                raise failure from error.__cause__ if failure is error else error
    report = use_case.report(context)
    trace.end("done" if report.passed else "problems")
    return report


def _failure(error: Exception, step: Step, target: Target) -> GreatFinError | None:
    """Return what a step failed with as an error for the user, or None for a fault of our own."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.exceptions import ConnectionError as BotoConnectionError
    from botocore.exceptions import HTTPClientError as BotoHTTPError

    if isinstance(error, GreatFinError):
        return error
    if isinstance(error, BotoConnectionError | BotoHTTPError):
        where = target.endpoint or "AWS"
        return EndpointDown(f"The endpoint {where} stopped answering in step {step.name}: {error}")
    if isinstance(error, BotoCoreError | ClientError):
        return StepFailed(f"Step {step.name}: {error}")
    return None


def _run_step(context: Context, number: int, total: int, step: Step) -> None:
    context.console.step_started(number, total, step.name)
    context.begin()
    started = time.perf_counter()
    result = step.run(context)
    seconds = time.perf_counter() - started
    context.console.step_finished(
        number, total, step.name, seconds, result.detail, result.unchanged
    )
    context.trace.steps.append(
        {
            "name": step.name,
            "seconds": round(seconds, 3),
            "rows": result.rows,
            "detail": result.detail,
            "unchanged": result.unchanged,
        }
    )
    context.trace.save()


@contextmanager
def _stop_on_signals(stop: threading.Event) -> Iterator[None]:
    """Turn the first Ctrl-C or SIGTERM into a request to stop, the second into an abort."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {name: signal.signal(name, ask) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
