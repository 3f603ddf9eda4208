"""``localaws up --compose``: images built, containers started, each one's health as it comes."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from localaws.cli.frame import CommandError, ExitCode, Run
from localaws.compose.build import build
from localaws.compose.engine import Container
from localaws.compose.project import Project, last_lines, plugin_version
from localaws.compose.resources import disk_full, limits_of, missing_images, require
from localaws.compose.stack import Stack, hint, opened

POLL_SECONDS = 0.3
ENDPOINT_SECONDS = 60.0
MOST_RESTARTS = 3
SETTLE_SECONDS = 2.0
QUOTED_LINES = 15
STEPS = 5


def up(
    run: Run,
    folder: Path | None,
    *,
    profiles: Sequence[str] = (),
    scale: Sequence[str] = (),
    rebuild: bool = False,
) -> None:
    """Start the containers and wait until all are healthy; what is there already is kept.

    Raises:
        CommandError: something is missing or failed: what, and the cure.
    """
    try:
        _up(run, folder, profiles, scale, rebuild)
    except KeyboardInterrupt:
        again = hint("localaws up --compose", folder)
        run.console.note(f"Stopped; what is done is kept, {again} goes on")
        raise


def _up(
    run: Run, folder: Path | None, profiles: Sequence[str], scale: Sequence[str], rebuild: bool
) -> None:
    console = run.console
    with console.step(1, STEPS, "Docker engine and compose plugin"):
        plugin_version()
    with opened(folder) as stack:
        project = stack.project or Project.find(folder)
        services = project.with_profiles(profiles)
        before = stack.containers()
        missing = missing_images(stack.engine, services.values())
        gigabytes = limits_of(services.values()) / 2**30
        with console.step(2, STEPS, f"Memory for {gigabytes:.1f} GB of limits, disk, ports"):
            require(project, stack.engine, list(services.values()), before, missing)
        already = _all_well(before, services) and not (rebuild or scale)
        wanted = [
            name
            for name, item in services.items()
            if item.built and (rebuild or item.image in missing)
        ]
        title = f"Images: {len(wanted)} to build" if wanted else "Images are built"
        with console.step(3, STEPS, title):
            if wanted:
                build(project, wanted, console.note)
        named = [part for profile in profiles for part in ("--profile", profile)]
        options = [*named, "--progress", "plain", "up", "--detach", "--wait"]
        if missing <= {services[name].image for name in wanted}:
            options.append("--no-build")
        options += [part for item in _scales(before, scale) for part in ("--scale", item)]
        with console.step(4, STEPS, f"Containers: {len(services)} services"):
            _start(stack, project, services, options, before, console.note)
        containers = stack.containers()
        with console.step(5, STEPS, "Endpoint answers"):
            endpoint = _wait_endpoint(stack, containers)
        _welcome(run, project, endpoint, containers, already)
        if endpoint:
            run.console.note(
                hint('Next: eval "$(localaws env --compose)"', folder)
                + " && greatfin run --all --target compose"
            )


def _all_well(containers: Sequence[Container], services: Collection[str]) -> bool:
    return set(services) <= {one.service for one in containers if one.healthy}


def _scales(before: Sequence[Container], asked: Sequence[str]) -> list[str]:
    """Return the scales to ask for: those given, else those there are, which must not shrink."""
    given = {item.partition("=")[0] for item in asked}
    counts = Counter(one.service for one in before)
    kept = [f"{name}={n}" for name, n in sorted(counts.items()) if n > 1 and name not in given]
    return [*asked, *kept]


@dataclass(frozen=True)
class _Seen:
    state: str
    health: str


def _start(
    stack: Stack,
    project: Project,
    services: Collection[str],
    options: Sequence[str],
    before: Sequence[Container],
    tell: Callable[[str], None],
) -> None:
    """Start the containers, tell of each as its state changes, and say why if one fails."""
    seen = {one.id: _Seen(one.state, one.health) for one in before}
    restarts = {one.id: one.restarts for one in before}
    started = time.monotonic()
    ended: float | None = None
    # A file and not a pipe: nobody reads while the containers are watched.
    with (
        tempfile.TemporaryFile("w+", errors="replace") as output,
        project.start(*options, stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            while ended is None or time.monotonic() < ended:
                code = process.poll()
                # What an earlier start with another profile left is not of this one.
                containers = [one for one in stack.containers() if one.service in services]
                _tell_changes(containers, seen, time.monotonic() - started, tell)
                if code:
                    raise _start_failed(stack, containers, _text(output))
                again = {one.id: one.restarts - restarts.get(one.id, 0) for one in containers}
                for one in containers:
                    if again[one.id] and one.trouble and (code == 0 or _loops(one, again[one.id])):
                        raise service_failed(stack, one)
                if code == 0 and ended is None:
                    new = any(one.id not in restarts or again[one.id] for one in containers)
                    ended = time.monotonic() + (
                        SETTLE_SECONDS if new and _unchecked(containers) else 0
                    )
                time.sleep(POLL_SECONDS)
        finally:
            if process.poll() is None:
                process.terminate()  # it would go on starting after the command has failed


def _loops(container: Container, restarts: int) -> bool:
    return not container.healthy and restarts >= MOST_RESTARTS


def _unchecked(containers: Sequence[Container]) -> bool:
    """Return whether a container has no check: the plugin calls it well as soon as it runs."""
    return any((one.running and not one.health) or one.state == "restarting" for one in containers)


def _tell_changes(
    containers: Sequence[Container],
    seen: dict[str, _Seen],
    seconds: float,
    tell: Callable[[str], None],
) -> None:
    for one in containers:
        now = _Seen(one.state, one.health)
        if seen.get(one.id) == now:
            continue
        seen[one.id] = now
        if one.state == "created":
            continue  # it waits for those it depends on
        what = one.trouble or one.health or one.state
        tell(
            f"  {one.service}{f'-{one.number}' if one.number > 1 else ''}: {what} ({seconds:.1f} s)"
        )


def _text(output: TextIO) -> str:
    output.seek(0)
    return output.read()


def _start_failed(stack: Stack, containers: Sequence[Container], output: str) -> CommandError:
    if "no space left on device" in output:
        return disk_full(last_lines(output, 1))
    taken = re.search(r"listen \w+ \S*?:(\d+): bind|Bind for \S*?:(\d+) failed", output)
    if taken is not None:
        return CommandError(
            "PortTaken",
            f"port {taken[1] or taken[2]} was taken while the containers started",
            ("localaws doctor --compose   names who has it and the variable that moves it",),
            exit_code=ExitCode.RESOURCES,
            retryable=True,
        )
    failed = [one for one in containers if one.trouble]
    # One that ended or is out of memory explains those that wait for it.
    failed.sort(key=lambda one: (not one.out_of_memory, one.running))
    if failed:
        return service_failed(stack, failed[0])
    return CommandError(
        "StartFailed",
        f"the containers did not start:\n{last_lines(output, 10)}",
        ("localaws doctor --compose", "localaws up --compose"),
        retryable=True,
    )


def service_failed(stack: Stack, container: Container) -> CommandError:
    """Return the error of a container that does not run: why, and the end of its log."""
    log = stack.engine.tail(container, QUOTED_LINES) or "(it printed nothing)"
    text = f"{container.service} {container.trouble or 'does not start'}"
    if "no space left on device" in log.lower():
        return disk_full(f"{text}. Its last lines:\n{log}")
    code = ExitCode.RESOURCES if container.out_of_memory else ExitCode.FAILED
    return CommandError(
        "ServiceFailed",
        f"{text}. Its last lines:\n{log}",
        (
            f"localaws logs {container.service} --compose",
            "localaws doctor --compose",
            "localaws up --compose   when the cause is gone: it resumes",
        ),
        exit_code=code,
        retryable=True,
    )


def _wait_endpoint(stack: Stack, containers: list[Container]) -> str | None:
    from localaws.cli.health import health

    endpoint = stack.endpoint(containers)
    if endpoint is None:
        return None
    deadline = time.monotonic() + ENDPOINT_SECONDS
    while health(endpoint).get("status") != "healthy":
        if time.monotonic() > deadline:
            raise CommandError(
                "NotHealthy",
                f"the containers run, but nothing healthy answers at {endpoint}",
                ("localaws logs gateway --compose", "localaws doctor --compose"),
                retryable=True,
            )
        time.sleep(POLL_SECONDS)
    return endpoint


def _welcome(
    run: Run,
    project: Project,
    endpoint: str | None,
    containers: Sequence[Container],
    already: bool,
) -> None:
    ports = {
        f"{port.service}:{port.target}": f"{port.host}:{port.number}"
        for service in project.services.values()
        for port in service.ports
        if any(one.service == service.name for one in containers)
    }
    run.data = {
        "endpoint": endpoint,
        "project": project.name,
        "folder": str(project.folder),
        "ports": ports,
        "already_running": already,
    }
    if endpoint:
        run.console.line(f"Endpoint  {endpoint}")
        run.console.line(f"Health    {endpoint}/_localaws/health")
    for inside, outside in ports.items():
        run.console.line(f"{outside:21} {inside}")
