"""INSERT INTO.

https://docs.aws.amazon.com/athena/latest/ug/insert-into.html
"""

from __future__ import annotations

from dataclasses import dataclass

from localaws.aws.athena.columns import rows_column
from localaws.aws.athena.errors import StatementError, engine_failure, not_supported
from localaws.aws.athena.formats import format_of
from localaws.aws.athena.locations import Location, parse_location
from localaws.aws.athena.model import Write
from localaws.aws.athena.partition_paths import partition_path
from localaws.aws.athena.recovery import drop_empty_partitions
from localaws.aws.athena.run import Answer, QualifiedName, Run
from localaws.aws.athena.statements import Insert
from localaws.aws.athena.writes import (
    MAX_PARTITIONS,
    Values,
    catalog_values,
    compression_of,
    place,
)
from localaws.core.errors import AwsError
from localaws.core.service import Shape
from localaws.engines.object_store.base import Adoption
from localaws.engines.sql.base import Column, Outcome, TableSchema, TableSink, ViewSchema


@dataclass(frozen=True)
class _Target:
    """The table rows go into, and how its files are written."""

    name: QualifiedName
    schema: TableSchema
    storage: Shape
    sink: str
    compression: str
    delimiter: str

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, the partition keys last."""
        return self.schema.columns + self.schema.partition_keys


async def insert(run: Run, statement: Insert) -> Answer:
    """Add a query's rows to a table; they appear all at once."""
    name = run.resolve(statement.name)
    target = await _target(run, name)
    sink = TableSink(
        staging=run.staging,
        columns=target.columns,
        format=target.sink,
        compression=target.compression,
        partition_by=tuple(key.name for key in target.schema.partition_keys),
        field_delimiter=target.delimiter,
        max_partitions=MAX_PARTITIONS,
    )
    sql = await _ordered(run, statement, target)
    outcome = await run.query(sql, sink)
    files, bucket = await _commit(run, target, outcome) if outcome.rows else ([], "")
    return Answer(
        columns=rows_column(),
        update_count=outcome.rows,
        update_type="INSERT",
        has_metadata=True,
        manifest=tuple(f"s3://{bucket}/{file.key}" for file in files) if files else None,
        rows=outcome.rows,
        scanned_bytes=outcome.scanned_bytes,
    )


async def _target(run: Run, name: QualifiedName) -> _Target:
    schema = await run.reader.table("awsdatacatalog", name.database, name.table)
    entry = await run.entry(name)
    if schema is None or entry is None:
        raise engine_failure(
            "TABLE_NOT_FOUND", f"line 1:1: Table 'awsdatacatalog.{name}' does not exist"
        )
    if isinstance(schema, ViewSchema):
        raise engine_failure("NOT_SUPPORTED", "line 1:1: Inserting into views is not supported")
    storage = entry["StorageDescriptor"]
    file_format = format_of(schema.input_format, schema.serde)
    if file_format is None or file_format.sink is None:
        raise not_supported(f"Inserting into a table with SerDe {schema.serde} is not implemented")
    if storage.get("NumberOfBuckets", -1) > 0:
        raise not_supported("Inserting into bucketed tables is not implemented here yet")
    properties = {**schema.serde_parameters, **schema.parameters}
    if properties.get("skip.header.line.count", "0") != "0":
        raise not_supported("Inserting into a table with skip.header.line.count is not implemented")
    if file_format.sink == "csv" and "escape.delim" in properties:
        raise not_supported("Inserting into a text table with ESCAPED BY is not implemented")
    named = properties.get("parquet.compression") or properties.get("write.compression")
    default = "GZIP" if file_format.sink == "parquet" else "NONE"
    return _Target(
        name=name,
        schema=schema,
        storage=storage,
        sink=file_format.sink,
        compression=compression_of(named or default, file_format.sink),
        delimiter=properties.get("field.delim", "\x01"),
    )


