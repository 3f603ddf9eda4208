"""Glue's partition expressions: parsed and checked against a table's partition keys.

The text is SQL's WHERE clause over partition keys, e.g. ``year = 2024 AND region IN ('eu','us')``.
Parsing gives a small typed tree that an adapter turns into its own query language. Literals are
brought to one canonical form per kind of key, so that adapters only compare:

===========  ==============================  =============================
kind         key types                       canonical literal
===========  ==============================  =============================
TEXT         string, char, varchar           ``str``, compared by code point
NUMBER       tinyint … bigint, decimal       ``Decimal``
DATE         date                            ``YYYY-MM-DD``
TIMESTAMP    timestamp                       ``YYYY-MM-DD HH:MM:SS[.f]``, no trailing zeros
===========  ==============================  =============================

A partition whose value is not of its key's kind is unknown to a comparison, as NULL is in SQL.
https://docs.aws.amazon.com/glue/latest/webapi/API_GetPartitions.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

import sqlglot
from sqlglot import exp, tokens
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from localaws.core.errors import AwsError
from localaws.engines.catalog.conditions import (
    DATE_PATTERN,
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
from localaws.engines.catalog.errors import invalid_input

_INTEGERS = ("tinyint", "smallint", "int", "integer", "bigint", "long")
_KINDS = {
    **dict.fromkeys(("string", "char", "varchar"), Kind.TEXT),
    **dict.fromkeys((*_INTEGERS, "decimal"), Kind.NUMBER),
    "date": Kind.DATE,
    "timestamp": Kind.TIMESTAMP,
}
_OPERATORS: dict[type[exp.Expr], tuple[str, str]] = {
    exp.EQ: ("=", "="),
    exp.NEQ: ("<>", "<>"),
    exp.LT: ("<", ">"),
    exp.LTE: ("<=", ">="),
    exp.GT: (">", "<"),
    exp.GTE: (">=", "<="),
}
"""SQL's operator of each node, and the one that means the same with its sides swapped."""

_OPERANDS = {"this", "expression", "expressions", "low", "high"}
"""Where a node keeps what it is about; anything else changes its meaning."""


class PartitionExpression(sqlglot.Dialect):
    """The lexis of the expressions: few keywords, so that keys may have almost any name."""

    class Tokenizer(tokens.Tokenizer):
        """Quotes and keywords."""

        IDENTIFIERS = ['"', "`"]
        KEYWORDS = {
            "AND": TokenType.AND,
            "OR": TokenType.OR,
            "NOT": TokenType.NOT,
            "IN": TokenType.IN,
            "BETWEEN": TokenType.BETWEEN,
            "LIKE": TokenType.LIKE,
            "IS": TokenType.IS,
            "NULL": TokenType.NULL,
            "DATE": TokenType.DATE,
            "TIMESTAMP": TokenType.TIMESTAMP,
            "<=": TokenType.LTE,
            ">=": TokenType.GTE,
            "<>": TokenType.NEQ,
            "!=": TokenType.NEQ,
        }


def parse(expression: str | None, keys: Sequence[tuple[str, str]]) -> Condition | None:
    """Return the condition an expression states over partition keys (name, Hive type).

    Blank text is no condition: every partition matches.

    Raises:
        AwsError: InvalidInputException: it cannot be parsed, names something that is not a
            partition key, or compares a key with what its type does not have.
    """
    if expression is None or not expression.strip():
        return None
    return _parse(expression, tuple(keys))


@lru_cache(maxsize=1024)
def _parse(expression: str, keys: tuple[tuple[str, str], ...]) -> Condition:
    try:
        tree = sqlglot.parse_one(expression, dialect=PartitionExpression)
        return _Checker(expression, keys).condition(tree)
    except (SqlglotError, RecursionError) as error:
        raise _unsupported(expression) from error


def _unsupported(expression: str) -> AwsError:
    return invalid_input(f"Unsupported expression '{expression}'")


