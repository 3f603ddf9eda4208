"""Random numbers by counter: each is a function of seed, name and key alone.

SplitMix64 (Steele, Lea, Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014)
finalises ``key * golden + stream``. A customer is therefore the same whatever the scale, the block
size or the order of generation, and a value can be recomputed without replaying a sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import polars as pl

GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB
TABLE_SIZE = 1_000


def _u64(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.UInt64)


def mix(value: pl.Expr) -> pl.Expr:
    """Return SplitMix64's finaliser of 64-bit integers; a bijection."""
    value = (value ^ (value // _u64(1 << 30))) * _u64(MIX_1)
    value = (value ^ (value // _u64(1 << 27))) * _u64(MIX_2)
    return value ^ (value // _u64(1 << 31))


class Draws:
    """The draws of one bank about rows whose 64-bit key is an expression."""

    def __init__(self, seed: int, key: str = "key") -> None:
        self._seed = seed
        self._key = pl.col(key)

    def bits(self, name: str) -> pl.Expr:
        """Return 64 random bits per row."""
        digest = blake2b(f"{self._seed}/{name}".encode(), digest_size=8).digest()
        return mix(self._key * _u64(GOLDEN) + _u64(int.from_bytes(digest, "big")))

    def below(self, name: str, bound: int) -> pl.Expr:
        """Return integers from 0 to `bound` - 1."""
        return (self.bits(name) % _u64(bound)).cast(pl.Int64)

    def between(self, name: str, low: int, high: int) -> pl.Expr:
        """Return integers from `low` to `high`."""
        return self.below(name, high - low + 1) + low

    def chance(self, name: str, per_mille: int) -> pl.Expr:
        """Return true for `per_mille` of 1,000 rows."""
        return self.below(name, 1000) < per_mille

    def pick(self, name: str, values: Sequence[str]) -> pl.Expr:
        """Return one of the values, each as likely."""
        return pl.lit(pl.Series(list(values))).gather(self.bits(name) % _u64(len(values)))

    def weighted(self, name: str, weights: dict[str, int]) -> pl.Expr:
        """Return one of the keys, with weights that sum to 1,000."""
        table = [value for value, weight in weights.items() for _ in range(weight)]
        if len(table) != TABLE_SIZE:
            raise ValueError(f"weights of {name} sum to {len(table)}, not {TABLE_SIZE}")
        return self.pick(name, table)
