"""What all commands share: options, consoles, and how errors become exit codes."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Concatenate, ParamSpec

import click

from greatfin.console.base import Console, Report
from greatfin.console.choose import choose_console
from greatfin.errors import ConfirmationNeeded, Exit, GreatFinError
from greatfin.runner.use_case import UseCase
from greatfin.target import TARGETS, Clients, Target

P = ParamSpec("P")

target_option = click.option(
    "--target",
    type=click.Choice(TARGETS),
    default="local",
    show_default=True,
    help="Where AWS is; local and compose are at $AWS_ENDPOINT_URL.",
)
account_option = click.option(
    "--account", help="Account id you agree to be charged to (target aws)."
)
scale_option = click.option(
    "--scale", type=float, default=1.0, show_default=True, help="1 is 10,000 customers."
)
seed_option = click.option(
    "--seed", type=int, default=1, show_default=True, help="Another seed is another bank."
)


def version() -> str:
    """Return the distribution's version."""
    from importlib.metadata import version as installed

    return installed("greatfin-localaws")


def command(
    name: str,
) -> Callable[[Callable[Concatenate[Console, P], Report]], Callable[P, None]]:
    """Make a command that returns a report; show it, or why there is none, and exit by it."""

    def decorate(function: Callable[Concatenate[Console, P], Report]) -> Callable[P, None]:
        @functools.wraps(function)
        def run(*args: P.args, **options: P.kwargs) -> None:
            console = choose_console(name, as_json=bool(options.pop("as_json")))
            try:
                report = function(console, *args, **options)
                console.report(report)
            except GreatFinError as error:
                console.error(
                    error.code,
                    error.message,
                    retryable=error.retryable,
                    actions=error.actions,
                )
                raise click.exceptions.Exit(error.exit) from error
            except Exception as error:
                if not _is_aws_error(error):
                    raise
                console.error(type(error).__name__, str(error), retryable=True)
                raise click.exceptions.Exit(Exit.FAILED) from error
            raise click.exceptions.Exit(Exit.DONE if report.passed else Exit.CHECKS_FAILED)

        json_option: Callable[[Callable[P, None]], Callable[P, None]] = click.option(
            "--json", "as_json", is_flag=True, help="Answer with one JSON envelope on stdout."
        )
        return json_option(run)

    return decorate


def _is_aws_error(error: Exception) -> bool:
    """Return whether boto3 raised it, without importing boto3 to find out."""
    return type(error).__module__.startswith(("botocore.", "boto3."))


def connect(target_name: str) -> Clients:
    """Return clients for a target that answers and accepts the credentials."""
    clients = Target.resolve(target_name).clients()
    click.get_current_context().call_on_close(clients.close)
    clients.account()
    return clients


def agree_to_cost(clients: Clients, use_case: UseCase, account: str | None) -> None:
    """Make sure that whoever pays knows: the account must be named before AWS is touched.

    Raises:
        ConfirmationNeeded: nobody named it, or another one.
    """
    if not clients.target.costs_money:
        return
    actual = clients.account()
    said = account
    if said is None and sys.stdin.isatty():
        click.echo(f"{use_case.name} on AWS account {actual}, {clients.target.region}", err=True)
        click.echo(f"costs {use_case.aws_cost}", err=True)
        said = click.prompt("Type the account id to go on", default="", err=True)
    if said != actual:
        raise ConfirmationNeeded(
            f"{use_case.name} would run in AWS account {actual}, {clients.target.region}; it costs "
            f"{use_case.aws_cost}",
            actions=(f"greatfin run {use_case.name} --target aws --account {actual}",),
        )
