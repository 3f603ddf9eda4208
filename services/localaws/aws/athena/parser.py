"""Reading a statement: which one it is, and its parts.

Queries are recognised and left to the SQL engine; everything around them (DDL, CTAS, INSERT, views,
utility statements) is read here, because Athena owns it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from localaws.aws.athena.cursor import Parser
from localaws.aws.athena.errors import malformed_query
from localaws.aws.athena.lexer import Token
from localaws.aws.athena.parser_ddl import parse_ddl
from localaws.aws.athena.query_syntax import check_query
from localaws.aws.athena.statements import (
    CreateTableAs,
    CreateView,
    Deallocate,
    DropView,
    Execute,
    Explain,
    Insert,
    Prepare,
    Query,
    ShowCreateView,
    Statement,
    Unload,
)

_START = (
    "'ALTER', 'ANALYZE', 'CALL', 'COMMENT', 'COMMIT', 'CREATE', 'DEALLOCATE', 'DELETE', 'DENY', "
    "'DESC', 'DESCRIBE', 'DROP', 'EXECUTE', 'EXPLAIN', 'GRANT', 'INSERT', 'MERGE', 'PREPARE', "
    "'REFRESH', 'RESET', 'REVOKE', 'ROLLBACK', 'SET', 'SHOW', 'START', 'TRUNCATE', 'UNLOAD', "
    "'UPDATE', 'USE', <query>"
)
_QUERY_WORDS = frozenset({"SELECT", "WITH", "VALUES", "TABLE"})
_UNSUPPORTED = frozenset(
    [
        "ANALYZE",
        "CALL",
        "COMMENT",
        "COMMIT",
        "DENY",
        "GRANT",
        "REFRESH",
        "RESET",
        "REVOKE",
        "ROLLBACK",
        "SET",
        "START",
        "TRUNCATE",
        "USE",
        "LOAD",
        "EXPORT",
        "IMPORT",
        "LOCK",
        "UNLOCK",
    ]
)
_HEAD_TOKENS = 24
"""Tokens that tell which statement it is: all before the query or columns of CREATE TABLE."""
_NOT_YET = frozenset({"DELETE", "UPDATE", "MERGE", "OPTIMIZE", "VACUUM"})


@lru_cache(maxsize=32)
def parse(sql: str) -> Statement:
    """Read a statement.

    Raises:
        AwsError: InvalidRequestException with MALFORMED_QUERY, in the words of Athena's parser.
    """
    head = Parser(sql, limit=_HEAD_TOKENS)
    first = head.word()
    if head.token.kind == "symbol" and head.token.value == "(":
        first = "SELECT"
    if reader := _reader(head, first):
        return reader(Parser(sql))
    statement = parse_ddl(sql, first)
    if statement is not None:
        return statement
    if first in _NOT_YET:
        raise malformed_query(
            f"NOT_SUPPORTED: {first} needs a transactional table format, which is not implemented "
            "here yet"
        )
    if first in _UNSUPPORTED:
        raise malformed_query("Queries of this type are not supported")
    raise head.wrong(_START)


def _reader(head: Parser, first: str) -> Callable[[Parser], Statement] | None:
    """Return what reads a statement in the SQL engine's dialect, or None where it is Hive's."""
    if first in _QUERY_WORDS:
        return lambda parser: Query(_checked_query(parser))
    if first in _READERS:
        return _READERS[first]
    if first == "CREATE" and head.word(1) in ("VIEW", "OR"):
        return _create_view
    if first == "CREATE" and head.word(1) == "TABLE" and _is_ctas(head):
        return _create_table_as
    if first == "DROP" and head.word(1) == "VIEW":
        return _drop_view
    if first == "SHOW" and head.word(1) == "CREATE" and head.word(2) == "VIEW":
        return _show_create_view
    return None


def _checked_query(parser: Parser, until: Token | None = None) -> str:
    """Return the padded text of the query from here, after a check of its syntax."""
    text, padded = parser.rest(until)
    if not text:
        raise parser.wrong("<query>")
    check_query(padded)
    return padded


def _explain(parser: Parser) -> Statement:
    parser.expect("EXPLAIN")
    if parser.word() == "ANALYZE" or (parser.token.value == "(" and parser.word(1) != "SELECT"):
        raise malformed_query("NOT_SUPPORTED: EXPLAIN with options is not implemented here")
    return Explain(_checked_query(parser))


def _insert(parser: Parser) -> Statement:
    parser.expect("INSERT")
    if parser.word() == "OVERWRITE":
        raise parser.wrong("'INTO'")
    parser.expect("INTO")
    parser.take("TABLE")
    name = parser.name()
    columns: list[str] = []
    start = parser.at
    if parser.symbol("(") and parser.word() not in _QUERY_WORDS and parser.token.value != "(":
        columns.append(parser.identifier())
        while parser.symbol(","):
            columns.append(parser.identifier())
        parser.expect_symbol(")")
    else:
        parser.at = start
    return Insert(name, tuple(columns), _checked_query(parser))


def _unload(parser: Parser) -> Statement:
    parser.expect("UNLOAD")
    parser.expect_symbol("(")
    closing = _closing(parser)
    sql = _checked_query(parser, parser.tokens[closing])
    parser.at = closing + 1
    parser.expect("TO")
    location = parser.string()
    parser.expect("WITH")
    properties = _properties(parser)
    parser.end()
    return Unload(sql, location, properties)


def _closing(parser: Parser) -> int:
    """Return the index of the parenthesis that closes the one just passed."""
    depth = 1
    for index in range(parser.at, len(parser.tokens)):
        token = parser.tokens[index]
        if token.kind == "symbol" and token.value in "()":
            depth += 1 if token.value == "(" else -1
            if depth == 0:
                return index
    parser.at = len(parser.tokens) - 1
    raise parser.wrong("')'")


def _prepared(parser: Parser) -> Statement:
    if parser.take("PREPARE"):
        name = parser.identifier()
        parser.expect("FROM")
        text, _ = parser.rest()
        parse(text)
        return Prepare(name, text)
    if parser.take("DEALLOCATE"):
        parser.expect("PREPARE")
        name = parser.identifier()
        parser.end()
        return Deallocate(name)
    parser.expect("EXECUTE")
    name = parser.identifier()
    parameters: list[str] = []
    if parser.take("USING"):
        start, depth = parser.token.start, 0
        while parser.token.kind != "end":
            value = parser.token.value if parser.token.kind == "symbol" else ""
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(value, 0)
            if value == "," and depth == 0:
                parameters.append(parser.sql[start : parser.token.start].strip())
                start = parser.token.end
            parser.at += 1
        parameters.append(parser.sql[start : parser.token.start].strip())
        if not all(parameters):
            raise parser.wrong("<expression>")
    parser.end()
    return Execute(name, tuple(parameters))


def _create_view(parser: Parser) -> Statement:
    parser.expect("CREATE")
    replace = parser.take("OR", "REPLACE")
    parser.expect("VIEW")
    name = parser.name()
    parser.expect("AS")
    text, _ = parser.rest()
    return CreateView(name, text, _checked_query(parser), replace)


def _drop_view(parser: Parser) -> Statement:
    parser.at += 2
    if_exists = parser.if_exists()
    name = parser.name()
    parser.end()
    return DropView(name, if_exists)


def _show_create_view(parser: Parser) -> Statement:
    parser.at += 3
    name = parser.name()
    parser.end()
    return ShowCreateView(name)


def _is_ctas(parser: Parser) -> bool:
    """Return whether a CREATE TABLE goes on with a query rather than columns."""
    start = parser.at
    try:
        parser.at += 2
        parser.if_not_exists()
        if parser.token.kind not in ("word", "quoted"):
            return False
        parser.name()
        return parser.word() in ("AS", "WITH") or (
            parser.word() == "COMMENT" and parser.word(2) in ("AS", "WITH")
        )
    finally:
        parser.at = start


def _create_table_as(parser: Parser) -> Statement:
    parser.at += 2
    if_not_exists = parser.if_not_exists()
    name = parser.name()
    comment = parser.string() if parser.take("COMMENT") else None
    properties = _properties(parser) if parser.take("WITH") else {}
    parser.expect("AS")
    with_data, stop = True, None
    tail = [token.value.upper() for token in parser.tokens[-4:-1]]
    if tail == ["WITH", "NO", "DATA"]:
        with_data, stop = False, parser.tokens[-4]
    elif tail[-2:] == ["WITH", "DATA"]:
        stop = parser.tokens[-3]
    sql = _checked_query(parser, stop)
    return CreateTableAs(name, properties, sql, if_not_exists, with_data, comment)


def _properties(parser: Parser) -> dict[str, str | tuple[str, ...]]:
    """Return ``(name = literal, …)``; an ARRAY literal becomes a tuple."""
    properties: dict[str, str | tuple[str, ...]] = {}
    parser.expect_symbol("(")
    while True:
        key = parser.identifier()
        parser.expect_symbol("=")
        properties[key] = _property_value(parser)
        if not parser.symbol(","):
            break
    parser.expect_symbol(")")
    return properties


def _property_value(parser: Parser) -> str | tuple[str, ...]:
    if parser.take("ARRAY"):
        parser.expect_symbol("[")
        values: list[str] = []
        while not parser.symbol("]"):
            values.append(parser.string())
            if not parser.symbol(",") and parser.token.value != "]":
                raise parser.wrong("',', ']'")
        return tuple(values)
    if parser.token.kind == "string":
        return parser.string()
    if parser.token.kind in ("number", "word"):
        parser.at += 1
        return parser.tokens[parser.at - 1].value
    raise parser.wrong("<expression>")


_READERS: dict[str, Callable[[Parser], Statement]] = {
    "EXPLAIN": _explain,
    "INSERT": _insert,
    "UNLOAD": _unload,
    "PREPARE": _prepared,
    "EXECUTE": _prepared,
    "DEALLOCATE": _prepared,
}
