"""CREATE TABLE AS SELECT.

https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from localaws.aws.athena.columns import rows_column
from localaws.aws.athena.errors import engine_failure, not_supported
from localaws.aws.athena.formats import STORED_AS, FileFormat
from localaws.aws.athena.locations import Location, parse_location
from localaws.aws.athena.model import Write
from localaws.aws.athena.partition_paths import partition_path
from localaws.aws.athena.run import Answer, QualifiedName, Run
from localaws.aws.athena.statements import CreateTableAs
from localaws.aws.athena.table_input import storage_descriptor, table_input
from localaws.aws.athena.writes import (
    MAX_PARTITIONS,
    Values,
    catalog_values,
    check_partition_columns,
    check_properties,
    compression_of,
    list_property,
    place,
    remove,
    require_empty,
    text_property,
)
from localaws.core.errors import AwsError
from localaws.core.service import Shape
from localaws.engines.sql.base import Column, Outcome, TableSink
from localaws.engines.sql.types import TypeTextError, trino_to_hive

_PROPERTIES = frozenset(
    [
        "external_location",
        "format",
        "write_compression",
        "parquet_compression",
        "orc_compression",
        "partitioned_by",
        "bucketed_by",
        "bucket_count",
        "field_delimiter",
        "table_type",
        "is_external",
        "location",
        "partitioning",
        "format_version",
    ]
)
_UNNAMED = re.compile(r"_col\d+\Z")
_DEFAULT_COMPRESSION = "GZIP"


@dataclass(frozen=True)
class _Target:
    """Where and how a new table is written."""

    name: QualifiedName
    location: Location
    format: FileFormat
    sink: str
    compression: str
    partition_by: Values
    delimiter: str | None


async def create_table_as(run: Run, statement: CreateTableAs) -> Answer:
    """Write a query's rows as a new table, which appears when all of it is there."""
    name = run.resolve(statement.name)
    if not await run.reader.database_exists("awsdatacatalog", name.database):
        raise engine_failure(
            "SCHEMA_NOT_FOUND", f"line 1:1: Schema '{name.database}' does not exist"
        )
    if await run.entry(name) is not None:
        if statement.if_not_exists:
            return Answer(columns=rows_column(), update_count=0, has_metadata=True)
        raise engine_failure(
            "TABLE_ALREADY_EXISTS",
            f"line 1:1: Destination table 'awsdatacatalog.{name}' already exists. You may need to "
            f"manually clean the data at location '{run.execution.location}' before retrying. "
            "Athena will not delete data in your account.",
        )
    target = _target(run, name, statement)
    await require_empty(run, target.location, f"table '{name}'")
    outcome = await _write(run, statement, target)
    await _commit(run, statement, target, outcome)
    uris = await _objects(run)
    return Answer(
        columns=rows_column(),
        update_count=outcome.rows,
        update_type="CREATE TABLE",
        has_metadata=True,
        manifest=uris,
        rows=outcome.rows,
        scanned_bytes=outcome.scanned_bytes,
    )


async def _objects(run: Run) -> tuple[str, ...]:
    write = run.execution.write
    return tuple(f"s3://{write.bucket}/{key}" for key in write.objects) if write else ()


def _target(run: Run, name: QualifiedName, statement: CreateTableAs) -> _Target:
    properties = statement.properties
    check_properties(properties, _PROPERTIES)
    table_type = (text_property(properties, "table_type") or "HIVE").upper()
    if table_type != "HIVE":
        raise not_supported(f"Table type {table_type} is not implemented here yet")
    if "bucketed_by" in properties or "bucket_count" in properties:
        raise not_supported("Bucketed tables are not implemented here yet")
    format_name = (text_property(properties, "format") or "PARQUET").upper()
    file_format = STORED_AS.get(format_name)
    if file_format is None:
        raise engine_failure(
            "INVALID_TABLE_PROPERTY",
            f"Unable to set catalog 'awsdatacatalog' table property 'format' to ['{format_name}']: "
            "Failed to convert value to type HiveStorageFormat",
        )
    if file_format.sink is None:
        raise not_supported(f"Writing {format_name} is not implemented here yet")
    compression = compression_of(
        text_property(properties, "write_compression")
        or text_property(properties, "parquet_compression")
        or _DEFAULT_COMPRESSION,
        file_format.sink,
    )
    external = text_property(properties, "external_location")
    location = parse_location(external or f"{run.execution.location}/")
    if location is None:
        raise engine_failure(
            "INVALID_TABLE_PROPERTY",
            f"External location is not a valid file system URI: {external}",
        )
    return _Target(
        name=name,
        location=Location(location.bucket, location.folder),
        format=file_format,
        sink=file_format.sink,
        compression=compression,
        partition_by=list_property(properties, "partitioned_by"),
        delimiter=text_property(properties, "field_delimiter"),
    )


