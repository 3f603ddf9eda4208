"""What all commands share: exit codes, errors with a cure, options from settings, the envelope."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from localaws.core.errors import LocalAwsError
from localaws.settings import SettingError, Settings

if TYPE_CHECKING:
    from localaws.console.base import Console, Failure
    from localaws.home import Home


class ExitCode(IntEnum):
    """What a command's exit code says."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NEEDS_CONFIRMATION = 3
    CREDENTIALS = 4
    RESOURCES = 5
    PROBLEMS = 6


class CommandError(LocalAwsError):
    """A command failed.

    Args:
        code: what kind of failure, in CamelCase.
        message: what failed, on what.
        actions: what to do about it, commands mostly.
        exit_code: the command's exit code.
        retryable: whether the same command may succeed later.
    """

    def __init__(
        self,
        code: str,
        message: str,
        actions: Sequence[str] = (),
        *,
        exit_code: ExitCode = ExitCode.FAILED,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.actions = tuple(actions)
        self.exit_code = exit_code
        self.retryable = retryable


@dataclass
class Run:
    """One run of a command: its console, and what goes into its envelope."""

    console: Console
    data: Any = None
    warnings: list[str] = field(default_factory=list)
    exit_code: int = ExitCode.DONE

    def warn(self, text: str) -> None:
        """Warn, on the console and in the envelope."""
        self.warnings.append(text)
        self.console.warning(text)


Command = TypeVar("Command", bound=Callable[..., Any])


def framed(function: Callable[..., None]) -> Callable[..., int]:
    """Give a command its `Run`, a ``--json`` option, and the envelope and exit code at its end."""

    @functools.wraps(function)
    def run(*arguments: Any, as_json: bool, **options: Any) -> int:
        from localaws.console.base import Envelope

        current = Run(console_for(as_json))
        name = click.get_current_context().info_name or ""
        failure = None
        try:
            function(current, *arguments, **options)
        except LocalAwsError as error:
            failure = failure_of(error)
            current.exit_code = exit_code_of(error)
        except BrokenPipeError:
            raise  # the reader has seen enough: `main` ends quietly
        except Exception as error:
            from localaws.console.base import Failure

            current.console.note(traceback.format_exc().rstrip())
            failure = Failure("Unexpected", f"{type(error).__name__}: {error}")
            current.exit_code = ExitCode.FAILED
        status = "failed" if failure else "problems" if current.exit_code else "ok"
        warnings = tuple(current.warnings)
        current.console.finish(Envelope(name, status, current.data, warnings, failure))
        return int(current.exit_code)

    help_text = "Print one JSON envelope on stdout."
    return click.option("--json", "as_json", is_flag=True, help=help_text)(run)


def failure_of(error: LocalAwsError) -> Failure:
    """Return what to tell of an error: its code, message and cure."""
    from localaws.console.base import Failure

    if isinstance(error, CommandError):
        return Failure(error.code, error.message, error.retryable, error.actions)
    cure = "localaws up --help" if isinstance(error, SettingError) else "localaws doctor"
    return Failure(type(error).__name__, str(error), actions=(cure,))


def exit_code_of(error: LocalAwsError) -> int:
    """Return the exit code of a command that an error ended."""
    if isinstance(error, CommandError):
        return error.exit_code
    return ExitCode.USAGE if isinstance(error, SettingError) else ExitCode.FAILED


def console_for(as_json: bool) -> Console:
    """Return the console for this output: JSON, a terminal, or plain text."""
    if as_json:
        from localaws.console.json import JsonConsole

        return JsonConsole()
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    if not plain and sys.stderr.isatty() and sys.stdout.isatty():
        from localaws.console.terminal import TerminalConsole

        return TerminalConsole()
    from localaws.console.plain import PlainConsole

    return PlainConsole()


def wants_json(arguments: Sequence[str]) -> bool:
    """Return whether ``--json`` is among the arguments of a command (not of what `exec` runs)."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in own


def setting_options(*names: str) -> Callable[[Command], Command]:
    """Add an option for each setting named, all of them if none is; None means not given."""

    def add(function: Command) -> Command:
        for item in reversed(fields(Settings)):
            if names and item.name not in names:
                continue
            kind: Any = type(item.default)
            if item.metadata["choices"]:
                kind = click.Choice(item.metadata["choices"])
            elif issubclass(kind, Path):
                kind = click.Path(path_type=Path)
            default = f" [default: {item.default}]" if str(item.default) else ""
            function = click.option(
                "--" + item.name.replace("_", "-"),
                item.name,
                type=kind,
                default=None,
                help=item.metadata["help"] + default,
            )(function)
        return function

    return add


def home_of(home: Path | None) -> Home:
    """Return the home given, or that of the settings."""
    from localaws.home import Home

    return Home(Settings.from_environment(home=home).home)
