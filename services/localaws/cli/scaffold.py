"""``localaws new-service``: the folder of a service that is not there yet."""

from __future__ import annotations

from pathlib import Path

import click

from localaws.cli.frame import CommandError, ExitCode, Run, framed


@click.command("new-service")
@click.argument("service")
@click.argument("operations", nargs=-1)
@framed
def new_service(run: Run, service: str, operations: tuple[str, ...]) -> None:
    """Write the folder of SERVICE (a botocore name) with the signatures of OPERATIONS.

    For developers of this project: run it in a checkout.
    """
    from localaws.gateway.models import UnknownService
    from localaws.scaffold import ScaffoldError, scaffold

    root = Path.cwd()
    if not (root / "services" / "localaws" / "aws").is_dir():
        raise CommandError(
            "NoCheckout",
            f"{root} is not a checkout of this project",
            ("cd to the checkout and try again",),
            exit_code=ExitCode.USAGE,
        )
    try:
        files = scaffold(service, list(operations), root)
    except UnknownService as error:
        raise CommandError(
            "UnknownService", f"AWS has no service {service}", exit_code=ExitCode.USAGE
        ) from error
    except ScaffoldError as error:
        raise CommandError("NotAdded", str(error), exit_code=ExitCode.USAGE) from error
    run.data = {"files": [str(path.relative_to(root)) for path in files]}
    for path in files:
        run.console.line(str(path.relative_to(root)))
