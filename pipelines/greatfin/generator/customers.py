"""Customers of the core banking system, and what the credit bureau knows of them."""

from __future__ import annotations

from datetime import date

import polars as pl

from greatfin.generator.config import FIRST_CUSTOMER
from greatfin.generator.draws import GOLDEN, Draws, mix
from greatfin.generator.text import days, iso_date, money, timestamp

COUNTRIES = {"US": 340, "GB": 140, "DE": 120, "FR": 100, "CA": 100, "JP": 80, "AU": 70, "BR": 50}
CITIES = {
    "US": ("New York", "Chicago", "Tampa", "Los Angeles", "Seattle"),
    "GB": ("London", "Leeds", "Bristol", "Glasgow", "Cardiff"),
    "DE": ("Berlin", "Hamburg", "Munich", "Cologne", "Leipzig"),
    "FR": ("Paris", "Lyon", "Lille", "Nantes", "Nice"),
    "CA": ("Toronto", "Montreal", "Calgary", "Ottawa", "Halifax"),
    "JP": ("Tokyo", "Osaka", "Nagoya", "Sapporo", "Fukuoka"),
    "AU": ("Sydney", "Perth", "Hobart", "Brisbane", "Adelaide"),
    "BR": ("Recife", "Curitiba", "Salvador", "Brasilia", "Manaus"),
}
BRANCHES_PER_COUNTRY = 5
FIRST_NAMES = (
    "Ada", "Ben", "Carla", "David", "Emma", "Felix", "Grace", "Hugo", "Ines", "Jack", "Kenji",
    "Laura", "Maria", "Noah", "Olga", "Paul", "Quinn", "Rosa", "Sven", "Tara", "Uma", "Victor",
    "Wendy", "Yuki", "Zoe",
)  # fmt: skip
LAST_NAMES = (
    "Adams", "Baker", "Costa", "Dubois", "Evans", "Fischer", "Garcia", "Hughes", "Ito", "Jones",
    "Keller", "Lopez", "Martin", "Novak", "Okafor", "Petit", "Quist", "Rossi", "Silva", "Tanaka",
    "Ueda", "Vogel", "Walker", "Yamada", "Ziegler",
)  # fmt: skip
WEALTH = {"0": 760, "1": 140, "2": 80, "3": 20}
"""Mass, affluent, high-net-worth, very-high-net-worth: what a bank's pyramid looks like."""

JOBS = {
    "admin.": 250, "blue-collar": 220, "technician": 165, "services": 100, "management": 75,
    "entrepreneur": 40, "self-employed": 40, "housemaid": 30, "unemployed": 30, "student": 20,
    "retired": 20, "unknown": 10,
}  # fmt: skip
MARITAL = {"married": 600, "single": 280, "divorced": 115, "unknown": 5}
EDUCATION = {
    "university.degree": 300, "high.school": 230, "basic.9y": 145, "professional.course": 130,
    "basic.4y": 100, "basic.6y": 55, "unknown": 39, "illiterate": 1,
}  # fmt: skip
FIRST_BIRTH, LAST_BIRTH = days(date(1938, 1, 1)), days(date(2004, 12, 31))
RETIRED_BEFORE = days(date(1960, 1, 1))


def people(block: range, draws: Draws) -> pl.DataFrame:
    """Return what is true of the customers of a block, whichever system tells it.

    Columns: ``key`` (uint64), ``customer_id``, ``country``, ``wealth`` (0…3), ``person_key``.
    """
    frame = pl.select(pl.int_range(block.start, block.stop, dtype=pl.UInt64).alias("key"))
    return frame.with_columns(
        (pl.col("key").cast(pl.Int64) + FIRST_CUSTOMER).alias("customer_id"),
        draws.weighted("customers.country", COUNTRIES).alias("country"),
        draws.weighted("customers.wealth", WEALTH).cast(pl.Int64).alias("wealth"),
        # a bijection of the index: 20 digits that nobody else has
        mix(pl.col("key") * pl.lit(GOLDEN, dtype=pl.UInt64))
        .cast(pl.String)
        .str.zfill(20)
        .alias("person_key"),
    )


