"""Values as source systems write them."""

from __future__ import annotations

from datetime import date

import polars as pl

EPOCH = date(1970, 1, 1)


def money(cents: pl.Expr) -> pl.Expr:
    """Return e.g. ``-1234.05`` for -123405 cents."""
    size = cents.abs()
    return pl.concat_str(
        pl.when(cents < 0).then(pl.lit("-")).otherwise(pl.lit("")),
        (size // 100).cast(pl.String),
        pl.lit("."),
        (size % 100).cast(pl.String).str.zfill(2),
    )


def days(day: date) -> int:
    """Return a day's number since 1970."""
    return (day - EPOCH).days


def iso_date(day_number: pl.Expr) -> pl.Expr:
    """Return e.g. ``2022-11-30`` for a number of days since 1970."""
    return day_number.cast(pl.Int32).cast(pl.Date).cast(pl.String)


def timestamp(day_number: pl.Expr, second: pl.Expr) -> pl.Expr:
    """Return e.g. ``2022-11-30 08:15:00`` for a day number and a second of the day."""
    return pl.concat_str(
        iso_date(day_number),
        pl.lit(" "),
        (second // 3600).cast(pl.String).str.zfill(2),
        pl.lit(":"),
        (second // 60 % 60).cast(pl.String).str.zfill(2),
        pl.lit(":"),
        (second % 60).cast(pl.String).str.zfill(2),
    )


def day_month_year(iso: pl.Expr) -> pl.Expr:
    """Return ``30/11/2022`` for ``2022-11-30``."""
    return pl.concat_str(
        iso.str.slice(8, 2), pl.lit("/"), iso.str.slice(5, 2), pl.lit("/"), iso.str.slice(0, 4)
    )


def json_object(fields: dict[str, pl.Expr]) -> pl.Expr:
    """Return one JSON object per row, from JSON values by field name."""
    parts: list[pl.Expr] = []
    for index, (name, value) in enumerate(fields.items()):
        lead = "{" if index == 0 else ","
        parts += [pl.lit(f'{lead}"{name}":'), value]
    return pl.concat_str(*parts, pl.lit("}"))


def json_string(value: pl.Expr) -> pl.Expr:
    """Return a quoted JSON string, or ``null``; values hold nothing that needs an escape."""
    return pl.concat_str(pl.lit('"'), value, pl.lit('"')).fill_null("null")


def json_number(value: pl.Expr) -> pl.Expr:
    """Return a JSON number, ``null``, or a string where the value is no number."""
    digits = value.str.contains(r"^[0-9]+$")
    return pl.when(digits).then(value).otherwise(json_string(value))


def quoted_number(value: pl.Expr) -> pl.Expr:
    """Return a JSON number as a JSON string."""
    bare = value.str.contains(r"^[0-9]+$")
    return pl.when(bare).then(json_string(value)).otherwise(value)
