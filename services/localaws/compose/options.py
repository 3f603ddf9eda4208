"""The options of commands that work on the containers as well; light, for every start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_CHANGES = "The containers of docker-compose.yml; without it, the embedded platform."
_READS = (
    "The containers of docker-compose.yml; without it, the embedded platform if it runs or "
    "--home names it, else the containers if they run."
)


def compose_options(*, reads: bool) -> Callable[[Command], Command]:
    """Add ``--compose`` and ``--project-directory`` to a command.

    Args:
        reads: whether the command changes nothing and so may find out by itself which platform
            is meant.
    """

    def add(function: Command) -> Command:
        function = click.option(
            "--project-directory",
            type=click.Path(path_type=Path, file_okay=False, exists=True),
            help="Folder of docker-compose.yml (implies --compose). [default: the checkout around "
            "the current folder, or the one localaws is installed from]",
        )(function)
        return click.option("--compose", is_flag=True, help=_READS if reads else _CHANGES)(function)

    return add


def start_options(function: Command) -> Command:
    """Add what only the start of containers takes."""
    function = click.option(
        "--scale",
        multiple=True,
        metavar="SERVICE=N",
        help="With --compose: N containers of a service. [default: as many as there are]",
    )(function)
    function = click.option(
        "--profile", multiple=True, help="With --compose: a profile's services as well."
    )(function)
    return click.option(
        "--build", is_flag=True, help="With --compose: build images again where sources changed."
    )(function)
