"""The hops between the layers, as Athena SQL: standardize, conform, enrich."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Template

from greatfin.lake.top_leads.contracts import CONTRACTS, Contract
from greatfin.lake.top_leads.once import Insert, fingerprint, run_inserts
from greatfin.lake.top_leads.propensity import load_points
from greatfin.lake.top_leads.rule import sql_parameters
from greatfin.runner import Context, StepResult

SQL = Path(__file__).with_name("sql")
STANDARDIZE_HOP = "raw_to_standardized"
CONFORM_HOP = "standardized_to_conformed"


class SqlFile(Template):
    """A SQL file whose parameters are ``${name}``; a bare ``$`` is a regex's or a JSON path's."""

    # the class compiles the text itself, which its stub does not know
    pattern = r"\$\{(?P<braced>[a-z0-9_]+)\}|(?P<named>(?!))|(?P<escaped>(?!))|(?P<invalid>(?!))"  # type: ignore[assignment]


def standardize(context: Context) -> StepResult:
    """Type and validate every source table; what fails goes to the quarantine, with its reason."""
    raw = _facts(context, "raw")
    # the quarantine's query is the longest, so it starts first
    inserts = [_rejected(context, raw)]
    inserts += [_standardized(context, contract, raw) for contract in CONTRACTS]
    context.facts["standardized"] = {item.name: item.fingerprint for item in inserts}
    return _run(context, inserts, f"{len(CONTRACTS)} source tables typed, the rest quarantined")


def conform(context: Context) -> StepResult:
    """Build marketing/leads; leads of unknown customers go to the quarantine."""
    inputs = sorted(_facts(context, "standardized").values())
    inserts = [
        Insert(
            "conform-leads",
            render(context, "conform.sql"),
            inputs,
            context.outputs["MarketingBucket"],
            "marketing/leads/",
            context.outputs["MarketingDatabase"],
            "leads",
        ),
        _quarantine(
            context,
            "conform-unknown-customers",
            render(context, "unknown_customers.sql", hop=CONFORM_HOP),
            inputs,
            CONFORM_HOP,
        ),
    ]
    context.facts["conformed"] = {item.name: item.fingerprint for item in inserts}
    return _run(context, inserts, "marketing/leads by region and year")


def enrich(context: Context) -> StepResult:
    """Build marketing/top_leads_by_region."""
    insert = Insert(
        "enrich-top-leads",
        render(context, "enrich.sql"),
        sorted(_facts(context, "conformed").values()),
        context.outputs["MarketingBucket"],
        "marketing/top_leads_by_region/",
        context.outputs["MarketingDatabase"],
        "top_leads_by_region",
    )
    return _run(context, [insert], "marketing/top_leads_by_region, scored and ranked")


def render(context: Context, name: str, **more: str) -> str:
    """Return a SQL file with its parameters filled in."""
    outputs = context.outputs
    return SqlFile(_read(name)).substitute(
        raw=outputs["RawDatabase"],
        standardized=outputs["StandardizedDatabase"],
        marketing=outputs["MarketingDatabase"],
        quarantine=outputs["QuarantineDatabase"],
        **sql_parameters(load_points()),
        **more,
    )


def _standardized(context: Context, contract: Contract, raw: dict[str, str]) -> Insert:
    sql = render(
        context,
        "standardize.sql",
        table=contract.name,
        columns=",\n    ".join(contract.columns),
        key=contract.key,
        newest_first=contract.newest_first,
        checked=_checked(context, contract),
    )
    return Insert(
        f"standardize-{contract.name}",
        sql,
        [raw.get(contract.path, "")],
        context.outputs["StandardizedBucket"],
        f"{contract.path}/",
        context.outputs["StandardizedDatabase"],
        contract.name,
    )


def _rejected(context: Context, raw: dict[str, str]) -> Insert:
    parts = [
        render(
            context,
            "quarantine.sql",
            source=contract.path,
            hop=STANDARDIZE_HOP,
            key=contract.key,
            newest_first=contract.newest_first,
            checked=_checked(context, contract),
        )
        for contract in CONTRACTS
    ]
    sql = f"INSERT INTO {context.outputs['QuarantineDatabase']}.rejected_rows\n"
    return _quarantine(
        context,
        "standardize-quarantine",
        sql + "\nUNION ALL\n".join(parts),
        [fingerprint(*(f"{path}={value}" for path, value in sorted(raw.items())))],
        STANDARDIZE_HOP,
    )


def _quarantine(context: Context, name: str, sql: str, inputs: list[str], hop: str) -> Insert:
    return Insert(
        name,
        sql,
        inputs,
        context.outputs["QuarantineBucket"],
        f"rejected_rows/hop={hop}/",
        context.outputs["QuarantineDatabase"],
        "rejected_rows",
    )


def _checked(context: Context, contract: Contract) -> str:
    return render(context, f"checked/{contract.name}.sql")


def _run(context: Context, inserts: list[Insert], what: str) -> StepResult:
    due = run_inserts(context, inserts)
    return StepResult(f"{what} ({due} of {len(inserts)} queries due)", unchanged=due == 0)


def _facts(context: Context, name: str) -> dict[str, str]:
    found = context.facts[name]
    assert isinstance(found, dict)
    return found


@cache
def _read(name: str) -> str:
    return (SQL / name).read_text()
