"""What to generate: size, seed, and how badly the source systems behave."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date

from greatfin.errors import UsageError

CUSTOMERS_AT_SCALE_1 = 10_000
BLOCK = 10_000
"""Customers per block: one file per table, delivery and block, so memory is that of one block."""

FIRST_CUSTOMER = 100_000_001
DELIVERIES = (date(2022, 11, 30), date(2022, 12, 31))
"""The full delivery, and the incremental one a month later."""


@dataclass(frozen=True)
class Chaos:
    """How many of 10,000 rows go wrong in each way; a row goes wrong in one way at most.

    Attributes:
        nulls: one value is missing.
        bad_values: a date, number or code is not one.
        malformed: a field too many or too few; JSON that breaks off.
        duplicates: the same row twice in one file.
        changed: the row comes again in the next delivery, newer and different.
        late: the row misses its delivery and comes with the next one.
    """

    nulls: int = 40
    bad_values: int = 30
    malformed: int = 20
    duplicates: int = 50
    changed: int = 100
    late: int = 100

    def __post_init__(self) -> None:
        rates = [getattr(self, item.name) for item in fields(self)]
        if min(rates) < 0 or sum(rates) > 10_000:
            raise UsageError("Chaos rates are per 10,000 rows: none below 0, all together 10,000")

    @classmethod
    def none(cls) -> Chaos:
        """Return source systems that make no mistakes."""
        return cls(0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Bank:
    """A bank to generate.

    Attributes:
        scale: 1 is 10,000 customers.
        seed: another seed is another bank.
        drift: whether the second delivery has new, renamed and retyped columns.
    """

    scale: float = 1.0
    seed: int = 1
    chaos: Chaos = field(default_factory=Chaos)
    drift: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.scale <= 100_000:
            raise UsageError(f"Scale {self.scale:g} is not between 0 and 100,000")

    @property
    def customers(self) -> int:
        """Return the number of customers."""
        return max(1, round(self.scale * CUSTOMERS_AT_SCALE_1))

    def blocks(self) -> list[range]:
        """Return the customers' indexes, block by block."""
        return [
            range(start, min(start + BLOCK, self.customers))
            for start in range(0, self.customers, BLOCK)
        ]