class _Checker:
    """Turns a parsed expression into a condition, refusing what Glue does not take."""

    def __init__(self, expression: str, keys: tuple[tuple[str, str], ...]) -> None:
        self._expression = expression
        self._keys = {name.lower(): (place, type_) for place, (name, type_) in enumerate(keys)}

    def condition(self, node: exp.Expr) -> Condition:
        options = {name for name, value in node.args.items() if value} - _OPERANDS
        if options - {"negate"}:
            raise _unsupported(self._expression)
        condition = self._plain(node)
        return Not(condition) if options else condition

    def _plain(self, node: exp.Expr) -> Condition:
        """Return the condition of a node without its options."""
        if isinstance(node, exp.Paren):
            return self.condition(node.this)
        if isinstance(node, exp.Not):
            return Not(self.condition(node.this))
        if isinstance(node, exp.And | exp.Or):
            parts = tuple(self.condition(part) for part in node.flatten())
            return And(parts) if isinstance(node, exp.And) else Or(parts)
        if isinstance(node, exp.Between):
            low, high = node.args["low"], node.args["high"]
            return And(
                (self._comparison(node.this, ">=", low), self._comparison(node.this, "<=", high))
            )
        if isinstance(node, exp.In) and node.expressions:
            key, type_ = self._key(node.this)
            return In(key, tuple(self._literal(type_, key, item) for item in node.expressions))
        if isinstance(node, exp.Like):
            return self._like(node)
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            return IsNull(self._key(node.this)[0])
        if type(node) in _OPERATORS:
            operator, swapped = _OPERATORS[type(node)]
            if _is_column(node.this):
                return self._comparison(node.this, operator, node.expression)
            return self._comparison(node.expression, swapped, node.this)
        raise _unsupported(self._expression)

    def _comparison(self, column: exp.Expr, operator: str, value: exp.Expr) -> Condition:
        key, type_ = self._key(column)
        return Comparison(key, operator, self._literal(type_, key, value))

    def _like(self, node: exp.Like) -> Condition:
        key, type_ = self._key(node.this)
        if key.kind is not Kind.TEXT:
            family = "Integral" if type_ in _INTEGERS else type_.capitalize()
            raise invalid_input(f"{family} data type doesn't support operation 'LIKE'")
        pattern = node.expression
        if not (isinstance(pattern, exp.Literal) and pattern.is_string):
            raise _unsupported(self._expression)
        return Like(key, pattern.this)

    def _key(self, node: exp.Expr) -> tuple[Key, str]:
        node = node.unnest()
        if not _is_column(node):
            raise _unsupported(self._expression)
        if node.name.lower() not in self._keys or node.args.get("table"):
            raise invalid_input("Invalid partition expression!")
        place, type_ = self._keys[node.name.lower()]
        base = type_.lower().split("(")[0].strip()
        if base not in _KINDS:
            raise invalid_input(f"Unknown type : '{type_}'")
        return Key(place, _KINDS[base]), base

    def _literal(self, type_: str, key: Key, node: exp.Expr) -> str | Decimal:
        text = self._text(node.unnest())
        if key.kind is Kind.NUMBER:
            if not re.fullmatch(NUMBER_PATTERN, text):
                raise _not_a(text, "an integer" if type_ in _INTEGERS else "a decimal")
            number = Decimal(text)
            if type_ in _INTEGERS and number != number.to_integral_value():
                raise _not_a(text, "an integer")
            return number
        if key.kind is Kind.DATE:
            if not re.fullmatch(DATE_PATTERN, text) or not _parses(date, text):
                raise _not_a(text, "a date")
        elif key.kind is Kind.TIMESTAMP:
            if re.fullmatch(DATE_PATTERN, text):
                text += " 00:00:00"
            whole, _, fraction = text.partition(".")
            if not re.fullmatch(TIMESTAMP_PATTERN, text) or not _parses(datetime, whole):
                raise _not_a(text, "a timestamp")
            fraction = fraction.rstrip("0")
            return f"{whole}.{fraction}" if fraction else whole
        return text

    def _text(self, node: exp.Expr) -> str:
        """Return the text of a literal: quoted, a number, or ``DATE '…'``."""
        if isinstance(node, exp.Cast) and node.to.this in (
            exp.DataType.Type.DATE,
            exp.DataType.Type.TIMESTAMP,
        ):
            node = node.this
            if not node.is_string:
                raise _unsupported(self._expression)
        sign = ""
        if isinstance(node, exp.Neg) and not node.this.is_string:
            sign, node = "-", node.this
        if not isinstance(node, exp.Literal) or "\0" in node.this:
            raise _unsupported(self._expression)
        return f"{sign}{node.this}"


def _is_column(node: exp.Expr) -> bool:
    return isinstance(node.unnest(), exp.Column)


def _parses(kind: type[date] | type[datetime], text: str) -> bool:
    try:
        kind.fromisoformat(text)
    except ValueError:
        return False
    return True


def _not_a(text: str, what: str) -> AwsError:
    return invalid_input(f'For input string: "{text}" is not {what}.')
