"""Measure the propensity part of the scoring rule on real outcomes."""

from __future__ import annotations

from pathlib import Path

from greatfin.console import Check, Report, Table
from greatfin.lake.top_leads.propensity import derive, halves, load_points, measure, read_outcomes

LEAST_LIFT = 2.0


def report(outcomes: Path) -> Report:
    """Return how much better the best-scored tenth of unseen contacts does than chance."""
    known = read_outcomes(outcomes)
    to_derive, to_measure = halves(known)
    points = load_points()
    found = measure(to_measure, points)
    return Report(
        title="Propensity points on real outcomes",
        tables=[
            Table(
                "Rows that took no part in deriving the points",
                ("contacts", "opened", "rate", "rate of the best tenth", "lift"),
                [
                    (
                        found.contacts,
                        found.opened,
                        f"{found.rate:.2%}",
                        f"{found.top_rate:.2%}",
                        f"{found.lift:.2f}",
                    )
                ],
            )
        ],
        checks=[
            Check(
                "the points are those that the other half gives",
                {name: dict(values) for name, values in points.items()}
                == {name: dict(values) for name, values in derive(to_derive).items()},
            ),
            Check(f"lift of the best tenth is at least {LEAST_LIFT:g}", found.lift >= LEAST_LIFT),
        ],
        data={
            "contacts": found.contacts,
            "opened": found.opened,
            "rate": found.rate,
            "top_decile_rate": found.top_rate,
            "lift": found.lift,
        },
    )
