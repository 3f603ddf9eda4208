"""``localaws doctor``: is everything there that the platform needs, and what to do if not."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from localaws.cli.checks import MEGABYTE, Check
from localaws.cli.frame import ExitCode, Run, framed, setting_options
from localaws.cli.meant import meant_containers
from localaws.compose.options import compose_options
from localaws.settings import Settings

if TYPE_CHECKING:
    from localaws.home import Home, RunRecord

DISTRIBUTION = "greatfin-localaws"


INSTALL = "localaws install trino"


@dataclass(frozen=True)
class Subject:
    """What the checks look at."""

    settings: Settings
    home: Home
    record: RunRecord | None


def check_python(subject: Subject) -> Check:
    """Check the version of Python."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    if (3, 11) <= sys.version_info[:2] < (3, 13):
        return Check("python", "PASS", found)
    return Check("python", "FAIL", found, "install Python 3.11 or 3.12 and make the environment")


def check_exact_sql(subject: Subject) -> Check:
    """Check whether the engine for what the fast one refuses is installed, with its Java."""
    from localaws.engines.sql.trino.installation import Installation

    place = Installation(subject.settings.tools)
    if place.ready:
        return Check("exact SQL", "PASS", f"Trino in {place.tools}")
    if subject.settings.sql == "trino":
        return Check("exact SQL", "FAIL", "LOCALAWS_SQL=trino, and it is not installed", INSTALL)
    return Check("exact SQL", "SKIP", "not installed: some queries are refused", INSTALL)


def check_packages(subject: Subject) -> Check:
    """Check that the packages this distribution needs are installed."""
    from importlib.metadata import PackageNotFoundError, distribution, requires

    try:
        needed = [text for text in requires(DISTRIBUTION) or () if "extra ==" not in text]
    except PackageNotFoundError:
        return Check("packages", "FAIL", f"{DISTRIBUTION} is not installed", "make setup")
    missing = []
    for requirement in needed:
        name = re.match(r"[\w.-]+", requirement)
        try:
            distribution(name.group() if name else requirement)
        except PackageNotFoundError:
            missing.append(requirement)
    if missing:
        return Check("packages", "FAIL", f"missing: {', '.join(missing)}", "make setup")
    return Check("packages", "PASS", f"{len(needed)} installed")


def check_memory(subject: Subject) -> Check:
    """Check the memory that is available."""
    import psutil

    available = psutil.virtual_memory().available // MEGABYTE
    needed = 512 + subject.settings.sql_memory_mb
    found = f"{available:,} MB available"
    if available < 512:
        return Check("memory", "FAIL", found, "free memory: the platform needs 512 MB")
    if available < needed:
        cure = "large queries may fail: free memory, or localaws up --sql-memory-mb "
        return Check("memory", "WARN", found, f"{cure}{max(256, available - 512)}")
    return Check("memory", "PASS", found)


def check_disk(subject: Subject) -> Check:
    """Check the space on the disk of the home."""
    folder = subject.home.path
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free // MEGABYTE
    found = f"{free:,} MB free for {subject.home.path}"
    cure = "free space, or use another home: localaws up --home FOLDER"
    if free < 500:
        return Check("disk", "FAIL", found, cure)
    return Check("disk", "WARN" if free < 2000 else "PASS", found, cure if free < 2000 else "")


def check_home(subject: Subject) -> Check:
    """Check that the home can be written."""
    folder = subject.home.path
    if folder.exists() and not subject.home.exists and any(folder.iterdir()):
        cure = "use another one: localaws up --home FOLDER"
        return Check("home", "FAIL", f"{folder} holds something else", cure)
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        cure = "use another one: localaws up --home FOLDER"
        return Check("home", "FAIL", f"{folder} cannot be written", cure)
    state = "has data" if subject.home.has_data else "is empty"
    return Check("home", "PASS", f"{subject.home.path} {state}")


