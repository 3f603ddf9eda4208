"""Glue's errors, in Glue's words: the catalog port raises them whichever engine is behind it."""

from __future__ import annotations

from localaws.core.errors import AwsError

ENTITY_NOT_FOUND = "EntityNotFoundException"
ALREADY_EXISTS = "AlreadyExistsException"

PARTITION_NOT_FOUND = "Cannot find partition."
PARTITION_EXISTS = "Partition already exists."


def invalid_input(message: str) -> AwsError:
    """Return the error of an input that parses but cannot be meant."""
    return AwsError("InvalidInputException", message)


def database_not_found(name: str) -> AwsError:
    """Return the error of a database that is not there."""
    return AwsError(ENTITY_NOT_FOUND, f"Database {name} not found.")


def database_exists() -> AwsError:
    """Return the error of a database name that is taken."""
    return AwsError(ALREADY_EXISTS, "Database already exists.")


def table_not_found(name: str) -> AwsError:
    """Return the error of a table that is not there."""
    return AwsError(ENTITY_NOT_FOUND, f"Table {name} not found.")


def table_exists() -> AwsError:
    """Return the error of a table name that is taken."""
    return AwsError(ALREADY_EXISTS, "Table already exists.")


def version_not_found() -> AwsError:
    """Return the error of a table version that is not there."""
    return AwsError(ENTITY_NOT_FOUND, "Version not found.")


def partition_not_found() -> AwsError:
    """Return the error of a partition that is not there."""
    return AwsError(ENTITY_NOT_FOUND, PARTITION_NOT_FOUND)


def stale_table() -> AwsError:
    """Return the error of an update to a table that has changed since it was read."""
    return AwsError(
        "ConcurrentModificationException", "Update table failed due to concurrent modifications."
    )


def wrong_number_of_values() -> AwsError:
    """Return the error of partition values that do not pair with the table's partition keys."""
    return invalid_input("The number of partition keys do not match the number of partition values")
