"""What becomes of a statement whose process died while it ran.

A statement that writes has noted the objects it was to add (`Write`). They appear in one step, so
one of them being there means all are.
"""

from __future__ import annotations

from localaws.aws.athena.columns import rows_column
from localaws.aws.athena.errors import INTERNAL_ERROR, StatementError
from localaws.aws.athena.locations import parse_location
from localaws.aws.athena.model import QueryExecution, Write
from localaws.aws.athena.run import Answer
from localaws.core.errors import AwsError
from localaws.core.platform import Platform

_NOT_FOUND = ("NoSuchKey", "NoSuchBucket", "EntityNotFoundException")


def lost() -> StatementError:
    """Return the failure of a statement whose process died before it took effect."""
    return StatementError(
        "GENERIC_INTERNAL_ERROR: The gateway that ran this statement, or the database it keeps its "
        "state in, stopped before the statement was done. Nothing of what it wrote is visible. "
        "Run it again.",
        INTERNAL_ERROR,
        user=False,
        retryable=True,
    )


async def settle(platform: Platform, execution: QueryExecution) -> Answer | None:
    """Return the answer of a statement that had taken effect, else remove what it prepared."""
    write = execution.write
    if write is None:
        return None
    catalog = f"{execution.account}/{execution.region}"
    written = bool(write.objects) and await _exists(platform, write.bucket, write.objects[0])
    if write.creates_table:
        effective = await _table_is_ours(platform, catalog, write)
        if written and not effective:
            await platform.object_store.delete(write.bucket, write.objects)
    else:
        effective = written or not write.objects
        if not effective:
            await drop_empty_partitions(platform, catalog, write)
    if not effective:
        return None
    return Answer(
        columns=rows_column(),
        update_count=write.rows,
        update_type="CREATE TABLE" if write.creates_table else "INSERT",
        has_metadata=True,
        manifest=tuple(f"s3://{write.bucket}/{key}" for key in write.objects),
        rows=write.rows,
        scanned_bytes=write.scanned_bytes,
    )


async def discard_unpublished(platform: Platform, execution: QueryExecution) -> None:
    """Remove the result files of a cancelled statement whose process died before it could."""
    where = parse_location(execution.location)
    if execution.state == "CANCELLED" and where is not None:
        keys = [where.key + suffix for suffix in ("", ".metadata", "-manifest.csv")]
        await platform.object_store.delete(where.bucket, keys)


async def _exists(platform: Platform, bucket: str, key: str) -> bool:
    try:
        await platform.object_store.head(bucket, key)
    except AwsError as error:
        if error.code in _NOT_FOUND:
            return False
        raise
    return True


async def _table_is_ours(platform: Platform, catalog: str, write: Write) -> bool:
    """Return whether the table is there; its location tells it from another of the same name."""
    try:
        table = await platform.catalog.get_table(catalog, write.database, write.table)
    except AwsError as error:
        if error.code in _NOT_FOUND:
            return False
        raise
    return bool(table["StorageDescriptor"].get("Location") == write.location)


async def drop_empty_partitions(platform: Platform, catalog: str, write: Write) -> None:
    """Take back the partitions that were registered for rows which never came."""
    if not write.new_partitions:
        return
    found = await platform.catalog.get_partitions_by_values(
        catalog, write.database, write.table, write.new_partitions
    )
    empty: list[list[str]] = []
    for partition in found:
        where = parse_location(partition["StorageDescriptor"]["Location"])
        if where is None:
            continue
        page = await platform.object_store.page(where.bucket, where.folder, limit=1)
        if not page.objects:
            empty.append(partition["Values"])
    if empty:
        await platform.catalog.delete_partitions(catalog, write.database, write.table, empty)
