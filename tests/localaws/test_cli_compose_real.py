"""The commands over containers on the real engine, with a project of two small containers.

``make test-compose`` runs them; there a machine without Docker fails them.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.compose, pytest.mark.xdist_group("compose")]

LOCALAWS = Path(sys.executable).with_name("localaws")
Command = Callable[..., subprocess.CompletedProcess[str]]

PROJECT = """
name: {name}
x-check: &check {{test: [CMD-SHELL, "test -e /tmp/up"], interval: 1s, start_period: 30s}}
services:
  gateway:
    image: {name}/gateway:1
    build: {{context: gateway}}
    ports: ["127.0.0.1:${{LOCALAWS_PORT}}:4566"]
    mem_limit: 64m
    stop_grace_period: 1s
    healthcheck: *check
    depends_on: {{store: {{condition: service_healthy}}}}
  store:
    image: {name}/store:1
    build: {{context: store}}
    stop_grace_period: 0s
    volumes: ["kept:/data"]
    mem_limit: 64m
    healthcheck: *check
  broken:
    image: {name}/broken:1
    build: {{context: broken}}
    profiles: [broken]
  ends:
    image: {name}/store:1
    command: [sh, -c, "echo no license; exit 3"]
    profiles: [ends]
  loops:
    image: {name}/store:1
    restart: unless-stopped
    command: [sh, -c, "echo no license; exit 3"]
    profiles: [loops]
volumes:
  kept:
"""

GATEWAY = """FROM debian:trixie-slim
COPY serve.pl /serve.pl
CMD ["perl", "/serve.pl"]
"""

SERVE = r"""
use IO::Socket::INET;
$SIG{TERM} = sub { exit 0 };
my $server = IO::Socket::INET->new(LocalPort => 4566, Listen => 5, ReuseAddr => 1) or die;
$| = 1;
print "serving\n";
open(my $up, ">", "/tmp/up");
my $body = '{"status": "healthy", "engines": []}';
while (my $client = $server->accept) {
    while (<$client>) { last if /^\r?\n$/ }
    print $client "HTTP/1.0 200 OK\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
    close $client;
}
"""

STORE = """FROM debian:trixie-slim
CMD ["sh", "-c", "echo storing; date >> /data/starts; touch /tmp/up; exec sleep 3600"]
"""

BROKEN = """FROM debian:trixie-slim
RUN echo compiling; echo no such module >&2; exit 7
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def command(tmp_path: Path, port: int) -> Iterator[Command]:
    name = f"localaws-test-{port}"
    files = {
        "docker-compose.yml": PROJECT.format(name=name),
        "gateway/Dockerfile": GATEWAY,
        "gateway/serve.pl": SERVE,
        "store/Dockerfile": STORE,
        "broken/Dockerfile": BROKEN,
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("AWS_", "LOCALAWS_", "COMPOSE_"))
        }
        return subprocess.run(
            [LOCALAWS, *arguments, "--project-directory", str(tmp_path)],
            env={**kept, "LOCALAWS_PORT": str(port), **environment},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    yield run
    assert run("destroy", "--yes").returncode == 0
    images = [f"{name}/{image}:1" for image in ("gateway", "store")]
    subprocess.run(["docker", "image", "rm", "--force", *images], capture_output=True, check=True)


def envelope(result: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(result.stdout)


def store_starts(port: int) -> int:
    inside = ["exec", f"localaws-test-{port}-store-1", "cat", "/data/starts"]
    done = subprocess.run(["docker", *inside], capture_output=True, text=True, check=True)
    return len(done.stdout.splitlines())


def test_the_life_of_containers(command: Command, port: int, tmp_path: Path) -> None:
    assert shutil.which("docker"), "make test-compose needs Docker"
    first = command("up", "--compose")
    assert first.returncode == 0, first.stderr
    assert "store: healthy" in first.stderr
    assert f"image localaws-test-{port}/gateway:1 is built" in first.stderr
    with urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=5) as response:
        assert json.load(response)["status"] == "healthy"

    again = command("up", "--json")
    assert envelope(again)["data"]["already_running"] is True
    assert store_starts(port) == 1

    rows = envelope(command("status", "--json"))["data"]["containers"]["services"]
    assert [(row["name"], row["healthy"], row["has_data"]) for row in rows] == [
        ("gateway", True, False),
        ("store", True, True),
    ]
    assert rows[0]["memory_bytes"] > 100_000
    assert rows[0]["memory_limit_bytes"] == 64 * 2**20
    assert command("logs", "gateway").stdout == "serving\n"
    checks = {check["name"]: check for check in envelope(command("doctor", "--json"))["data"]}
    assert checks[f"port {port}"]["found"] == "answers for gateway"
    assert checks["disk of store"]["verdict"] in ("PASS", "WARN")

    scaled = command("up", "--scale", "store=2")
    assert scaled.returncode == 0, scaled.stderr
    assert command("up").returncode == 0
    rows = envelope(command("status", "--json"))["data"]["containers"]["services"]
    assert [row["name"] for row in rows] == ["gateway", "store-1", "store-2"]

    assert command("stop").returncode == 0
    states = envelope(command("status", "--json"))["data"]["containers"]["services"]
    assert [(row["state"], row["has_data"]) for row in states] == [
        ("absent", False),
        ("absent", True),
    ]
    assert command("up").returncode == 0
    assert store_starts(port) == 3  # the volume was kept, which the second container shared


def test_what_fails_is_named_and_what_is_done_is_kept(command: Command, port: int) -> None:
    broken = command("up", "--profile", "broken", "--json")
    assert broken.returncode == 1
    error = envelope(broken)["error"]
    assert error["code"] == "BuildFailed"
    assert "the image of broken could not be built" in error["message"]
    assert "no such module" in error["message"]
    for profile, says in (("ends", "has ended (exit code 3)"), ("loops", "again and again")):
        failed = command("up", "--profile", profile, "--json")
        assert failed.returncode == 1, failed.stdout
        error = envelope(failed)["error"]
        assert f"{profile} " in error["message"]
        assert says in error["message"]
        assert "no license" in error["message"]
    checks = {check["name"]: check for check in envelope(command("doctor", "--json"))["data"]}
    assert checks["ends"]["verdict"] == "FAIL"
    assert "no license" in checks["ends"]["found"]
    assert checks["loops"]["verdict"] in ("FAIL", "WARN")  # it runs for a moment at each restart
    well = command("up", "--json")
    assert well.returncode == 0, well.stdout


def test_a_port_of_another_process_is_not_taken_away(command: Command, port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        refused = command("up", "--json")
    assert refused.returncode == 5
    error = envelope(refused)["error"]
    assert f"port {port} of gateway is taken by" in error["message"]
    assert f"(pid {os.getpid()})" in error["message"]
    variable = error["actions"][0].rpartition("export ")[2]
    name, _, moved = variable.partition("=")
    result = command("up", "--json", **{name: moved})
    assert result.returncode == 0, result.stdout
    assert envelope(result)["data"]["endpoint"] == f"http://127.0.0.1:{moved}"


def test_a_port_of_another_container_is_named(command: Command, port: int) -> None:
    name = f"localaws-test-{port}-other"
    options = ["--rm", "--detach", "--init", "--name", name, "--publish", f"127.0.0.1:{port}:1"]
    subprocess.run(
        ["docker", "run", *options, "debian:trixie-slim", "sleep", "600"],
        capture_output=True,
        check=True,
    )
    try:
        refused = command("up", "--json")
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=True)
    assert refused.returncode == 5
    assert f"is taken by container {name}" in envelope(refused)["error"]["message"]
