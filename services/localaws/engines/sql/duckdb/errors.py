"""What goes wrong in a worker, in Trino's terms and with ``s3://`` names instead of local paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from localaws.engines.sql.base import DataFile, SqlError
from localaws.engines.sql.duckdb.pool import ExecutionError
from localaws.engines.sql.duckdb.typed import ERROR_PREFIX

_CANNOT_OPEN = ("No magic bytes", "too small to be a Parquet", "Cannot open file", "No files found")
_BAD_DATA = ("Invalid unicode", "CSV Error", "Failed to cast", "Could not convert", "decode blob")


def with_uris(text: str, files: Iterable[DataFile]) -> str:
    """Return `text` with the paths of `files` replaced by their URIs."""
    for file in files:
        if file.path in text:
            text = text.replace(file.path, file.uri)
    return text


def sql_error(
    error: ExecutionError, files: Iterable[DataFile], otherwise: Callable[[str], SqlError]
) -> SqlError:
    """Return the `SqlError` for a statement that failed.

    Args:
        error: the failure.
        files: the files of the query.
        otherwise: maps the message of a failure that comes from the query's own expressions.
    """
    if error.kind == "OutOfMemoryException":
        message = "Query exceeded the memory of its process; its intermediate results are too large"
        return SqlError("EXCEEDED_LOCAL_MEMORY_LIMIT", message, user=False)
    if ERROR_PREFIX in error.message:
        return otherwise(error.message)
    message = with_uris(error.message, files).split("\n", 1)[0]
    if error.kind == "PermissionException":
        return SqlError("PERMISSION_DENIED", "Access Denied: the query may not touch this file")
    if "reached an invalid state" in message:
        where = ", ".join(file.uri for file in files if file.path in error.message)
        return SqlError("NOT_SUPPORTED", f"Mixed line ends are not supported: {where}")
    if any(sign in message for sign in _CANNOT_OPEN):
        return SqlError("HIVE_CANNOT_OPEN_SPLIT", f"Error opening Hive split: {message}")
    if message != error.message.split("\n", 1)[0] or any(s in message for s in _BAD_DATA):
        named = with_uris(error.message, files)
        return SqlError("HIVE_BAD_DATA", " ".join(named.split()))
    return otherwise(error.message)