async def _ordered(run: Run, statement: Insert, target: _Target) -> str:
    """Return the query with its columns in the table's order, NULL for those not named."""
    names = [column.name for column in target.columns]
    if not statement.columns or list(statement.columns) == names:
        return statement.sql
    for column in statement.columns:
        if column not in names:
            raise engine_failure(
                "COLUMN_NOT_FOUND",
                f"line 1:1: Insert column name does not exist in target table: {column}",
            )
    if len(set(statement.columns)) < len(statement.columns):
        raise engine_failure(
            "DUPLICATE_COLUMN_NAME", "line 1:1: Insert column name is specified more than once"
        )
    given = await run.engine.columns(statement.sql, run.session(), run.reader)
    if len(given) != len(statement.columns):
        raise engine_failure(
            "TYPE_MISMATCH",
            f"line 1:1: Insert query has {len(given)} expression(s) but expected "
            f"{len(statement.columns)} target column(s)",
        )
    selected = ", ".join(
        f'"{column.name}"'
        if column.name in statement.columns
        else f'CAST(NULL AS {column.type}) AS "{column.name}"'
        for column in target.columns
    )
    aliases = ", ".join(f'"{column}"' for column in statement.columns)
    return f'SELECT {selected} FROM (\n{statement.sql.strip()}\n) AS "inserted" ({aliases})'


async def _commit(run: Run, target: _Target, outcome: Outcome) -> tuple[list[Adoption], str]:
    """Make the rows visible: new partitions first, still empty, then all files in one step.

    A restart in between takes the empty partitions away again.
    """
    root = parse_location(target.schema.location)
    if root is None:
        raise engine_failure(
            "HIVE_INVALID_METADATA", f"Table {target.name} has no S3 location to write to"
        )
    folders: dict[Values, Location] = {(): root}
    new: list[Values] = []
    keys = [key.name for key in target.schema.partition_keys]
    if keys:
        wanted = dict.fromkeys(catalog_values(file.partition) for file in outcome.files)
        folders = await _registered(run, target, list(wanted))
        new = [values for values in wanted if values not in folders]
        for values in new:
            folders[values] = root.child(partition_path(keys, values) + "/")
    if len({folder.bucket for folder in folders.values()}) > 1:
        raise not_supported("Inserting into partitions in several buckets is not implemented")
    bucket = next(iter(folders.values())).bucket
    files = place(run, outcome, target.sink, target.compression, folders)
    write = Write(
        bucket=bucket,
        objects=[file.key for file in files],
        location=target.schema.location,
        database=target.name.database,
        table=target.name.table,
        new_partitions=[list(values) for values in new],
        rows=outcome.rows,
        scanned_bytes=outcome.scanned_bytes,
    )
    await run.note_write(write)
    await _register(run, target, {values: folders[values] for values in new})
    try:
        await run.objects.adopt(bucket, files)
    except AwsError as error:
        await drop_empty_partitions(run.platform, run.catalog_id, write)
        raise engine_failure("HIVE_WRITER_CLOSE_ERROR", error.message) from error
    return files, bucket


async def _registered(run: Run, target: _Target, values: list[Values]) -> dict[Values, Location]:
    """Return the locations of the partitions that are there already."""
    found = await run.catalog.get_partitions_by_values(
        run.catalog_id, target.name.database, target.name.table, values
    )
    folders: dict[Values, Location] = {}
    for partition in found:
        where = parse_location(partition["StorageDescriptor"]["Location"])
        if where is not None:
            folders[tuple(partition["Values"])] = where
    return folders


async def _register(run: Run, target: _Target, new: dict[Values, Location]) -> None:
    errors = await run.catalog.create_partitions(
        run.catalog_id,
        target.name.database,
        target.name.table,
        [
            {
                "Values": list(values),
                "StorageDescriptor": target.storage | {"Location": location.uri},
            }
            for values, location in new.items()
        ],
    )
    # a partition that came to be meanwhile has the same folder, so the rows belong there too
    for error in errors:
        if error.code != "AlreadyExistsException":
            raise StatementError(f"HIVE_METASTORE_ERROR: {error.message}")
