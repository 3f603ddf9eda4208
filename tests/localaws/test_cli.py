"""The `localaws` command, run as its users run it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from localaws.engines.postgresql_host import socket_folder

LOCALAWS = Path(sys.executable).with_name("localaws")


def clean_environment() -> dict[str, str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "LOCALAWS_"))
    }
    return environment | {"LOCALAWS_DURABILITY": "none"}


Result = subprocess.CompletedProcess[str]
Command = Callable[..., Result]


@pytest.fixture
def command() -> Command:
    def run(*arguments: object, **environment: str) -> Result:
        return subprocess.run(
            [LOCALAWS, *(str(argument) for argument in arguments)],
            env=clean_environment() | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def home(tmp_path: Path, command: Command) -> Iterator[Path]:
    path = tmp_path / "home"
    yield path
    assert command("destroy", "--yes", "--home", path).returncode == 0
    assert not path.exists()


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def envelope(result: Result) -> Any:
    content = json.loads(result.stdout)
    assert list(content) == ["command", "status", "data", "warnings", "error"]
    return content


def health_of(url: str) -> Any:
    with urllib.request.urlopen(f"{url}/_localaws/health", timeout=5) as response:
        return json.load(response)


def test_help_imports_next_to_nothing() -> None:
    program = (
        "import sys, localaws.cli; heavy = {'asyncio', 'msgspec', 'psutil', 'rich', 'botocore', "
        "'uvicorn', 'asyncpg', 'sqlglot', 'duckdb'} & set(sys.modules); print(sorted(heavy))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def test_every_command_has_help(command: Command) -> None:
    names = ["up", "status", "stop", "destroy", "reset", "logs", "doctor", "env", "exec", "ledger"]
    listing = command("--help").stdout
    for name in names:
        assert f"\n  {name} " in listing
        assert command(name, "--help").returncode == 0
    assert "--sql-memory-mb" in command("up", "--help").stdout


def test_status_of_a_home_that_is_not_there(command: Command, tmp_path: Path) -> None:
    result = command("status", "--json", "--home", tmp_path / "none")
    assert result.returncode == 0
    gateway = envelope(result)["data"]["processes"][0]
    assert (gateway["declared"], gateway["running"], gateway["has_data"]) == (True, False, False)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (("no-such-command",), {}),
        (("up", "--port", "many"), {}),
        (("status",), {"LOCALAWS_PORT": "many"}),
        (("status",), {"LOCALAWS_HOST": "0.0.0.0"}),
        (("up", "--durability", "eternal"), {}),
    ],
)
def test_wrong_usage_exits_2_with_an_envelope(
    command: Command, arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    result = command(*arguments, "--json", **environment)
    assert result.returncode == 2
    assert envelope(result)["status"] == "failed"
    assert envelope(result)["error"]["message"]
    assert command(*arguments, **environment).returncode == 2


def test_env_is_evaluated_by_a_shell(command: Command, tmp_path: Path) -> None:
    lines = command("env", "--home", tmp_path / "none", "--port", 4599, "--region", "eu-west-1")
    assert "not running" in lines.stderr
    script = lines.stdout + 'echo "$AWS_ENDPOINT_URL $AWS_REGION $AWS_ACCESS_KEY_ID"'
    shell = subprocess.run(["sh"], input=script, capture_output=True, text=True, check=True)
    assert shell.stdout == "http://127.0.0.1:4599 eu-west-1 test\n"
    dotenv = command("env", "--shell", "dotenv", "--home", tmp_path / "none")
    assert "AWS_ENDPOINT_URL=http://127.0.0.1:4566\n" in dotenv.stdout
    fish = command("env", "--shell", "fish", "--home", tmp_path / "none")
    assert "set -gx AWS_REGION us-east-1;\n" in fish.stdout


def test_destroy_leaves_a_folder_that_is_no_home(command: Command, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert command("destroy", "--yes", "--home", tmp_path).returncode == 0
    assert command("reset", "--home", tmp_path).returncode == 0
    refused = command("up", "--detach", "--port", 0, "--home", tmp_path)
    assert refused.returncode == 1
    assert "not a home of localaws" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_doctor_names_the_owner_of_a_taken_port(command: Command, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        tools = str(tmp_path / "tools")
        home = tmp_path / "none"
        arguments = ("doctor", "--json", "--port", number, "--home", home)
        result = command(*arguments, LOCALAWS_TOOLS=tools)
    assert result.returncode == 6
    checks = {check["name"]: check for check in envelope(result)["data"]}
    assert checks[f"port {number}"]["verdict"] == "FAIL"
    assert f"(pid {os.getpid()})" in checks[f"port {number}"]["found"]
    assert f"--port {number + 1}" in checks[f"port {number}"]["cure"]
    assert checks["exact SQL"]["verdict"] == "SKIP"
    assert checks["database"]["verdict"] == "PASS"
    assert checks["python"]["verdict"] == "PASS"


def test_ledger_needs_no_platform(command: Command) -> None:
    result = command("ledger", "--json")
    assert result.returncode == 0
    levels = {entry["level"] for entry in envelope(result)["data"]}
    assert levels <= {"executed", "simulated", "metadata", "unsupported"}
    assert "s3" in {entry["service"] for entry in envelope(result)["data"]}


def test_up_status_logs_stop_and_up_again(command: Command, home: Path, port: int) -> None:
    first = command("up", "--detach", "--home", home, "--port", port)
    assert first.returncode == 0, first.stderr
    assert f"http://127.0.0.1:{port}" in first.stdout
    assert "[2/3]" in first.stderr
    assert "Next: " in first.stderr
    assert health_of(f"http://127.0.0.1:{port}")["status"] == "healthy"

    again = command("up", "--detach", "--home", home, "--port", port, "--json")
    assert again.returncode == 0
    assert envelope(again)["data"]["already_running"] is True

    status = envelope(command("status", "--home", home, "--json"))["data"]
    assert status["endpoint"] == f"http://127.0.0.1:{port}"
    running = {row["name"]: row for row in status["processes"]}
    assert running["gateway"]["pid"] == envelope(again)["data"]["pid"]
    assert running["gateway"]["memory_bytes"] > 1_000_000
    for row in running.values():
        assert row["healthy"] or not row["running"]

    logs = command("logs", "gateway", "-n", "1", "--home", home)
    assert len(logs.stdout.splitlines()) == 1
    unknown = command("logs", "kitchen", "--home", home)
    assert unknown.returncode == 2
    assert "gateway" in unknown.stderr

    assert "Stopped" in command("stop", "--home", home).stdout
    assert not psutil.pid_exists(running["gateway"]["pid"]) or (
        psutil.Process(running["gateway"]["pid"]).status() == psutil.STATUS_ZOMBIE
    )
    assert "not running" in command("stop", "--home", home).stdout
    stopped = envelope(command("status", "--home", home, "--json"))["data"]["processes"][0]
    assert (stopped["running"], stopped["has_data"]) == (False, True)
    assert command("up", "--detach", "--home", home, "--port", port).returncode == 0

    unconfirmed = command("destroy", "--home", home)
    assert unconfirmed.returncode == 3
    assert health_of(f"http://127.0.0.1:{port}")["status"] == "healthy"


def test_a_taken_port_exits_5_and_names_its_owner(command: Command, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = command("up", "--json", "--port", taken.getsockname()[1], "--home", tmp_path / "h")
    assert result.returncode == 5
    error = envelope(result)["error"]
    assert error["code"] == "PortTaken"
    assert f"(pid {os.getpid()})" in error["message"]
    assert any("--port" in action for action in error["actions"])
    assert not (tmp_path / "h").exists()


def test_a_failed_start_quotes_the_log(command: Command, home: Path) -> None:
    (home / "database" / "data").mkdir(parents=True)
    (home / "localaws.json").write_text("{}")
    (home / "database" / "data" / "PG_VERSION").write_text("18\n")
    result = command("up", "--detach", "--port", 0, "--home", home)
    assert result.returncode == 1
    assert "does not start" in result.stderr
    sockets = socket_folder(home / "database")  # elsewhere, where the home's path is long
    assert sockets.is_relative_to(home) or not sockets.exists()
    assert "localaws doctor" in result.stderr


def test_reset_of_a_running_platform_keeps_its_endpoint(
    command: Command, home: Path, port: int
) -> None:
    url = envelope(command("up", "-d", "--home", home, "--port", port, "--json"))["data"]
    (home / "left-behind").write_text("data")
    reset = command("reset", "--home", home, "--json")
    assert reset.returncode == 0, reset.stdout
    assert envelope(reset)["data"]["endpoint"] == url["endpoint"]
    assert health_of(url["endpoint"])["status"] == "healthy"
    assert not (home / "left-behind").exists()
    assert command("stop", "--home", home).returncode == 0
    assert command("reset", "--home", home).returncode == 0
    assert {path.name for path in home.iterdir()} == {"localaws.json", "logs", "run"}


def test_up_in_the_foreground_stops_at_ctrl_c(home: Path, port: int) -> None:
    with subprocess.Popen(
        [LOCALAWS, "up", "--home", home, "--port", str(port)],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().split() == ["Endpoint", f"http://127.0.0.1:{port}"]
        assert health_of(f"http://127.0.0.1:{port}")["status"] == "healthy"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert "Data is kept" in process.stderr.read()


def test_exec_gives_the_endpoint_and_returns_the_exit_code(
    command: Command, tmp_path: Path
) -> None:
    program = (
        "import os, sys, urllib.request as r; url = os.environ['AWS_ENDPOINT_URL'];"
        "print(url); r.urlopen(url + '/_localaws/health'); sys.exit(7)"
    )
    own = {"LOCALAWS_HOME": str(tmp_path / "default"), "TMPDIR": str(tmp_path)}
    result = command("exec", "--", sys.executable, "-c", program, AWS_PROFILE="work", **own)
    assert result.returncode == 7, result.stderr
    with pytest.raises(OSError, match="refused"):
        health_of(result.stdout.strip())
    assert list(tmp_path.iterdir()) == []
    missing = command("exec", "--", "no-such-program", **own)
    assert missing.returncode == 127
    assert "no-such-program" in missing.stderr
    assert list(tmp_path.iterdir()) == []


def test_exec_uses_the_platform_that_runs(command: Command, home: Path) -> None:
    up = envelope(command("up", "-d", "--home", home, "--port", 0, "--json"))["data"]
    result = command("exec", "--home", home, "--", "printenv", "AWS_ENDPOINT_URL")
    assert result.stdout.strip() == up["endpoint"]
    assert health_of(up["endpoint"])["status"] == "healthy"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_exec_leaves_nothing_when_it_is_stopped(tmp_path: Path, number: signal.Signals) -> None:
    program = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(42));"
        "print('ready', flush=True); time.sleep(20)"
    )
    own = {"LOCALAWS_HOME": str(tmp_path / "default"), "TMPDIR": str(tmp_path)}
    process = psutil.Popen(
        [LOCALAWS, "exec", "--", sys.executable, "-c", program],
        env=clean_environment() | own,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "ready\n"
        family = process.children(recursive=True)
        user_program = next(child for child in family if program in child.cmdline())
        process.send_signal(number)
        code = process.wait(30)
    if number == signal.SIGTERM:
        assert code == 42
    else:
        user_program.kill()  # it is the user's: the platform must end, not it
    psutil.wait_procs(family, timeout=15)
    left = [child for child in family if child.is_running() and child.status() != "zombie"]
    assert left == []
    deadline = time.monotonic() + 10
    while list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    localaws = Path(sys.executable).parent / "localaws"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{localaws} ledger --service s3 | head -2"],
        capture_output=True,
        text=True,
    )
    assert done.stdout.count("\n") == 2
    assert done.stderr == ""
