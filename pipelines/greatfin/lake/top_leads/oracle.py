"""The expected output, computed from the delivered files without any SQL.

Written against the page of the use case, not against the SQL: columns are found by the names in
each file's header, amounts are whole cents, JSON is read by Python, and what the lake does with
windows and joins is done by Polars with sorts and group-bys.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from greatfin.lake.top_leads import rule
from greatfin.lake.top_leads.oracle_rules import SOURCES, Field, Source, age_on_the_day
from greatfin.lake.top_leads.propensity import RECENT_DAYS, Points, previous_band

HOPS = ("raw_to_standardized", "standardized_to_conformed")
CRM = "crm/salesforce/leads"


@dataclass(frozen=True)
class Delivered:
    """A delivered file: ``database/schema/table``, ISO date of delivery, bytes."""

    table: str
    date: str
    content: bytes


@dataclass
class Expected:
    """What the lake must hold.

    Attributes:
        raw: lines by source table; `standardized`: rows by source table.
        quarantined: rows by hop, source table and reason.
        leads: marketing/leads, amounts in cents.
        product: marketing/top_leads_by_region, amounts in cents.
    """

    raw: dict[str, int] = field(default_factory=dict)
    standardized: dict[str, int] = field(default_factory=dict)
    quarantined: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    leads: pl.DataFrame = field(default_factory=pl.DataFrame)
    product: pl.DataFrame = field(default_factory=pl.DataFrame)


def expect(files: Iterable[Delivered], points: Points) -> Expected:
    """Compute everything that the use case should produce from these files."""
    by_table: dict[str, list[Delivered]] = {source.path: [] for source in SOURCES}
    for file in files:
        by_table[file.table].append(file)
    expected = Expected()
    kept: dict[str, pl.DataFrame] = {}
    for source in SOURCES:
        rows = _read(source, by_table.pop(source.path))
        expected.raw[source.path] = len(rows)
        good, reasons = _split(source, rows)
        expected.standardized[source.path] = len(good)
        for reason, count in reasons.items():
            expected.quarantined[HOPS[0], source.path, reason] = count
        kept[source.path] = good
    leads, strangers = _leads(kept)
    if strangers:
        expected.quarantined[HOPS[1], CRM, "customer unknown"] = strangers
    expected.leads = leads
    expected.product = _top(leads, points)
    return expected


def _read(source: Source, files: list[Delivered]) -> pl.DataFrame:
    """Return a row per delivered line: line, date, ``broken`` (a reason or null), text fields."""
    frames = [
        _read_json(source, file) if source.json else _read_csv(source, file) for file in files
    ]
    names = ["line", "date", "broken", *(item.name for item in source.fields)]
    if not frames:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    return pl.concat([frame.select(names) for frame in frames])


def _read_csv(source: Source, file: Delivered) -> pl.DataFrame:
    text = file.content.decode().removesuffix("\n")
    header_line, _, body = text.partition("\n")
    header = [source.aliases.get(name, name) for name in header_line.split(",")]
    lines = pl.DataFrame({"line": body.split("\n") if body else []}, schema={"line": pl.String})
    lines = lines.with_columns(pl.lit(file.date).alias("date"))
    if not source.accepts(header_line.split(",")):
        return lines.with_columns(
            pl.lit("layout unknown").alias("broken"),
            *(pl.lit("").alias(item.name) for item in source.fields),
        )
    cells = lines.with_columns(pl.col("line").str.split(",").alias("cells"))
    renamed = header_line.split(",") != header
    columns = [
        _cell(item, header).alias(item.name)
        if not (renamed and item.kind == "date" and item.name in source.aliases.values())
        else _cell(item, header).str.split("/").list.reverse().list.join("-").alias(item.name)
        for item in source.fields
    ]
    return cells.with_columns(
        pl.when(pl.col("cells").list.len() != len(header))
        .then(pl.lit("fields miscounted"))
        .alias("broken"),
        *columns,
    )


def _cell(item: Field, header: list[str]) -> pl.Expr:
    if item.name not in header:
        return pl.lit("")
    return pl.col("cells").list.get(header.index(item.name), null_on_oob=True).fill_null("")


def _read_json(source: Source, file: Delivered) -> pl.DataFrame:
    rows: list[dict[str, str | None]] = []
    for line in file.content.decode().removesuffix("\n").split("\n"):
        row: dict[str, str | None] = dict.fromkeys((item.name for item in source.fields), "")
        row |= {"line": line, "date": file.date, "broken": None}
        if not file.content.startswith(b"{"):
            row["broken"] = "layout unknown"
        else:
            try:
                found = json.loads(line)
            except ValueError:
                found = None
            if isinstance(found, dict) and not any(map(_is_nested, found.values())):
                row |= {item.name: _json_text(found.get(item.source)) for item in source.fields}
            else:
                row["broken"] = "json broken"
        rows.append(row)
    return pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.String) if rows else None)


def _is_nested(value: object) -> bool:
    return isinstance(value, (dict, list))


def _json_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _split(source: Source, rows: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the newest valid row of each key, typed, and the number of others by reason."""
    reason = pl.col("broken")
    for item in source.fields:
        reason = reason.fill_null(
            pl.when(item.wrong(pl.col(item.name))).then(pl.lit(f"{item.name} invalid"))
        )
    judged = rows.with_columns(reason.alias("reason"))
    bad = judged.filter(pl.col("reason").is_not_null())
    reasons = dict(bad.group_by("reason").len().iter_rows())
    order = [*source.version, "date", "line"]
    good = judged.filter(pl.col("reason").is_null()).sort(order, descending=True)
    first = good.unique(subset=list(source.key), keep="first", maintain_order=True)
    if len(first) < len(good):
        latest = first.select(*source.key, pl.col("line").alias("kept"))
        same = good.join(latest, on=list(source.key)).filter(pl.col("line") == pl.col("kept"))
        duplicates = len(same) - len(first)
        superseded = len(good) - len(first) - duplicates
        reasons |= {
            name: count
            for name, count in (("duplicate", duplicates), ("superseded", superseded))
            if count
        }
    typed = first.select(item.typed(pl.col(item.name)).alias(item.name) for item in source.fields)
    return typed, reasons


