"""``localaws install``: engines that are too large to come with the package."""

from __future__ import annotations

from pathlib import Path

import click

from localaws.cli.frame import CommandError, ExitCode, Run, framed, setting_options
from localaws.settings import Settings


@click.command()
@click.argument("engine", type=click.Choice(["trino"]))
@setting_options("tools")
@framed
def install(run: Run, engine: str, tools: Path | None) -> None:
    """Install a real engine for exact answers; it is used from the next query on.

    Everything comes from packages by their coordinates, once; afterwards no network is needed.
    A command that was interrupted goes on where it was.
    """
    from localaws.engines.process import ProcessError
    from localaws.engines.sql.trino.installation import Installation, InstallError

    place = Installation(Settings.from_environment(tools=tools).tools)
    steps = place.steps()
    done: list[str] = []
    try:
        with place.lock():
            for number, step in enumerate(steps, 1):
                with run.console.step(number, len(steps), step.title):
                    if step.run():
                        done.append(step.title)
    except InstallError as error:
        raise CommandError(
            error.code,
            error.message,
            error.actions,
            exit_code=ExitCode.RESOURCES,
            retryable=True,
        ) from error
    except ProcessError as error:
        raise CommandError(
            "AlreadyRunning", f"another installation is under way: {error}", retryable=True
        ) from error
    run.data = {"engine": engine, "folder": str(place.server), "done": done}
    run.console.line(f"Installed in {place.tools}")
    run.console.note("Next: LOCALAWS_SQL=auto localaws up (the default), or LOCALAWS_SQL=trino")
