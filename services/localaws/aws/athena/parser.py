"""Reading a statement: which one it is, and its parts.

Queries are recognised and left to the SQL engine; everything around them (DDL, CTAS, INSERT, views,
utility statements) is read here, because Athena owns it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import SqlglotError
from sqlglot.parsers.trino import TrinoParser

from localaws.aws.athena.errors import malformed_query
from localaws.aws.athena.lexer import Token, mismatched, position, tokenize
from localaws.aws.athena.statements import (
    CreateTableAs,
    CreateView,
    Deallocate,
    DropView,
    Execute,
    Explain,
    Insert,
    Name,
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


class _QueryParser(TrinoParser):
    # a call is read by its syntax only: whether the function takes these arguments is the engine's
    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: TrinoParser.FUNCTION_PARSERS[name]
        for name in ("CAST", "TRY_CAST", "EXTRACT", "POSITION", "SUBSTRING", "TRIM", "LISTAGG")
    }


class _QueryDialect(Trino):
    Parser = _QueryParser


_QUERY_DIALECT = _QueryDialect()


class Parser:
    """A cursor over the tokens of one statement."""

    def __init__(self, sql: str, *, backslashes: bool = False, limit: int | None = None) -> None:
        self.sql = sql
        self.tokens = tokenize(sql, backslashes=backslashes, limit=limit)
        self.at = 0
        if len(self.tokens) > 1 and self.tokens[-2].value == ";":
            self.tokens[-2:] = [Token("end", "<EOF>", self.tokens[-2].start, len(sql))]

    @property
    def token(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    def word(self, offset: int = 0) -> str:
        """Return the bare word `offset` tokens ahead in upper case, or an empty string."""
        index = self.at + offset
        if index < len(self.tokens) and self.tokens[index].kind == "word":
            return self.tokens[index].value.upper()
        return ""

    def take(self, *words: str) -> bool:
        """Step over these bare words if they are next."""
        if all(self.word(offset) == word for offset, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        """Step over these bare words, which must be next."""
        for word in words:
            if not self.take(word):
                raise self.wrong(f"'{word}'")

    def symbol(self, symbol: str) -> bool:
        """Step over a symbol if it is next."""
        if self.token.kind == "symbol" and self.token.value == symbol:
            self.at += 1
            return True
        return False

    def expect_symbol(self, symbol: str) -> None:
        """Step over a symbol, which must be next."""
        if not self.symbol(symbol):
            raise self.wrong(f"'{symbol}'")

    def string(self) -> str:
        """Return the string literal that must be next."""
        if self.token.kind != "string":
            raise self.wrong("<string>")
        self.at += 1
        return self.tokens[self.at - 1].value

    def identifier(self) -> str:
        """Return the identifier that must be next, in lower case."""
        if self.token.kind not in ("word", "quoted", "backquoted"):
            raise self.wrong("<identifier>")
        self.at += 1
        return self.tokens[self.at - 1].value.lower()

    def name(self) -> Name:
        """Return the one- to three-part name that must be next."""
        parts = [self.identifier()]
        while self.symbol("."):
            parts.append(self.identifier())
        if len(parts) == 1 and "." in parts[0]:  # `db.table` within one pair of quotes
            parts = parts[0].split(".")
        if len(parts) > 3:
            raise malformed_query(f"Too many parts in table name: {'.'.join(parts)}")
        return Name(*reversed(parts))

    def if_exists(self) -> bool:
        """Step over IF EXISTS."""
        return self.take("IF", "EXISTS")

    def if_not_exists(self) -> bool:
        """Step over IF NOT EXISTS."""
        return self.take("IF", "NOT", "EXISTS")

    def end(self) -> None:
        """Check that the statement is over."""
        if self.token.kind != "end":
            raise self.wrong("<EOF>")

    def rest(self, until: Token | None = None) -> tuple[str, str]:
        """Return the text from here on: as it is, and with its position kept by blanks before."""
        start, stop = self.token.start, (until or self.tokens[-1]).start
        text = self.sql[start:stop].rstrip()
        blank = "".join("\n" if char == "\n" else " " for char in self.sql[:start])
        return text, blank + text

    def wrong(self, expecting: str = "") -> Exception:
        """Return the error of meeting the next token here."""
        found = self.sql[self.token.start : self.token.end] or self.token.value
        if self.token.kind == "end":
            found = "<EOF>"
        return mismatched(self.sql, self.token.start, found, expecting)


@lru_cache(maxsize=32)
def parse(sql: str) -> Statement:
    """Read a statement.

    Raises:
        AwsError: InvalidRequestException with MALFORMED_QUERY, in the words of Athena's parser.
    """
    from localaws.aws.athena import parser_ddl

    head = Parser(sql, limit=_HEAD_TOKENS)
    first = head.word()
    if head.token.kind == "symbol" and head.token.value == "(":
        first = "SELECT"
    if reader := _reader(head, first):
        return reader(Parser(sql))
    statement = parser_ddl.parse_ddl(sql, first)
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


def check_query(sql: str) -> None:
    """Check the syntax of a query.

    Raises:
        AwsError: MALFORMED_QUERY with the line and column of what does not fit.
    """
    try:
        trees = _QUERY_DIALECT.parse(sql)
    except SqlglotError as error:
        raise _syntax_error(sql, error) from error
    except RecursionError as error:
        raise malformed_query("statement is too large (stack overflow while parsing)") from error
    queries = [tree for tree in trees if tree is not None]
    if len(queries) != 1:
        raise malformed_query("Only one sql statement is allowed. Got: " + sql.strip())
    if not isinstance(queries[0], exp.Query | exp.Values):
        raise malformed_query("Queries of this type are not supported")


def _syntax_error(sql: str, error: SqlglotError) -> Exception:
    details = getattr(error, "errors", None)
    if details and details[0].get("line") is not None:
        found = details[0].get("highlight") or "<EOF>"
        line, end_column = details[0]["line"], details[0]["col"]
        column = max(end_column - len(found) + 1, 1)
        return malformed_query(f"line {line}:{column}: mismatched input '{found}'")
    return malformed_query(f"{position(sql, len(sql))}: {str(error).splitlines()[0]}")


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