def check_port(subject: Subject) -> Check:
    """Check that the port is free, or ours."""
    from localaws.cli.ports import is_free, owner_of

    host, port = subject.settings.host, subject.settings.port
    name = f"port {port}"
    if is_free(host, port):
        return Check(name, "PASS", "free")
    owner = owner_of(port)
    if subject.record is not None and subject.record.port == port:
        return Check(name, "PASS", f"this platform, {owner}")
    cure = f"stop it, or localaws up --port {port + 1}"
    return Check(name, "FAIL", f"taken by {owner}", cure)


def check_database(subject: Subject) -> Check:
    """Check that the programs of the state database run."""
    from localaws.engines.postgresql_host import server_version
    from localaws.engines.process import ProcessError

    if subject.settings.database_url:
        return Check("database", "SKIP", "an external one is set")
    try:
        return Check("database", "PASS", server_version())
    except ProcessError as error:
        return Check("database", "FAIL", str(error), "make setup")


def check_endpoint(subject: Subject) -> Check:
    """Check that a running platform answers."""
    from localaws.cli.health import health

    if subject.record is None:
        return Check("endpoint", "SKIP", "not running", "localaws up")
    answer = health(subject.record.url)
    if answer.get("status") == "healthy":
        return Check("endpoint", "PASS", subject.record.url)
    found = f"{subject.record.url} does not answer" if not answer else "answers, but is unhealthy"
    return Check("endpoint", "FAIL", found, "localaws logs; localaws stop && localaws up")


def check_environment(subject: Subject) -> Check:
    """Check that this shell's AWS clients reach the endpoint."""
    url = os.environ.get("AWS_ENDPOINT_URL")
    if url is None:
        cure = 'eval "$(localaws env)", or localaws exec -- CMD'
        return Check("environment", "SKIP", "AWS_ENDPOINT_URL is not set in this shell", cure)
    if subject.record is not None and subject.record.url != url:
        found = f"AWS_ENDPOINT_URL={url} is not {subject.record.url}"
        return Check("environment", "WARN", found, 'eval "$(localaws env)"')
    return Check("environment", "PASS", f"AWS_ENDPOINT_URL={url}")


CHECKS: tuple[Callable[[Subject], Check], ...] = (
    check_python,
    check_exact_sql,
    check_packages,
    check_memory,
    check_disk,
    check_home,
    check_port,
    check_database,
    check_endpoint,
    check_environment,
)


@click.command()
@compose_options(reads=True)
@setting_options("home", "port")
@framed
def doctor(
    run: Run,
    home: Path | None,
    port: int | None,
    compose: bool,
    project_directory: Path | None,
) -> None:
    """Check what the platform needs: PASS, WARN, FAIL or SKIP, with the cure."""
    from localaws.console.base import Table

    checks = _checks(home, port, compose, project_directory)
    run.data = [asdict(check) for check in checks]
    rows = [
        (check.verdict, check.name, check.found.partition("\n")[0], check.cure) for check in checks
    ]
    run.console.table(Table(("", "check", "found", "cure"), rows))
    for check in checks:
        _, _, quoted = check.found.partition("\n")
        if quoted:
            run.console.line(f"\nLast lines of {check.name}:\n{quoted}")
    if any(check.verdict == "FAIL" for check in checks):
        run.exit_code = ExitCode.PROBLEMS


def _checks(home: Path | None, port: int | None, compose: bool, folder: Path | None) -> list[Check]:
    from localaws.home import Home

    if not compose and folder is None and port is None:
        with meant_containers(compose, folder, home) as stack:
            compose = stack is not None
            folder = stack.project.folder if stack and stack.project else None
    if compose or folder is not None:
        from localaws.compose import doctor as containers

        return containers.checks(folder)
    settings = Settings.from_environment(home=home, port=port)
    place = Home(settings.home)
    subject = Subject(settings, place, place.record())
    return [check(subject) for check in CHECKS]
