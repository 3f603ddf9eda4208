"""The project of containers: where its file is, what it declares, and the commands on it.

Compose files have no client library, so this asks the plugin itself: what is declared is what
``docker compose config`` says, with every variable and ``.env`` file resolved.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import localaws
from localaws.cli.frame import CommandError, ExitCode

FILE = "docker-compose.yml"
DEFAULT_NAME = "localaws"
GATEWAY = "gateway"
GATEWAY_PORT = 4566
INSTALL = "install Docker Engine and its compose plugin: docs.docker.com/engine/install"


@dataclass(frozen=True)
class Port:
    """A port of this machine that a service is published on."""

    service: str
    host: str
    number: int
    target: int


@dataclass(frozen=True)
class Service:
    """A service as declared.

    Attributes:
        built: whether the file says how to build its image; another service's may be the same.
        memory: limit in bytes, 0 for none.
        volumes: named volume by the path it is mounted on.
        active: whether `up` starts it without a profile named.
    """

    name: str
    image: str
    built: bool
    ports: tuple[Port, ...]
    memory: int
    volumes: dict[str, str]
    active: bool


class Project:
    """A folder with the file that declares the containers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def find(cls, folder: Path | None = None) -> Project:
        """Return the project in a folder, around the current one, or of the installation.

        Raises:
            CommandError: there is none.
        """
        if folder is not None:
            if (folder / FILE).is_file():
                return cls(folder.absolute())
            raise _no_project(f"there is no {FILE} in {folder}")
        here = Path.cwd()
        checkout = Path(localaws.__file__).absolute().parents[2]
        for candidate in (here, *here.parents, checkout):
            if (candidate / FILE).is_file() and (candidate / "services" / "localaws").is_dir():
                return cls(candidate)
        raise _no_project(
            f"no checkout with a {FILE} is around {here}, and localaws is not installed from one"
        )

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a subcommand."""
        return ["docker", "compose", *arguments]

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start a subcommand, whose output is text to read."""
        try:
            return subprocess.Popen(
                self.command(*arguments),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                text=True,
                errors="replace",
                **options,
            )
        except FileNotFoundError as error:
            raise program_missing() from error

    def run(self, *arguments: str) -> str:
        """Run a subcommand and return what it printed.

        Raises:
            CommandError: it failed, with its own words.
        """
        with self.start(
            *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=-1
        ) as process:
            output, errors = process.communicate()
        if process.returncode:
            shown = " ".join(["docker compose", *arguments])
            raise CommandError(
                "ComposeFailed",
                f"`{shown}` failed in {self.folder}:\n{last_lines(errors, 10)}",
                ("localaws doctor --compose",),
            )
        return output

    @functools.cached_property
    def _config(self) -> dict[str, Any]:
        content = json.loads(self.run("--profile", "*", "config", "--format", "json"))
        return content if isinstance(content, dict) else {}

    @property
    def name(self) -> str:
        """Return the name all its containers, volumes and networks carry."""
        return str(self._config.get("name") or DEFAULT_NAME)

    @functools.cached_property
    def services(self) -> dict[str, Service]:
        """Return what is declared, by name."""
        active = set(self.run("config", "--services").split())
        return {
            name: _service(name, content, name in active)
            for name, content in self._config.get("services", {}).items()
        }

    def with_profiles(self, profiles: Sequence[str]) -> dict[str, Service]:
        """Return the services that `up` starts with these profiles."""
        if not profiles:
            return {name: item for name, item in self.services.items() if item.active}
        named = [part for profile in profiles for part in ("--profile", profile)]
        active = self.run(*named, "config", "--services").split()
        return {name: self.services[name] for name in active}

    @functools.cached_property
    def _variables(self) -> dict[tuple[str, int], str]:
        """Return by service and port inside it the variable that moves the port outside."""
        raw = json.loads(
            self.run("--profile", "*", "config", "--no-interpolate", "--format", "json")
        )
        found = {}
        for name, content in raw.get("services", {}).items():
            for port in content.get("ports") or ():
                if isinstance(port, dict):  # the long form
                    port = f"{port.get('published', '')}:{port['target']}"
                match = re.search(r"\$\{?(\w+)[^}]*\}?:(\d+)$", str(port))
                if match is not None:
                    found[name, int(match[2])] = match[1]
        return found

    def variable_of(self, port: Port) -> str | None:
        """Return the environment variable that moves a port, if there is one."""
        return self._variables.get((port.service, port.target))

    def disk_of(self, service: str, number: int, path: str) -> int | None:
        """Return the free bytes at a path inside a running container; None: it does not tell."""
        inside = ("exec", "--no-TTY", "--index", str(number), service, "df", "-P", "-k", path)
        try:
            fields = self.run(*inside).strip().rpartition("\n")[2].split()
        except CommandError:
            return None
        return int(fields[3]) * 1024 if len(fields) >= 6 and fields[3].isdigit() else None

    @property
    def endpoint(self) -> str | None:
        """Return the URL of the AWS endpoint as this machine reaches it."""
        gateway = self.services.get(GATEWAY)
        for port in gateway.ports if gateway else ():
            if port.target == GATEWAY_PORT:
                return url_of(port.host, port.number)
        return None


