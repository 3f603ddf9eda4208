"""Partition conditions over values in memory, in SQL's three-valued logic."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
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
)

Test = Callable[[Sequence[str]], bool | None]
"""Whether partition values satisfy a condition; None is unknown."""

_NUMBER = re.compile(NUMBER_PATTERN)
_DATE = re.compile(DATE_PATTERN, re.ASCII)
_TIMESTAMP = re.compile(TIMESTAMP_PATTERN, re.ASCII)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _text(value: str) -> str:
    return value


def _number(value: str) -> Decimal | None:
    return Decimal(value) if _NUMBER.fullmatch(value) else None


def _date(value: str) -> str | None:
    return value if _DATE.fullmatch(value) else None


def _timestamp(value: str) -> str | None:
    if _DATE.fullmatch(value):
        return f"{value} 00:00:00"
    if not _TIMESTAMP.fullmatch(value):
        return None
    return value.rstrip("0").rstrip(".") if "." in value else value


_VALUE_OF: dict[Kind, Callable[[str], str | Decimal | None]] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.DATE: _date,
    Kind.TIMESTAMP: _timestamp,
}


def compile_condition(condition: Condition) -> Test:
    """Return the test of partition values that a condition states."""
    if isinstance(condition, Comparison):
        compare, literal = _OPERATORS[condition.operator], condition.literal
        return _known(condition.key, lambda value: compare(value, literal))
    if isinstance(condition, In):
        literals = frozenset(condition.literals)
        return _known(condition.key, lambda value: value in literals)
    if isinstance(condition, Like):
        pattern = re.compile(
            "".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in condition.pattern),
            re.DOTALL,
        )
        place = condition.key.position
        return lambda values: pattern.fullmatch(values[place]) is not None
    if isinstance(condition, IsNull):
        place = condition.key.position
        return lambda values: values[place] == NULL_PARTITION
    if isinstance(condition, Not):
        return _negation(compile_condition(condition.condition))
    tests = [compile_condition(part) for part in condition.conditions]
    return _junction(tests, decisive=not isinstance(condition, And))


def _known(key: Key, test: Callable[[Any], bool]) -> Test:
    """Return a test that is unknown for values that are not of the key's kind."""
    place, value_of = key.position, _VALUE_OF[key.kind]

    def known(values: Sequence[str]) -> bool | None:
        value = value_of(values[place])
        return None if value is None else test(value)

    return known


def _negation(test: Test) -> Test:
    def negation(values: Sequence[str]) -> bool | None:
        outcome = test(values)
        return None if outcome is None else not outcome

    return negation


def _junction(tests: Sequence[Test], *, decisive: bool) -> Test:
    """Return AND (False decides) or OR (True decides) of tests."""

    def junction(values: Sequence[str]) -> bool | None:
        unknown = False
        for test in tests:
            outcome = test(values)
            if outcome is decisive:
                return decisive
            unknown = unknown or outcome is None
        return None if unknown else not decisive

    return junction
