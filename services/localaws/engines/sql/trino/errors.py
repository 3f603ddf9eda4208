"""Trino's failures as the port's errors."""

from __future__ import annotations

from localaws.engines.sql.base import SqlError
from localaws.engines.sql.trino.names import Rewritten
from localaws.engines.sql.trino.protocol import Failure

SCAN_LIMIT = "EXCEEDED_SCAN_LIMIT"
_AT_FAULT = ("USER_ERROR", "EXTERNAL")
"""Types of failures that the query or its data is at fault for."""


class StatementFailed(Exception):
    """A statement failed on the server."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.error_name}: {failure.message}")
        self.failure = failure


def sql_error(failure: Failure, statement: Rewritten | None = None) -> SqlError:
    """Return the error of a failed statement, in terms of the text that was asked for."""
    if failure.error_name == SCAN_LIMIT:
        return scan_limit_exceeded()
    message = failure.message or failure.error_name
    if statement is not None:
        message = statement.restore(message)
    return SqlError(failure.error_name, message, user=failure.error_type in _AT_FAULT)


def scan_limit_exceeded() -> SqlError:
    """Return the error of a query that has read more than it may."""
    return SqlError(SCAN_LIMIT, "Bytes scanned limit was exceeded")


def unavailable(url: str, reason: str) -> SqlError:
    """Return the error of a server that does not answer."""
    return SqlError(
        "GENERIC_INTERNAL_ERROR",
        f"The SQL engine (Trino at {url}) does not answer: {reason}. "
        "`localaws status` tells how it is, `localaws logs trino` why; then run the query again.",
        user=False,
    )


def lost(url: str) -> SqlError:
    """Return the error of a query the server knows nothing of any more."""
    return SqlError(
        "GENERIC_INTERNAL_ERROR",
        f"The SQL engine (Trino at {url}) was restarted while the query ran. Run the query again.",
        user=False,
    )