def _leads(kept: Mapping[str, pl.DataFrame]) -> tuple[pl.DataFrame, int]:
    """Return marketing/leads, and how many leads belong to nobody we know."""
    crm, people = kept[CRM], kept["core_banking/cbs/customers"]
    month_end = (
        kept["core_banking/cbs/balances"]
        .sort("as_of")
        .group_by("account_id")
        .agg(pl.col("balance").last())
    )
    accounts = kept["core_banking/cbs/accounts"].join(month_end, on="account_id", how="left")
    loan = pl.col("product") == "loan"
    banking = accounts.group_by("customer_id").agg(
        pl.col("balance").filter(~loan).sum().alias("deposits"),
        (-pl.col("balance").filter(loan)).sum().alias("loans_owed"),
        loan.any().alias("has_loan"),
        (pl.col("in_default") == "Y").any().alias("in_default"),
    )
    held = kept["securities/trading/portfolios"]
    securities = held.group_by("customer_id").agg(pl.col("market_value").sum().alias("securities"))
    homes = (
        kept["mortgages/loans/mortgages"]
        .filter(pl.col("status") != "closed")
        .group_by("customer_id")
        .agg((pl.col("property_value") - pl.col("outstanding")).sum().alias("home_equity"))
        .with_columns(pl.lit(True).alias("has_mortgage"))
    )
    owed = kept["cards/cms/cards"].group_by("customer_id").agg(pl.col("owed").sum())
    happened = pl.concat(
        [
            kept["cards/cms/transactions"].select("customer_id", pl.col("posted_on").alias("day")),
            kept["securities/trading/dealings"].select(
                "customer_id", pl.col("dealt_on").alias("day")
            ),
        ]
    )
    last = happened.group_by("customer_id").agg(pl.col("day").max().alias("last_dealing_on"))
    known = crm.join(people, on="customer_id", how="inner")
    strangers = len(crm) - len(known)
    for frame in (banking, securities, homes, owed, last):
        known = known.join(frame, on="customer_id", how="left")
    known = known.with_columns(pl.col("created_on").dt.year().cast(pl.Int64).alias("year"))
    known = known.join(kept["external/credit_bureau/scores"], on="person_key", how="left").join(
        kept["external/market_data/regions"], on=["country", "year"], how="left"
    )
    amounts = ("deposits", "loans_owed", "securities", "home_equity", "owed")
    known = known.with_columns(
        *(pl.col(name).fill_null(0) for name in amounts),
        *(pl.col(name).fill_null(False) for name in ("has_loan", "in_default", "has_mortgage")),
    )
    assets = pl.sum_horizontal("deposits", "securities") - pl.sum_horizontal("loans_owed", "owed")
    quiet = pl.lit(rule.AS_OF) - pl.col("last_dealing_on")
    result = known.select(
        "lead_id", "customer_id", "first_name", "last_name", "email", "city", "birth_date", "job",
        "marital", "education",
        pl.when(quiet.dt.total_days() <= rule.ACTIVE_DAYS).then(pl.lit("active"))
        .when(quiet.dt.total_days() <= rule.DORMANT_DAYS).then(pl.lit("dormant"))
        .otherwise(pl.lit("lapsed")).alias("status"),
        "lead_source", pl.col("lead_status"), "created_on", "opted_out", "do_not_call",
        "previous_contacts", "last_contact_on", "has_loan", "has_mortgage", "in_default",
        "deposits", "securities", "home_equity", "loans_owed",
        pl.col("owed").alias("cards_owed"),
        assets.alias("investable_assets"),
        (assets + pl.col("home_equity")).alias("net_worth"),
        "last_dealing_on", "credit_score", "assets_elsewhere", "market_deposit_rate_bp",
        "house_price_change_bp", "consumer_confidence",
        pl.col("country").alias("region"), "year",
    )  # fmt: skip
    return result.sort("lead_id"), strangers


