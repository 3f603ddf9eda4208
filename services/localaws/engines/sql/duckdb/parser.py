"""Parse Athena's queries: sqlglot's Trino grammar, with function names left as they are written.

sqlglot normalises functions of all dialects into shared nodes and accepts much that Trino does
not. Here a call stays a call by name (so the function table decides), subscripts keep their index,
literals and placeholders remember where they stand, and what only other dialects know is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.trino import TrinoParser
from sqlglot.tokenizer_core import Token, TokenType

from localaws.engines.sql.base import SqlError

_CALL_SYNTAX = ("EXTRACT", "POSITION", "SUBSTRING", "TRIM", "LISTAGG", "NORMALIZE")
_RESERVED = frozenset(Path(__file__).with_name("reserved.txt").read_text().split())
_NOT_TRINO = {
    TokenType.DCOLON: "::",
    TokenType.DARROW: "=>",
    TokenType.HASH_ARROW: "#>",
    TokenType.PARAMETER: "@",
    TokenType.RLIKE: "RLIKE",
    TokenType.ILIKE: "ILIKE",
    TokenType.QUALIFY: "QUALIFY",
    TokenType.AMP: "&",
    TokenType.CARET: "^",
    TokenType.TILDE: "~",
    TokenType.PIPE: "|",
    TokenType.HASH: "#",
    TokenType.DIV: "DIV",
}
_CLAUSE_END = {
    TokenType.FROM,
    TokenType.WHERE,
    TokenType.GROUP_BY,
    TokenType.ORDER_BY,
    TokenType.HAVING,
    TokenType.LIMIT,
    TokenType.UNION,
    TokenType.R_PAREN,
}


def _located(parsers: dict[TokenType, Any]) -> dict[TokenType, Any]:
    """Wrap primary parsers so that their nodes remember their token."""

    def wrap(parse: Any) -> Any:
        def parse_located(self: Any, token: Token) -> Any:
            node = parse(self, token)
            return node.update_positions(token) if node is not None else None

        return parse_located

    return {kind: wrap(parse) for kind, parse in parsers.items()}


class _Parser(TrinoParser):
    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        **{name: TrinoParser.FUNCTION_PARSERS[name] for name in _CALL_SYNTAX},
        "CAST": lambda self: self._parse_cast_call(safe=False),
        "TRY_CAST": lambda self: self._parse_cast_call(safe=True),
    }
    PRIMARY_PARSERS: ClassVar[dict[TokenType, Any]] = {
        **TrinoParser.PRIMARY_PARSERS,
        **_located(
            {
                kind: TrinoParser.PRIMARY_PARSERS[kind]
                for kind in (TokenType.NUMBER, TokenType.STRING, TokenType.NULL)
            }
        ),
    }
    PLACEHOLDER_PARSERS: ClassVar[dict[TokenType, Any]] = {
        TokenType.PLACEHOLDER: lambda self: exp.Placeholder().update_positions(self._prev),
    }

    def _parse_cast_call(self, *, safe: bool) -> Any:
        node = self._parse_cast(not safe, safe=safe or None)
        node.meta["call"] = True  # CAST('x' AS date), not DATE 'x'
        return node

    def _parse_join(self, *args: Any, **kwargs: Any) -> Any:
        comma = self._curr is not None and self._curr.token_type == TokenType.COMMA
        node = super()._parse_join(*args, **kwargs)
        if node is not None:
            node.meta["comma"] = comma
        return node


class _Dialect(Trino):
    INDEX_OFFSET = 0
    SUPPORTS_USER_DEFINED_TYPES = True
    Parser = _Parser


_DIALECT = _Dialect()


def parse(sql: str) -> exp.Expression:
    """Parse one query.

    Raises:
        SqlError: ``SYNTAX_ERROR`` with line and column.
    """
    try:
        tokens = _DIALECT.tokenize(sql)
        _check_tokens(tokens, sql)
        trees = _DIALECT.parser().parse(tokens, sql)
    except ParseError as error:
        found = error.errors[0] if error.errors else {}
        line, end = found.get("line") or 1, found.get("col") or 1
        text = str(found.get("highlight") or "")
        col = max(1, end - max(len(text), 1) + 1)
        what = f"mismatched input '{text}'" if text else "mismatched input '<EOF>'"
        raise SqlError("SYNTAX_ERROR", f"line {line}:{col}: {what}") from error
    except TokenError as error:
        raise SqlError("SYNTAX_ERROR", f"line 1:1: {error}") from error
    trees = [tree for tree in trees if tree is not None]
    if len(trees) != 1 or not isinstance(trees[0], exp.Expression):
        raise SqlError("SYNTAX_ERROR", "line 1:1: mismatched input '<EOF>'. Expecting: <query>")
    tree = trees[0]
    tree.meta["source"] = sql
    for identifier in tree.find_all(exp.Identifier):
        if not identifier.args.get("quoted") and identifier.name.upper() in _RESERVED:
            place = _at(sql, identifier.meta.get("start", 0))
            raise SqlError("SYNTAX_ERROR", f"line {place}: mismatched input '{identifier.name}'")
    return tree


def _check_tokens(tokens: list[Token], sql: str) -> None:
    """Refuse what sqlglot lets through and Trino's grammar does not."""
    for index, token in enumerate(tokens):
        if token.token_type == TokenType.VAR and "`" in token.text:
            raise _mismatch(sql, token)
        if token.token_type in _NOT_TRINO:
            raise _mismatch(sql, token)
        if token.token_type == TokenType.EQ and token.text == "==":
            raise _mismatch(sql, token)
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        if token.token_type == TokenType.COMMA and (
            following is None or following.token_type in _CLAUSE_END
        ):
            raise _mismatch(sql, following or token)
        if token.token_type == TokenType.SELECT and (
            following is None or following.token_type in _CLAUSE_END
        ):
            raise _mismatch(sql, following or token)


