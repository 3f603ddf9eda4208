"""Data files of CTAS, INSERT and UNLOAD: named, placed, and made visible in one step."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from localaws.aws.athena.errors import StatementError, engine_failure, not_supported
from localaws.aws.athena.locations import Location
from localaws.aws.athena.reader import NULL_PARTITION
from localaws.aws.athena.run import Run
from localaws.core.errors import AwsError
from localaws.engines.object_store.base import Adoption, Attributes
from localaws.engines.sql.base import Outcome

MAX_PARTITIONS = 100
"""https://docs.aws.amazon.com/athena/latest/ug/ctas-insert-into.html"""

COMPRESSIONS = {
    "GZIP": "gzip",
    "SNAPPY": "snappy",
    "ZSTD": "zstd",
    "NONE": "none",
    "UNCOMPRESSED": "none",
}
_OCTETS = Attributes(headers={"ContentType": "application/octet-stream"})

Values = tuple[str, ...]


def compression_of(name: str, sink: str) -> str:
    """Return the sink's name of a compression.

    Raises:
        StatementError: the format is not written with it.
    """
    compression = COMPRESSIONS.get(name.upper())
    if compression is None or (sink != "parquet" and compression in ("snappy", "zstd")):
        raise not_supported(f"Compression {name} is not implemented here for this format")
    return compression


def catalog_values(values: Sequence[str | None]) -> Values:
    """Return partition values as the catalog keeps them."""
    return tuple(NULL_PARTITION if value is None else value for value in values)


def place(
    run: Run, outcome: Outcome, sink: str, compression: str, folders: Mapping[Values, Location]
) -> list[Adoption]:
    """Return the written files under the names and folders they get.

    Names are unique to the statement, so that what it wrote can be told from all else.
    """
    stamp = run.execution.submitted_at.strftime("%Y%m%d_%H%M%S")
    tag = run.execution.id.partition("-")[0]
    suffix = ".gz" if sink != "parquet" and compression == "gzip" else ""
    return [
        Adoption(
            folders[catalog_values(file.partition)].folder
            + f"{stamp}_{number:05d}_{tag}_{uuid.uuid4()}{suffix}",
            file.source,
            _OCTETS,
        )
        for number, file in enumerate(outcome.files)
    ]


async def require_empty(run: Run, where: Location, what: str) -> None:
    """Check that nothing is in a target folder.

    Raises:
        StatementError: HIVE_PATH_ALREADY_EXISTS, or the bucket is not there.
    """
    try:
        page = await run.objects.page(where.bucket, where.folder, limit=1)
    except AwsError as error:
        raise engine_failure(
            "HIVE_FILESYSTEM_ERROR", f"Cannot write to {where.uri}: {error.message}"
        ) from error
    if page.objects:
        raise engine_failure(
            "HIVE_PATH_ALREADY_EXISTS",
            f"Target directory for {what} already exists: {where.uri}. You may need to manually "
            f"clean the data at location '{where.uri}' before retrying. Athena will not delete "
            "data in your account.",
        )


async def remove(run: Run, bucket: str, keys: Sequence[str]) -> None:
    """Remove objects that were made visible for a statement that then failed."""
    if keys:
        await run.objects.delete(bucket, list(keys))


def text_property(properties: Mapping[str, str | tuple[str, ...]], name: str) -> str | None:
    """Return a property that must be text, or None where it is not given."""
    value = properties.get(name)
    if isinstance(value, tuple):
        raise engine_failure("INVALID_TABLE_PROPERTY", f"Invalid value for property '{name}'")
    return value


def list_property(properties: Mapping[str, str | tuple[str, ...]], name: str) -> Values:
    """Return a property that must be an array of names, folded to lower case."""
    value = properties.get(name, ())
    if isinstance(value, str):
        raise engine_failure("INVALID_TABLE_PROPERTY", f"Invalid value for property '{name}'")
    return tuple(item.lower() for item in value)


def check_properties(
    properties: Mapping[str, str | tuple[str, ...]], known: frozenset[str]
) -> None:
    """Check that all properties are known.

    Raises:
        StatementError: INVALID_TABLE_PROPERTY naming the first that is not.
    """
    for name in properties:
        if name not in known:
            raise engine_failure(
                "INVALID_TABLE_PROPERTY",
                f"Catalog 'awsdatacatalog' table property '{name}' does not exist",
            )


def check_partition_columns(names: Sequence[str], partition_by: Sequence[str]) -> None:
    """Check that partition columns are the last ones, in order, and not the only ones.

    Raises:
        StatementError: they are not.
    """
    if not partition_by:
        return
    if len(partition_by) >= len(names):
        raise StatementError(
            "INVALID_TABLE_PROPERTY: Table contains only partition columns"
            if set(partition_by) <= set(names)
            else "INVALID_TABLE_PROPERTY: Partition columns "
            f"[{', '.join(name for name in partition_by if name not in names)}] not present in "
            "schema"
        )
    if list(names[-len(partition_by) :]) != list(partition_by):
        raise engine_failure(
            "HIVE_COLUMN_ORDER_MISMATCH",
            "Partition keys must be the last columns in the table and in the same order as the "
            f"table properties: [{', '.join(partition_by)}]",
        )
