"""Building the images that are missing, with what each build is doing."""

from __future__ import annotations

import re
import subprocess
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from localaws.cli.frame import CommandError
from localaws.compose.project import Project, last_lines
from localaws.compose.resources import disk_full

KEPT_LINES = 200
_STAGE = re.compile(
    r"^#\d+ \[(?P<service>\S+)(?: (?P<stage>\S+))? +(?P<at>\d+)/(?P<of>\d+)\] (?P<what>.*)"
)
_NAMED = re.compile(r"^#\d+ naming to (?:docker\.io/)?(?P<image>\S+)")
_FAILED_STAGE = re.compile(r"^ > \[(?P<service>\S+)[^\]]*\] ?(?P<what>.*)")
_NO_SPACE = "no space left on device"


@dataclass(frozen=True)
class Progress:
    """A build step that began, or an image that is done (`what` is empty)."""

    service: str
    at: str
    what: str


def progress_of(line: str, services: Collection[str]) -> Progress | None:
    """Return what a line of the builder's plain progress says, if it says something new."""
    stage = _STAGE.match(line)
    if stage is not None and stage["service"] in services:
        name = stage["stage"] or "step"
        return Progress(stage["service"], f"{name} {stage['at']}/{stage['of']}", stage["what"])
    named = _NAMED.match(line)
    return Progress(named["image"], "", "") if named is not None else None


def build(project: Project, services: Collection[str], tell: Callable[[str], None]) -> None:
    """Build the images of services; steps that were built before are taken from the cache.

    Raises:
        CommandError: a build failed: which, and its last lines.
    """
    command = ("--progress", "plain", "build", *sorted(services))
    lines: deque[str] = deque(maxlen=KEPT_LINES)
    started = time.monotonic()
    with project.start(
        *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=1
    ) as process:
        try:
            _follow(process.stdout or (), lines, services, started, tell)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise _failure(list(lines))


def _follow(
    output: Iterable[str],
    lines: deque[str],
    services: Collection[str],
    started: float,
    tell: Callable[[str], None],
) -> None:
    said: set[Progress] = set()
    for line in output:
        lines.append(line.rstrip("\n"))
        progress = progress_of(line.rstrip("\n"), services)
        if progress is None or progress in said:
            continue
        said.add(progress)
        seconds = f"{time.monotonic() - started:.0f} s"
        if progress.what:
            what = progress.what if len(progress.what) <= 60 else progress.what[:59] + "…"
            tell(f"  {progress.service}: {progress.at} {what} ({seconds})")
        else:
            tell(f"  image {progress.service} is built ({seconds})")


def _failure(lines: list[str]) -> CommandError:
    text = "\n".join(lines)
    if _NO_SPACE in text:
        return disk_full(last_lines(text, 1))
    service, quoted = _failed_stage(lines)
    of = f"the image of {service}" if service else "an image"
    named = f" {service}" if service else ""
    return CommandError(
        "BuildFailed",
        f"{of} could not be built; what is done is kept. Last lines:\n{quoted}",
        (
            "localaws up --compose   resumes with what is missing",
            f"docker compose --progress plain build{named}   shows all of it",
        ),
        retryable=True,
    )


def _failed_stage(lines: list[str]) -> tuple[str, str]:
    """Return the service whose build failed, and the lines that tell why."""
    for index, line in enumerate(lines):
        match = _FAILED_STAGE.match(line)
        if match is not None:
            rest = [item for item in lines[index + 1 :] if item.strip("- ")]
            return match["service"], "\n".join([match["what"], *rest[-15:]]).strip()
    return "", last_lines("\n".join(lines), 15)
