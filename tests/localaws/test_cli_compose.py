"""The commands over containers: on a machine that a test makes up, then on the real engine."""

from __future__ import annotations

import errno
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from compose_help import GIGABYTE, FakeMachine, container, free_space

from localaws.cli.frame import CommandError, ExitCode
from localaws.compose.build import Progress, progress_of
from localaws.compose.engine import Engine


@contextmanager
def listening(answer: bytes | None = None) -> Iterator[int]:
    """Take a port of this machine; with an answer, it is an endpoint that gives it."""

    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer or b"")))
            self.end_headers()
            self.wfile.write(answer or b"")

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[FakeMachine]:
    with FakeMachine(tmp_path, free_port()) as made:
        yield made


@pytest.fixture
def endpoint() -> Iterator[int]:
    with listening(b'{"status": "healthy", "engines": []}') as port:
        yield port


@pytest.fixture
def serving(tmp_path: Path, endpoint: int) -> Iterator[FakeMachine]:
    """A machine whose containers run, and whose gateway answers."""
    with FakeMachine(tmp_path, endpoint) as made:
        made.engine["containers"] = [
            container("gateway", port=(4566, endpoint), log="one\ntwo\nthree"),
            container("store", health="", restarts=2, log="stored"),
        ]
        made.engine["volumes"] = ["state"]
        made.write()
        yield made


def envelope(result: Any) -> Any:
    content = json.loads(result.stdout)
    assert list(content) == ["command", "status", "data", "warnings", "error"]
    return content