def _top(leads: pl.DataFrame, points: Points) -> pl.DataFrame:
    """Score the eligible leads of the campaign and rank the best of each region."""
    campaign = (
        leads.filter(pl.col("year") == rule.CAMPAIGN_YEAR)
        .sort("created_on", "lead_id", descending=True)
        .unique(subset="customer_id", keep="first", maintain_order=True)
        .filter(
            ~pl.col("opted_out"),
            ~pl.col("in_default"),
            pl.col("status") != "lapsed",
            pl.col("investable_assets") >= rule.HIGH_NET_WORTH * 100,
        )
    )
    million = 1_000_000 * 100
    quiet = (pl.lit(rule.AS_OF) - pl.col("last_dealing_on")).dt.total_days()
    parts = {
        "wealth_points": 8
        + 8
        * _reached("investable_assets", 1.5 * million, 2.5 * million, 5 * million, 10 * million),
        "liquidity_points": 5
        * _reached("deposits", 0.1 * million, 0.25 * million, 0.5 * million, million),
        "propensity_points": _propensity(points),
        "recency_points": quiet.map_elements(
            lambda days: 10 if days <= 30 else 6 if days <= 90 else 3 if days <= 180 else 0,
            return_dtype=pl.Int64,
        ).fill_null(0),
        "external_points": 4 * _reached("assets_elsewhere", 0.25 * million, million)
        + 2 * _reached("credit_score", 600, 700)
        + 3 * (pl.col("market_deposit_rate_bp") < rule.OFFERED_RATE_BP).fill_null(False),
    }
    scored = campaign.with_columns(
        expression.cast(pl.Int64).alias(name) for name, expression in parts.items()
    ).with_columns(pl.sum_horizontal(*parts).alias("score"))
    order = {"region": False, "score": True, "investable_assets": True, "customer_id": False}
    ranked = scored.sort(list(order), descending=list(order.values())).with_columns(
        pl.col("region").cum_count().over("region").cast(pl.Int64).alias("place")
    )
    return ranked.filter(pl.col("place") <= rule.LEADS_PER_REGION)


def _reached(column: str, *bounds: float) -> pl.Expr:
    """Return how many of the bounds a value reaches; none when it is unknown."""
    reached = [(pl.col(column) >= int(bound)).fill_null(False).cast(pl.Int64) for bound in bounds]
    return pl.sum_horizontal(reached)


def _propensity(points: Points) -> pl.Expr:
    def of(name: str, value: pl.Expr) -> pl.Expr:
        return value.replace_strict(points[name], default=0, return_dtype=pl.Int64)

    def yes_no(condition: pl.Expr) -> pl.Expr:
        return pl.when(condition.fill_null(False)).then(pl.lit("yes")).otherwise(pl.lit("no"))

    contact_age = (pl.lit(rule.AS_OF) - pl.col("last_contact_on")).dt.total_days()
    previous = pl.col("previous_contacts").map_elements(previous_band, return_dtype=pl.String)
    return pl.sum_horizontal(
        of("age", pl.col("birth_date").map_elements(age_on_the_day, return_dtype=pl.String)),
        *(of(name, pl.col(name)) for name in ("job", "marital", "education")),
        of("default", yes_no(pl.col("in_default"))),
        of("housing", yes_no(pl.col("has_mortgage"))),
        of("loan", yes_no(pl.col("has_loan"))),
        of("previous", previous),
        of("recent", yes_no(contact_age <= RECENT_DAYS)),
    )
