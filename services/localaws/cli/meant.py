"""Which platform a command means where it does not say: the embedded one, or the containers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localaws.cli.frame import CommandError, ExitCode, home_of
from localaws.settings import PREFIX

if TYPE_CHECKING:
    from localaws.compose.stack import Stack


def names_embedded(home: Path | None) -> bool:
    """Return whether a home is named, which only the embedded platform has."""
    return home is not None or PREFIX + "HOME" in os.environ


@contextlib.contextmanager
def meant_containers(
    compose: bool, folder: Path | None, home: Path | None
) -> Iterator[Stack | None]:
    """Open the containers if a command means them; None: it means the embedded platform.

    They are meant when they are asked for, and when they run while the embedded one does not.

    Raises:
        CommandError: they are asked for, and there is no engine or no project.
    """
    if compose or folder is not None:
        from localaws.compose.stack import opened

        with opened(folder) as stack:
            yield stack
    elif names_embedded(home) or home_of(home).is_locked():
        yield None
    else:
        from localaws.compose.stack import found_running

        with found_running() as found:
            runs = found is not None and any(one.running for one in found.containers())
            yield found if runs else None


def refuse_settings(options: Mapping[str, Any]) -> None:
    """Refuse options of the embedded platform beside ``--compose``.

    Raises:
        CommandError: one is given; it names the way to set it for the containers.
    """
    for name, value in options.items():
        if value is not None:
            option = "--" + name.replace("_", "-")
            raise CommandError(
                "Usage",
                f"{option} is of the embedded platform; with --compose, variables move the ports "
                "(LOCALAWS_PORT …) and the project's file says the rest",
                ("localaws up --help",),
                exit_code=ExitCode.USAGE,
            )