def test_the_command_line_starts_without_the_sdk() -> None:
    program = (
        "import sys, localaws.cli; from localaws.cli import cli\n"
        "heavy = {'docker', 'requests', 'concurrent.futures'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n"


# up


def test_up_builds_what_is_missing_and_tells_of_each_container(tmp_path: Path) -> None:
    with (
        listening(b'{"status": "healthy"}') as port,
        FakeMachine(tmp_path, port) as machine,
    ):
        gateway = container("gateway", port=(4566, port))
        machine.engine["images"] = ["fake/gateway:1"]
        machine.engine["containers"] = [gateway]  # the port is its own
        machine.program["build"] = {
            "out": "#5 [store build 2/4] RUN go build\n#9 naming to docker.io/fake/store:1 done\n"
        }
        machine.write()
        machine.after("up", containers=[gateway, container("store")])
        result = machine.run("up", "--compose")
    assert result.returncode == 0, result.stderr
    steps = [line for line in result.stderr.splitlines() if line.startswith("[")]
    assert [line.partition("]")[0] for line in steps] == ["[1/5", "[2/5", "[3/5", "[4/5", "[5/5"]
    assert "store: build 2/4 RUN go build" in result.stderr
    assert "image fake/store:1 is built" in result.stderr
    assert "store: healthy" in result.stderr
    assert "--target compose" in result.stderr
    assert f"Endpoint  http://127.0.0.1:{port}\n" in result.stdout
    calls = machine.calls()
    assert "compose --progress plain build store" in calls  # and not the gateway's again
    assert any("up --detach --wait" in call for call in calls)


def test_up_again_changes_nothing_and_keeps_the_scale(serving: FakeMachine) -> None:
    second = container("store")
    second["Id"], second["Config"]["Labels"]["com.docker.compose.container-number"] = "other", "2"
    serving.engine["containers"].append(second)
    serving.write()
    result = serving.run("up", "--json")
    assert result.returncode == 0, result.stderr
    data = envelope(result)["data"]
    assert data["already_running"] is True
    assert data["endpoint"] == f"http://127.0.0.1:{serving.port}"
    assert not any(" build" in call for call in serving.calls())
    assert any(call.endswith("--no-build --scale store=2") for call in serving.calls())


def test_a_build_that_fails_quotes_its_lines_and_how_to_resume(machine: FakeMachine) -> None:
    machine.engine["images"] = []
    machine.program["build"] = {
        "out": "#5 [store build 2/4] RUN go build\n#5 3.1 no such module\n------\n"
        " > [store build 2/4] RUN go build:\n3.1 no such module\n------\nfailed to solve: 1\n",
        "code": 17,
    }
    machine.write()
    result = machine.run("up", "--json")
    assert result.returncode == 1
    error = envelope(result)["error"]
    assert error["code"] == "BuildFailed"
    assert "the image of store could not be built" in error["message"]
    assert "3.1 no such module" in error["message"]
    assert error["retryable"] is True
    assert f"localaws up --compose --project-directory {machine.project}" in error["actions"][0]


@pytest.mark.parametrize(
    ("state", "health", "more", "says", "code"),
    [
        ("exited", "", {"code": 3}, "store has ended (exit code 3)", 1),
        ("running", "unhealthy", {}, "store is unhealthy", 1),
        ("restarting", "", {"code": 1, "restarts": 4}, "again and again", 1),
        ("exited", "", {"code": 137, "oom": True}, "reached its memory limit", 5),
        ("exited", "", {"log": "write: No space left on device"}, "disk", 5),
    ],
)
def test_a_container_that_fails_is_named_with_its_last_lines(
    machine: FakeMachine, state: str, health: str, more: dict[str, Any], says: str, code: int
) -> None:
    log = {"log": "first\ncannot open the data folder", **more}
    machine.program["up"] = {"err": "container fake-store-1 failed", "code": 1}
    machine.engine["containers"] = [container("gateway"), container("store", state, health, **log)]
    machine.write()
    result = machine.run("up", "--json")
    assert result.returncode == code
    error = envelope(result)["error"]
    assert says in error["message"]
    assert log["log"].splitlines()[-1] in error["message"]
    assert any(f"--project-directory {machine.project}" in action for action in error["actions"])


def test_a_taken_port_names_its_owner_and_the_variable(tmp_path: Path) -> None:
    with listening() as port, FakeMachine(tmp_path, port) as machine:
        result = machine.run("up", "--json")
        checks = {
            check["name"]: check for check in envelope(machine.run("doctor", "--json"))["data"]
        }
    assert result.returncode == 5
    error = envelope(result)["error"]
    assert error["code"] == "PortTaken"
    assert f"port {port} of gateway is taken by" in error["message"]
    assert f"(pid {os.getpid()})" in error["message"]
    assert "export LOCALAWS_PORT=" in error["actions"][0]
    assert not any(" up " in call for call in machine.calls())
    assert checks[f"port {port}"]["verdict"] == "FAIL"
    assert "export LOCALAWS_PORT=" in checks[f"port {port}"]["cure"]


def test_a_port_that_is_taken_at_the_last_moment(machine: FakeMachine) -> None:
    machine.program["up"] = {
        "err": "Error starting userland proxy: listen tcp4 127.0.0.1:4599: bind: address in use",
        "code": 1,
    }
    machine.write()
    result = machine.run("up")
    assert result.returncode == 5
    assert "port 4599 was taken" in result.stderr


def test_too_little_memory_says_how_much(machine: FakeMachine) -> None:
    machine.engine["info"]["MemTotal"] = GIGABYTE // 2
    machine.write()
    result = machine.run("up", "--json")
    assert result.returncode == 5
    assert envelope(result)["error"]["code"] == "TooLittleMemory"
    assert "0.5 GB" in envelope(result)["error"]["message"]
    doctor = machine.run("doctor", "--json")
    assert doctor.returncode == 6
    verdicts = {check["name"]: check["verdict"] for check in envelope(doctor)["data"]}
    assert verdicts["memory"] == "FAIL"


def test_a_full_disk_while_building(machine: FakeMachine) -> None:
    machine.engine["images"] = []
    machine.program["build"] = {"out": "failed: write /x: no space left on device\n", "code": 1}
    machine.write()
    result = machine.run("up", "--json")
    assert result.returncode == 5
    assert envelope(result)["error"]["code"] == "DiskFull"
    assert "docker builder prune" in envelope(result)["error"]["actions"][0]


def test_an_endpoint_option_beside_compose_is_refused(machine: FakeMachine) -> None:
    result = machine.run("up", "--compose", "--port", "4599", "--json")
    assert result.returncode == 2
    assert "LOCALAWS_PORT" in envelope(result)["error"]["message"]
    assert machine.run("up", "--scale", "store=2", folder=False).returncode == 2


# what is missing


def test_without_the_program_or_the_engine(machine: FakeMachine, tmp_path: Path) -> None:
    no_program = machine.run("up", "--json", PATH=str(tmp_path))
    assert no_program.returncode == 5
    assert envelope(no_program)["error"]["code"] == "DockerMissing"
    gone = f"unix://{tmp_path}/none.sock"
    down = machine.run("up", "--json", DOCKER_HOST=gone)
    assert down.returncode == 5
    assert envelope(down)["error"]["code"] == "EngineDown"
    assert envelope(down)["error"]["retryable"] is True
    doctor = machine.run("doctor", "--json", DOCKER_HOST=gone)
    assert doctor.returncode == 6
    verdicts = {check["name"]: check["verdict"] for check in envelope(doctor)["data"]}
    assert verdicts == {"compose plugin": "PASS", "engine": "FAIL", "containers": "SKIP"}
    both = machine.run("doctor", "--json", DOCKER_HOST=gone, PATH=str(tmp_path))
    assert "not installed" in envelope(both)["data"][1]["found"]


def test_an_engine_that_refuses_is_quoted(machine: FakeMachine) -> None:
    machine.engine["refuses"] = "the data folder is read-only"
    machine.write()
    result = machine.run("up", "--json")
    assert result.returncode == 1
    assert envelope(result)["error"]["code"] == "EngineRefused"
    assert "the data folder is read-only" in envelope(result)["error"]["message"]
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"err": "docker: 'compose' is not a docker command.", "code": 1}, "ComposeMissing"),
        ({"out": "1.29.2\n"}, "ComposeTooOld"),
    ],
)
def test_without_a_compose_plugin_of_version_2(
    machine: FakeMachine, answer: dict[str, Any], code: str
) -> None:
    machine.program["version"] = answer
    machine.write()
    result = machine.run("up", "--json")
    assert result.returncode == 5
    assert envelope(result)["error"]["code"] == code
    doctor = machine.run("doctor", "--json")
    assert envelope(doctor)["data"][0]["verdict"] == "FAIL"