def customers(person: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Return the customers as the core banking system knows them."""
    country_index = pl.col("country").replace_strict(
        {code: index for index, code in enumerate(COUNTRIES)}, return_dtype=pl.Int64
    )
    branch = country_index * BRANCHES_PER_COUNTRY + draws.below(
        "customers.branch", BRANCHES_PER_COUNTRY
    )
    cities = pl.Series([city for names in CITIES.values() for city in names])
    born = draws.between("customers.born", FIRST_BIRTH, LAST_BIRTH)
    retired = (born < RETIRED_BEFORE) & draws.chance("customers.retired", 800)
    first = draws.pick("customers.first", FIRST_NAMES)
    last = draws.pick("customers.last", LAST_NAMES)
    marital = draws.weighted("customers.marital", MARITAL)
    day = days(date(2022, 11, 1))
    return person.select(
        "key",
        draws.chance("customers.new", 40).alias("second"),
        pl.col("customer_id").cast(pl.String),
        first.alias("first_name"),
        last.alias("last_name"),
        iso_date(born).alias("birth_date"),
        "country",
        pl.lit(cities).gather(branch).alias("city"),
        (branch + 1).cast(pl.String).alias("branch_id"),
        pl.when(draws.chance("customers.segmented", 900))
        .then(
            pl.lit(pl.Series(["mass", "affluent", "private", "private"])).gather(pl.col("wealth"))
        )
        .alias("segment"),
        pl.when(retired)
        .then(pl.lit("retired"))
        .otherwise(draws.weighted("customers.job", JOBS))
        .alias("job"),
        marital.alias("marital"),
        draws.weighted("customers.education", EDUCATION).alias("education"),
        pl.concat_str(
            first.str.to_lowercase(),
            pl.lit("."),
            last.str.to_lowercase(),
            pl.lit("."),
            pl.col("key").cast(pl.String),
            pl.lit("@example.com"),
        ).alias("email"),
        "person_key",
        timestamp(
            day - draws.below("customers.age_of_row", 700),
            draws.below("customers.second", 86_400),
        ).alias("updated_at"),
        pl.when(marital == "single")
        .then(pl.lit("married"))
        .otherwise(pl.lit("divorced"))
        .alias("new_marital"),
        timestamp(pl.lit(day + 50), draws.below("customers.second", 86_400)).alias(
            "new_updated_at"
        ),
    )


def scores(person: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Return the bureau's scores; it does not know everybody."""
    score = draws.between("scores.score", 480, 760) + pl.col("wealth") * 30
    elsewhere = draws.below("scores.elsewhere", 40_000_00) * (pl.col("wealth") ** 3 * 4 + 1)
    scored = draws.between("scores.on", days(date(2022, 1, 1)), days(date(2022, 11, 30)))
    return person.filter(draws.chance("scores.known", 850)).select(
        "key",
        pl.lit(False).alias("second"),
        "person_key",
        score.cast(pl.String).alias("credit_score"),
        money(elsewhere).alias("assets_elsewhere"),
        iso_date(scored).alias("scored_on"),
        (score - 25).cast(pl.String).alias("new_credit_score"),
    )


def branches() -> pl.DataFrame:
    """Return the branches, five per country."""
    rows = [
        (str(index + 1), f"{city} branch", country, city)
        for index, (country, city) in enumerate(
            (country, city) for country, names in CITIES.items() for city in names
        )
    ]
    frame = pl.DataFrame(rows, schema=["branch_id", "branch_name", "country", "city"], orient="row")
    return _reference(frame)


def regions(draws_seed: int) -> pl.DataFrame:
    """Return market attributes per country and year, in basis points and index points."""
    frame = pl.DataFrame({"country": list(COUNTRIES)}).join(
        pl.DataFrame({"year": ["2020", "2021", "2022"]}), how="cross"
    )
    frame = _reference(frame)
    draws = Draws(draws_seed)
    return frame.with_columns(
        draws.between("regions.rate", 20, 420).cast(pl.String).alias("market_deposit_rate_bp"),
        draws.between("regions.houses", -600, 1500).cast(pl.String).alias("house_price_change_bp"),
        draws.between("regions.confidence", 70, 130).cast(pl.String).alias("consumer_confidence"),
    )


def _reference(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        pl.int_range(0, pl.len(), dtype=pl.UInt64).alias("key"), pl.lit(False).alias("second")
    )
