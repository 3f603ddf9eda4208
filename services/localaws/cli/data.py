"""``localaws reset`` and ``destroy``: delete what a platform keeps."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from localaws.cli.frame import CommandError, ExitCode, Run, framed, home_of, setting_options
from localaws.compose.options import compose_options

if TYPE_CHECKING:
    from localaws.home import Home, RunRecord

WAIT_SECONDS = 60.0


@click.command()
@click.option("--yes", is_flag=True, help="Really delete it.")
@compose_options(reads=False)
@setting_options("home")
@framed
def destroy(
    run: Run, home: Path | None, yes: bool, compose: bool, project_directory: Path | None
) -> None:
    """Stop the platform and delete its home: all data, state and logs.

    With --compose: the containers and their volumes; the images are kept.
    """
    if compose or project_directory is not None:
        from localaws.compose import commands

        commands.destroy(run, project_directory, yes)
        return
    place = home_of(home)
    if not place.exists:
        run.data = {"home": str(place.path), "destroyed": False}
        run.console.line(f"Nothing to delete: {place.path} is not a home of localaws.")
        return
    if not yes:
        raise CommandError(
            "NeedsConfirmation",
            f"this deletes {place.path} with all its data; nothing was deleted",
            (f"localaws destroy --yes --home {place.path}",),
            exit_code=ExitCode.NEEDS_CONFIRMATION,
        )
    with run.console.step(1, 2, "Stop the platform"):
        place.stop()
        _require_unlocked(place)
    with run.console.step(2, 2, f"Delete {place.path}"):
        place.delete()
    run.data = {"home": str(place.path), "destroyed": True}
    run.console.line(f"Deleted {place.path}")


@click.command()
@setting_options("home")
@framed
def reset(run: Run, home: Path | None) -> None:
    """Delete all state and data; a running platform serves on, empty, at the same endpoint."""
    from localaws.bootstrap import RESET_SIGNAL

    place = home_of(home)
    record = place.record()
    with run.console.step(1, 1, f"Delete all data of {place.path}"):
        if record is not None:
            os.kill(record.pid, RESET_SIGNAL)
            record = _wait_for_reset(place, record)
        elif place.exists:
            _require_unlocked(place)
            place.empty()
    run.data = {"home": str(place.path), "endpoint": record.url if record else None}
    run.console.line(f"Empty, and serving {record.url}" if record else "Empty.")


def _wait_for_reset(place: Home, before: RunRecord) -> RunRecord:
    from localaws.engines.process import tail

    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and before.process() is not None:
        record = place.record()
        if record is not None and record.resets > before.resets:
            return record
        time.sleep(0.02)
    raise CommandError(
        "ResetFailed",
        f"the platform on {place.path} did not come back after its data was deleted:\n"
        f"{tail(place.log('gateway'), 10)}",
        (f"localaws logs gateway --home {place.path}", f"localaws up --home {place.path}"),
    )


def _require_unlocked(place: Home) -> None:
    if place.is_locked():
        raise CommandError(
            "Starting",
            f"the platform on {place.path} is just starting or stopping",
            ("localaws status",),
            retryable=True,
        )
