"""Compare what is in the lake with the oracle: every row of leads and product, every count."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import polars as pl

from greatfin import s3
from greatfin.console import Check
from greatfin.lake.top_leads.archive import FILE_NAME
from greatfin.lake.top_leads.contracts import BY_PATH
from greatfin.lake.top_leads.oracle import HOPS, Delivered, Expected, expect
from greatfin.lake.top_leads.propensity import load_points
from greatfin.lake.top_leads.reconcile import PRODUCT_COLUMNS, Counts
from greatfin.runner import Context, StepResult

PARALLEL_READS = 8
PARTITION = re.compile(r"region=(?P<region>[^/]+)/year=(?P<year>[^/]+)/")


def verify(context: Context) -> StepResult:
    """Check the layers against each other and against the oracle."""
    counts = context.facts["counts"]
    assert isinstance(counts, Counts)
    expected = expect(delivered_files(context), load_points())
    leads = read_leads(context)
    delivered = context.facts.get("delivered")
    checks = [
        *_reconciliation(counts),
        *([_check_delivered(delivered, counts)] if isinstance(delivered, dict) else []),
        *_against_oracle(counts, leads, expected),
    ]
    context.facts["checks"] = checks
    passed = sum(check.passed for check in checks)
    return StepResult(f"{passed} of {len(checks)} checks pass")


def delivered_files(context: Context) -> list[Delivered]:
    """Read every file that the source systems delivered, as it landed."""
    client, bucket = context.clients.s3, context.outputs["LandingBucket"]
    keys = [item.key for item in s3.list_objects(client, bucket)]

    def read(key: str) -> Delivered | None:
        table, _, name = key.rpartition("/")
        found = FILE_NAME.search(name)
        if table not in BY_PATH or found is None:
            return None
        day = found["date"]
        content = s3.read(client, bucket, key)
        return Delivered(table, f"{day[:4]}-{day[4:6]}-{day[6:]}", content or b"")

    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        return [file for file in pool.map(read, keys) if file is not None]


def read_leads(context: Context) -> pl.DataFrame:
    """Read marketing/leads from its Parquet files, amounts in cents, by lead."""
    client, bucket = context.clients.s3, context.outputs["MarketingBucket"]
    keys = [item.key for item in s3.list_objects(client, bucket, "marketing/leads/")]

    def read(key: str) -> pl.DataFrame | None:
        found = PARTITION.search(key)
        content = s3.read(client, bucket, key)
        if found is None or not content:
            return None
        return pl.read_parquet(io.BytesIO(content)).with_columns(
            pl.lit(found["region"]).alias("region"),
            pl.lit(int(found["year"]), dtype=pl.Int64).alias("year"),
        )

    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        frames = [frame for frame in pool.map(read, keys) if frame is not None]
    if not frames:
        return pl.DataFrame()
    return _plain(pl.concat(frames)).sort("lead_id")


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Return decimals as whole cents and all integers as 64-bit ones."""
    return frame.with_columns(
        *(
            (pl.col(name) * 100).cast(pl.Int64).alias(name)
            for name, kind in frame.schema.items()
            if isinstance(kind, pl.Decimal)
        ),
        *(pl.col(name).cast(pl.Int64) for name, kind in frame.schema.items() if kind.is_integer()),
    )


def _reconciliation(counts: Counts) -> Iterator[Check]:
    wrong = [
        source
        for source, rows in counts.raw.items()
        if rows != counts.standardized[source] + counts.rejected(HOPS[0], source)
    ]
    rejected = sum(n for (hop, _, _), n in counts.quarantined.items() if hop == HOPS[0])
    yield Check(
        "raw = standardized + quarantined, for every source table",
        not wrong,
        ", ".join(wrong)
        or f"{sum(counts.raw.values()):,} = {sum(counts.standardized.values()):,} + {rejected:,}",
    )
    crm = "crm/salesforce/leads"
    into, strangers = counts.standardized[crm], counts.rejected(HOPS[1], crm)
    yield Check(
        "CRM leads = conformed + quarantined",
        into == counts.leads + strangers,
        f"{into:,} = {counts.leads:,} + {strangers:,}",
    )


def _check_delivered(delivered: dict[str, int], counts: Counts) -> Check:
    missing = [table for table, rows in delivered.items() if counts.raw.get(table, 0) < rows]
    return Check(
        "every delivered line is in the raw layer",
        not missing,
        ", ".join(missing) or f"{sum(delivered.values()):,} lines",
    )


def _against_oracle(counts: Counts, leads: pl.DataFrame, expected: Expected) -> Iterator[Check]:
    yield Check(
        "rows of every source table equal the oracle's",
        counts.raw == expected.raw and counts.standardized == expected.standardized,
        _differences(counts.standardized, expected.standardized)
        or f"{len(expected.standardized)} tables",
    )
    yield Check(
        "the quarantine equals the oracle's, by hop, table and reason",
        counts.quarantined == dict(expected.quarantined),
        _differences(counts.quarantined, dict(expected.quarantined))
        or f"{len(expected.quarantined)} reasons",
    )
    wrong = _unequal_rows(leads, expected.leads)
    yield Check(
        "every row of marketing/leads equals the oracle's",
        wrong == 0,
        f"{wrong:,} differ" if wrong else f"{len(expected.leads):,} rows",
    )
    product = counts.product
    wanted = [
        tuple(
            Decimal(value).scaleb(-2) if name in ("investable_assets", "net_worth", "deposits")
            else value
            for name, value in zip(PRODUCT_COLUMNS, row, strict=True)
        )
        for row in expected.product.select(PRODUCT_COLUMNS).iter_rows()
    ]  # fmt: skip
    differing = len(set(product) ^ set(wanted))
    yield Check(
        "every row of marketing/top_leads_by_region equals the oracle's, in order",
        product == wanted,
        f"{differing:,} differ" if product != wanted else f"{len(wanted):,} rows",
    )


def _unequal_rows(found: pl.DataFrame, wanted: pl.DataFrame) -> int:
    """Return how many rows are in one frame and not in the other."""
    if found.is_empty() or wanted.is_empty():
        return max(len(found), len(wanted))
    names = wanted.columns
    if set(names) != set(found.columns):
        return max(len(found), len(wanted))
    found = found.select(names)
    if found.equals(wanted):
        return 0
    missing = wanted.join(found, on=names, how="anti", nulls_equal=True)
    surplus = found.join(wanted, on=names, how="anti", nulls_equal=True)
    return max(1, len(missing) + len(surplus))


def _differences(found: Mapping[Any, int], wanted: Mapping[Any, int]) -> str:
    keys = [key for key in {**found, **wanted} if found.get(key, 0) != wanted.get(key, 0)]
    return "; ".join(f"{key}: {found.get(key, 0)} is not {wanted.get(key, 0)}" for key in keys[:3])