def test_no_permission_on_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    import docker
    from docker.errors import DockerException

    def refuse(*_: Any, **__: Any) -> None:
        denied = OSError("Connection aborted.", PermissionError(errno.EACCES, "Permission denied"))
        raise DockerException("Error while fetching server API version") from denied

    monkeypatch.setattr(docker, "DockerClient", refuse)
    with pytest.raises(CommandError, match="may not use the Docker engine") as caught:
        Engine.connect()
    assert caught.value.exit_code == ExitCode.RESOURCES
    assert "usermod" in caught.value.actions[0]


def test_without_the_python_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)
    with pytest.raises(CommandError) as caught:
        Engine.connect()
    assert "[compose]" in caught.value.actions[0]
    assert caught.value.exit_code == ExitCode.RESOURCES


def test_a_folder_without_a_project(machine: FakeMachine, tmp_path: Path) -> None:
    (machine.project / "docker-compose.yml").unlink()
    result = machine.run("up", "--json")
    assert result.returncode == 5
    assert envelope(result)["error"]["code"] == "NoProject"
    assert str(machine.project) in envelope(result)["error"]["message"]


# what runs


def test_status_tells_declared_from_running_and_healthy(machine: FakeMachine) -> None:
    absent = envelope(machine.run("status", "--json"))["data"]["containers"]
    assert absent["endpoint"] is None
    assert [row["state"] for row in absent["services"]] == ["absent", "absent"]
    machine.engine["containers"] = [
        container("gateway", port=(4566, machine.port)),
        container("store", "exited", "", code=3, restarts=2),
    ]
    machine.engine["volumes"] = ["state"]
    machine.write()
    result = machine.run("status", "--json")
    assert result.returncode == 6
    found = envelope(result)["data"]["containers"]
    assert found["endpoint"] == f"http://127.0.0.1:{machine.port}"
    rows = {row["name"]: row for row in found["services"]}
    flags = ("declared", "running", "healthy", "has_data", "restarts")
    assert [rows["gateway"][flag] for flag in flags] == [True, True, True, True, 0]
    assert [rows["store"][flag] for flag in flags] == [True, False, False, False, 2]
    assert rows["gateway"]["memory_bytes"] == 100 * 2**20
    assert rows["gateway"]["memory_limit_bytes"] == GIGABYTE
    assert rows["store"]["error"] == "has ended (exit code 3)"
    assert "has ended (exit code 3)" in machine.run("status").stdout


def test_what_runs_is_found_without_being_asked_for(serving: FakeMachine) -> None:
    found = envelope(serving.run("status", "--json", folder=False))["data"]
    assert found["endpoint"] is None
    assert len(found["containers"]["services"]) == 2
    environment = serving.run("env", folder=False)
    assert f"AWS_ENDPOINT_URL=http://127.0.0.1:{serving.port}\n" in environment.stdout
    assert environment.stderr == ""
    program = [sys.executable, "-c", "import os; print(os.environ['AWS_ENDPOINT_URL'])"]
    done = serving.run("exec", "--", *program, folder=False)
    assert done.stdout == f"http://127.0.0.1:{serving.port}\n"
    assert serving.run("logs", "store", folder=False).stdout == "stored\n"
    stopped = serving.run("stop", "--json", folder=False)
    assert "localaws stop --compose" in envelope(stopped)["warnings"][0]
    named = envelope(serving.run("status", "--json", "--home", "none", folder=False))["data"]
    assert named["containers"] is None


