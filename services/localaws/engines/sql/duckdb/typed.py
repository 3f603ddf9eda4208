"""Typed SQL: a piece of DuckDB SQL together with the Trino type of the value it computes.

Failures are written as marks (`fail`) that `finish` turns into DuckDB's ``error``. Inside TRY they
become a failing cast instead, because DuckDB's TRY takes no volatile function.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from localaws.engines.sql.base import SqlRefused
from localaws.engines.sql.duckdb.types import Type

ERROR_PREFIX = "trino:"
REFUSED = "REFUSED"
_FAIL_OPEN, _FAIL_CLOSE = "\x01", "\x02"
_CONSTANT_OPEN = "\x03"
_MARKS = re.compile("[\x01\x02\x03]")
MAX_SQL = 2_000_000


@dataclass(frozen=True, slots=True)
class Expr:
    """A scalar expression.

    Attributes:
        sql: DuckDB SQL, safe to embed as an operand.
        type: its Trino type; the SQL yields `Type.duckdb`.
        value: the Python value of a literal (`str`, `int`), where it is one.
        constant: no column, parameter of a lambda or volatile function is read.
        volatile: two evaluations may differ, so the SQL must not be repeated.
        refusing: the SQL may refuse a value at run time, which TRY must not hide.
    """

    sql: str
    type: Type
    value: str | int | None = None
    constant: bool = False
    volatile: bool = False
    refusing: bool = False

    def typed(self, type: Type) -> Expr:
        """Return the same SQL under another type with the same representation."""
        return replace(self, type=type)


def build(sql: str, type: Type, *parts: Expr, refusing: bool = False) -> Expr:
    """Return an expression made of `parts`, carrying their flags.

    A part whose SQL occurs more than once is evaluated more than once, so it must not be volatile.
    """
    for part in parts:
        if part.volatile and sql.count(part.sql) > 1:
            raise SqlRefused("A function that changes between calls cannot be used here")
    if len(sql) > MAX_SQL:
        raise SqlRefused("The expression is too large")
    return Expr(
        sql,
        type,
        constant=all(part.constant for part in parts),
        volatile=any(part.volatile for part in parts),
        refusing=refusing or any(part.refusing for part in parts),
    )


def text(value: str) -> str:
    """Return a SQL string literal."""
    if _MARKS.search(value) or "\x00" in value:
        pieces = re.split("([\x00-\x03])", value)
        if "\x00" in value:
            raise SqlRefused("A string with a NUL character is not supported here")
        parts = [f"chr({ord(p)})" if _MARKS.match(p) else text(p) for p in pieces if p]
        return f"({' || '.join(parts)})"
    return "'" + value.replace("'", "''") + "'"


def name(identifier: str) -> str:
    """Return a quoted SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def fail(error: str, message: str, witness: Expr | None = None, *, show: bool = False) -> str:
    """Return SQL that fails with a Trino error when it is evaluated.

    Args:
        error: Trino's error name.
        message: the message.
        witness: an operand evaluation is tied to.
        show: whether the witness's text ends the message.
    """
    prefix = text(f"{ERROR_PREFIX}{error}:{message}")
    if witness is None or witness.constant:
        return f"{_CONSTANT_OPEN}{prefix}{_FAIL_CLOSE}"
    shown = f"coalesce(CAST({witness.sql} AS VARCHAR), '')"
    return f"{_FAIL_OPEN}{prefix} || {shown if show else f'left({shown}, 0)'}{_FAIL_CLOSE}"


def refuse_at_run_time(message: str, witness: Expr) -> str:
    """Return SQL that refuses a value which is not proven to be answered as Trino would."""
    return fail(REFUSED, message, witness)


def finish(sql: str) -> str:
    """Turn failure marks into calls of ``error``."""
    if "\x02" not in sql:
        return sql
    for mark in (_FAIL_OPEN, _CONSTANT_OPEN):
        sql = sql.replace(mark, "error(")
    return sql.replace(_FAIL_CLOSE, ")")


def within_try(body: Expr) -> str:
    """Return the SQL of TRY's argument, whose failures are casts that TRY can catch."""
    if body.refusing:
        raise SqlRefused("TRY around this expression is not supported here")
    if _CONSTANT_OPEN in body.sql and not body.constant:
        raise SqlRefused("TRY around a constant that may fail is not supported here")
    sql = body.sql
    for mark in (_FAIL_OPEN, _CONSTANT_OPEN):
        sql = sql.replace(mark, "CASE WHEN CAST(")
    return sql.replace(_FAIL_CLOSE, " AS BOOLEAN) THEN NULL END")
