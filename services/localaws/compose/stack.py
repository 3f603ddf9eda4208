"""The containers of this machine: what is declared beside what runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.cli.frame import CommandError
from localaws.compose.engine import Container, Engine, engine_errors, may_be_there
from localaws.compose.project import DEFAULT_NAME, GATEWAY, GATEWAY_PORT, Project, url_of


@dataclass
class Stack:
    """The containers of one project; the project is None where its folder is gone."""

    engine: Engine
    name: str
    project: Project | None

    def containers(self) -> list[Container]:
        """Return the containers as they are now."""
        return self.engine.containers(self.name)

    def endpoint(self, containers: list[Container]) -> str | None:
        """Return the URL of the AWS endpoint: of what runs, else as declared."""
        for container in containers:
            if container.service == GATEWAY and GATEWAY_PORT in container.ports:
                return url_of(*container.ports[GATEWAY_PORT])
        return self.project.endpoint if self.project else None

    def rows(self, containers: list[Container]) -> list[dict[str, Any]]:
        """Return one row per container, and one per declared service without any."""
        memory = self.engine.memory_of(containers)
        volumes = self.engine.volumes(self.name)
        declared = self.project.services if self.project else {}
        active = {name for name, service in declared.items() if service.active}
        numbers = {one.service: one.number for one in containers}
        rows = []
        for one in containers:
            kept = declared[one.service].volumes if one.service in declared else {}
            rows.append(
                {
                    "name": one.service if numbers[one.service] == 1 else _numbered(one),
                    "declared": one.service in declared,
                    "running": one.running,
                    "healthy": one.healthy,
                    "has_data": any(name in volumes for name in kept.values()),
                    "container": one.name,
                    "state": one.state,
                    "health": one.health,
                    "memory_bytes": memory.get(one.id, 0),
                    "memory_limit_bytes": declared[one.service].memory
                    if one.service in declared
                    else 0,
                    "restarts": one.restarts,
                    "error": one.trouble or None,
                }
            )
        rows += [
            {
                "name": name,
                "declared": True,
                "running": False,
                "healthy": False,
                "has_data": any(item in volumes for item in declared[name].volumes.values()),
                "container": None,
                "state": "absent",
                "health": "",
                "memory_bytes": 0,
                "memory_limit_bytes": declared[name].memory,
                "restarts": 0,
                "error": None,
            }
            for name in sorted(active - numbers.keys())
        ]
        return rows


def _numbered(container: Container) -> str:
    return f"{container.service}-{container.number}"


@contextlib.contextmanager
def opened(folder: Path | None = None) -> Iterator[Stack]:
    """Open the stack that ``--compose`` means.

    Raises:
        CommandError: there is no engine, or no project.
    """
    engine = Engine.connect()
    try:
        with engine_errors():
            yield _of_folder(engine, folder)
    except CommandError as error:
        if folder is not None:
            error.actions = tuple(hint(action, folder) for action in error.actions)
        raise
    finally:
        engine.close()


def _of_folder(engine: Engine, folder: Path | None) -> Stack:
    try:
        project = Project.find(folder)
    except CommandError:
        found = None if folder else _from_labels(engine)
        if found is None:
            raise
        return found
    return Stack(engine, project.name, project)


def hint(command: str, folder: Path | None) -> str:
    """Return a command to type, for the project in a folder where one was named."""
    given = f" --project-directory {folder}"
    if folder is None or given in command:
        return command
    return command.replace(" --compose", f" --compose{given}")


@contextlib.contextmanager
def found_running() -> Iterator[Stack | None]:
    """Find the stack of this machine by its containers, or None.

    No engine is no error: that is the usual case of the embedded platform.
    """
    engine = None
    if may_be_there():
        with contextlib.suppress(CommandError):
            engine = Engine.connect()
    if engine is None:
        yield None
        return
    try:
        with engine_errors():
            yield _from_labels(engine)
    finally:
        engine.close()


def _from_labels(engine: Engine) -> Stack | None:
    name = os.environ.get("COMPOSE_PROJECT_NAME") or DEFAULT_NAME
    containers = engine.containers(name)
    if not containers:
        return None
    folder = Path(containers[0].folder)
    try:
        project = Project.find(folder) if containers[0].folder else None
        if project is not None and project.name != name:
            project = None
    except CommandError:
        project = None
    return Stack(engine, name, project)
