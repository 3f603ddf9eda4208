"""The commands; each imports what it needs when it runs, so that the command line starts fast."""

from __future__ import annotations

from pathlib import Path

import click

from greatfin.cli.frame import (
    account_option,
    agree_to_cost,
    command,
    connect,
    scale_option,
    seed_option,
    target_option,
)
from greatfin.console.base import Check, Console, Report, Table
from greatfin.errors import ConfirmationNeeded, UsageError
from greatfin.runner.step import Options
from greatfin.runner.use_case import UseCase, find, find_all


@click.command("list")
@command("list")
def list_(console: Console) -> Report:
    """List the use cases."""
    cases = find_all()
    rows = [
        (case.name, case.title, case.chapter, f"{case.minutes:g}", f"{case.memory_mb / 1000:g}")
        for case in cases
    ]
    return Report(
        "Use cases",
        [Table("", ("use case", "what it shows", "chapter", "minutes", "GB"), rows)],
        next=[f"greatfin run {cases[0].name}"],
        data={"use_cases": [_describe(case) for case in cases]},
    )


@click.command()
@click.argument("use_case")
@command("show")
def show(console: Console, use_case: str) -> Report:
    """Show what USE_CASE asks, uses and costs."""
    case = find(use_case)
    facts = [
        ("question", case.question),
        ("services", ", ".join(case.services)),
        ("chapter", str(case.chapter)),
        ("at scale 1", f"{case.minutes:g} minutes, {case.memory_mb:,} MB"),
        ("on AWS", case.aws_cost),
        ("steps", ", ".join(step.name for step in case.steps())),
        ("page", str(case.folder / "README.md")),
        ("template", str(case.template)),
    ]
    return Report(
        f"{case.name}: {case.title}",
        [Table("", ("", ""), facts)],
        next=[f"greatfin run {case.name}"],
        data=_describe(case),
    )


@click.command()
@click.argument("use_case", required=False)
@click.option("--all", "run_all", is_flag=True, help="Run every use case.")
@click.option("--force", is_flag=True, help="Do again what is already done.")
@target_option
@account_option
@scale_option
@seed_option
@command("run")
def run(
    console: Console,
    use_case: str | None,
    run_all: bool,
    force: bool,
    target: str,
    account: str | None,
    scale: float,
    seed: int,
) -> Report:
    """Deploy USE_CASE, feed it, run it and show what the business asked for.

    An interrupted run goes on where it stopped when it is started again; a finished one changes
    nothing.
    """
    from greatfin.runner.run import run as run_use_case

    if run_all == (use_case is not None):
        raise UsageError("Name one use case, or say --all", actions=("greatfin list",))
    cases = find_all() if use_case is None else [find(use_case)]
    clients = connect(target)
    options = Options(scale, seed, force)
    reports: dict[str, Report] = {}
    for case in cases:
        agree_to_cost(clients, case, account)
        reports[case.name] = run_use_case(case, clients, console, options)
        if not run_all:
            return reports[case.name]
        console.note(f"{case.name}: {'passed' if reports[case.name].passed else 'FAILED'}")
    return Report(
        "All use cases",
        [table for report in reports.values() for table in report.tables[:1]],
        checks=[
            Check(f"{name}: {check.name}", check.passed, check.detail)
            for name, report in reports.items()
            for check in report.checks
        ],
        data={"use_cases": {name: report.data for name, report in reports.items()}},
    )


@click.command()
@click.argument("use_case")
@click.option(
    "--outcomes",
    type=click.Path(path_type=Path),
    envvar="GREATFIN_OUTCOMES",
    help="Measure the scoring rule on a file of real outcomes instead.",
)
@target_option
@scale_option
@seed_option
@command("verify")
def verify(
    console: Console,
    use_case: str,
    outcomes: Path | None,
    target: str,
    scale: float,
    seed: int,
) -> Report:
    """Compare what USE_CASE left in the lake with its oracle; change nothing."""
    from greatfin.runner.run import run as run_use_case

    case = find(use_case)
    if outcomes is not None:
        if case.measure is None:
            raise UsageError(f"{case.name} has no rule to measure on real outcomes")
        return case.measure(outcomes)
    return run_use_case(case, connect(target), console, Options(scale, seed), steps=case.check())


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--clean", is_flag=True, help="No mistakes and no drift in the data.")
@scale_option
@seed_option
@command("generate")
def generate(console: Console, out: Path, clean: bool, scale: float, seed: int) -> Report:
    """Write the bank's source files, as its systems deliver them, under the folder OUT."""
    from greatfin.generator.write import write

    return write(console, out, scale=scale, seed=seed, clean=clean)


@click.command()
@click.argument("use_case")
@target_option
@account_option
@command("deploy")
def deploy(console: Console, use_case: str, target: str, account: str | None) -> Report:
    """Create or update the CloudFormation stack of USE_CASE, and nothing else."""
    from greatfin import deploy as stacks

    case = find(use_case)
    clients = connect(target)
    agree_to_cost(clients, case, account)
    outputs, changed = stacks.deploy(
        clients.cloudformation, case.stack_name, case.template.read_text(), {}, console.note
    )
    return Report(
        f"Stack {case.stack_name} {'is deployed' if changed else 'was up to date'}",
        [Table("Outputs", ("output", "value"), sorted(outputs.items()))],
        next=[f"greatfin run {case.name} --target {target}"],
        data={"stack": case.stack_name, "changed": changed, "outputs": outputs},
    )


@click.command()
@click.argument("use_case")
@click.option("--yes", is_flag=True, help="Yes, delete the stack and all its data.")
@target_option
@command("destroy")
def destroy(console: Console, use_case: str, yes: bool, target: str) -> Report:
    """Delete the stack of USE_CASE with all data in its buckets."""
    from greatfin import deploy as stacks

    case = find(use_case)
    clients = connect(target)
    if not yes:
        raise ConfirmationNeeded(
            f"This deletes stack {case.stack_name} and all data in its buckets, "
            f"in account {clients.account()} on {target}",
            actions=(f"greatfin destroy {case.name} --target {target} --yes",),
        )
    objects = stacks.empty_buckets(clients, case.stack_name)
    there = stacks.destroy(clients.cloudformation, case.stack_name, console.note)
    return Report(
        f"Stack {case.stack_name} is deleted, with {objects:,} objects"
        if there
        else f"There was no stack {case.stack_name}",
        data={"stack": case.stack_name, "deleted": there, "objects": objects},
    )


def _describe(case: UseCase) -> dict[str, object]:
    return {
        "name": case.name,
        "title": case.title,
        "chapter": case.chapter,
        "question": case.question,
        "services": list(case.services),
        "minutes": case.minutes,
        "memory_mb": case.memory_mb,
        "aws_cost": case.aws_cost,
    }


ALL = (list_, show, run, verify, generate, deploy, destroy)
