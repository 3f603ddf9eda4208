"""What the business asked for, as a person would want to read it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import cast

from greatfin.athena import Row
from greatfin.console import Report, Table
from greatfin.lake.top_leads.contracts import CONTRACTS
from greatfin.lake.top_leads.oracle import HOPS
from greatfin.lake.top_leads.reconcile import PRODUCT_COLUMNS, Counts
from greatfin.runner import Context

SHOWN_PER_REGION = 3
REASONS_SHOWN = 8


def report(context: Context) -> Report:
    """Return the ranked leads, the counts, the checks, and where everything is."""
    counts = context.facts["counts"]
    checks = context.facts["checks"]
    assert isinstance(counts, Counts)
    assert isinstance(checks, list)
    return Report(
        title="Top leads for the new certificate of deposit, by region",
        tables=[
            _leads(counts.product),
            _layers(counts),
            _reasons(counts),
            _timing(context),
        ],
        checks=checks,
        links=_links(context),
        next=_next(context),
        data={
            "run_id": context.trace.run_id,
            "trace": str(context.trace.path),
            "scale": context.options.scale,
            "seed": context.options.seed,
            "top_leads": [dict(zip(PRODUCT_COLUMNS, row, strict=True)) for row in counts.product],
            "layers": {
                "raw": counts.raw,
                "standardized": counts.standardized,
                "conformed": counts.leads,
                "enriched": len(counts.product),
            },
            "quarantined": [
                {"hop": hop, "source": source, "reason": reason, "rows": rows}
                for (hop, source, reason), rows in sorted(counts.quarantined.items())
            ],
            "steps": context.trace.steps,
            "queries": context.trace.queries,
            "outputs": context.outputs,
        },
    )


def _leads(product: Sequence[Row]) -> Table:
    shown: list[tuple[str | int | None, ...]] = []
    per_region: dict[str, int] = defaultdict(int)
    at = {name: index for index, name in enumerate(PRODUCT_COLUMNS)}
    for row in product:
        region = str(row[at["region"]])
        per_region[region] += 1
        if per_region[region] > SHOWN_PER_REGION:
            continue
        shown.append(
            (
                region,
                cast(int, row[at["place"]]),
                f"{row[at['first_name']]} {row[at['last_name']]}",
                str(row[at["customer_id"]]),
                str(row[at["city"]] or "-"),
                f"{row[at['investable_assets']]:,.0f}",
                f"{row[at['deposits']]:,.0f}",
                cast(int, row[at["score"]]),
                " + ".join(
                    str(row[at[f"{part}_points"]])
                    for part in ("wealth", "liquidity", "propensity", "recency", "external")
                ),
            )
        )
    width = max((len(str(row[i])) for row in shown for i in (5, 6)), default=0)
    rows = [
        (*row[:5], str(row[5]).rjust(width), str(row[6]).rjust(width), *row[7:]) for row in shown
    ]
    return Table(
        f"The best {SHOWN_PER_REGION} of each region ({len(product)} leads in all)",
        ("region", "place", "name", "customer", "city", "investable USD", "deposits USD", "score",
         "wealth + liquidity + propensity + recency + external"),
        rows,
        group="region",
    )  # fmt: skip


def _layers(counts: Counts) -> Table:
    rows: list[tuple[str | int | None, ...]] = []
    for contract in CONTRACTS:
        path = contract.path
        rows.append(
            (path, counts.raw[path], counts.standardized[path], counts.rejected(HOPS[0], path))
        )
    rows.append(
        (
            "all source tables",
            sum(counts.raw.values()),
            sum(counts.standardized.values()),
            sum(n for (hop, _, _), n in counts.quarantined.items() if hop == HOPS[0]),
        )
    )
    crm = "crm/salesforce/leads"
    rows.append(
        (
            "marketing/leads",
            counts.standardized[crm],
            counts.leads,
            counts.rejected(HOPS[1], crm),
        )
    )
    rows.append(("marketing/top_leads_by_region", counts.leads, len(counts.product), None))
    return Table(
        "Layer by layer: in = out + quarantined",
        ("table", "in", "out", "quarantined"),
        rows,
        note="The last row selects: leads that do not make the list are not rejected.",
    )


def _reasons(counts: Counts) -> Table:
    totals: Counter[str] = Counter()
    for (_, _, reason), number in counts.quarantined.items():
        totals[reason] += number
    common = totals.most_common(REASONS_SHOWN)
    rest = sum(totals.values()) - sum(number for _, number in common)
    rows: list[tuple[str | int | None, ...]] = [(reason, n) for reason, n in common]
    if rest:
        rows.append((f"{len(totals) - len(common)} other reasons", rest))
    return Table("Quarantine", ("reason", "rows"), rows)


def _timing(context: Context) -> Table:
    rows: list[tuple[str | int | None, ...]] = [
        (
            str(step["name"]),
            "unchanged" if step["unchanged"] else f"{step['seconds']:.2f} s",
            str(step["detail"]),
        )
        for step in context.trace.steps
    ]
    total = sum(float(step["seconds"]) for step in context.trace.steps)
    scanned = sum(int(query["scanned_bytes"]) for query in context.trace.queries)
    rows.append(
        (
            "total",
            f"{total:.2f} s",
            f"{len(context.trace.queries)} Athena queries, {scanned / 1e6:,.1f} MB scanned",
        )
    )
    return Table("What ran, and how long", ("step", "time", "what"), rows)


def _links(context: Context) -> list[tuple[str, str]]:
    where = context.outputs
    target = context.clients.target
    return [
        ("endpoint", target.endpoint or f"AWS, {target.region}"),
        ("data product", f"s3://{where['MarketingBucket']}/marketing/top_leads_by_region/"),
        ("leads", f"s3://{where['MarketingBucket']}/marketing/leads/"),
        ("quarantine", f"s3://{where['QuarantineBucket']}/rejected_rows/"),
        ("trace", str(context.trace.path)),
    ]


def _next(context: Context) -> list[str]:
    target = context.clients.target
    prefix = f"AWS_ENDPOINT_URL={target.endpoint} " if target.endpoint else ""
    again = f"--target {target.name} --scale {context.options.scale:g}"
    return [
        f"greatfin verify lake/top-leads {again} --seed {context.options.seed}",
        f"greatfin run lake/top-leads {again} --seed {context.options.seed + 1}",
        f"{prefix}aws athena start-query-execution --work-group {context.outputs['Workgroup']} "
        "--query-string 'SELECT * FROM greatfin_marketing.top_leads_by_region'",
        f"greatfin destroy lake/top-leads --target {target.name} --yes",
    ]
