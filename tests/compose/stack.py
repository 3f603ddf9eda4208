"""What the tests do to the containers: kill one, wait until all are well, run a use case."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
GREATFIN = Path(sys.executable).with_name("greatfin")
WELL_SECONDS = 150.0


def compose(*arguments: str) -> str:
    """Run docker compose on the stack of these tests and return its output."""
    command = ["docker", "compose", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def kill(service: str) -> None:
    """Kill the main process of a service, as the kernel does when memory is short."""
    container = compose("ps", "--quiet", service).split()[0]
    asked = ["docker", "inspect", "--format", "{{.State.Pid}}", container]
    pid = int(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)
    os.kill(pid, signal.SIGKILL)  # `docker kill` would also switch the restart policy off


def states() -> dict[str, str]:
    """Return the state of every container by service: healthy, starting, exited."""
    lines = compose("ps", "--all", "--format", "json").splitlines()
    found = [json.loads(line) for line in lines]
    return {item["Service"]: item["Health"] or item["State"] for item in found}


def wait_well() -> None:
    """Wait until every container is healthy again."""
    deadline = time.monotonic() + WELL_SECONDS
    while any(state != "healthy" for state in states().values()):
        assert time.monotonic() < deadline, states()
        time.sleep(0.5)


class Run:
    """A run of the use case in a process of its own."""

    def __init__(self, environment: Mapping[str, str], home: Path, scale: float) -> None:
        command = [GREATFIN, "run", "lake/top-leads", "--target", "compose", "--json"]
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        self._home = home
        self._process = subprocess.Popen(
            [*command, "--scale", str(scale)],
            env=kept | dict(environment) | {"GREATFIN_HOME": str(home), "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def wait_for(self, step: str) -> None:
        """Wait until a step has been done, as the run's trace tells, or the run has ended."""
        while self._process.poll() is None:
            for path in self._home.glob("runs/*.json"):
                done = [item["name"] for item in json.loads(path.read_text())["steps"]]
                if step in done:
                    return
            time.sleep(0.05)

    def end(self) -> tuple[int, dict[str, Any]]:
        """Return the exit code and the JSON envelope."""
        output, _ = self._process.communicate(timeout=240)
        envelope: dict[str, Any] = json.loads(output)
        return self._process.returncode, envelope
