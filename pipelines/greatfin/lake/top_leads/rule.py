"""The parameters of the scoring rule; the page of the use case says what it means."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from greatfin.lake.top_leads.propensity import AGE_BANDS, RECENT_DAYS, Points, age_band

AS_OF = date(2022, 12, 31)
CAMPAIGN_YEAR = 2022
HIGH_NET_WORTH = 1_000_000
"""Investable assets from which a customer is high-net-worth: the industry's usual bound."""

LEADS_PER_REGION = 10
OFFERED_RATE_BP = 425
"""Rate of the new certificate of deposit, in basis points."""

ACTIVE_DAYS, DORMANT_DAYS = 60, 365


def days_ago(days: int) -> date:
    """Return the day that many days before the data's date."""
    return AS_OF - timedelta(days=days)


def birthday(age: int) -> date:
    """Return the last birth date of those who are `age` on the data's date."""
    return AS_OF.replace(year=AS_OF.year - age)


def sql_parameters(points: Points) -> dict[str, str]:
    """Return what the SQL files' parameters stand for."""
    return {
        "campaign_year": str(CAMPAIGN_YEAR),
        "high_net_worth": str(HIGH_NET_WORTH),
        "leads_per_region": str(LEADS_PER_REGION),
        "offered_rate_bp": str(OFFERED_RATE_BP),
        "active_since": days_ago(ACTIVE_DAYS).isoformat(),
        "dormant_since": days_ago(DORMANT_DAYS).isoformat(),
        "days_30_ago": days_ago(30).isoformat(),
        "days_90_ago": days_ago(90).isoformat(),
        "days_180_ago": days_ago(180).isoformat(),
        "propensity_points": propensity_sql(points),
    }


def propensity_sql(points: Points) -> str:
    """Return the SQL that adds up a lead's propensity points."""
    recent = days_ago(RECENT_DAYS).isoformat()
    cases = [
        _age_case(points["age"]),
        *(_value_case(name, points[name]) for name in ("job", "marital", "education")),
        f"CASE WHEN in_default THEN {points['default']['yes']} ELSE {points['default']['no']} END",
        f"CASE WHEN has_mortgage THEN {points['housing']['yes']} "
        f"ELSE {points['housing']['no']} END",
        f"CASE WHEN has_loan THEN {points['loan']['yes']} ELSE {points['loan']['no']} END",
        f"CASE WHEN previous_contacts >= 2 THEN {points['previous']['2 and more']} "
        f"WHEN previous_contacts = 1 THEN {points['previous']['1']} "
        f"ELSE {points['previous']['0']} END",
        f"CASE WHEN last_contact_on >= DATE '{recent}' THEN {points['recent']['yes']} "
        f"ELSE {points['recent']['no']} END",
    ]
    return "\n        + ".join(cases)


def _age_case(points: Mapping[str, int]) -> str:
    whens = " ".join(
        f"WHEN birth_date <= DATE '{birthday(age)}' THEN {points[age_band(age)]}"
        for age in reversed(AGE_BANDS)
    )
    return f"CASE {whens} ELSE {points[age_band(0)]} END"


def _value_case(column: str, points: Mapping[str, int]) -> str:
    whens = " ".join(f"WHEN '{value}' THEN {points[value]}" for value in sorted(points))
    return f"CASE {column} {whens} ELSE 0 END"