def url_of(host: str, port: int) -> str:
    """Return the URL of a published port; one published on every address is reached on loopback."""
    return f"http://{'127.0.0.1' if host in ('0.0.0.0', '::', '') else host}:{port}"


def _service(name: str, content: dict[str, Any], active: bool) -> Service:
    ports = tuple(
        Port(name, port.get("host_ip") or "0.0.0.0", int(port["published"]), int(port["target"]))
        for port in content.get("ports") or ()
        if str(port.get("published", "")).isdigit()
    )
    volumes = {
        item["target"]: item["source"]
        for item in content.get("volumes") or ()
        if item.get("type") == "volume" and item.get("source")
    }
    return Service(
        name=name,
        image=str(content.get("image") or ""),
        built="build" in content,
        ports=ports,
        memory=int(content.get("mem_limit") or 0),
        volumes=volumes,
        active=active,
    )


def plugin_version() -> str:
    """Return the version of the compose plugin.

    Raises:
        CommandError: the program or the plugin is missing, or the plugin is older than 2.
    """
    try:
        done = subprocess.run(
            ["docker", "compose", "version", "--short"],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise program_missing() from error
    version = done.stdout.strip().removeprefix("v")
    if done.returncode or not version:
        raise CommandError(
            "ComposeMissing",
            f"docker has no compose plugin: {last_lines(done.stderr, 1)}".rstrip(": "),
            ("install the package docker-compose-plugin (Debian: docker-compose), version 2",),
            exit_code=ExitCode.RESOURCES,
        )
    major = re.match(r"\d+", version)
    if major is None or int(major[0]) < 2:
        raise CommandError(
            "ComposeTooOld",
            f"the compose plugin is version {version}; 2 or newer is needed",
            ("install the package docker-compose-plugin",),
            exit_code=ExitCode.RESOURCES,
        )
    return version


def program_missing() -> CommandError:
    """Return the error of a machine without the docker program."""
    found = "the program docker is not on the PATH" + (
        " (PATH is empty)" if not os.environ.get("PATH") else ""
    )
    return CommandError("DockerMissing", found, (INSTALL,), exit_code=ExitCode.RESOURCES)


def last_lines(text: str, count: int) -> str:
    """Return the last lines of a text that are not empty."""
    return "\n".join([line for line in text.splitlines() if line.strip()][-count:])


def _no_project(found: str) -> CommandError:
    return CommandError(
        "NoProject",
        found,
        ("localaws up --compose --project-directory CHECKOUT",),
        exit_code=ExitCode.RESOURCES,
    )