async def _write(run: Run, statement: CreateTableAs, target: _Target) -> Outcome:
    if target.partition_by or not statement.with_data:
        columns = await run.engine.columns(statement.sql, run.session(), run.reader)
        _check_columns(columns)
        check_partition_columns([column.name for column in columns], target.partition_by)
        if not statement.with_data:
            return Outcome(columns, 0, 0)
    sink = TableSink(
        staging=run.staging,
        format=target.sink,
        compression=target.compression,
        partition_by=target.partition_by,
        field_delimiter=target.delimiter or "\x01",
        max_partitions=MAX_PARTITIONS,
    )
    outcome = await run.query(statement.sql, sink)
    _check_columns(outcome.columns)
    return outcome


def _check_columns(columns: Sequence[Column]) -> None:
    seen: set[str] = set()
    for index, column in enumerate(columns):
        if _UNNAMED.match(column.name):
            raise engine_failure(
                "COLUMN_NAME_NOT_SPECIFIED",
                f"line 1:1: Column name not specified at position {index + 1}",
            )
        if column.name in seen:
            raise engine_failure(
                "DUPLICATE_COLUMN_NAME",
                f"line 1:1: Column name '{column.name}' specified more than once",
            )
        seen.add(column.name)


async def _commit(run: Run, statement: CreateTableAs, target: _Target, outcome: Outcome) -> None:
    """Make files and table visible: objects in one step, then the table with its partitions.

    No one sees the objects before the table is there; a restart in between removes them.
    """
    partitions = {
        values: target.location.child(partition_path(target.partition_by, values) + "/")
        for values in (catalog_values(file.partition) for file in outcome.files if file.partition)
    }
    files = place(
        run, outcome, target.sink, target.compression, {(): target.location, **partitions}
    )
    entry, partition_inputs = _entries(statement, target, outcome.columns, partitions)
    await run.note_write(
        Write(
            bucket=target.location.bucket,
            objects=[file.key for file in files],
            location=target.location.uri,
            database=target.name.database,
            table=target.name.table,
            creates_table=True,
            rows=outcome.rows,
            scanned_bytes=outcome.scanned_bytes,
        )
    )
    if files:
        await run.objects.adopt(target.location.bucket, files)
    try:
        await run.catalog.create_table(
            run.catalog_id, target.name.database, entry, partition_inputs, run.execution.account
        )
    except AwsError as error:
        await remove(run, target.location.bucket, [file.key for file in files])
        raise engine_failure(
            "TABLE_ALREADY_EXISTS"
            if error.code == "AlreadyExistsException"
            else "HIVE_METASTORE_ERROR",
            error.message,
        ) from error


def _entries(
    statement: CreateTableAs,
    target: _Target,
    columns: Sequence[Column],
    partitions: dict[Values, Location],
) -> tuple[Shape, list[Shape]]:
    """Return the TableInput and PartitionInputs of the new table."""
    hive: list[Shape] = []
    for column in columns:
        try:
            hive.append({"Name": column.name, "Type": trino_to_hive(column.type)})
        except TypeTextError as error:
            raise not_supported(str(error)) from error
    split = len(hive) - len(target.partition_by)
    serde: dict[str, str] = {}
    if target.delimiter is not None and target.sink == "csv":
        serde = {"field.delim": target.delimiter, "serialization.format": target.delimiter}
    storage = storage_descriptor(target.format, target.location.uri, hive[:split], serde)
    parameters = {"EXTERNAL": "TRUE", "has_encrypted_data": "false"}
    if target.sink == "parquet":
        parameters["parquet.compression"] = target.compression.upper()
    else:
        parameters["write.compression"] = target.compression.upper()
    if statement.comment is not None:
        parameters["comment"] = statement.comment
    entry = table_input(target.name.table, storage, hive[split:], parameters)
    return entry, [
        {"Values": list(values), "StorageDescriptor": storage | {"Location": location.uri}}
        for values, location in partitions.items()
    ]
