"""Tokens of a statement: what Hive DDL and Trino SQL have in common."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from localaws.aws.athena.errors import malformed_query

Kind = Literal["word", "quoted", "backquoted", "string", "number", "symbol", "end"]

_PATTERN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?(?![\w])|\.\d+(?:[eE][+-]?\d+)?(?![\w]))
  | (?P<word>[^\W\d][\w$@]*|\d+[^\W\d]\w*)
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<backquoted>`(?:[^`]|``)*`)
  | (?P<string>'(?:[^']|'')*')
  | (?P<symbol><>|!=|>=|<=|\|\||->|=>|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_HIVE_STRING = re.compile(r"'((?:[^'\\]|\\.|'')*)'|\"((?:[^\"\\]|\\.|\"\")*)\"", re.DOTALL)
_HIVE_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\([0-3][0-7]{2})|\\(.)", re.DOTALL)
_HIVE_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}


@dataclass(frozen=True)
class Token:
    """A token: `value` is unquoted text; `start` and `end` are offsets into the statement."""

    kind: Kind
    value: str
    start: int
    end: int


def tokenize(sql: str, *, backslashes: bool = False, limit: int | None = None) -> list[Token]:
    """Cut a statement into tokens, comments and space left out, an ``end`` token last.

    Args:
        sql: the statement.
        backslashes: read string literals as Hive does, where a backslash escapes.
        limit: stop after about this many tokens.

    Raises:
        AwsError: MALFORMED_QUERY for a literal or comment that does not end.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(sql) and (limit is None or len(tokens) < limit):
        if backslashes and sql[position] in "'\"":
            match = _HIVE_STRING.match(sql, position)
            if match is None:
                raise mismatched(sql, position, sql[position])
            raw = match[1] if match[1] is not None else match[2]
            tokens.append(Token("string", unescape(raw), position, match.end()))
            position = match.end()
            continue
        match = _PATTERN.match(sql, position)
        if match is None:  # the last branch takes any character
            raise mismatched(sql, position, sql[position])
        kind = match.lastgroup
        text = match[0]
        if kind == "symbol" and text in "'\"`":
            raise mismatched(sql, position, text)
        if kind == "symbol" and sql.startswith("/*", position):
            raise mismatched(sql, position, "/*")
        if kind in ("quoted", "backquoted", "string"):
            quote = text[0]
            text = text[1:-1].replace(quote * 2, quote)
        if kind != "space":
            tokens.append(Token(kind, text, position, match.end()))  # type: ignore[arg-type]
        position = match.end()
    tokens.append(Token("end", "<EOF>", len(sql), len(sql)))
    return tokens


def unescape(text: str) -> str:
    r"""Resolve Hive's backslash escapes: ``\t``, ``\001``, ``\u0001``, ``\\``."""

    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        if match[2]:
            return chr(int(match[2], 8))
        return _HIVE_ESCAPES.get(match[3], match[3])

    return _HIVE_ESCAPE.sub(replace, text)


def position(sql: str, offset: int) -> str:
    """Return ``line L:C`` of an offset, both counted from 1."""
    line = sql.count("\n", 0, offset) + 1
    column = offset - (sql.rfind("\n", 0, offset) + 1) + 1
    return f"line {line}:{column}"


def mismatched(sql: str, offset: int, found: str, expecting: str = "") -> Exception:
    """Return the error of a parser that met what it did not expect."""
    hint = f". Expecting: {expecting}" if expecting else ""
    return malformed_query(f"{position(sql, offset)}: mismatched input '{found}'{hint}")
