from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatfin.errors import UsageError
from greatfin.lake.top_leads.propensity import (
    AGE_BANDS,
    Outcome,
    age_band,
    derive,
    halves,
    load_points,
    measure,
    read_outcomes,
    save_points,
)

BESIDE_THE_PROJECT = Path(__file__).parents[3] / "shared" / "data" / "bank-marketing.csv.gz"
OUTCOMES = Path(os.environ.get("GREATFIN_OUTCOMES") or BESIDE_THE_PROJECT)


@pytest.mark.skipif(not OUTCOMES.is_file(), reason="the real outcomes are not on this machine")
def test_points_come_from_one_half_and_lift_the_other() -> None:
    outcomes = read_outcomes(OUTCOMES)
    assert (len(outcomes), sum(outcome.opened for outcome in outcomes)) == (41_188, 4_640)
    to_derive, to_measure = halves(outcomes)
    points = load_points()
    assert plain(derive(to_derive)) == plain(points)
    lift = measure(to_measure, points)
    assert lift.contacts == 20_594
    assert 3.4 < lift.lift < 3.45
    assert all("duration" not in outcome.attributes for outcome in outcomes[:10])


def plain(points: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    return {name: dict(values) for name, values in points.items()}


def test_points_survive_their_file(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    save_points(load_points(), path)
    assert plain(load_points(path)) == plain(load_points())


def test_a_rule_that_knows_nothing_has_no_lift() -> None:
    outcomes = [Outcome({"job": "x"}, opened=index % 10 == 0) for index in range(1000)]
    assert measure(outcomes, {"job": {"x": 5}}).lift == pytest.approx(1.0)


def test_a_rule_that_knows_all_has_the_greatest_lift() -> None:
    outcomes = [
        Outcome({"job": "a" if index % 10 == 0 else "b"}, opened=index % 10 == 0)
        for index in range(1000)
    ]
    assert measure(outcomes, derive(outcomes)).lift == pytest.approx(10.0)


@given(st.integers(min_value=1, max_value=130))
def test_every_age_has_a_band_with_points(age: int) -> None:
    assert age_band(age) in load_points()["age"]
    assert (age_band(age) == age_band(age - 1)) == (age not in AGE_BANDS)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a;b\n1;2\n")
    with pytest.raises(UsageError, match=r"other\.csv is not the bank marketing data set"):
        read_outcomes(tmp_path / "other.csv")
    with pytest.raises(UsageError):
        read_outcomes(tmp_path / "missing.csv.gz")
