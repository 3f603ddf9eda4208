"""Names of catalogs in a statement: the account's own is put in, no other one is let through.

The text is cut at the tokens of Trino's own grammar and nothing else of it is changed. That this
agrees with Trino's lexer (comments do not nest, no escapes but doubled quotes) is what keeps one
account from naming another's catalog, so it is not left to a parser of several dialects.
https://github.com/trinodb/trino/blob/476/core/trino-grammar/src/main/antlr4/io/trino/grammar/sql/SqlBase.g4
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from localaws.engines.sql.base import SqlError

CATALOG = "awsdatacatalog"

_TOKEN = re.compile(
    r"""(?P<blank>\s+|--[^\r\n]*\r?\n?|/\*.*?\*/)
    |(?P<text>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>\.?[0-9](?:[0-9_A-Za-z]|[eE][+-])*\.?)
    |(?P<dot>\.)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_PLACE = re.compile(r"\bline (\d+):(\d+)\b")
_QUERIES = ("select", "with", "values", "table", "(")


def catalog_name(account: str, region: str, home: tuple[str, str]) -> str:
    """Return the server's name of the catalog of an account and region.

    Args:
        account: the account.
        region: the region.
        home: account and region of the one that has Athena's own name on the server, too.
    """
    if (account, region) == home:
        return CATALOG
    return f"{CATALOG}_{account}_{region.replace('-', '_')}"


@dataclass(frozen=True)
class _Token:
    kind: str
    value: str
    start: int
    end: int

    @property
    def is_name(self) -> bool:
        return self.kind in ("word", "quoted")

    @property
    def name(self) -> str:
        """The name in lower case: Trino folds quoted names of catalogs and tables as well."""
        bare = self.value[1:-1].replace('""', '"') if self.kind == "quoted" else self.value
        return bare.lower()


@dataclass(frozen=True)
class Rewritten:
    """A statement as it is sent.

    Attributes:
        sql: its text.
        splices: where in `sql` (offset) the text is how many characters longer than it was.
        hidden: names that a message does not show, with those it shows instead.
        text: what the server counts lines and columns in, where that is not `sql`.
    """

    sql: str
    splices: tuple[tuple[int, int], ...] = ()
    hidden: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None

    def within(self, prefix: str, suffix: str = "") -> Rewritten:
        """Return the statement with text before it, which is in one line, and behind it."""
        moved = tuple((offset + len(prefix), delta) for offset, delta in self.splices)
        return Rewritten(f"{prefix}{self.sql}{suffix}", ((0, len(prefix)), *moved), self.hidden)

    def with_parameters(self, parameters: Sequence[str]) -> Rewritten:
        """Return the statement with values for its ``?``."""
        if not parameters:
            return self
        quoted = "'" + self.sql.replace("'", "''") + "'"
        sql = f"EXECUTE IMMEDIATE {quoted} USING {', '.join(parameters)}"
        return Rewritten(sql, self.splices, self.hidden, self.sql)

    def restore(self, message: str) -> str:
        """Return a message of the server in terms of the original text."""
        for name in sorted(self.hidden, key=len, reverse=True):
            message = message.replace(name, self.hidden[name])
        return _PLACE.sub(self._place, message)

    def _place(self, match: re.Match[str]) -> str:
        line, column = int(match[1]), int(match[2])
        starts = _line_starts(self.sql if self.text is None else self.text)
        if line > len(starts):
            return match[0]
        start = starts[line - 1]
        shift = sum(d for offset, d in self.splices if start <= offset < start + column - 1)
        return f"line {line}:{max(column - shift, 1)}"


def _tokens(sql: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup or ""
        if kind != "blank":
            yield _Token(kind, match[0], match.start(), match.end())


def _chains(sql: str) -> Iterator[list[_Token]]:
    """Yield the chains of names joined by dots."""
    chain: list[_Token] = []
    dotted = False
    for token in _tokens(sql):
        if token.kind == "dot":
            dotted = bool(chain)
        elif token.is_name and (dotted or not chain):
            chain.append(token)
            dotted = False
        else:
            if chain:
                yield chain
            chain = [token] if token.is_name else []
            dotted = False
    if chain:
        yield chain


def require_query(sql: str) -> None:
    """Check that a statement only reads.

    Raises:
        SqlError: it is no query.
    """
    first = next(_tokens(sql), None)
    if first is None or first.value.lower() not in _QUERIES:
        shown = first.value if first is not None else "<EOF>"
        raise SqlError("SYNTAX_ERROR", f"line 1:1: mismatched input '{shown}'. Expecting: <query>")


def qualify(sql: str, catalog: str, exists: Callable[[str], bool]) -> Rewritten:
    """Put an account's catalog in place of ``awsdatacatalog``.

    Args:
        sql: text in Athena's dialect.
        catalog: the name of the account's catalog.
        exists: tells of a name whether a catalog has it.

    Raises:
        SqlError: CATALOG_NOT_FOUND, the text names another catalog that exists. (One that does not
            exist is left to the server: the name may be that of a column.)
    """
    parts: list[str] = []
    splices: list[tuple[int, int]] = []
    done = length = 0
    for chain in _chains(sql):
        if len(chain) < 3:
            continue
        first = chain[0]
        if first.name == CATALOG:
            if catalog == CATALOG:
                continue
            replacement = f'"{catalog}"'
            parts += (sql[done : first.start], replacement)
            length += first.start - done
            splices.append((length, len(replacement) - len(first.value)))
            length += len(replacement)
            done = first.end
        elif exists(first.name):
            line, column = _position(sql, first.start)
            raise SqlError(
                "CATALOG_NOT_FOUND", f"line {line}:{column}: Catalog '{first.name}' not found"
            )
    return Rewritten("".join([*parts, sql[done:]]), tuple(splices))


def _position(sql: str, offset: int) -> tuple[int, int]:
    starts = _line_starts(sql)
    line = bisect_right(starts, offset)
    return line, offset - starts[line - 1] + 1


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
