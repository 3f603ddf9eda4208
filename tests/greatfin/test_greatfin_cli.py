from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from greatfin.cli.main import cli
from greatfin.target import Target

NOBODY = "http://127.0.0.1:9"


def greatfin(*arguments: str, **environment: str) -> Result:
    return CliRunner(env={"AWS_ENDPOINT_URL": NOBODY, **environment}).invoke(cli, arguments)


def test_list_and_show_say_what_there_is() -> None:
    listed = greatfin("list")
    assert listed.exit_code == 0
    assert "lake/top-leads" in listed.stdout
    shown = greatfin("show", "lake/top-leads")
    assert "high-net-worth customers" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 120


def test_json_is_one_envelope() -> None:
    answer = greatfin("list", "--json")
    envelope = json.loads(answer.stdout)
    assert list(envelope) == ["command", "status", "data", "warnings", "error"]
    assert (envelope["command"], envelope["status"], envelope["error"]) == ("list", "ok", None)
    assert envelope["data"]["use_cases"][0]["name"] == "lake/top-leads"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["run"], 2),
        (["run", "lake/top-leads", "--all"], 2),
        (["run", "lake/nope"], 2),
        (["run", "lake/top-leads", "--target", "moon"], 2),
        (["run", "lake/top-leads", "--scale", "many"], 2),
        (["generate"], 2),
        (["run", "lake/top-leads"], 5),
        (["verify", "lake/top-leads"], 5),
        (["deploy", "lake/top-leads"], 5),
        (["destroy", "lake/top-leads", "--yes"], 5),
        (["verify", "lake/top-leads", "--outcomes", "no-such-file"], 2),
        (["generate", "--scale", "0", "--out", "never-made"], 2),
    ],
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    answer = greatfin(*arguments)
    assert answer.exit_code == code, answer.output
    assert answer.stdout == ""
    assert not Path("never-made").exists()


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["lake/top-leads"], "localaws up --detach"),
        (["lake/top-leads", "--target", "compose"], "docker compose up --wait"),
        (["--all", "--target", "compose"], "docker compose up --wait"),
    ],
)
def test_an_endpoint_that_is_down_says_what_to_type(arguments: list[str], start: str) -> None:
    answer = greatfin("run", *arguments, "--json")
    error = json.loads(answer.stdout)["error"]
    assert error == {
        "code": "EndpointDown",
        "message": f"Nothing answers at {NOBODY}",
        "retryable": True,
        "actions": [start],
    }


def test_a_default_endpoint_that_is_down_says_how_to_name_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("greatfin.target.DEFAULT_ENDPOINT", NOBODY)
    answer = greatfin("run", "lake/top-leads", "--target", "compose", AWS_ENDPOINT_URL="")
    assert answer.exit_code == 5
    assert "docker compose up --wait" in answer.stderr
    assert "AWS_ENDPOINT_URL=http://127.0.0.1:PORT" in answer.stderr


def test_aws_without_credentials_is_exit_4(tmp_path: Path) -> None:
    nothing = str(tmp_path / "none")
    answer = greatfin(
        "run",
        "lake/top-leads",
        "--target",
        "aws",
        AWS_CONFIG_FILE=nothing,
        AWS_SHARED_CREDENTIALS_FILE=nothing,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_ACCESS_KEY_ID="",
        AWS_SECRET_ACCESS_KEY="",
    )
    assert answer.exit_code == 4


def test_aws_is_touched_only_when_the_account_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("greatfin.target.Clients.account", lambda _: "123456789012")
    for extra in ([], ["--account", "210987654321"]):
        answer = greatfin("run", "lake/top-leads", "--target", "aws", *extra)
        assert answer.exit_code == 3
        assert "account 123456789012" in answer.stderr
        assert "USD" in answer.stderr


def test_generate_is_repeatable(tmp_path: Path) -> None:
    for name in ("a", "b"):
        made = greatfin("generate", "--scale", "0.01", "--out", str(tmp_path / name), "--json")
        assert made.exit_code == 0, made.output
    one, other = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (tmp_path / "a", tmp_path / "b")
    )
    assert one == other
    assert len(one) > 20


def test_targets_are_one_spec() -> None:
    local = Target.resolve("local", {})
    assert (local.endpoint, local.region) == ("http://127.0.0.1:4566", "us-east-1")
    keys = {"AWS_ACCESS_KEY_ID": "1" * 12, "AWS_SECRET_ACCESS_KEY": "hush", "AWS_REGION": "eu-x-1"}
    given = Target.resolve("compose", {"AWS_ENDPOINT_URL": NOBODY, **keys})
    assert (given.endpoint, given.region) == (NOBODY, "eu-x-1")
    assert "hush" not in repr(given)
    aws = Target.resolve("aws", {"AWS_ENDPOINT_URL": NOBODY, **keys})
    assert aws.endpoint is None
    assert aws.credentials is None
    assert aws.costs_money


def test_the_command_line_starts_without_heavy_imports() -> None:
    program = (
        "import sys; from greatfin.cli.main import cli\n"
        "try: cli.main(['list'])\n"
        "except SystemExit: pass\n"
        "heavy = {'boto3', 'botocore', 'polars', 'rich'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "TERM": "xterm"},
        check=True,
    )
    assert done.stderr.strip() == "[]"
    assert "\x1b" not in done.stdout
