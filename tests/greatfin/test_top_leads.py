"""lake/top-leads on the platform: right, repeatable, killable, and losing nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from greatfin import s3
from greatfin.cli.main import cli
from greatfin.console import CapturedConsole, Report
from greatfin.errors import Interrupted
from greatfin.lake.top_leads.use_case import USE_CASE
from greatfin.runner import Context, Options, Step, StepResult
from greatfin.runner.run import run
from greatfin.target import Clients, Target

OPTIONS = Options(scale=0.03, seed=5)
STEPS = [step.name for step in USE_CASE.steps()]


@pytest.fixture
def clients(localaws: Any) -> Iterator[Clients]:
    made = Target.resolve("local", localaws.environment).clients()
    yield made
    made.close()


def go(clients: Clients, options: Options = OPTIONS) -> tuple[Report, CapturedConsole]:
    console = CapturedConsole()
    return run(USE_CASE, clients, console, options), console


def assert_passed(report: Report) -> None:
    assert [check for check in report.checks if not check.passed] == []
    assert len(report.checks) == 7


def bucket(report: Report, name: str) -> str:
    outputs = report.data["outputs"]
    assert isinstance(outputs, dict)
    return str(outputs[f"{name}Bucket"])


def everything(clients: Clients, report: Report) -> dict[str, str]:
    """Every object of the lake, by place, with its ETag."""
    return {
        f"{name}/{item.key}": item.etag
        for name in ("Landing", "Raw", "Standardized", "Marketing", "Quarantine")
        for item in s3.list_objects(clients.s3, bucket(report, name))
    }


def answer(report: Report) -> str:
    names = ("top_leads", "layers", "quarantined")
    return json.dumps({name: report.data[name] for name in names}, default=str)


def test_layers_are_where_the_book_has_them(clients: Clients) -> None:
    report, _ = go(clients)
    assert_passed(report)
    keys = everything(clients, report)
    assert any(key.startswith("Landing/core_banking/cbs/customers/customers_2022") for key in keys)
    raw = "Raw/core_banking/cbs/accounts/delivery_date=2022-12-31/layout=v2/"
    assert any(key.startswith(raw) for key in keys)
    for start in (
        "Standardized/core_banking/cbs/customers/customer_bucket=3/",
        "Standardized/cards/cms/transactions/month=2022-11/",
        "Marketing/marketing/leads/region=US/year=2022/",
        "Marketing/marketing/top_leads_by_region/",
        "Quarantine/rejected_rows/hop=raw_to_standardized/",
    ):
        assert any(key.startswith(start) for key in keys), start
    assert not any("top_leads_by_region" in key and "=" in key for key in keys)
    top = report.data["top_leads"]
    assert isinstance(top, list)
    assert len(top) > 0


def test_second_run_changes_nothing(clients: Clients) -> None:
    first, _ = go(clients)
    before = everything(clients, first)
    again, console = go(clients)
    assert_passed(again)
    assert everything(clients, again) == before
    assert answer(again) == answer(first)
    unchanged = [title for title, _, same in console.steps if same]
    assert unchanged == ["deploy", "land", "archive", "standardize", "conform", "enrich"]


@pytest.mark.parametrize("name", STEPS[:-1])
def test_interrupted_after_any_step_and_started_again_ends_the_same(
    name: str, clients: Clients
) -> None:
    def cut(step: Step) -> Step:
        def work(context: Context) -> StepResult:
            result = step.run(context)
            context.stop.set()
            return result

        return Step(step.name, work)

    steps = [cut(step) if step.name == name else step for step in USE_CASE.steps()]
    with pytest.raises(Interrupted):
        run(USE_CASE, clients, CapturedConsole(), OPTIONS, steps=steps)
    report, console = go(clients)
    assert console.messages[0].startswith("Resuming")
    assert_passed(report)


@pytest.mark.parametrize(
    "moment", ["land.json", "standardize-cards_cards.json", "conform-leads.json"]
)
def test_killed_in_the_middle_and_started_again_ends_the_same(
    moment: str, clients: Clients, localaws: Any
) -> None:
    command = [
        sys.executable, "-m", "greatfin", "run", USE_CASE.name,
        "--scale", str(OPTIONS.scale), "--seed", str(OPTIONS.seed),
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        env={**os.environ, **localaws.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_object(clients, f"_state/{moment}", process)
    finally:
        process.kill()
        process.wait()
    report, _ = go(clients)
    assert_passed(report)


def wait_for_object(clients: Clients, key: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        for item in clients.s3.list_buckets()["Buckets"]:
            if "-standardized-" in item["Name"] and s3.read(clients.s3, item["Name"], key):
                return
        time.sleep(0.01)
    raise AssertionError(f"{key} did not come; the run ended with {process.returncode}")


def test_another_bank_replaces_the_first(clients: Clients) -> None:
    first, _ = go(clients)
    other, _ = go(clients, Options(scale=0.02, seed=6))
    assert_passed(other)
    assert answer(other) != answer(first)
    back, _ = go(clients)
    assert_passed(back)
    assert answer(back) == answer(first)


def test_files_that_nobody_agreed_to_wait_in_the_quarantine(clients: Clients) -> None:
    first, _ = go(clients)
    landing = bucket(first, "Landing")
    for key, body in {
        "core_banking/cbs/customers/customers_20230131_00000.csv": b"id,name\n1,Ada\n2,Ben\n",
        "crm/salesforce/leads/leads_20230131_00000.jsonl": b'{"Id":"1"\n{"Id":"00Q"}\n',
        "somewhere/else/file_20230131.csv": b"a\n1\n",
    }.items():
        clients.s3.put_object(Bucket=landing, Key=key, Body=body)
    second, console = go(clients)
    assert_passed(second)
    assert [text.split("/")[-1] for text in console.warnings] == [
        "customers_20230131_00000.csv has an unknown layout",
        "file_20230131.csv belongs to no source table",
    ]
    reasons = second.data["quarantined"]
    assert isinstance(reasons, list)
    unknown = [item for item in reasons if item["reason"] == "layout unknown"]
    assert [(item["source"], item["rows"]) for item in unknown] == [
        ("core_banking/cbs/customers", 2)
    ]
    assert second.data["top_leads"] == first.data["top_leads"]


def test_a_corrected_file_replaces_the_one_it_corrects(clients: Clients) -> None:
    first, _ = go(clients)
    landing = bucket(first, "Landing")
    key = "external/market_data/regions/regions_20230131_00000.csv"
    clients.s3.put_object(Bucket=landing, Key=key, Body=b"land,year\nUS,2022\n")
    broken, _ = go(clients)
    assert_passed(broken)
    header = b"country,year,market_deposit_rate_bp,house_price_change_bp,consumer_confidence\n"
    clients.s3.put_object(Bucket=landing, Key=key, Body=header + b"US,2022,1,2,3\n")
    mended, _ = go(clients)
    assert_passed(mended)
    reasons = mended.data["quarantined"]
    assert isinstance(reasons, list)
    assert "layout unknown" not in {item["reason"] for item in reasons}
    raw = [item.key for item in s3.list_objects(clients.s3, bucket(mended, "Raw"), "external/mar")]
    assert len(raw) == 2


def test_commands_from_deploy_to_destroy(
    localaws: Any, clients: Clients, monkeypatch: pytest.MonkeyPatch, greatfin_home: Path
) -> None:
    for name, value in localaws.environment.items():
        monkeypatch.setenv(name, value)

    def greatfin(*arguments: str, code: int = 0) -> dict[str, Any]:
        done = CliRunner().invoke(cli, [*arguments, "--json"])
        assert done.exit_code == code, done.output
        envelope: dict[str, Any] = json.loads(done.stdout)
        return envelope

    case = USE_CASE.name
    assert greatfin("verify", case, code=1)["error"]["actions"] == [f"greatfin run {case}"]
    assert greatfin("deploy", case)["data"]["changed"] is True
    assert greatfin("deploy", case)["data"]["changed"] is False
    ran = greatfin("run", case, "--scale", "0.02")
    assert ran["status"] == "ok"
    assert Path(ran["data"]["trace"]).parent == greatfin_home / "runs"
    assert all(check["passed"] for check in greatfin("verify", case)["data"]["checks"])
    break_product(clients, ran["data"]["outputs"]["MarketingBucket"])
    broken = greatfin("verify", case, code=6)
    assert broken["status"] == "problems"
    assert greatfin("destroy", case, code=3)["error"]["code"] == "ConfirmationNeeded"
    assert greatfin("destroy", case, "--yes")["data"]["deleted"] is True
    assert greatfin("destroy", case, "--yes")["data"]["deleted"] is False
    assert clients.s3.list_buckets()["Buckets"] == []


def break_product(clients: Clients, name: str) -> None:
    """Lose one file of marketing/leads."""
    first = next(s3.list_objects(clients.s3, name, "marketing/leads/"))
    clients.s3.delete_object(Bucket=name, Key=first.key)
