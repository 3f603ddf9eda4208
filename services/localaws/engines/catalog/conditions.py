"""Conditions on partition keys: what a partition expression means, whichever store evaluates it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

# 38 digits is the widest decimal, with room for leading zeros and an exponent.
NUMBER_PATTERN = r"[+-]?[0-9]{1,60}(\.[0-9]{0,60})?([eE][+-]?[0-9]{1,3})?"
DATE_PATTERN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIMESTAMP_PATTERN = DATE_PATTERN + r" [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""What Hive, Spark and Athena register for a NULL in a partition key."""


class Kind(Enum):
    """How the values of a key compare."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True)
class Key:
    """A partition key: its place among the keys (from 0) and how its values compare."""

    position: int
    kind: Kind


@dataclass(frozen=True)
class Comparison:
    """``key operator literal`` with one of ``= <> < <= > >=``."""

    key: Key
    operator: str
    literal: str | Decimal


@dataclass(frozen=True)
class In:
    """``key IN (literals)``."""

    key: Key
    literals: tuple[str | Decimal, ...]


@dataclass(frozen=True)
class Like:
    """``key LIKE pattern``: ``%`` is any text, ``_`` any character, nothing escapes them."""

    key: Key
    pattern: str


@dataclass(frozen=True)
class IsNull:
    """``key IS NULL``: the partition is the null partition of the key."""

    key: Key


@dataclass(frozen=True)
class Not:
    """``NOT condition``."""

    condition: Condition


@dataclass(frozen=True)
class And:
    """All conditions hold."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Or:
    """One of the conditions holds."""

    conditions: tuple[Condition, ...]


Condition = Comparison | In | Like | IsNull | Not | And | Or
