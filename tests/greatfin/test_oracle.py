from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatfin.generator import Bank, Chaos, deliver
from greatfin.lake.top_leads.contracts import CONTRACTS
from greatfin.lake.top_leads.oracle import HOPS, Delivered, Expected, expect
from greatfin.lake.top_leads.oracle_rules import SOURCES
from greatfin.lake.top_leads.propensity import load_points

POINTS = load_points()
CUSTOMERS = "core_banking/cbs/customers"


def delivered(bank: Bank) -> list[Delivered]:
    return [Delivered(file.table, file.delivery, file.content) for file in deliver(bank)]


def rejected(expected: Expected, table: str) -> int:
    return sum(
        rows
        for (hop, source, _), rows in expected.quarantined.items()
        if hop == HOPS[0] and source == table
    )


@pytest.fixture(scope="module")
def small() -> list[Delivered]:
    return delivered(Bank(0.05))


def test_nothing_is_lost_at_any_hop(small: list[Delivered]) -> None:
    expected = expect(small, POINTS)
    for table, rows in expected.raw.items():
        assert rows == expected.standardized[table] + rejected(expected, table)
    strangers = expected.quarantined[HOPS[1], "crm/salesforce/leads", "customer unknown"]
    assert expected.standardized["crm/salesforce/leads"] == len(expected.leads) + strangers


def test_quarantine_is_what_the_generator_spoilt() -> None:
    chaos = replace(Chaos.none(), malformed=300, duplicates=300, changed=300)
    bank = Bank(0.05, chaos=chaos)
    truth: dict[str, int] = {}
    for file in deliver(bank):
        for kind, count in file.truth.anomalies.items():
            truth[kind] = truth.get(kind, 0) + count
    expected = expect(delivered(bank), POINTS)
    found: dict[str, int] = {}
    for (hop, _, reason), rows in expected.quarantined.items():
        if hop == HOPS[0]:
            found[reason] = found.get(reason, 0) + rows
    assert found.pop("fields miscounted") + found.pop("json broken") == truth["malformed"]
    assert found == {"duplicate": truth["duplicates"], "superseded": truth["changed"]}


def test_drift_changes_no_answer() -> None:
    plain, drifted = (
        expect(delivered(Bank(0.05, chaos=Chaos.none(), drift=drift)), POINTS)
        for drift in (False, True)
    )
    assert plain.leads.equals(drifted.leads)
    assert plain.product.equals(drifted.product)
    assert not any(hop == HOPS[0] for hop, _, _ in drifted.quarantined)


def test_order_of_files_does_not_matter(small: list[Delivered]) -> None:
    shuffled = list(small)
    random.Random(4).shuffle(shuffled)
    one, other = expect(small, POINTS), expect(shuffled, POINTS)
    assert one.leads.equals(other.leads)
    assert one.product.equals(other.product)
    assert one.quarantined == other.quarantined


def test_unknown_header_waits_in_the_quarantine(small: list[Delivered]) -> None:
    foreign = Delivered(CUSTOMERS, "2023-01-31", b"id,name\n1,Ada\n2,Ben\n")
    before, after = expect(small, POINTS), expect([*small, foreign], POINTS)
    assert after.quarantined[HOPS[0], CUSTOMERS, "layout unknown"] == 2
    assert after.leads.equals(before.leads)


LINE = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\n\r"), min_size=1)


@settings(max_examples=30, deadline=None)
@given(st.lists(LINE, max_size=8))
def test_any_text_is_kept_or_quarantined(garbage: list[str]) -> None:
    header = ",".join(next(c for c in CONTRACTS if c.path == CUSTOMERS).layouts["v1"])
    content = "\n".join([header, *garbage]) + "\n"
    expected = expect([Delivered(CUSTOMERS, "2022-11-30", content.encode())], POINTS)
    assert expected.raw[CUSTOMERS] == len(garbage)
    assert expected.standardized[CUSTOMERS] + rejected(expected, CUSTOMERS) == len(garbage)


def test_product_is_ranked_by_the_rule(small: list[Delivered]) -> None:
    product = expect(small, POINTS).product
    assert len(product) > 0
    parts = ("wealth", "liquidity", "propensity", "recency", "external")
    for region in product.partition_by("region"):
        assert region["place"].to_list() == list(range(1, len(region) + 1))
        assert region["score"].to_list() == sorted(region["score"], reverse=True)
    for row in product.iter_rows(named=True):
        assert row["score"] == sum(row[f"{part}_points"] for part in parts)
        assert row["investable_assets"] >= 1_000_000_00
        assert not row["opted_out"]
        assert not row["in_default"]
        assert row["year"] == 2022


def test_oracle_and_pipeline_expect_the_same_sources() -> None:
    assert [source.path for source in SOURCES] == [contract.path for contract in CONTRACTS]
    for source, contract in zip(SOURCES, CONTRACTS, strict=True):
        known = [" ".join(names) for names in contract.layouts.values()]
        assert list(source.headers) == known
        assert ", ".join(source.key) == contract.key
