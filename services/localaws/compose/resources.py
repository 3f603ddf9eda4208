"""What the containers need of the machine: memory, disk, ports; checked before they start."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from localaws.cli.frame import CommandError, ExitCode
from localaws.compose.engine import Container, Engine, EngineInfo
from localaws.compose.project import Port, Project, Service

GIGABYTE = 2**30
MEGABYTE = 2**20

LEAST_MEMORY = 0.6
"""Share of the memory limits below which the containers do not fit even when idle."""

BUILD_DISK = 4 * GIGABYTE
"""Free bytes without which building the images cannot end well."""

BUILD_DISK_GOOD = 15 * GIGABYTE
RUN_DISK = GIGABYTE // 2
RUN_DISK_GOOD = 5 * GIGABYTE


@dataclass(frozen=True)
class Taken:
    """A port that somebody else listens on, and what to do."""

    port: Port
    owner: str
    cure: str


def limits_of(services: Iterable[Service]) -> int:
    """Return the sum of the services' memory limits in bytes."""
    return sum(service.memory for service in services)


def missing_images(engine: Engine, services: Iterable[Service]) -> set[str]:
    """Return the images of services that are not built yet."""
    there = engine.images()
    return {item.image for item in services if item.image and item.image not in there}


def free_disk(info: EngineInfo) -> int | None:
    """Return the free bytes where the engine keeps its data; None where that is elsewhere."""
    folder = info.folder
    try:
        return shutil.disk_usage(folder).free if folder.exists() else None
    except OSError:
        return None


def taken_ports(
    project: Project, engine: Engine, services: Iterable[Service], containers: Sequence[Container]
) -> list[Taken]:
    """Return the declared ports that others than the project's own containers hold."""
    from localaws.cli.ports import is_free

    ours = {
        number
        for container in containers
        if container.state in ("running", "restarting", "paused")
        for _, number in container.ports.values()
    }
    return [
        _taken(project, engine, port)
        for service in services
        for port in service.ports
        if port.number not in ours and not is_free(port.host, port.number)
    ]


def _taken(project: Project, engine: Engine, port: Port) -> Taken:
    from localaws.cli.ports import owner_of

    other = engine.holder_of(port.number)
    process = owner_of(port.number)
    owner = f"container {other}" if other else str(process)
    if other:
        stop = f"docker stop {other}"
    elif process.name == "localaws":
        stop = "localaws stop"
    else:
        stop = f"kill {process.pid}" if process.pid else f"stop what listens on {port.number}"
    variable = project.variable_of(port)
    if variable is None:
        return Taken(port, owner, stop)
    return Taken(port, owner, f"{stop}   or   export {variable}={_free_port(port)}")


def _free_port(port: Port) -> int:
    """Return a port that is free now, a round number away from the one that is taken."""
    from localaws.cli.ports import is_free

    candidates = [*range(port.number + 100, 65536, 100), *range(port.number - 100, 1024, -100)]
    return next((one for one in candidates if is_free(port.host, one)), port.number + 1)


def require(
    project: Project,
    engine: Engine,
    services: Sequence[Service],
    containers: Sequence[Container],
    missing: set[str],
) -> None:
    """Check that the machine has what the containers need.

    Raises:
        CommandError: it has not (exit code 5): what is missing, and the cure.
    """
    info = engine.info()
    needed = limits_of(services)
    if 0 < info.memory < needed * LEAST_MEMORY:
        raise CommandError(
            "TooLittleMemory",
            f"the Docker engine has {info.memory / GIGABYTE:.1f} GB of memory; the containers may "
            f"use {needed / GIGABYTE:.1f} GB and need {needed * LEAST_MEMORY / GIGABYTE:.1f} GB",
            (
                "give the engine more memory (Docker Desktop: Settings, Resources)   or",
                "localaws up --detach   (the embedded platform runs in 1 GB)",
            ),
            exit_code=ExitCode.RESOURCES,
        )
    free = free_disk(info)
    least = BUILD_DISK if missing else RUN_DISK
    if free is not None and free < least:
        what = "building images needs" if missing else "running needs"
        raise disk_full(
            f"{free / MEGABYTE:,.0f} MB are free in {info.folder}; {what} {least / GIGABYTE:.1f} GB"
        )
    taken = taken_ports(project, engine, services, containers)
    if taken:
        raise CommandError(
            "PortTaken",
            "; ".join(
                f"port {one.port.number} of {one.port.service} is taken by {one.owner}"
                for one in taken
            ),
            [*(one.cure for one in taken), "localaws up --compose   when that is done"],
            exit_code=ExitCode.RESOURCES,
            retryable=True,
        )


def disk_full(found: str) -> CommandError:
    """Return the error of a disk without space."""
    return CommandError(
        "DiskFull",
        f"the disk of the Docker engine is full: {found}",
        (
            "docker builder prune && docker image prune   (frees what builds left)",
            "localaws up --compose   resumes",
        ),
        exit_code=ExitCode.RESOURCES,
        retryable=True,
    )
