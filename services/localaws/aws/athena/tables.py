"""Table DDL on the catalog: what Athena's Hive DDL writes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from localaws.aws.athena.errors import ddl_failed, not_supported, semantic_error
from localaws.aws.athena.formats import STORED_AS, TEXTFILE, FileFormat
from localaws.aws.athena.locations import parse_location
from localaws.aws.athena.reader import CATALOG, is_view
from localaws.aws.athena.run import Answer, Run
from localaws.aws.athena.statements import (
    AddColumns,
    ColumnDefinition,
    CreateTable,
    DropTable,
    ReplaceColumns,
    RowFormat,
    SetLocation,
    SetTableProperties,
)
from localaws.aws.athena.table_input import input_of, storage_descriptor, table_input
from localaws.core.errors import AwsError
from localaws.core.service import Shape

_DDL_SYNTAX = 1006


def glue_columns(columns: Sequence[ColumnDefinition]) -> list[Shape]:
    """Return columns as the catalog keeps them."""
    return [
        {"Name": column.name, "Type": column.type}
        | ({"Comment": column.comment} if column.comment is not None else {})
        for column in columns
    ]


async def create_table(run: Run, statement: CreateTable) -> Answer:
    """Create an external table; its files are left as they are."""
    if statement.properties.get("table_type", "").upper() == "ICEBERG":
        raise not_supported("Iceberg tables are not implemented here yet")
    if not statement.external:
        raise not_supported(
            "Only external tables and table_type ICEBERG can be created. Use CREATE EXTERNAL TABLE"
        )
    name = run.resolve(statement.name)
    if not await run.reader.database_exists(CATALOG, name.database):
        raise semantic_error(10072, f"Database does not exist: {name.database}")
    where = parse_location(statement.location or "")
    if where is None:
        raise ddl_failed(f"MetaException(message:{statement.location} is not an S3 location)")
    try:
        await run.objects.bucket(where.bucket)
    except AwsError as error:
        raise ddl_failed(f"MetaException(message:{error.message}: {where.bucket})") from error
    duplicates = {c.name for c in statement.columns} & {c.name for c in statement.partition_keys}
    if duplicates:
        raise semantic_error(10035, "Column repeated in partitioning columns")
    file_format, serde = _format(statement)
    storage = storage_descriptor(
        file_format,
        statement.location or "",
        glue_columns(statement.columns),
        (statement.row_format or RowFormat()).properties,
        serde=serde,
        bucket_columns=statement.bucket_columns,
        buckets=statement.buckets or -1,
    )
    parameters = {"EXTERNAL": "TRUE", **statement.properties}
    if statement.comment is not None:
        parameters["comment"] = statement.comment
    entry = table_input(name.table, storage, glue_columns(statement.partition_keys), parameters)
    try:
        await run.catalog.create_table(
            run.catalog_id, name.database, entry, created_by=run.execution.account
        )
    except AwsError as error:
        if error.code != "AlreadyExistsException":
            raise ddl_failed(f"MetaException(message:{error.message})") from error
        if not statement.if_not_exists:
            raise ddl_failed(
                f"AlreadyExistsException(message:Table {name.table} already exist)", _DDL_SYNTAX
            ) from error
    return Answer(text="")


def _format(statement: CreateTable) -> tuple[FileFormat, str | None]:
    serde = statement.row_format.serde if statement.row_format else None
    stored_as = statement.stored_as
    if isinstance(stored_as, tuple):
        return FileFormat("", stored_as[0], stored_as[1], TEXTFILE.serde), serde
    if stored_as is None:
        return TEXTFILE, serde
    if stored_as not in STORED_AS:
        raise semantic_error(10055, f"Unrecognized file format in STORED AS clause: '{stored_as}'")
    return STORED_AS[stored_as], serde


async def drop_table(run: Run, statement: DropTable) -> Answer:
    """Delete a table from the catalog; its data stays."""
    name = run.resolve(statement.name)
    entry = await run.entry(name)
    if entry is None:
        if statement.if_exists:
            return Answer(text="")
        raise semantic_error(10001, f"Table not found {name}")
    if is_view(entry):
        raise semantic_error(10016, f"Cannot drop a view with DROP TABLE: {name}")
    await run.catalog.delete_tables(run.catalog_id, name.database, [name.table])
    return Answer(text="")


async def _replace(run: Run, database: str, entry: Shape, changed: Shape) -> None:
    parameters = {
        **(changed.get("Parameters") or {}),
        "last_modified_by": "hadoop",
        "last_modified_time": str(int(time.time())),
    }
    try:
        await run.catalog.update_table(
            run.catalog_id, database, changed | {"Parameters": parameters}, entry["VersionId"]
        )
    except AwsError as error:
        raise ddl_failed(f"MetaException(message:{error.message})") from error


async def _table(run: Run, statement: AddColumns | ReplaceColumns | SetTableProperties) -> Shape:
    entry = await run.existing(run.resolve(statement.name))
    if is_view(entry):
        raise semantic_error(10131, "To alter a view you need to use the ALTER VIEW command")
    return entry


async def add_columns(run: Run, statement: AddColumns) -> Answer:
    """Add columns behind the present ones and before the partition keys."""
    entry = await _table(run, statement)
    storage = entry["StorageDescriptor"]
    present = {column["Name"] for column in storage["Columns"] + entry.get("PartitionKeys", [])}
    for column in statement.columns:
        if column.name in present:
            raise ddl_failed(f"Duplicate column name: {column.name}")
    columns = storage["Columns"] + glue_columns(statement.columns)
    changed = input_of(entry) | {"StorageDescriptor": storage | {"Columns": columns}}
    await _replace(run, run.resolve(statement.name).database, entry, changed)
    return Answer(text="", has_metadata=True)


async def replace_columns(run: Run, statement: ReplaceColumns) -> Answer:
    """Replace all columns but the partition keys."""
    entry = await _table(run, statement)
    storage = entry["StorageDescriptor"] | {"Columns": glue_columns(statement.columns)}
    changed = input_of(entry) | {"StorageDescriptor": storage}
    await _replace(run, run.resolve(statement.name).database, entry, changed)
    return Answer(text="", has_metadata=True)


async def set_properties(run: Run, statement: SetTableProperties) -> Answer:
    """Add to a table's properties."""
    entry = await _table(run, statement)
    parameters = {**(entry.get("Parameters") or {}), **statement.properties}
    changed = input_of(entry) | {"Parameters": parameters}
    await _replace(run, run.resolve(statement.name).database, entry, changed)
    return Answer(text="")


async def set_location(run: Run, statement: SetLocation) -> Answer:
    """Point a table, or one of its partitions, at another folder."""
    from localaws.aws.athena.partitions import set_partition_location

    if parse_location(statement.location) is None:
        raise ddl_failed(f"MetaException(message:{statement.location} is not an S3 location)")
    name = run.resolve(statement.name)
    entry = await run.existing(name)
    if statement.partition is not None:
        await set_partition_location(run, name, entry, statement.partition, statement.location)
        return Answer(text="")
    storage = entry["StorageDescriptor"] | {"Location": statement.location}
    await _replace(run, name.database, entry, input_of(entry) | {"StorageDescriptor": storage})
    return Answer(text="")
