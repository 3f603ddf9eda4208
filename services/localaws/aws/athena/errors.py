"""Athena's errors, in its codes and words."""

from __future__ import annotations

from localaws.core.errors import AwsError


def invalid_request(message: str, code: str = "INVALID_INPUT") -> AwsError:
    """Return InvalidRequestException with its ``AthenaErrorCode``."""
    return AwsError("InvalidRequestException", message, members={"AthenaErrorCode": code})


def malformed_query(message: str) -> AwsError:
    """Return the refusal of a statement that does not parse."""
    return invalid_request(message, "MALFORMED_QUERY")


def execution_not_found(id: str) -> AwsError:
    """Return the error for an unknown query execution."""
    return invalid_request(f"QueryExecution {id} was not found", "QUERY_EXECUTION_NOT_FOUND")


def result_not_found() -> AwsError:
    """Return the error for a result whose file is not there."""
    return invalid_request("Could not find results", "RESULT_NOT_FOUND")


def metadata_error(message: str) -> AwsError:
    """Return MetadataException, which the catalog operations raise."""
    return AwsError("MetadataException", message)


def resource_not_found(message: str, name: str) -> AwsError:
    """Return ResourceNotFoundException for a prepared statement or tagged resource."""
    return AwsError("ResourceNotFoundException", message, members={"ResourceName": name})


# Athena's error catalog: https://docs.aws.amazon.com/athena/latest/ug/error-reference.html
INTERNAL_ERROR = 100
ENGINE_ERROR = 200
RESULT_WRITE_ERROR = 401
USER_ERROR = 1000
DDL_FAILED = 1003
NOT_SUPPORTED = 1200
ENTITY_NOT_FOUND = 1301

ERROR_TYPES = {
    "SYNTAX_ERROR": 1006,
    "TABLE_NOT_FOUND": ENTITY_NOT_FOUND,
    "SCHEMA_NOT_FOUND": ENTITY_NOT_FOUND,
    "COLUMN_NOT_FOUND": 1006,
    "CATALOG_NOT_FOUND": 1006,
    "TYPE_MISMATCH": 1002,
    "FUNCTION_NOT_FOUND": 1303,
    "DIVISION_BY_ZERO": 1001,
    "NUMERIC_VALUE_OUT_OF_RANGE": 1001,
    "INVALID_CAST_ARGUMENT": 1100,
    "INVALID_FUNCTION_ARGUMENT": 1106,
    "INVALID_VIEW": 1107,
    "INVALID_TABLE_PROPERTY": 1103,
    "TABLE_ALREADY_EXISTS": 1110,
    "HIVE_PATH_ALREADY_EXISTS": 1100,
    "HIVE_BAD_DATA": 1001,
    "HIVE_CURSOR_ERROR": 1001,
    "HIVE_TOO_MANY_OPEN_PARTITIONS": 1008,
    "EXCEEDED_SCAN_LIMIT": 1008,
    "NOT_SUPPORTED": NOT_SUPPORTED,
}
"""``ErrorType`` of a failed query by the engine's error name."""


class StatementError(Exception):
    """A statement failed at run time.

    Args:
        reason: the text of ``StateChangeReason``.
        error_type: number in Athena's error catalog.
        user: True when the statement is at fault, False when the platform is.
        retryable: whether the same statement may succeed later.
        written: whether Athena leaves the reason in the ``.txt`` result file, as it does for DDL.
    """

    def __init__(
        self,
        reason: str,
        error_type: int = USER_ERROR,
        *,
        user: bool = True,
        retryable: bool = False,
        written: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.error_type = error_type
        self.user = user
        self.retryable = retryable
        self.written = written


def ddl_failed(message: str, error_type: int = DDL_FAILED) -> StatementError:
    """Return the failure of a DDL statement, in the words of Hive's DDL task."""
    return StatementError(
        "FAILED: Execution Error, return code 1 from "
        f"org.apache.hadoop.hive.ql.exec.DDLTask. {message}",
        error_type,
        written=True,
    )


def semantic_error(number: int, message: str) -> StatementError:
    """Return the failure of a DDL statement found when it was analysed."""
    return StatementError(
        f"FAILED: SemanticException [Error {number}]: {message}", ENTITY_NOT_FOUND, written=True
    )


def not_supported(message: str) -> StatementError:
    """Return the honest failure of a statement Athena runs and this platform does not."""
    return StatementError(f"NOT_SUPPORTED: {message}", NOT_SUPPORTED)


def engine_failure(name: str, message: str, *, user: bool = True) -> StatementError:
    """Return the failure of a query by the engine's error name and message."""
    default = USER_ERROR if user else ENGINE_ERROR
    return StatementError(
        f"{name}: {message}", ERROR_TYPES.get(name, default), user=user, retryable=not user
    )
