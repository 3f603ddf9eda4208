"""What every adapter of the catalog makes of Glue's inputs: filled in, checked, in Glue's words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from localaws.core.errors import AwsError
from localaws.engines.catalog.base import PartitionError, Shape
from localaws.engines.catalog.errors import (
    ALREADY_EXISTS,
    ENTITY_NOT_FOUND,
    PARTITION_NOT_FOUND,
    invalid_input,
    wrong_number_of_values,
)

Values = tuple[str, ...]

VALUES_LIMIT = 2400
"""Bytes of all values of a partition together: what one entry of an index holds."""

INDEX_LIMIT = 3
"""Partition indexes of a table."""

FILLED = {
    "Columns": [],
    "Compressed": False,
    "NumberOfBuckets": 0,
    "BucketColumns": [],
    "SortColumns": [],
    "StoredAsSubDirectories": False,
}
"""What Glue answers for members of a table's storage descriptor that were not given."""


def account_of(catalog: str) -> str:
    """Return the account id, which is Glue's CatalogId, of ``<account>/<region>``."""
    return catalog.partition("/")[0]


def table_body(catalog: str, database: str, table: Shape, now: datetime) -> dict[str, Any]:
    """Return the Table that Glue makes of a TableInput."""
    body: dict[str, Any] = {
        "Retention": 0,
        "PartitionKeys": [],
        **table,
        "Name": table["Name"].lower(),
        "DatabaseName": database.lower(),
        "CreateTime": now,
        "UpdateTime": now,
        "IsRegisteredWithLakeFormation": False,
        "CatalogId": account_of(catalog),
    }
    if "StorageDescriptor" in table:
        body["StorageDescriptor"] = {**FILLED, **table["StorageDescriptor"]}
    return body


def keys_of(table: Shape) -> list[tuple[str, str]]:
    """Return name and type of each partition key of a Table."""
    return [(key["Name"], key.get("Type", "string")) for key in table["PartitionKeys"]]


def name_pattern(expression: str) -> str:
    """Return a regular expression on whole names for what Glue takes.

    Clients send both Hive's patterns (``sales*``) and regular expressions (``sales.*``): an
    asterisk that has nothing to repeat but a plain character of the name stands for any text.
    """
    pieces = []
    for place, character in enumerate(expression.lower()):
        before = expression[place - 1] if place else ""
        pieces.append(
            ".*" if character == "*" and before not in (".", ")", "]", "\\") else character
        )
    return f"^(?:{''.join(pieces)})$"


def checked_values(table: Shape, values: Sequence[str]) -> Values:
    """Return values that pair with the table's keys and can be kept.

    Raises:
        AwsError: InvalidInputException.
    """
    keys = table["PartitionKeys"]
    if not keys or len(values) != len(keys):
        raise wrong_number_of_values()
    if any("\0" in value for value in values):
        raise invalid_input("Partition values cannot contain the character U+0000.")
    if sum(len(value.encode()) for value in values) > VALUES_LIMIT:
        raise invalid_input(f"Partition values together are longer than {VALUES_LIMIT} bytes.")
    return tuple(values)


def updates_by_values(
    table: Shape, entries: Sequence[tuple[Sequence[str], Shape]]
) -> dict[Values, Shape]:
    """Return the new definition of each partition of an update by its values.

    Raises:
        AwsError: InvalidInputException.
    """
    wanted: dict[Values, Shape] = {}
    for present, partition in entries:
        values = checked_values(table, present)
        if tuple(partition.get("Values") or values) != values:
            raise invalid_input(
                "The values of a partition cannot be changed; delete and create it."
            )
        wanted[values] = {**partition, "Values": list(values)}
    return wanted


def missing_partitions(wanted: Iterable[Values], found: Iterable[Values]) -> list[PartitionError]:
    """Return an error for each partition that was wanted and not found."""
    present = set(found)
    return [
        PartitionError(values, ENTITY_NOT_FOUND, PARTITION_NOT_FOUND)
        for values in wanted
        if values not in present
    ]


def checked_index(
    index: Shape, have: Mapping[str, list[str]], keys: Collection[str]
) -> tuple[str, list[str]]:
    """Return name and keys of a new partition index beside those a table has.

    Raises:
        AwsError: InvalidInputException, ResourceNumberLimitExceededException,
            AlreadyExistsException.
    """
    name, wanted = index["IndexName"], [key.lower() for key in index["Keys"]]
    for key in wanted:
        if key not in keys:
            raise invalid_input(
                f"IndexKeys not a part of PartitionColumns. Verify the indexKeys : [{key}]"
            )
    if len(have) >= INDEX_LIMIT:
        raise AwsError(
            "ResourceNumberLimitExceededException",
            f"Partition index limit exceeded. Maximum: {INDEX_LIMIT}",
        )
    if name in have:
        raise _index_exists(name, "name")
    if wanted in have.values():
        raise _index_exists(name, "keys")
    return name, wanted


def index_description(name: str, keys: Sequence[str], table: Shape) -> Shape:
    """Return a PartitionIndexDescriptor."""
    types = {key.lower(): type_ for key, type_ in keys_of(table)}
    return {
        "IndexName": name,
        "Keys": [{"Name": key, "Type": types.get(key, "string")} for key in keys],
        "IndexStatus": "ACTIVE",
    }


def index_not_found(name: str) -> AwsError:
    """Return the error of a partition index that is not there."""
    return AwsError(ENTITY_NOT_FOUND, f"Partition Index {name} not found.")


def _index_exists(name: str, what: str) -> AwsError:
    return AwsError(ALREADY_EXISTS, f"Partition Index {name} already exists with the same {what}.")