def test_logs_of_one_and_of_all(serving: FakeMachine) -> None:
    assert serving.run("logs", "gateway", "-n", "2").stdout == "two\nthree\n"
    everything = serving.run("logs", "--compose")
    assert everything.stdout == "gateway | one\ngateway | two\ngateway | three\nstore | stored\n"
    assert envelope(serving.run("logs", "--json"))["data"]["store"] == ["stored"]
    unknown = serving.run("logs", "kitchen")
    assert unknown.returncode == 2
    assert "gateway, store" in unknown.stderr
    serving.program["logs"] = {"out": "followed\n"}
    serving.write()
    assert serving.run("logs", "store", "-f", "-n", "7").stdout == "followed\n"
    assert serving.calls()[-1].endswith("logs --follow --no-color --tail 7 --no-log-prefix store")


def test_doctor_of_what_runs(serving: FakeMachine) -> None:
    url = f"http://localhost:{serving.port}/"
    serving.program["exec"] = {"out": free_space(5 * GIGABYTE)}
    serving.write()
    result = serving.run("doctor", "--json", AWS_ENDPOINT_URL=url)
    assert result.returncode == 0
    checks = {check["name"]: check for check in envelope(result)["data"]}
    warned = {name for name, check in checks.items() if check["verdict"] != "PASS"} - {"disk"}
    assert warned == {"store"}  # it was restarted twice
    assert "restarts: 2" in checks["store"]["found"]
    assert checks["disk of gateway"]["found"].startswith("5,120 MB free at /state")
    elsewhere = serving.run("doctor", "--json", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    checks = {check["name"]: check for check in envelope(elsewhere)["data"]}
    assert checks["environment"]["verdict"] == "WARN"


def test_doctor_never_passes_what_is_not_there(machine: FakeMachine) -> None:
    machine.engine["images"] = ["fake/gateway:1"]
    machine.write()
    checks = {check["name"]: check for check in envelope(machine.run("doctor", "--json"))["data"]}
    for name in ("gateway", "store", "endpoint", "environment"):
        assert checks[name]["verdict"] == "SKIP", name
    assert checks["images"]["verdict"] == "WARN"
    assert "missing: store" in checks["images"]["found"]


def test_doctor_quotes_the_log_and_sees_a_full_disk(machine: FakeMachine) -> None:
    machine.engine["containers"] = [
        container("gateway"),
        container("store", health="unhealthy", log="\n".join(f"line {n}" for n in range(99))),
    ]
    machine.program["exec"] = {"out": free_space(2**20)}
    machine.write()
    result = machine.run("doctor")
    assert result.returncode == 6
    assert "line 98" in result.stdout
    assert "line 90" not in result.stdout
    assert "1 MB free at /state: it is full" in result.stdout
    assert "localaws logs store --compose" in result.stdout


def test_stop_keeps_and_destroy_deletes_only_when_confirmed(serving: FakeMachine) -> None:
    serving.after("down", containers=[])
    refused = serving.run("destroy", "--json")
    assert refused.returncode == 3
    assert "state" in envelope(refused)["error"]["message"]
    assert not any(" down" in call for call in serving.calls())
    assert "the data is kept" in serving.run("stop").stdout
    assert serving.calls()[-1] == "compose --profile * down --remove-orphans"
    assert envelope(serving.run("stop", "--json"))["data"]["stopped"] is False
    deleted = serving.run("destroy", "--yes", "--json")
    assert envelope(deleted)["data"]["destroyed"] is True
    assert serving.calls()[-1] == "compose --profile * down --volumes --remove-orphans"


def test_ctrl_c_while_starting_says_that_it_can_go_on(machine: FakeMachine) -> None:
    machine.engine["images"] = []
    machine.program["build"] = {"out": "#5 [store build 2/4] RUN go build\n", "sleep": 30}
    machine.write()
    with machine.start("up") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "go build" in line:
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
        assert process.wait(20) == 130
    assert f"localaws up --compose --project-directory {machine.project} goes on" in rest


@pytest.mark.parametrize(
    ("line", "progress"),
    [
        ("#6 [store build 2/2] RUN x", Progress("store", "build 2/2", "RUN x")),
        ("#6 [store 3/11] COPY a b", Progress("store", "step 3/11", "COPY a b")),
        ("#6 [store build  9/10] RUN x", Progress("store", "build 9/10", "RUN x")),
        ("#6 [other build 2/2] RUN x", None),
        ("#6 0.130 hello", None),
        ("#9 naming to docker.io/a/b:1 done", Progress("a/b:1", "", "")),
        ("#9 naming to a/b:1", Progress("a/b:1", "", "")),
    ],
)
def test_the_progress_of_a_build(line: str, progress: Progress | None) -> None:
    assert progress_of(line, {"store"}) == progress
