"""How likely a person is to open a term deposit: points per attribute, from real outcomes.

The points are weights of evidence (I. J. Good, *Probability and the Weighing of Evidence*, 1950):
``10 * ln(P(value | opened) / P(value | refused))``, rounded to integers so that every engine adds
them alike. They were derived from every second row of the 41,188 real contacts of Moro, Cortez and
Rita (2014), UCI Bank Marketing, CC BY 4.0, and are measured on the other rows. Only attributes that
are known before a call take part: never its duration.
"""

from __future__ import annotations

import csv
import gzip
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from greatfin.errors import UsageError

POINTS_FILE = Path(__file__).with_name("propensity_points.csv")
SCALE = 10
RECENT_DAYS = 30
AGE_BANDS = (25, 35, 45, 55, 65)
"""The first age of each band but the first."""

Attributes: TypeAlias = dict[str, str]
Points: TypeAlias = Mapping[str, Mapping[str, int]]
"""Points by attribute and value."""


@dataclass(frozen=True)
class Outcome:
    """A real contact: what was known of the person, and whether they opened a deposit."""

    attributes: Attributes
    opened: bool


@dataclass(frozen=True)
class Lift:
    """How much better the best-scored tenth does than chance.

    Attributes:
        rate: share of all who opened, and `top_rate` that of the best-scored tenth.
    """

    contacts: int
    opened: int
    rate: float
    top_rate: float

    @property
    def lift(self) -> float:
        """Return the ratio of the two rates."""
        return self.top_rate / self.rate


def age_band(age: int) -> str:
    """Return e.g. ``25-34``."""
    lows = (0, *AGE_BANDS)
    low = max(bound for bound in lows if bound <= age)
    if low == 0:
        return f"under {AGE_BANDS[0]}"
    if low == AGE_BANDS[-1]:
        return f"{low} and over"
    return f"{low}-{lows[lows.index(low) + 1] - 1}"


def previous_band(contacts: int) -> str:
    """Return ``0``, ``1`` or ``2 and more``."""
    return str(contacts) if contacts < 2 else "2 and more"


def load_points(path: Path = POINTS_FILE) -> Points:
    """Read the table of points."""
    points: dict[str, dict[str, int]] = {}
    with path.open(newline="") as lines:
        for row in csv.DictReader(lines):
            points.setdefault(row["attribute"], {})[row["value"]] = int(row["points"])
    return MappingProxyType(points)


def save_points(points: Points, path: Path) -> None:
    """Write a table of points."""
    with path.open("w", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(("attribute", "value", "points"))
        for attribute, values in points.items():
            writer.writerows((attribute, value, values[value]) for value in sorted(values))


def read_outcomes(path: Path) -> list[Outcome]:
    """Read the bank marketing data set (semicolon-separated, perhaps gzipped).

    Raises:
        UsageError: the file is not there, or is another one.
    """
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", newline="") as lines:
            return [_outcome(row) for row in csv.DictReader(lines, delimiter=";")]
    except (OSError, KeyError, ValueError) as error:
        raise UsageError(f"{path} is not the bank marketing data set: {error!r}") from error


def _outcome(row: dict[str, str]) -> Outcome:
    recent = int(row["pdays"]) <= RECENT_DAYS  # 999 means never
    return Outcome(
        {
            "age": age_band(int(row["age"])),
            "job": row["job"],
            "marital": row["marital"],
            "education": row["education"],
            "default": row["default"],
            "housing": row["housing"],
            "loan": row["loan"],
            "previous": previous_band(int(row["previous"])),
            "recent": "yes" if recent else "no",
        },
        row["y"] in ("1", "yes"),
    )


def derive(outcomes: Iterable[Outcome]) -> Points:
    """Return the points that the outcomes give each value of each attribute."""
    seen: dict[bool, dict[str, Counter[str]]] = {True: {}, False: {}}
    totals: Counter[bool] = Counter()
    for outcome in outcomes:
        totals[outcome.opened] += 1
        for attribute, value in outcome.attributes.items():
            seen[outcome.opened].setdefault(attribute, Counter())[value] += 1
    points: dict[str, dict[str, int]] = {}
    for attribute in {**seen[True], **seen[False]}:
        values = set(seen[True].get(attribute, ())) | set(seen[False].get(attribute, ()))
        points[attribute] = {}
        for value in sorted(values):
            # a half is added so that a value nobody opened with is not ruled out for ever
            opened = (seen[True][attribute][value] + 0.5) / (totals[True] + 1)
            refused = (seen[False][attribute][value] + 0.5) / (totals[False] + 1)
            points[attribute][value] = round(SCALE * math.log(opened / refused))
    return points


def score(attributes: Mapping[str, str], points: Points) -> int:
    """Return a person's points; a value without any counts as none."""
    return sum(points[name].get(value, 0) for name, value in attributes.items())


def halves(outcomes: list[Outcome]) -> tuple[list[Outcome], list[Outcome]]:
    """Return the rows to derive from and the rows to measure on."""
    return outcomes[0::2], outcomes[1::2]


def measure(outcomes: list[Outcome], points: Points) -> Lift:
    """Return the lift of the best-scored tenth; of equal scores at its edge, a share counts."""
    by_score: dict[int, tuple[int, int]] = {}
    for outcome in outcomes:
        total, opened = by_score.get(score(outcome.attributes, points), (0, 0))
        by_score[score(outcome.attributes, points)] = (total + 1, opened + outcome.opened)
    room = tenth = len(outcomes) / 10
    hits = 0.0
    for _, (total, opened) in sorted(by_score.items(), reverse=True):
        share = min(1.0, room / total)
        hits += opened * share
        room -= total * share
        if room <= 0:
            break
    opened_all = sum(outcome.opened for outcome in outcomes)
    return Lift(len(outcomes), opened_all, opened_all / len(outcomes), hits / tenth)
