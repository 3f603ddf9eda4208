"""Partition conditions as SQL over ``gl_partition``; literals travel as parameters only."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from localaws.engines.catalog.conditions import (
    DATE_PATTERN,
    NULL_PARTITION,
    NUMBER_PATTERN,
    TIMESTAMP_PATTERN,
    And,
    Comparison,
    Condition,
    In,
    IsNull,
    Key,
    Kind,
    Like,
    Not,
    Or,
)

INDEXED_KEYS = 3
"""The first keys of a table have indexes of their own; deeper ones are filtered."""


def text_of(position: int) -> str:
    """Return SQL for the text of a key's value (positions from 0)."""
    return f"values[{position + 1}]"


def number_of(position: int) -> str:
    """Return SQL for a key's value as numeric, NULL where it is no number."""
    text = text_of(position)
    return f"(CASE WHEN {text} ~ '^{NUMBER_PATTERN}$' THEN {text}::numeric END)"


def _date_of(position: int) -> str:
    # ISO dates sort as text: no cast, so nothing that could fail on '2024-02-30'.
    text = text_of(position)
    return f"(CASE WHEN {text} ~ '^{DATE_PATTERN}$' THEN {text} END)"


def _timestamp_of(position: int) -> str:
    text = text_of(position)
    return (
        f"(CASE WHEN {text} ~ '^{DATE_PATTERN}$' THEN {text} || ' 00:00:00' "
        f"WHEN {text} !~ '^{TIMESTAMP_PATTERN}$' THEN NULL "
        f"WHEN strpos({text}, '.') = 0 THEN {text} "
        f"ELSE rtrim(rtrim({text}, '0'), '.') END)"
    )


_VALUE_OF = {
    Kind.TEXT: text_of,
    Kind.NUMBER: number_of,
    Kind.DATE: _date_of,
    Kind.TIMESTAMP: _timestamp_of,
}


class Filter:
    """A condition as one SQL expression.

    Args:
        condition: what the partitions must satisfy.
        arguments: the statement's arguments so far; the literals are appended.
    """

    def __init__(self, condition: Condition, arguments: list[Any]) -> None:
        self._arguments = arguments
        self.sql = self._sql(condition, negated=False)

    def _sql(self, condition: Condition, negated: bool) -> str:
        if isinstance(condition, Comparison):
            value = self._parameter(condition.literal, condition.key)
            return self._compare(condition.key, f"{condition.operator} {value}", negated)
        if isinstance(condition, In):
            values = self._parameter(list(condition.literals), condition.key)
            return self._compare(condition.key, f"= ANY({values})", negated)
        if isinstance(condition, Like):
            pattern = self._parameter(condition.pattern, condition.key)
            return f"{text_of(condition.key.position)} LIKE {pattern} ESCAPE ''"
        if isinstance(condition, IsNull):
            return f"{text_of(condition.key.position)} = '{NULL_PARTITION}'"
        if isinstance(condition, Not):
            return f"NOT ({self._sql(condition.condition, negated=True)})"
        return self._join(condition, negated)

    def _join(self, condition: And | Or, negated: bool) -> str:
        word = " AND " if isinstance(condition, And) else " OR "
        return f"({word.join(self._sql(part, negated) for part in condition.conditions)})"

    def _compare(self, key: Key, comparison: str, negated: bool) -> str:
        if key.kind is Kind.DATE and not negated:
            # Said of the bare text an index can answer it; false and unknown are the same here.
            text = text_of(key.position)
            return f"({text} {comparison} AND {text} ~ '^{DATE_PATTERN}$')"
        return f"{_VALUE_OF[key.kind](key.position)} {comparison}"

    def _parameter(self, literal: str | Decimal | list[str | Decimal], key: Key) -> str:
        self._arguments.append(literal)
        type_ = "numeric" if key.kind is Kind.NUMBER else "text"
        suffix = "[]" if isinstance(literal, list) else ""
        return f"${len(self._arguments)}::{type_}{suffix}"