def _mismatch(sql: str, token: Token) -> SqlError:
    text = "<EOF>" if token.start >= len(sql) else sql[token.start : token.end + 1]
    return SqlError("SYNTAX_ERROR", f"line {_at(sql, token.start)}: mismatched input '{text}'")


def _at(source: str, offset: int) -> str:
    line = source.count("\n", 0, offset) + 1
    return f"{line}:{offset - (source.rfind(chr(10), 0, offset) + 1) + 1}"


def start_of(node: exp.Expression) -> int | None:
    """Return the offset of the node's first token, where it or a descendant remembers one."""
    starts = [n.meta["start"] for n in node.walk() if n._meta and "start" in n._meta]
    return min(starts) if starts else None


def end_of(node: exp.Expression) -> int | None:
    """Return the offset after the node's last remembered token."""
    ends = [n.meta["end"] + 1 for n in node.walk() if n._meta and "end" in n._meta]
    return max(ends) if ends else None


def location(source: str, node: exp.Expression, *, operator: bool = False) -> str:
    """Return ``line l:c: `` for messages; the place of a binary operator when asked for."""
    offset = start_of(node)
    left = node.this if operator else None
    if isinstance(left, exp.Expression):
        end = end_of(left)
        if end is not None:
            while end < len(source) and source[end] in " \t\r\n)":
                end += 1
            offset = end
    return f"line {_at(source, offset or 0)}: "


def references(tree: exp.Expression) -> list[tuple[str | None, str | None, str]]:
    """Return the tables and views a query names, common table expressions left out."""
    found: dict[tuple[str | None, str | None, str], None] = {}
    _collect(tree, frozenset(), found)
    return list(found)


def _collect(
    node: exp.Expression,
    ctes: frozenset[str],
    found: dict[tuple[str | None, str | None, str], None],
) -> None:
    with_ = node.args.get("with_")
    if isinstance(with_, exp.With):
        for cte in with_.expressions:
            inner = ctes | {cte.alias.lower()} if with_.args.get("recursive") else ctes
            _collect(cte.this, inner, found)
            ctes = ctes | {cte.alias.lower()}
    if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
        catalog, database, name = (
            part.lower() or None for part in (node.catalog, node.db, node.name)
        )
        if name and not (database is None and name in ctes):
            found[(catalog, database, name)] = None
    for key, child in node.args.items():
        if key == "with_":
            continue
        for item in child if isinstance(child, list) else (child,):
            if isinstance(item, exp.Expression):
                _collect(item, ctes, found)
