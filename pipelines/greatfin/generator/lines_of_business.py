"""What the lines of business hold of their customers: accounts, mortgages, cards, securities."""

from __future__ import annotations

from datetime import date

import polars as pl

from greatfin.generator.config import DELIVERIES
from greatfin.generator.draws import Draws
from greatfin.generator.text import days, iso_date, money, timestamp

FIRST_DELIVERY, SECOND_DELIVERY = map(days, DELIVERIES)
MONTH_ENDS = (days(date(2022, 10, 31)), FIRST_DELIVERY, SECOND_DELIVERY)
CHILDREN = 64
"""Most children of a row: a child's key is its parent's times this, plus its number."""

DEPOSITS = {0: 9_000_00, 1: 120_000_00, 2: 900_000_00, 3: 4_000_000_00}
SECURITIES = {0: 15_000_00, 1: 200_000_00, 2: 2_200_000_00, 3: 9_000_000_00}
HOMES = {0: 260_000_00, 1: 520_000_00, 2: 1_300_000_00, 3: 3_500_000_00}
"""Most of each, in cents, by wealth."""


def _children(parent: pl.DataFrame, count: pl.Expr) -> pl.DataFrame:
    """Return one row per child, with its number ``n`` and a key of its own."""
    return (
        parent.with_columns(pl.int_ranges(0, count).alias("n"))
        .explode("n")
        .drop_nulls("n")
        .with_columns(
            (pl.col("key") * CHILDREN + pl.col("n").cast(pl.UInt64)).alias("key"),
        )
    )


def _by_wealth(values: dict[int, int]) -> pl.Expr:
    return pl.lit(pl.Series(list(values.values()), dtype=pl.Int64)).gather(pl.col("wealth"))


def _amount(draws: Draws, name: str, most: dict[int, int]) -> pl.Expr:
    """Return cents from an eighth of the most to the most."""
    top = _by_wealth(most)
    return top // 8 + (draws.bits(name) % (top - top // 8).cast(pl.UInt64)).cast(pl.Int64)


def _versions(draws: Draws, name: str) -> tuple[pl.Expr, pl.Expr]:
    """Return when a row was last changed, and when its next version was."""
    second = draws.below(f"{name}.second", 86_400)
    first_day = FIRST_DELIVERY - 1 - draws.below(f"{name}.age_of_row", 300)
    return (
        timestamp(first_day, second).alias("updated_at"),
        timestamp(pl.lit(SECOND_DELIVERY - 10), second).alias("new_updated_at"),
    )


