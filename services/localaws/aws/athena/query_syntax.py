"""The syntax check of a query: what Athena refuses before there is an execution."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import SqlglotError
from sqlglot.parsers.trino import TrinoParser

from localaws.aws.athena.errors import malformed_query
from localaws.aws.athena.lexer import position


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
