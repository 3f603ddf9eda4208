"""The container engine of this machine, read through its SDK."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localaws.cli.frame import CommandError, ExitCode
from localaws.compose.project import INSTALL

if TYPE_CHECKING:
    from docker import DockerClient

TIMEOUT_SECONDS = 20
_LABEL = "com.docker.compose."


@dataclass(frozen=True)
class Container:
    """A container of the project, as it is now.

    Attributes:
        state: ``created``, ``running``, ``restarting``, ``paused``, ``exited`` or ``dead``.
        health: ``healthy``, ``starting``, ``unhealthy``, or empty without a check.
        ports: for each port inside, the host and port of this machine it is published on.
    """

    id: str
    name: str
    service: str
    number: int
    state: str
    health: str
    restarts: int
    exit_code: int
    out_of_memory: bool
    error: str
    folder: str
    ports: dict[int, tuple[str, int]] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Return whether its process runs."""
        return self.state == "running"

    @property
    def healthy(self) -> bool:
        """Return whether it runs and its check, if it has one, passes."""
        return self.running and self.health in ("healthy", "")

    @property
    def trouble(self) -> str:
        """Return what is wrong with it, empty if nothing is (it may still be starting)."""
        if self.out_of_memory and not self.healthy:
            return "was killed because it reached its memory limit"
        if self.state in ("restarting", "dead"):
            return f"ends and is started again and again (exit code {self.exit_code})"
        if self.state == "exited":
            return f"has ended (exit code {self.exit_code})"
        if self.state == "created" and self.error:
            return f"could not be started: {self.error}"
        return "is unhealthy" if self.running and self.health == "unhealthy" else ""


@dataclass(frozen=True)
class EngineInfo:
    """What the engine says about itself and its machine."""

    version: str
    memory: int
    folder: Path


class Engine:
    """A connection to the engine."""

    def __init__(self, client: DockerClient) -> None:
        self._client = client

    @classmethod
    def connect(cls) -> Engine:
        """Connect to the engine that the `docker` program uses.

        Raises:
            CommandError: it is not there, does not run, or may not be used; with the cure.
        """
        try:
            import docker
            from docker.errors import DockerException
        except ImportError as error:
            raise CommandError(
                "PackageMissing",
                "the Python package docker is not installed; the commands over containers need it",
                ("pip install 'greatfin-localaws[compose]'",),
                exit_code=ExitCode.RESOURCES,
            ) from error
        address = engine_address()
        try:
            client = docker.DockerClient(base_url=address, timeout=TIMEOUT_SECONDS)
            client.ping()
        except (DockerException, OSError) as error:
            raise _unreachable(address, error) from error
        return cls(client)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def info(self) -> EngineInfo:
        """Return version, memory in bytes, and the folder where the engine keeps its data."""
        content: dict[str, Any] = self._client.info()
        return EngineInfo(
            str(content.get("ServerVersion", "")),
            int(content.get("MemTotal") or 0),
            Path(content.get("DockerRootDir") or "/var/lib/docker"),
        )

    def containers(self, project: str) -> list[Container]:
        """Return the containers of a project, those that have ended too, in order of name."""
        found = self._client.containers.list(
            all=True,
            filters={"label": [f"{_LABEL}project={project}", f"{_LABEL}oneoff=False"]},
            ignore_removed=True,
        )
        return sorted(
            (_container(item.attrs) for item in found), key=lambda one: (one.service, one.number)
        )

    def holder_of(self, port: int) -> str | None:
        """Return the name of a running container, of any project, that is published on a port."""
        for item in self._client.containers.list(filters={"publish": str(port)}):
            if any(port == number for _, number in _ports(item.attrs).values()):
                return str(item.name)
        return None

    def memory_of(self, containers: list[Container]) -> dict[str, int]:
        """Return the bytes of memory each running container uses, without its file cache."""
        running = [one for one in containers if one.running]
        with ThreadPoolExecutor(max_workers=max(1, len(running))) as pool:
            sizes = pool.map(self._memory, running)
            return {one.id: size for one, size in zip(running, sizes, strict=True)}

    def _memory(self, container: Container) -> int:
        from docker.errors import APIError

        try:
            content = self._client.api.stats(container.id, stream=False, one_shot=True)
        except APIError:
            return 0  # it ended meanwhile
        memory = content.get("memory_stats") or {}
        detail = memory.get("stats") or {}
        cache = detail.get("total_inactive_file", detail.get("inactive_file", 0))
        return max(0, int(memory.get("usage", 0)) - int(cache))

    def tail(self, container: Container, lines: int) -> str:
        """Return the last lines a container printed."""
        from docker.errors import APIError

        try:
            text = self._client.api.logs(container.id, tail=lines)
        except APIError as error:
            return f"(no log: {error.explanation or error})"
        return text.decode(errors="replace").rstrip()

    def images(self) -> set[str]:
        """Return the names with tag of all images there are."""
        return {tag for image in self._client.api.images() for tag in (image.get("RepoTags") or ())}

    def volumes(self, project: str) -> set[str]:
        """Return the names, as declared, of a project's volumes that exist."""
        found = self._client.volumes.list(filters={"label": f"{_LABEL}project={project}"})
        labels = ((item.attrs.get("Labels") or {}) for item in found)
        return {label[f"{_LABEL}volume"] for label in labels if f"{_LABEL}volume" in label}


