"""lake/top-leads: whom to offer the new certificate of deposit, region by region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from greatfin.runner import Context, Step, UseCase

if TYPE_CHECKING:
    from pathlib import Path

    from greatfin.console import Report


def _steps() -> Sequence[Step]:
    from greatfin.lake.top_leads import archive, deployment, land, reconcile, transform, verify

    return (
        Step("deploy", deployment.deploy_stack),
        Step("land", land.land),
        Step("archive", archive.archive),
        Step("standardize", transform.standardize),
        Step("conform", transform.conform),
        Step("enrich", transform.enrich),
        Step("reconcile", reconcile.reconcile),
        Step("verify", verify.verify),
    )


def _check() -> Sequence[Step]:
    from greatfin.lake.top_leads import deployment, reconcile, verify

    return (
        Step("find", deployment.find_stack),
        Step("reconcile", reconcile.reconcile),
        Step("verify", verify.verify),
    )


def _report(context: Context) -> Report:
    from greatfin.lake.top_leads.report import report

    return report(context)


def _measure(outcomes: Path) -> Report:
    from greatfin.lake.top_leads.lift import report

    return report(outcomes)


USE_CASE = UseCase(
    name="lake/top-leads",
    title="Top leads for a new certificate of deposit",
    chapter=2,
    question=(
        "Which high-net-worth customers of each region should marketing offer the new "
        "certificate of deposit, best first?"
    ),
    services=("S3", "Glue Data Catalog", "Athena", "CloudFormation", "IAM"),
    minutes=0.2,
    memory_mb=400,
    aws_cost=(
        "about USD 0.01 a run at scale 1 (us-east-1, November 2026): 20 Athena queries at the "
        "10 MB minimum of USD 5 per TB = USD 0.001; about 1,500 S3 requests = USD 0.007; "
        "40 MB stored for a month = USD 0.001; Glue catalog and CloudFormation within the free "
        "tier"
    ),
    steps=_steps,
    check=_check,
    report=_report,
    measure=_measure,
)
