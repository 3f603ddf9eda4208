"""The ``localaws`` command. What a command needs is imported when it runs, so help is quick."""

from __future__ import annotations

import os
import sys

import click

import localaws
from localaws.cli.data import destroy, reset
from localaws.cli.diagnose import doctor
from localaws.cli.execute import env, execute
from localaws.cli.frame import ExitCode, wants_json
from localaws.cli.install import install
from localaws.cli.lifecycle import status, stop, up
from localaws.cli.read import ledger, logs
from localaws.cli.scaffold import new_service


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(localaws.__version__, prog_name="localaws")
def cli() -> None:
    """Run AWS analytics APIs on this machine, with real engines behind one endpoint."""


_COMMANDS = (
    up,
    status,
    stop,
    destroy,
    reset,
    logs,
    doctor,
    install,
    env,
    execute,
    ledger,
    new_service,
)
for command in _COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        if wants_json(sys.argv):
            from localaws.console.base import Envelope, Failure
            from localaws.console.json import JsonConsole

            failure = Failure("Usage", error.format_message(), actions=("localaws --help",))
            name = sys.argv[1] if len(sys.argv) > 1 else ""
            JsonConsole().finish(Envelope(name, "failed", error=failure))
        else:
            error.show()
        code = ExitCode.USAGE if isinstance(error, click.UsageError) else ExitCode.FAILED
    except BrokenPipeError:
        # Python would complain when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except (click.Abort, KeyboardInterrupt):
        code = 130
    sys.exit(code if isinstance(code, int) else 0)
