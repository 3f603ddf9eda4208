"""A container engine and its program that are not there: they answer what a test says."""

from __future__ import annotations

import json
import os
import re
import socketserver
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Self

LOCALAWS = Path(sys.executable).with_name("localaws")
GIGABYTE = 2**30

PROGRAM = """#!{python}
import json, os, pathlib, shutil, sys, time
folder = pathlib.Path({folder!r})
arguments = sys.argv[1:]
with (folder / "calls").open("a") as calls:
    calls.write(" ".join(arguments) + "\\n")
words = [word for word in arguments if not word.startswith("-")]
names = ("version", "config", "build", "up", "down", "logs", "exec")
asked = next((word for word in words if word in names), "")
answer = json.loads((folder / "program.json").read_text()).get(asked, {{}})
if asked == "config":
    raw, names = "--no-interpolate" in arguments, "--services" in arguments
    answer = answer["raw" if raw else "names" if names else "whole"]
after = folder / ("after-" + asked + ".json")
if after.exists() and not answer.get("code"):
    draft = folder / "engine.draft"
    shutil.copy(after, draft)
    draft.replace(folder / "engine.json")  # the engine is asked all the time
sys.stdout.write(answer.get("out", ""))
sys.stderr.write(answer.get("err", ""))
sys.stdout.flush()
time.sleep(answer.get("sleep", 0))
sys.exit(answer.get("code", 0))
"""


def container(service: str, state: str = "running", health: str = "healthy", **more: Any) -> Any:
    """Return what an engine says of a container; `more`: restarts, code, oom, error, port, log."""
    ports = {}
    if "port" in more:
        inside, outside = more["port"]
        ports[f"{inside}/tcp"] = [{"HostIp": "127.0.0.1", "HostPort": str(outside)}]
    return {
        "Id": f"id-{service}",
        "Name": f"/fake-{service}-1",
        "RestartCount": more.get("restarts", 0),
        "State": {
            "Status": state,
            "ExitCode": more.get("code", 0),
            "OOMKilled": more.get("oom", False),
            "Error": more.get("error", ""),
            "Health": {"Status": health} if health else None,
        },
        "Config": {
            "Tty": True,
            "Labels": {
                "com.docker.compose.service": service,
                "com.docker.compose.container-number": "1",
            },
        },
        "NetworkSettings": {"Ports": ports},
        "log": more.get("log", ""),
    }


def free_space(size: int) -> str:
    """Return what `df` prints of a disk with this many free bytes."""
    return f"Filesystem 1024-blocks Used Available Capacity Mounted\n/ 9 1 {size // 1024} 9% /d\n"


class _Handler(BaseHTTPRequestHandler):
    folder: Path

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        path = re.sub(r"^/v[\d.]+", "", path)
        told = json.loads((self.folder / "engine.json").read_text())
        mine = {item["Id"]: item for item in told["containers"]}
        parts = path.split("/")
        if path == "/_ping":
            self.answer(b"OK", "text/plain")
        elif path == "/version":
            self.answer({"ApiVersion": "1.41", "Version": "20.10"})
        elif path == "/info" and "refuses" in told:
            self.answer({"message": told["refuses"]}, status=500)
        elif path == "/info":
            self.answer(told["info"])
        elif path == "/images/json":
            self.answer([{"RepoTags": [name]} for name in told["images"]])
        elif path == "/volumes":
            self.answer(
                {
                    "Volumes": [
                        {"Name": f"fake_{name}", "Labels": {"com.docker.compose.volume": name}}
                        for name in told["volumes"]
                    ]
                }
            )
        elif path == "/containers/json":
            self.answer([] if "publish" in query else [{"Id": name} for name in mine])
        elif parts[-1] == "json":
            self.answer(mine[parts[2]])
        elif parts[-1] == "stats":
            usage = {"usage": 110 * 2**20, "stats": {"inactive_file": 10 * 2**20}}
            self.answer({"memory_stats": usage})
        elif parts[-1] == "logs":
            tail = int(re.findall(r"tail=(\d+)", query)[0])
            lines = mine[parts[2]]["log"].splitlines()[-tail:]
            self.answer("\n".join(lines).encode(), "application/octet-stream")

    def answer(self, body: Any, kind: str = "application/json", status: int = 200) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def address_string(self) -> str:
        return "socket"

    def log_message(self, *_: Any) -> None:
        pass


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class FakeMachine:
    """A machine with a folder of containers, its engine and the program; all of it told by a test.

    The project declares a gateway on `port` with a volume, and a store without a port.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.socket = folder / "engine.sock"
        self.project = folder / "project"
        self.project.mkdir()
        (self.project / "docker-compose.yml").write_text("name: fake\n")
        (folder / "bin").mkdir()
        program = folder / "bin" / "docker"
        program.write_text(PROGRAM.format(python=sys.executable, folder=str(folder)))
        program.chmod(0o755)
        declared = {
            "gateway": {
                "image": "fake/gateway:1",
                "build": {"context": "."},
                "ports": [
                    {"host_ip": "127.0.0.1", "target": 4566, "published": str(port)},
                ],
                "mem_limit": str(GIGABYTE),
                "volumes": [{"type": "volume", "source": "state", "target": "/state"}],
            },
            "store": {"image": "fake/store:1", "build": {"context": "."}, "mem_limit": "1024"},
        }
        raw = {"gateway": {"ports": [f"127.0.0.1:${{LOCALAWS_PORT:-{port}}}:4566"]}, "store": {}}
        self.program: dict[str, Any] = {
            "version": {"out": "2.26.1-4\n"},
            "exec": {"out": free_space(10 * GIGABYTE)},
            "config": {
                "whole": {"out": json.dumps({"name": "fake", "services": declared})},
                "raw": {"out": json.dumps({"services": raw})},
                "names": {"out": "gateway\nstore\n"},
            },
        }
        self.engine: dict[str, Any] = {
            "info": {"ServerVersion": "20.10", "MemTotal": 8 * GIGABYTE, "DockerRootDir": "/"},
            "images": ["fake/gateway:1", "fake/store:1"],
            "volumes": [],
            "containers": [],
        }
        self.write()

    def write(self) -> None:
        """Make what `program` and `engine` say true from now on."""
        (self.folder / "program.json").write_text(json.dumps(self.program))
        (self.folder / "engine.json").write_text(json.dumps(self.engine))

    def after(self, subcommand: str, **changes: Any) -> None:
        """Say what the engine tells once a subcommand of the program has succeeded."""
        changed = json.dumps({**self.engine, **changes})
        (self.folder / f"after-{subcommand}.json").write_text(changed)

    def calls(self) -> list[str]:
        """Return the arguments of each call of the program."""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"folder": self.folder})
        self._server = _Server(str(self.socket), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def run(
        self, *arguments: str, folder: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `localaws` on this machine."""
        with self.start(*arguments, folder=folder, **environment) as process:
            output, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def start(
        self, *arguments: str, folder: bool = True, **environment: str
    ) -> subprocess.Popen[str]:
        """Start `localaws` on this machine."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "LOCALAWS_", "DOCKER_", "COMPOSE_"))
        }
        own = {
            "PATH": str(self.folder / "bin"),
            "DOCKER_HOST": f"unix://{self.socket}",
            "HOME": str(self.folder),
        }
        project = ("--project-directory", str(self.project)) if folder else ()
        own_arguments = list(arguments)
        at = own_arguments.index("--") if "--" in own_arguments else len(own_arguments)
        own_arguments[at:at] = project
        return subprocess.Popen(
            [LOCALAWS, *own_arguments],
            env={**kept, **own, **environment},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
