"""``localaws doctor --compose``: what the containers need, and how each of them is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from localaws.cli.checks import Check, Verdict
from localaws.cli.frame import CommandError
from localaws.compose.engine import Container, Engine, engine_errors
from localaws.compose.project import Project, Service, plugin_version
from localaws.compose.resources import (
    BUILD_DISK,
    BUILD_DISK_GOOD,
    GIGABYTE,
    LEAST_MEMORY,
    MEGABYTE,
    RUN_DISK,
    RUN_DISK_GOOD,
    free_disk,
    limits_of,
    missing_images,
    taken_ports,
)
from localaws.compose.stack import Stack

QUOTED_LINES = 5
VOLUME_LEAST = 256 * MEGABYTE
VOLUME_GOOD = 2 * GIGABYTE
UP = "localaws up --compose"


def checks(folder: Path | None) -> list[Check]:
    """Return all checks; those that need what is missing are skipped, never passed."""
    found = [_attempt("compose plugin", lambda: f"version {plugin_version()}")]
    try:
        engine = Engine.connect()
    except CommandError as error:
        found.append(_failed("engine", error))
        return [*found, Check("containers", "SKIP", "the engine cannot be asked")]
    try:
        with engine_errors():
            info = engine.info()
        found.append(Check("engine", "PASS", f"version {info.version} answers"))
        if found[0].verdict == "FAIL":
            return [*found, Check("containers", "SKIP", "the compose plugin cannot be asked")]
        try:
            project = Project.find(folder)
            stack = Stack(engine, project.name, project)
            services = project.services
        except CommandError as error:
            return [*found, _failed("project", error)]
        found.append(Check("project", "PASS", f"{project.name} in {project.folder}"))
        with engine_errors():
            found += _of_stack(stack, project, services)
    except CommandError as error:
        found.append(_failed("containers", error))
    finally:
        engine.close()
    return found


def _attempt(name: str, ask: Callable[[], str]) -> Check:
    try:
        return Check(name, "PASS", ask())
    except CommandError as error:
        return _failed(name, error)


def _failed(name: str, error: CommandError) -> Check:
    return Check(name, "FAIL", error.message, "; ".join(error.actions))


def _of_stack(stack: Stack, project: Project, services: dict[str, Service]) -> Iterator[Check]:
    containers = stack.containers()
    there = {one.service for one in containers}
    wanted = [item for item in services.values() if item.active or item.name in there]
    missing = missing_images(stack.engine, wanted)
    yield _memory(stack.engine, wanted)
    yield _disk(stack.engine, bool(missing))
    yield from _ports(stack, project, wanted, containers)
    yield _images(wanted, missing)
    yield from (_container(stack, item, containers) for item in wanted)
    yield from (_volume(project, services, one) for one in containers if _mounts(services, one))
    endpoint = stack.endpoint(containers)
    yield _endpoint(endpoint, containers)
    yield _environment(endpoint)


def _memory(engine: Engine, services: list[Service]) -> Check:
    memory, limits = engine.info().memory, limits_of(services)
    found = f"{memory / GIGABYTE:.1f} GB for limits of {limits / GIGABYTE:.1f} GB"
    if memory < limits * LEAST_MEMORY:
        return Check("memory", "FAIL", found, "give the engine more, or: localaws up --detach")
    if memory < limits:
        return Check("memory", "WARN", found, "large queries and jobs may fail; give it more")
    return Check("memory", "PASS", found)


def _disk(engine: Engine, building: bool) -> Check:
    info = engine.info()
    free = free_disk(info)
    if free is None:
        return Check("disk", "SKIP", f"{info.folder} of the engine is not on this machine")
    least, good = (BUILD_DISK, BUILD_DISK_GOOD) if building else (RUN_DISK, RUN_DISK_GOOD)
    verdict: Verdict = "FAIL" if free < least else "WARN" if free < good else "PASS"
    why = " (images are still to be built)" if building else ""
    cure = "" if verdict == "PASS" else "docker builder prune; docker image prune"
    return Check("disk", verdict, f"{free / MEGABYTE:,.0f} MB free in {info.folder}{why}", cure)


def _ports(
    stack: Stack, project: Project, services: list[Service], containers: list[Container]
) -> Iterator[Check]:
    taken = {one.port: one for one in taken_ports(project, stack.engine, services, containers)}
    ours = {number for one in containers for _, number in one.ports.values()}
    for service in services:
        for port in service.ports:
            name = f"port {port.number}"
            if port in taken:
                found = f"of {service.name} is taken by {taken[port].owner}"
                yield Check(name, "FAIL", found, f"{taken[port].cure}; then {UP}")
            else:
                state = "answers for" if port.number in ours else "is free for"
                yield Check(name, "PASS", f"{state} {service.name}")


def _images(services: list[Service], missing: set[str]) -> Check:
    images = {item.image for item in services if item.image}
    if not missing:
        return Check("images", "PASS", f"{len(images)} built")
    names = ", ".join(sorted(item.name for item in services if item.image in missing))
    found = f"{len(images) - len(missing)} of {len(images)} built; missing: {names}"
    return Check("images", "WARN", found, f"{UP}   builds them, and resumes what was half built")


def _container(stack: Stack, service: Service, containers: list[Container]) -> Check:
    mine = [one for one in containers if one.service == service.name]
    if not mine:
        return Check(service.name, "SKIP", "no container", UP)
    bad = next((one for one in mine if one.trouble), None)
    if bad is not None:
        log = stack.engine.tail(bad, QUOTED_LINES)
        found = f"{bad.trouble}; restarts: {bad.restarts}" + (f"\n{log}" if log else "")
        return Check(
            service.name, "FAIL", found, f"localaws logs {service.name} --compose; then {UP}"
        )
    if not all(one.healthy for one in mine):
        states = ", ".join(one.health or one.state for one in mine)
        return Check(service.name, "WARN", states, "wait, or " + UP)
    restarts = sum(one.restarts for one in mine)
    found = f"{len(mine)} healthy" if len(mine) > 1 else "healthy"
    if restarts:
        cure = f"why it ended: localaws logs {service.name} --compose"
        return Check(service.name, "WARN", f"{found}; restarts: {restarts}", cure)
    return Check(service.name, "PASS", found)


def _mounts(services: dict[str, Service], container: Container) -> bool:
    return container.service in services and bool(services[container.service].volumes)


def _volume(project: Project, services: dict[str, Service], container: Container) -> Check:
    name = f"disk of {container.service}"
    if not container.running:
        return Check(name, "SKIP", f"the container is {container.state}", UP)
    path = next(iter(services[container.service].volumes))
    free = project.disk_of(container.service, container.number, path)
    if free is None:
        return Check(name, "SKIP", f"{path} in the container does not tell its space")
    found = f"{free / MEGABYTE:,.0f} MB free at {path}"
    if free < VOLUME_LEAST:
        cure = "delete objects or buckets; docker builder prune; or give the disk more space"
        return Check(name, "FAIL", f"{found}: it is full, and writes are refused", cure)
    if free < VOLUME_GOOD:
        return Check(name, "WARN", found, "free space before it is full: docker builder prune")
    return Check(name, "PASS", found)


def _endpoint(endpoint: str | None, containers: list[Container]) -> Check:
    from localaws.cli.health import health

    if not any(one.running for one in containers):
        return Check("endpoint", "SKIP", "no container runs", UP)
    if endpoint is None:
        return Check("endpoint", "SKIP", "the project declares no gateway")
    answer = health(endpoint)
    if answer.get("status") == "healthy":
        return Check("endpoint", "PASS", endpoint)
    sick = [item["name"] for item in answer.get("engines", ()) if not item.get("healthy")]
    found = f"{endpoint} does not answer"
    if answer:
        found = f"{endpoint} answers, but is unhealthy: {', '.join(sick) or 'unknown'}"
    return Check("endpoint", "FAIL", found, f"localaws logs gateway --compose; {UP}")


def _environment(endpoint: str | None) -> Check:
    url = os.environ.get("AWS_ENDPOINT_URL")
    cure = 'eval "$(localaws env --compose)"'
    if url is None:
        return Check("environment", "SKIP", "AWS_ENDPOINT_URL is not set in this shell", cure)
    if endpoint is None:
        return Check("environment", "SKIP", "the project declares no gateway")
    if _plain(url) != _plain(endpoint):
        return Check("environment", "WARN", f"AWS_ENDPOINT_URL={url} is not {endpoint}", cure)
    return Check("environment", "PASS", f"AWS_ENDPOINT_URL={url}")


def _plain(url: str) -> str:
    return url.rstrip("/").replace("//localhost:", "//127.0.0.1:")