def accounts(person: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Return one to three accounts per customer; ``cents`` is today's balance."""
    product = (
        pl.when(pl.col("n") == 0)
        .then(pl.lit("current"))
        .when(pl.col("n") == 1)
        .then(pl.lit("savings"))
        .otherwise(draws.pick("accounts.third", ("certificate", "loan", "loan", "savings")))
    )
    size = _amount(draws, "accounts.size", DEPOSITS)
    opened = draws.between("accounts.opened", days(date(1998, 1, 1)), FIRST_DELIVERY)
    default = draws.chance("accounts.default", 15)
    frame = _children(person, draws.between("accounts.count", 1, 3)).with_columns(product=product)
    cents = (
        pl.when(pl.col("product") == "loan")
        .then(-size // 4)
        .when((pl.col("product") == "current") & draws.chance("accounts.overdrawn", 30))
        .then(-size // 50)
        .otherwise(size)
    )
    branch = draws.between("accounts.branch", 1, 40)
    return frame.select(
        "key",
        draws.chance("accounts.new", 30).alias("second"),
        (pl.col("customer_id") * 10 + pl.col("n")).cast(pl.String).alias("account_id"),
        pl.col("customer_id").cast(pl.String),
        branch.cast(pl.String).alias("branch_id"),
        "product",
        iso_date(opened).alias("opened_on"),
        pl.when(default).then(pl.lit("Y")).otherwise(pl.lit("N")).alias("in_default"),
        *_versions(draws, "accounts"),
        pl.when(default).then(pl.lit("N")).otherwise(pl.lit("Y")).alias("new_in_default"),
        cents.alias("cents"),
    )


def balances(account: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Return the accounts' balances at three month ends, in the account's own sign."""
    frame = _children(account.select("key", "account_id", "cents"), pl.lit(len(MONTH_ENDS)))
    cents = pl.col("cents") * draws.between("balances.drift", 930, 1070) // 1000
    return frame.select(
        "key",
        (pl.col("n") == len(MONTH_ENDS) - 1).alias("second"),
        "account_id",
        iso_date(pl.lit(pl.Series(MONTH_ENDS)).gather(pl.col("n"))).alias("as_of"),
        money(cents).alias("balance"),
        money(cents + 123_45).alias("new_balance"),
    )


def mortgages(person: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Return a mortgage for one customer in three."""
    value = _amount(draws, "mortgages.value", HOMES)
    outstanding = value * draws.below("mortgages.share", 900) // 1000
    opened = draws.between("mortgages.opened", days(date(2000, 1, 1)), FIRST_DELIVERY)
    return person.filter(draws.chance("mortgages.has", 350)).select(
        "key",
        draws.chance("mortgages.new", 20).alias("second"),
        (pl.col("customer_id") * 10 + 7).cast(pl.String).alias("mortgage_id"),
        pl.col("customer_id").cast(pl.String),
        money(value).alias("property_value"),
        money(outstanding).alias("outstanding"),
        iso_date(opened).alias("opened_on"),
        draws.weighted("mortgages.status", {"current": 900, "arrears": 40, "closed": 60}).alias(
            "status"
        ),
        *_versions(draws, "mortgages"),
        money(outstanding * 95 // 100).alias("new_outstanding"),
    )


def cards(person: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Return up to two cards per customer."""
    limit = (draws.between("cards.limit", 1, 20) * (pl.col("wealth") * 3 + 1)) * 1_000_00
    owed = limit * draws.below("cards.owed", 800) // 1000
    return _children(person, draws.below("cards.count", 3)).select(
        "key",
        draws.chance("cards.new", 30).alias("second"),
        (pl.col("customer_id") * 10 + pl.col("n") + 8).cast(pl.String).alias("card_id"),
        pl.col("customer_id").cast(pl.String),
        draws.pick("cards.type", ("credit", "credit", "charge", "debit")).alias("card_type"),
        money(limit).alias("credit_limit"),
        money(owed).alias("owed"),
        *_versions(draws, "cards"),
        money(owed // 2).alias("new_owed"),
    )


def transactions(card: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Return up to fifteen card payments of the last quarter per card."""
    frame = _children(
        card.select("key", "card_id", "customer_id"), draws.below("transactions.count", 16)
    )
    posted = draws.between("transactions.on", days(date(2022, 10, 1)), SECOND_DELIVERY)
    cents = draws.between("transactions.cents", 1_00, 900_00)
    return frame.select(
        "key",
        (posted > FIRST_DELIVERY).alias("second"),
        pl.concat_str(pl.col("card_id"), pl.col("n").cast(pl.String).str.zfill(3)).alias(
            "transaction_id"
        ),
        "card_id",
        "customer_id",
        iso_date(posted).alias("posted_on"),
        draws.pick(
            "transactions.category", ("grocery", "travel", "fuel", "dining", "health", "online")
        ).alias("category"),
        money(cents).alias("amount"),
        money(cents + 5_00).alias("new_amount"),
    )


def portfolios(person: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Return a portfolio for some, and for most of the wealthy."""
    held = draws.below("portfolios.has", 1000) < pl.col("wealth") * 250 + 150
    value = _amount(draws, "portfolios.value", SECURITIES)
    return person.filter(held).select(
        "key",
        draws.chance("portfolios.new", 20).alias("second"),
        (pl.col("customer_id") * 10 + 6).cast(pl.String).alias("portfolio_id"),
        pl.col("customer_id").cast(pl.String),
        draws.pick("portfolios.strategy", ("income", "balanced", "growth")).alias("strategy"),
        money(value).alias("market_value"),
        iso_date(pl.lit(FIRST_DELIVERY)).alias("valued_on"),
        *_versions(draws, "portfolios"),
        money(value * 103 // 100).alias("new_market_value"),
    )


def dealings(portfolio: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Return up to nine executed orders of the year per portfolio."""
    frame = _children(
        portfolio.select("key", "portfolio_id", "customer_id"), draws.below("dealings.count", 10)
    )
    dealt = draws.between("dealings.on", days(date(2022, 1, 1)), SECOND_DELIVERY)
    quantity = draws.between("dealings.quantity", 1, 400)
    price = draws.between("dealings.price", 5_00, 400_00)
    return frame.select(
        "key",
        (dealt > FIRST_DELIVERY).alias("second"),
        pl.concat_str(pl.col("portfolio_id"), pl.col("n").cast(pl.String).str.zfill(3)).alias(
            "dealing_id"
        ),
        "portfolio_id",
        "customer_id",
        iso_date(dealt).alias("dealt_on"),
        draws.pick("dealings.side", ("BUY", "SELL")).alias("side"),
        draws.pick("dealings.instrument", ("GFC", "ACME", "GLOBEX", "INIT", "UMBR", "STRK")).alias(
            "instrument"
        ),
        quantity.cast(pl.String).alias("quantity"),
        money(price).alias("price"),
        money(quantity * price).alias("amount"),
        money(quantity * price + 1_00).alias("new_amount"),
    )
