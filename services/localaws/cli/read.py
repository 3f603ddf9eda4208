"""``localaws logs`` and ``ledger``: read what there is, running or not."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from localaws.cli.frame import CommandError, ExitCode, Run, framed, home_of, setting_options
from localaws.cli.meant import meant_containers
from localaws.compose.options import compose_options

if TYPE_CHECKING:
    from localaws.home import Home

FOLLOW_SECONDS = 0.2


@click.command()
@click.argument("service", required=False)
@click.option("--follow", "-f", is_flag=True, help="Go on with what is written from now on.")
@click.option("--lines", "-n", default=100, show_default=True, help="How many of the last lines.")
@compose_options(reads=True)
@setting_options("home")
@framed
def logs(
    run: Run,
    service: str | None,
    follow: bool,
    lines: int,
    home: Path | None,
    compose: bool,
    project_directory: Path | None,
) -> None:
    """Show the log of SERVICE (gateway, database …), or of all.

    Of the containers, SERVICE is a name from the project's file: gateway, object-store ….
    """
    with meant_containers(compose, project_directory, home) as stack:
        if stack is not None:
            from localaws.compose import commands

            commands.logs(run, stack, service, follow, lines)
            return
    _logs_embedded(run, service, follow, lines, home)


def _logs_embedded(
    run: Run, service: str | None, follow: bool, lines: int, home: Path | None
) -> None:
    from localaws.engines.process import tail

    place = home_of(home)
    names = place.logs()
    if service is not None and service not in names:
        known = ", ".join(names) or "none yet"
        message = f"there is no log of {service} in {place.path}; there are: {known}"
        raise CommandError("NoSuchLog", message, ("localaws logs",), exit_code=ExitCode.USAGE)
    shown = names if service is None else [service]
    run.data = {}
    ends = {name: _size(place.log(name)) for name in shown}
    for name in shown:
        run.data[name] = tail(place.log(name), lines).splitlines()
        for line in run.data[name]:
            run.console.line(_labelled(name, line, shown))
    if follow:
        _follow(run, place, ends)


def _labelled(name: str, line: str, shown: list[str]) -> str:
    return line if len(shown) == 1 else f"{name} | {line}"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _follow(run: Run, place: Home, ends: dict[str, int]) -> None:
    """Print what is appended, until interrupted; a log that is set aside is read from its start."""
    shown = list(ends)
    streams: dict[str, TextIO] = {}
    try:
        for name in shown:
            streams[name] = place.log(name).open(encoding="utf-8", errors="replace")
            streams[name].seek(ends[name])
        while True:
            for name, stream in list(streams.items()):
                for line in stream:
                    run.console.line(_labelled(name, line.rstrip("\n"), shown))
                if _size(place.log(name)) < stream.tell():
                    stream.close()
                    streams[name] = place.log(name).open(encoding="utf-8", errors="replace")
            time.sleep(FOLLOW_SECONDS)
    except KeyboardInterrupt:
        return
    finally:
        for stream in streams.values():
            stream.close()


@click.command()
@click.option("--service", help="Only this service, by its botocore name, e.g. glue.")
@framed
def ledger(run: Run, service: str | None) -> None:
    """List every operation and how far it is real: executed, simulated, metadata, unsupported."""
    from localaws.console.base import Table
    from localaws.gateway.ledger import ledger as entries

    run.data = entries(service)
    columns = ("service", "operation", "level", "note")
    run.console.table(
        Table(columns, [tuple(str(entry[name]) for name in columns) for entry in run.data])
    )
