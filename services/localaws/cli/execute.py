"""``localaws env`` and ``exec``: give other programs the endpoint."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from localaws.cli.frame import CommandError, Run, framed, setting_options
from localaws.cli.meant import meant_containers
from localaws.compose.options import compose_options
from localaws.settings import SettingError, Settings

if TYPE_CHECKING:
    from localaws.compose.stack import Stack
    from localaws.launch import Launched

NOT_FOUND = 127  # as a shell's
CANNOT_RUN = 126
FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

# What would lead a client away from the endpoint, or real credentials to it.
UNSET = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN")


def client_environment(url: str, region: str, key: str = "test") -> dict[str, str]:
    """Return the variables that lead any AWS client to the endpoint."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": key,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
    }


@click.command()
@click.option(
    "--shell",
    type=click.Choice(["sh", "fish", "powershell", "dotenv"]),
    default="sh",
    show_default=True,
    help="Whose syntax.",
)
@compose_options(reads=True)
@setting_options("home", "port", "region")
@framed
def env(
    run: Run,
    shell: str,
    home: Path | None,
    port: int | None,
    region: str | None,
    compose: bool,
    project_directory: Path | None,
) -> None:
    """Print the variables that lead AWS clients to the endpoint: eval "$(localaws env)"."""
    from localaws.home import Home

    settings = Settings.from_environment(home=home, port=port, region=region)
    url = None
    if port is None or compose or project_directory is not None:
        with meant_containers(compose, project_directory, home) as stack:
            url = _endpoint_of(stack, run.warn) if stack is not None else None
    if url is None:
        record = Home(settings.home).record()
        if record is None:
            run.warn("the platform is not running; start it: localaws up --detach")
        url = record.url if record else settings.url
    run.data = client_environment(url, settings.region)
    for name, value in run.data.items():
        run.console.line(_assignment(shell, name, value))


def _endpoint_of(stack: Stack, warn: Callable[[str], None]) -> str:
    """Return the endpoint of the containers, running or not.

    Raises:
        CommandError: there is no gateway among them.
    """
    containers = stack.containers()
    url = stack.endpoint(containers)
    if url is None:
        raise CommandError(
            "NoEndpoint",
            f"the containers of {stack.name} have no gateway with a port on this machine",
            ("localaws status --compose",),
        )
    if not any(one.running and one.service == "gateway" for one in containers):
        warn("the gateway's container is not running; start it: localaws up --compose")
    return url


def _assignment(shell: str, name: str, value: str) -> str:
    match shell:
        case "fish":
            return f"set -gx {name} {shlex.quote(value)};"
        case "powershell":
            return f'$Env:{name} = "{value}"'
        case "dotenv":
            return f"{name}={value}"
        case _:
            return f"export {name}={shlex.quote(value)}"


@click.command("exec", context_settings={"ignore_unknown_options": True})
@compose_options(reads=True)
@setting_options("home", "region")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD…")
def execute(
    command: tuple[str, ...],
    home: Path | None,
    region: str | None,
    compose: bool,
    project_directory: Path | None,
) -> int:
    """Run CMD with the endpoint in its environment and return its exit code.

    The platform that runs is used, embedded or containers. Where none does, one is started on a
    free port and stopped afterwards: on --home if given, else on a temporary home that is deleted.
    """
    from localaws.cli.frame import console_for, exit_code_of, failure_of
    from localaws.cli.lifecycle import wait_healthy
    from localaws.console.base import Envelope
    from localaws.home import Home

    if shutil.which(command[0]) is None:
        click.echo(f"error: {command[0]} is not a program that can be run", err=True)
        return NOT_FOUND
    launched: Launched | None = None
    try:
        settings = Settings.from_environment(home=home, region=region)
        place = Home(settings.home)
        with meant_containers(compose, project_directory, home) as stack:
            url = _endpoint_of(stack, _warn) if stack is not None else None
        if url is None and place.is_locked():
            url = wait_healthy(place).url
        elif url is None:
            launched = _start(settings, temporary=home is None)
            url = launched.record.url
        return _run(command, client_environment(url, settings.region))
    except (CommandError, SettingError) as error:
        failure = failure_of(error)
        console_for(False).finish(Envelope("exec", "failed", error=failure))
        return exit_code_of(error)
    finally:
        if launched is not None:
            launched.stop()


def _warn(text: str) -> None:
    click.echo(f"warning: {text}", err=True)


def _start(settings: Settings, *, temporary: bool) -> Launched:
    from dataclasses import replace

    from localaws.cli.lifecycle import start_error
    from localaws.home import Home
    from localaws.launch import launch

    settings = replace(settings, port=0)
    if temporary:
        folder = Path(tempfile.mkdtemp(prefix="localaws-"))
        settings = replace(settings, home=folder, durability="none")
    try:
        return launch(settings, tied=True, deletes="always" if temporary else "never")
    except BaseException as error:
        failure = start_error(error, Home(settings.home), settings)
        if temporary:
            Home(settings.home).delete()
        raise failure from error


def _run(command: tuple[str, ...], variables: Mapping[str, str]) -> int:
    """Run the command to its end; signals are handed to it."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in UNSET and not name.startswith("AWS_ENDPOINT_URL")
    }
    received: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def forward(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if process is not None and process.poll() is None:
            process.send_signal(number)

    def leave(number: int, frame: FrameType | None) -> None:
        """Leave Ctrl-C to the command, which the terminal sends it too."""
        if not sys.stdin.isatty():
            forward(number, frame)

    before = {number: signal.signal(number, forward) for number in FORWARDED}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, leave)
    try:
        process = subprocess.Popen(command, env={**environment, **variables})
        for number in received:
            process.send_signal(number)
        code = process.wait()
    except OSError as error:
        click.echo(f"error: cannot run {command[0]}: {error.strerror}", err=True)
        code = CANNOT_RUN
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - code if code < 0 else code
