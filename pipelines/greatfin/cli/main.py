"""``greatfin``: list, show, run, verify, generate, deploy and destroy use cases."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from greatfin.cli import commands
from greatfin.cli.frame import version

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(context_settings=CONTEXT)
@click.version_option(version(), prog_name="greatfin")
def cli() -> None:
    """Run GreatFin's data use cases on AWS, or on anything that answers AWS's APIs."""


for _command in commands.ALL:
    cli.add_command(_command)


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    try:
        cli.main(standalone_mode=True)
    except KeyboardInterrupt:  # pragma: no cover - between commands, nothing to clean up
        sys.exit(1)
    sys.exit(0)
