"""Pieces of SQL text."""

from __future__ import annotations

from collections.abc import Iterable


def literal(text: str) -> str:
    """Return `text` as a string literal."""
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    """Return `text` as a quoted identifier."""
    return '"' + text.replace('"', '""') + '"'


def literals(texts: Iterable[str]) -> str:
    """Return a list literal of strings."""
    return "[" + ", ".join(map(literal, texts)) + "]"