@contextlib.contextmanager
def engine_errors() -> Iterator[None]:
    """Tell what the engine refuses, or that it went away, as errors of the command.

    Raises:
        CommandError: for every error of the SDK.
    """
    import requests
    from docker.errors import APIError, DockerException

    try:
        yield
    except APIError as error:
        raise CommandError(
            "EngineRefused",
            f"the Docker engine refuses: {error.explanation or error}",
            ("localaws doctor --compose",),
        ) from error
    except (DockerException, requests.RequestException) as error:
        raise CommandError(
            "EngineDown",
            f"the Docker engine stopped answering: {error}",
            ("localaws doctor --compose", "sudo systemctl restart docker"),
            exit_code=ExitCode.RESOURCES,
            retryable=True,
        ) from error


def engine_address() -> str:
    """Return the engine's address: ``DOCKER_HOST``, else that of the context in use."""
    given = os.environ.get("DOCKER_HOST")
    if given:
        return given
    from docker.context import ContextAPI
    from docker.errors import DockerException

    default = "unix:///var/run/docker.sock"
    try:
        context = ContextAPI.get_current_context()
    except (DockerException, OSError, ValueError):
        return default
    return str(context.Host or default) if context is not None else default


def may_be_there() -> bool:
    """Return whether a local engine may be there, without the cost of asking it."""
    try:
        address = engine_address()
    except ImportError:
        return False
    return Path(address.removeprefix("unix://")).exists() if address.startswith("unix") else True


def _container(attributes: dict[str, Any]) -> Container:
    state = attributes["State"]
    labels = attributes["Config"].get("Labels") or {}
    return Container(
        id=attributes["Id"],
        name=attributes["Name"].lstrip("/"),
        service=labels.get(f"{_LABEL}service", ""),
        number=int(labels.get(f"{_LABEL}container-number") or 1),
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status", "").replace("none", ""),
        restarts=int(attributes.get("RestartCount") or 0),
        exit_code=int(state.get("ExitCode") or 0),
        out_of_memory=bool(state.get("OOMKilled")),
        error=str(state.get("Error") or ""),
        folder=labels.get(f"{_LABEL}project.working_dir", ""),
        ports=_ports(attributes),
    )


def _ports(attributes: dict[str, Any]) -> dict[int, tuple[str, int]]:
    published = (attributes.get("NetworkSettings") or {}).get("Ports") or {}
    return {
        int(inside.partition("/")[0]): (outside[0]["HostIp"], int(outside[0]["HostPort"]))
        for inside, outside in published.items()
        if outside
    }


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and everything it came from: the SDK wraps the system's error in four."""
    seen: set[int] = set()
    todo = [error]
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        todo += [one.__cause__, one.__context__]
        todo += [argument for argument in one.args if isinstance(argument, BaseException)]


def _unreachable(address: str, error: Exception) -> CommandError:
    numbers = {one.errno for one in _causes(error) if isinstance(one, OSError)}
    if errno.EACCES in numbers or errno.EPERM in numbers:
        return CommandError(
            "NoPermission",
            f"you may not use the Docker engine at {address}",
            ("sudo usermod -aG docker $USER   and log in again", "or use rootless Docker"),
            exit_code=ExitCode.RESOURCES,
        )
    import shutil

    if shutil.which("docker") is None and errno.ENOENT in numbers:
        return CommandError(
            "DockerMissing",
            f"Docker is not installed: nothing is at {address}, and no program docker is on the "
            "PATH",
            (INSTALL,),
            exit_code=ExitCode.RESOURCES,
        )
    detail = "" if numbers & {errno.ENOENT, errno.ECONNREFUSED} else f": {error}"
    return CommandError(
        "EngineDown",
        f"the Docker engine does not run: nothing answers at {address}{detail}",
        ("sudo systemctl start docker   (macOS, Windows: start Docker Desktop)",),
        exit_code=ExitCode.RESOURCES,
        retryable=True,
    )
