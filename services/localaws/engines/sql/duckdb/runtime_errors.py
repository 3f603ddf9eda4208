"""Failures of running queries, in Trino's names and words."""

from __future__ import annotations

import re

from localaws.engines.sql.base import SqlError, SqlRefused
from localaws.engines.sql.duckdb.typed import ERROR_PREFIX, REFUSED

_OWN = re.compile(re.escape(ERROR_PREFIX) + r"([A-Z_]+):(.*)", re.DOTALL)
_KNOWN = (
    (r"Scalar Subquery|More than one row returned by a subquery", "SUBQUERY_MULTIPLE_ROWS"),
    (r"Map keys must be unique", "INVALID_FUNCTION_ARGUMENT"),
    (r"Map keys can not be NULL", "INVALID_FUNCTION_ARGUMENT"),
    (r"Out of Range Error|out of range|[Oo]verflow", "NUMERIC_VALUE_OUT_OF_RANGE"),
    (r"Could not (?:convert|cast)|Conversion Error", "INVALID_CAST_ARGUMENT"),
    (r"Out of Memory Error|could not allocate", "EXCEEDED_LOCAL_MEMORY_LIMIT"),
)
_MESSAGES = {
    "SUBQUERY_MULTIPLE_ROWS": "Scalar sub-query has returned multiple rows",
    "INVALID_FUNCTION_ARGUMENT": "Duplicate map keys or null map keys are not allowed",
}


def map_runtime_error(message: str) -> SqlError:
    """Return the Trino error a DuckDB error message stands for.

    Failures written by the translation carry Trino's name and text; of DuckDB's own, only those a
    translated expression can raise are known, and the rest is the platform's fault.
    """
    own = _OWN.search(message)
    if own is not None:
        text = re.split(r"['\"]? to (?:BOOL|INT|DOUBLE)|\n", own[2])[0].strip()
        if own[1] == REFUSED:
            return SqlRefused(text)
        return SqlError(own[1], text)
    first = message.strip().split("\n")[0]
    for pattern, name in _KNOWN:
        if re.search(pattern, message):
            return SqlError(name, _MESSAGES.get(name, first), user=True)
    return SqlError("GENERIC_INTERNAL_ERROR", first, user=False)
