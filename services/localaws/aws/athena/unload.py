"""UNLOAD: a query's rows as files in a folder, without a table.

https://docs.aws.amazon.com/athena/latest/ug/unload.html
"""

from __future__ import annotations

from localaws.aws.athena.columns import rows_column
from localaws.aws.athena.errors import engine_failure, not_supported
from localaws.aws.athena.formats import STORED_AS
from localaws.aws.athena.locations import Location, parse_location
from localaws.aws.athena.model import Write
from localaws.aws.athena.partition_paths import partition_path
from localaws.aws.athena.run import Answer, Run
from localaws.aws.athena.statements import Unload
from localaws.aws.athena.writes import (
    MAX_PARTITIONS,
    catalog_values,
    check_partition_columns,
    check_properties,
    compression_of,
    list_property,
    place,
    require_empty,
    text_property,
)
from localaws.engines.sql.base import TableSink

_PROPERTIES = frozenset(
    {"format", "compression", "compression_level", "field_delimiter", "partitioned_by"}
)


async def unload(run: Run, statement: Unload) -> Answer:
    """Write a query's rows under a location, which must be empty."""
    properties = statement.properties
    check_properties(properties, _PROPERTIES)
    file_format = STORED_AS.get((text_property(properties, "format") or "").upper())
    if file_format is None:
        raise engine_failure("INVALID_TABLE_PROPERTY", "UNLOAD needs the property 'format'")
    if file_format.sink is None or "compression_level" in properties:
        raise not_supported(f"UNLOAD as {file_format.name} is not implemented here yet")
    where = parse_location(statement.location)
    if where is None:
        raise engine_failure(
            "INVALID_TABLE_PROPERTY", f"Location is not a valid S3 path: {statement.location}"
        )
    root = Location(where.bucket, where.folder)
    await require_empty(run, root, "UNLOAD")
    compression = compression_of(
        text_property(properties, "compression") or "GZIP", file_format.sink
    )
    partition_by = list_property(properties, "partitioned_by")
    if partition_by:
        columns = await run.engine.columns(statement.sql, run.session(), run.reader)
        check_partition_columns([column.name for column in columns], partition_by)
    outcome = await run.query(
        statement.sql,
        TableSink(
            staging=run.staging,
            format=file_format.sink,
            compression=compression,
            partition_by=partition_by,
            field_delimiter=text_property(properties, "field_delimiter") or ",",
            max_partitions=MAX_PARTITIONS,
        ),
    )
    folders = {(): root} | {
        values: root.child(partition_path(partition_by, values) + "/")
        for values in (catalog_values(file.partition) for file in outcome.files if file.partition)
    }
    files = place(run, outcome, file_format.sink, compression, folders)
    await run.note_write(
        Write(
            bucket=root.bucket,
            objects=[file.key for file in files],
            location=root.uri,
            rows=outcome.rows,
            scanned_bytes=outcome.scanned_bytes,
        )
    )
    if files:
        await run.objects.adopt(root.bucket, files)
    return Answer(
        columns=rows_column(),
        update_count=outcome.rows,
        update_type="UNLOAD",
        has_metadata=True,
        manifest=tuple(f"s3://{root.bucket}/{file.key}" for file in files),
        rows=outcome.rows,
        scanned_bytes=outcome.scanned_bytes,
    )
