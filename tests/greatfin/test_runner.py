from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from greatfin.console import CapturedConsole, Check, Report
from greatfin.errors import EndpointDown, GreatFinError, Interrupted, StepFailed, UnknownUseCase
from greatfin.runner import Context, Options, Step, StepResult, UseCase
from greatfin.runner.run import run
from greatfin.runner.use_case import find, find_all
from greatfin.target import Target


def use_case(*steps: Step, passed: bool = True) -> UseCase:
    return UseCase(
        name="lake/fake",
        title="",
        chapter=0,
        question="",
        services=(),
        minutes=0,
        memory_mb=0,
        aws_cost="",
        steps=lambda: steps,
        check=lambda: steps[:1],
        report=lambda _: Report("done", checks=[Check("it holds", passed)]),
    )


def go(
    case: UseCase, options: Options | None = None, target: str = "local"
) -> tuple[Report, CapturedConsole]:
    console = CapturedConsole()
    clients = Target.resolve(target, {}).clients()
    return run(case, clients, console, options or Options()), console


def step(name: str, action: Callable[[Context], object] = lambda _: None) -> Step:
    def act(context: Context) -> StepResult:
        action(context)
        return StepResult(f"did {name}", rows=3)

    return Step(name, act)


def traces(home: Path) -> Sequence[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted((home / "runs").glob("*.json"))]


def test_run_leaves_a_trace(greatfin_home: Path) -> None:
    report, console = go(use_case(step("one"), step("two")))
    assert report.passed
    assert console.steps == [("one", "did one", False), ("two", "did two", False)]
    (trace,) = traces(greatfin_home)
    assert trace["status"] == "done"
    assert isinstance(trace["steps"], list)
    assert [item["name"] for item in trace["steps"]] == ["one", "two"]
    assert trace["steps"][0]["rows"] == 3


def test_targets_at_one_endpoint_keep_their_records_apart(greatfin_home: Path) -> None:
    """A run that stopped on one target is not taken up by the other's, nor hidden by it."""
    fails = {"local", "compose"}

    def work(context: Context) -> None:
        if context.clients.target.name in fails:
            raise GreatFinError("no luck")

    case = use_case(step("one", work))
    for target in ("local", "compose"):
        with pytest.raises(GreatFinError) as caught:
            go(case, target=target)
        assert f"--target {target} " in caught.value.actions[0]
    ids = {str(trace["target"]): trace["run_id"] for trace in traces(greatfin_home)}
    fails.clear()
    for target in ("local", "compose"):
        _, console = go(case, target=target)
        assert console.messages[0].startswith(f"Resuming lake/fake on {target},")
    ended = {str(trace["target"]): trace for trace in traces(greatfin_home)}
    assert {target: trace["run_id"] for target, trace in ended.items()} == ids
    assert [trace["attempts"] for trace in ended.values()] == [2, 2]
    assert [trace["status"] for trace in ended.values()] == ["done", "done"]


def test_failed_checks_are_problems(greatfin_home: Path) -> None:
    report, _ = go(use_case(step("one"), passed=False))
    assert not report.passed
    assert traces(greatfin_home)[0]["status"] == "problems"


def test_failed_run_names_its_step_and_is_taken_up_again(greatfin_home: Path) -> None:
    fails = [True]

    def work(_: Context) -> None:
        if fails:
            fails.clear()
            raise GreatFinError("no luck")

    case = use_case(step("one"), step("two", work))
    with pytest.raises(GreatFinError, match="no luck") as caught:
        go(case)
    assert caught.value.actions == ("greatfin run lake/fake --target local --scale 1 --seed 1",)
    assert traces(greatfin_home)[0]["error"] == "step two: no luck"
    _, console = go(case)
    assert console.messages[0].startswith("Resuming lake/fake")
    (trace,) = traces(greatfin_home)
    assert (trace["status"], trace["attempts"], trace["error"]) == ("done", 2, None)


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (
            EndpointConnectionError(endpoint_url="http://127.0.0.1:1/"),
            EndpointDown,
            "The endpoint http://127.0.0.1:4566 stopped answering in step one",
        ),
        (
            ClientError({"Error": {"Code": "ServiceUnavailable", "Message": "gone"}}, "PutObject"),
            StepFailed,
            "ServiceUnavailable",
        ),
    ],
)
def test_a_service_that_goes_away_is_named_and_the_run_can_go_on(
    greatfin_home: Path, error: Exception, expected: type[GreatFinError], message: str
) -> None:
    def fail(_: Context) -> None:
        raise error

    with pytest.raises(expected, match=message) as caught:
        go(use_case(step("one", fail)))
    assert caught.value.actions[0].startswith("greatfin run lake/fake --target local")
    (trace,) = traces(greatfin_home)
    assert trace["status"] == "failed"


def test_another_scale_is_another_run(greatfin_home: Path) -> None:
    with pytest.raises(GreatFinError):
        go(use_case(step("one", lambda _: (_ for _ in ()).throw(GreatFinError("x")).__next__())))
    go(use_case(step("one")), Options(scale=2))
    assert len(traces(greatfin_home)) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_between_steps_and_says_how_to_go_on(
    number: signal.Signals, greatfin_home: Path
) -> None:
    ran: list[str] = []
    case = use_case(
        step("one", lambda _: os.kill(os.getpid(), number)),
        step("two", lambda _: ran.append("two")),
    )
    with pytest.raises(Interrupted, match=r"Stopped at step 2/2 \(two\)") as caught:
        go(case)
    assert ran == []
    assert caught.value.retryable
    assert caught.value.actions[0].startswith("greatfin run lake/fake")
    assert traces(greatfin_home)[0]["status"] == "interrupted"


def test_signal_stops_a_long_step_at_its_next_sign_of_life(greatfin_home: Path) -> None:
    def endless(context: Context) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            context.progress(1, None, "rows")

    with pytest.raises(Interrupted, match=r"step 1/1"):
        go(use_case(step("one", endless)))


def test_foreign_files_among_the_traces_do_not_matter(greatfin_home: Path) -> None:
    runs = greatfin_home / "runs"
    runs.mkdir(parents=True)
    (runs / "zzz.json").write_text('{"other": 1}')
    (runs / "zzzz.json").write_text("{")
    report, _ = go(use_case(step("one")))
    assert report.passed


def test_use_cases_are_found_by_their_folder() -> None:
    assert "lake/top-leads" in [case.name for case in find_all()]
    assert find("lake/top-leads").stack_name == "greatfin-lake-top-leads"
    for name in ("lake/nope", "lake", "../x/y", "lake/top-leads/more"):
        with pytest.raises(UnknownUseCase, match="lake/top-leads"):
            find(name)
