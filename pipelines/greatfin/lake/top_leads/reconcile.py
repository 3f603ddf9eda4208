"""Count every layer by Athena, so that in = out + quarantined can be checked hop by hop."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from greatfin.athena import Row
from greatfin.lake.top_leads.contracts import CONTRACTS
from greatfin.lake.top_leads.once import athena, record_query
from greatfin.runner import Context, StepResult

PRODUCT_COLUMNS = (
    "region", "place", "customer_id", "first_name", "last_name", "email", "city", "do_not_call",
    "investable_assets", "net_worth", "deposits", "wealth_points", "liquidity_points",
    "propensity_points", "recency_points", "external_points", "score", "lead_id",
)  # fmt: skip


@dataclass(frozen=True)
class Counts:
    """Rows at each layer, and the data product itself.

    Attributes:
        raw: lines by source table; `standardized`: rows by source table.
        quarantined: rows by hop, source table and reason.
        leads: rows of marketing/leads.
        product: the rows of marketing/top_leads_by_region, best first in each region.
    """

    raw: dict[str, int] = field(default_factory=dict)
    standardized: dict[str, int] = field(default_factory=dict)
    quarantined: dict[tuple[str, str, str], int] = field(default_factory=dict)
    leads: int = 0
    product: list[Row] = field(default_factory=list)

    def rejected(self, hop: str, source: str) -> int:
        """Return how many rows of a source a hop rejected."""
        return sum(
            rows for (where, table, _), rows in self.quarantined.items()
            if (where, table) == (hop, source)
        )  # fmt: skip


def reconcile(context: Context) -> StepResult:
    """Count the layers, and read the data product."""
    names = context.outputs
    parts = [
        f"SELECT '{layer}' AS layer, '{contract.path}' AS source, count(*) AS n "
        f"FROM {database}.{contract.name}"
        for contract in CONTRACTS
        for layer, database in (
            ("raw", names["RawDatabase"]),
            ("standardized", names["StandardizedDatabase"]),
        )
    ]
    parts.append(
        f"SELECT 'conformed' AS layer, '' AS source, count(*) AS n "
        f"FROM {names['MarketingDatabase']}.leads"
    )
    queries = {
        "count-layers": "\nUNION ALL\n".join(parts) + "\nORDER BY layer, source",
        "count-quarantine": (
            "SELECT hop, source_table, reason, count(*) AS n "
            f"FROM {names['QuarantineDatabase']}.rejected_rows "
            "GROUP BY hop, source_table, reason ORDER BY hop, source_table, reason"
        ),
        "read-product": (
            f"SELECT {', '.join(PRODUCT_COLUMNS)} "
            f"FROM {names['MarketingDatabase']}.top_leads_by_region ORDER BY region, place"
        ),
    }
    with ThreadPoolExecutor(len(queries)) as pool:
        layers, rejected, product = pool.map(partial(_query, context), queries.items())
    by_layer: dict[str, dict[str, int]] = {}
    for layer, source, rows in layers:
        by_layer.setdefault(str(layer), {})[str(source)] = cast(int, rows)
    counts = Counts(
        by_layer["raw"],
        by_layer["standardized"],
        {(str(hop), str(source), str(why)): cast(int, n) for hop, source, why, n in rejected},
        by_layer["conformed"][""],
        product,
    )
    context.facts["counts"] = counts
    total = sum(counts.raw.values())
    kept = sum(counts.standardized.values())
    lost = sum(n for (hop, _, _), n in counts.quarantined.items() if hop.startswith("raw"))
    detail = f"{total:,} delivered = {kept:,} standardized + {lost:,} quarantined"
    return StepResult(detail, rows=total)


def _query(context: Context, item: tuple[str, str]) -> list[Row]:
    name, sql = item
    rows, run = athena(context).query(sql)
    record_query(context, name, run)
    return rows
