"""Write the bank as its source systems deliver it, mistakes included.

Every file is a function of the bank and its block alone, and only one block is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import polars as pl

from greatfin.generator import crm, customers, lines_of_business, tables
from greatfin.generator.config import DELIVERIES, Bank, Chaos
from greatfin.generator.draws import Draws
from greatfin.generator.tables import SourceTable
from greatfin.generator.text import json_number, json_object, json_string

NONSENSE = ("n/a", "2022-02-30", "12.3.4", "#REF!", "2022-13-01")
JSON_FLAGS = {"HasOptedOutOfEmail", "DoNotCall"}
JSON_COUNTS = {"Previous_Contacts__c"}
BANDS = tuple(item.name for item in fields(Chaos))


@dataclass(frozen=True)
class Truth:
    """What really is in a file: lines, and how many of them went wrong in each way."""

    rows: int
    anomalies: dict[str, int]


@dataclass(frozen=True)
class DeliveredFile:
    """A file as a source system drops it.

    Attributes:
        path: ``database/schema/table/file``.
        table: ``database/schema/table``.
        delivery: ISO date of the delivery.
    """

    path: str
    table: str
    delivery: str
    content: bytes
    truth: Truth


def deliver(bank: Bank) -> Iterator[DeliveredFile]:
    """Yield every file of the bank, block by block; reference data comes with the first."""
    for number, block in enumerate(bank.blocks()):
        for table, frame in _frames(block, bank.seed, first=number == 0):
            yield from _files(table, frame, bank, number)


def _frames(block: range, seed: int, *, first: bool) -> Iterator[tuple[SourceTable, pl.DataFrame]]:
    draws = Draws(seed)
    if first:
        yield tables.BRANCHES, customers.branches()
        yield tables.REGIONS, customers.regions(seed)
    person = customers.people(block, draws)
    yield tables.CUSTOMERS, customers.customers(person, draws)
    yield tables.SCORES, customers.scores(person, draws)
    account = lines_of_business.accounts(person, draws)
    yield tables.ACCOUNTS, account
    yield tables.BALANCES, lines_of_business.balances(account, draws)
    yield tables.MORTGAGES, lines_of_business.mortgages(person, draws)
    card = lines_of_business.cards(person, draws)
    yield tables.CARDS, card
    yield tables.TRANSACTIONS, lines_of_business.transactions(card, draws)
    portfolio = lines_of_business.portfolios(person, draws)
    yield tables.PORTFOLIOS, portfolio
    yield tables.DEALINGS, lines_of_business.dealings(portfolio, draws)
    yield tables.LEADS, crm.leads(person, draws)


def _files(
    table: SourceTable, frame: pl.DataFrame, bank: Bank, block: int
) -> Iterator[DeliveredFile]:
    draws = Draws(bank.seed)
    frame = _spoil(table, frame.with_columns(_fate(table, bank.chaos, draws)), draws)
    for number, date in enumerate(DELIVERIES):
        rows = frame.filter(pl.col("second") == bool(number))
        if rows.is_empty():
            continue
        layout = table.layout(second=number == 1 and bank.drift)
        lines = _break(table, rows, layout, draws, drift=number == 1 and bank.drift)
        header = [] if table.jsonl else [",".join(layout)]
        text = "\n".join([*header, *lines.to_list()]) + "\n"
        suffix = "jsonl" if table.jsonl else "csv"
        counts = rows.group_by("fate").len()
        anomalies = {str(fate): int(n) for fate, n in counts.iter_rows() if fate is not None}
        yield DeliveredFile(
            f"{table.path}/{table.name}_{date:%Y%m%d}_{block:05d}.{suffix}",
            table.path,
            date.isoformat(),
            text.encode(),
            Truth(len(rows), dict(sorted(anomalies.items()))),
        )


def _fate(table: SourceTable, chaos: Chaos, draws: Draws) -> pl.Expr:
    """Return the way each row goes wrong, or null."""
    possible = {
        "nulls": bool(table.fragile),
        "bad_values": bool(table.fragile),
        "changed": bool(table.changing),
    }
    draw = draws.below(f"{table.path}.fate", 10_000)
    fate, low = pl.lit(None, dtype=pl.String), 0
    if not table.fragile and not table.changing:
        return fate.alias("fate")  # reference data is kept by hand, with care
    for name in BANDS:
        high = low + getattr(chaos, name)
        if possible.get(name, True):
            hit = (draw >= low) & (draw < high)
            if name in ("late", "changed"):
                hit &= ~pl.col("second")  # there is no third delivery to come with
            fate = pl.when(hit).then(pl.lit(name)).otherwise(fate)
        low = high
    return fate.alias("fate")


def _spoil(table: SourceTable, frame: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Blank and garble values, copy rows, and move the late ones to the second delivery."""
    if not table.fragile and not table.changing:
        return frame
    victim = draws.below(f"{table.path}.victim", max(1, len(table.fragile)))
    nonsense = draws.pick(f"{table.path}.nonsense", NONSENSE)
    frame = frame.with_columns(
        *(
            pl.when((pl.col("fate") == "nulls") & (victim == index))
            .then(None)
            .when((pl.col("fate") == "bad_values") & (victim == index))
            .then(nonsense)
            .otherwise(pl.col(name))
            .alias(name)
            for index, name in enumerate(table.fragile)
        ),
        (pl.col("second") | (pl.col("fate") == "late").fill_null(False)).alias("second"),
    )
    twins = frame.filter(pl.col("fate") == "duplicates")
    newer = frame.filter(pl.col("fate") == "changed").with_columns(
        pl.lit(True).alias("second"),
        *(pl.col(f"new_{name}").alias(name) for name in table.changing),
    )
    originals = frame.with_columns(
        # of each pair, the copy is the anomaly
        pl.when(pl.col("fate").is_in(["duplicates", "changed"]))
        .then(None)
        .otherwise(pl.col("fate"))
        .alias("fate")
    )
    return pl.concat([originals, twins, newer])


def _break(
    table: SourceTable,
    rows: pl.DataFrame,
    layout: Mapping[str, str],
    draws: Draws,
    *,
    drift: bool,
) -> pl.Series:
    """Return the rows as lines of text, the malformed ones broken."""
    values: dict[str, pl.Expr] = {}
    for header, column in layout.items():
        value = pl.col(column)
        if table.jsonl:
            value = _json_value(column, value)
        if drift and column in table.drift:
            value = table.drift[column](value)
        values[header] = value
    if table.jsonl:
        line = json_object(values)
        size = line.str.len_bytes().cast(pl.Int64)
        broken = line.str.slice(0, size - 1 - draws.below(f"{table.path}.cut", 120))
    else:
        line = pl.concat_str([value.fill_null("") for value in values.values()], separator=",")
        short = line.str.replace(r",[^,]*$", "")
        broken = (
            pl.when(draws.chance(f"{table.path}.short", 500))
            .then(short)
            .otherwise(pl.concat_str(line, pl.lit(",?")))
        )
    malformed = (pl.col("fate") == "malformed").fill_null(False)
    return rows.select(pl.when(malformed).then(broken).otherwise(line).alias("line"))["line"]


def _json_value(name: str, value: pl.Expr) -> pl.Expr:
    if name in JSON_FLAGS:
        return value.fill_null("null")
    if name in JSON_COUNTS:
        return json_number(value)
    return json_string(value)
