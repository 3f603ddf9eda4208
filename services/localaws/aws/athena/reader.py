"""What a SQL engine may ask about tables, answered from the catalog and the object store."""

from __future__ import annotations

from typing import Any

import msgspec

from localaws.aws.athena.locations import is_hidden, parse_location
from localaws.core.errors import AwsError
from localaws.core.platform import Platform
from localaws.core.service import Shape
from localaws.core.state import Scope
from localaws.engines.sql import views
from localaws.engines.sql.base import (
    Column,
    DataFile,
    Partition,
    SqlError,
    SqlRefused,
    TableSchema,
    ViewSchema,
)
from localaws.engines.sql.types import TypeTextError, hive_to_trino

CATALOG = "awsdatacatalog"
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


class ViewColumn(msgspec.Struct):
    """A column of a stored view, with its SQL type."""

    name: str
    type: str


class ViewDefinition(msgspec.Struct, rename="camel"):
    """A view as the catalog keeps it: JSON in base64 within a comment."""

    original_sql: str
    catalog: str
    schema: str
    columns: list[ViewColumn]

    def encode(self) -> str:
        """Return the text for ViewOriginalText."""
        return views.encode(msgspec.to_builtins(self))


def decode_view(text: str) -> ViewDefinition | None:
    """Return the view a ViewOriginalText holds, or None where it is no such view."""
    definition = views.decode(text)
    try:
        return None if definition is None else msgspec.convert(definition, ViewDefinition)
    except msgspec.ValidationError:
        return None


def is_view(table: Shape) -> bool:
    """Return whether a catalog entry is a view."""
    return table.get("TableType") == "VIRTUAL_VIEW"


class CatalogReader:
    """The tables of one account and region, as the `TableReader` of a query.

    What the catalog said of a table is kept for as long as this reader lives: one statement.
    """

    def __init__(self, platform: Platform, scope: Scope) -> None:
        self._catalog = platform.catalog
        self._objects = platform.object_store
        self._account = scope.account
        self.catalog_id = f"{scope.account}/{scope.region}"
        self._tables: dict[tuple[str, str], Shape | None] = {}

    async def entry(self, database: str, name: str) -> Shape | None:
        """Return the catalog's entry of a table or view, or None."""
        key = (database, name)
        if key not in self._tables:
            try:
                self._tables[key] = await self._catalog.get_table(self.catalog_id, database, name)
            except AwsError as error:
                if error.code != "EntityNotFoundException":
                    raise
                self._tables[key] = None
        return self._tables[key]

    async def table(
        self, catalog: str, database: str, name: str
    ) -> TableSchema | ViewSchema | None:
        """Return the table or view, or None where there is none."""
        if catalog != CATALOG:
            raise SqlError("CATALOG_NOT_FOUND", f"Catalog '{catalog}' not found")
        entry = await self.entry(database, name)
        if entry is None:
            return None
        if is_view(entry):
            return _view_schema(database, entry)
        return _table_schema(database, entry)

    async def database_exists(self, catalog: str, database: str) -> bool:
        """Return whether the database exists."""
        if catalog != CATALOG:
            return False
        try:
            await self._catalog.get_database(self.catalog_id, database)
        except AwsError as error:
            if error.code != "EntityNotFoundException":
                raise
            return False
        return True

    async def partitions(self, table: TableSchema, expression: str | None) -> list[Partition]:
        """Return the registered partitions that match a Glue partition expression."""
        found = await self._catalog.get_partitions(
            self.catalog_id, table.database, table.name, expression
        )
        return [
            Partition(
                values=tuple(
                    None if value == NULL_PARTITION else value for value in item["Values"]
                ),
                location=item.get("StorageDescriptor", {}).get("Location", ""),
                serde_parameters=item.get("StorageDescriptor", {})
                .get("SerdeInfo", {})
                .get("Parameters", {}),
            )
            for item in found
        ]

    async def files(self, location: str) -> list[DataFile]:
        """Return the data objects under a location, hidden and empty ones left out."""
        where = parse_location(location)
        if where is None:
            raise SqlError("HIVE_INVALID_METADATA", f"Invalid table location: '{location}'")
        files: list[DataFile] = []
        after = ""
        try:
            if (await self._objects.bucket(where.bucket)).account != self._account:
                raise SqlError("PERMISSION_DENIED", f"Permission denied on S3 path: {location}")
            while True:
                page = await self._objects.page(where.bucket, where.folder, after=after)
                for info in page.objects:
                    if info.size == 0 or is_hidden(info.key[len(where.folder) :]):
                        continue
                    path = await self._objects.local_path(info)
                    if path is None:
                        raise SqlRefused(f"Object s3://{info.bucket}/{info.key} is not local")
                    files.append(DataFile(f"s3://{info.bucket}/{info.key}", str(path), info.size))
                if not page.truncated:
                    return files
                after = page.next_key
        except AwsError as error:
            if error.code == "NoSuchBucket":
                raise SqlError(
                    "HIVE_FILESYSTEM_ERROR",
                    f"Error listing {location}: The specified bucket does not exist",
                ) from error
            raise


def columns_of(items: list[dict[str, Any]] | None) -> tuple[Column, ...]:
    """Return catalog columns with their SQL types."""
    columns: list[Column] = []
    for item in items or []:
        try:
            type_text = hive_to_trino(item.get("Type") or "string")
        except TypeTextError as error:
            raise SqlError(
                "HIVE_INVALID_METADATA",
                f"Unsupported type '{item.get('Type')}' of column '{item['Name']}'",
            ) from error
        columns.append(Column(item["Name"].lower(), type_text, item.get("Comment")))
    return tuple(columns)


def _table_schema(database: str, entry: Shape) -> TableSchema:
    name, parameters = entry["Name"], entry.get("Parameters") or {}
    storage = entry.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo") or {}
    if parameters.get("table_type", "").upper() == "ICEBERG":
        raise SqlRefused(f"Table '{database}.{name}' is an Iceberg table: not implemented here yet")
    provider = parameters.get("spark.sql.sources.provider", "").lower()
    if provider in ("delta", "hudi") or parameters.get("table_type", "").upper() == "DELTA":
        # its folder holds files that are no rows of it any more: only its log tells
        raise SqlRefused(
            f"Table '{database}.{name}' is a {(provider or 'delta').title()} table: not "
            "implemented here yet"
        )
    if parameters.get("projection.enabled", "").lower() == "true":
        raise SqlRefused(
            f"Table '{database}.{name}' uses partition projection: not implemented here yet"
        )
    return TableSchema(
        catalog=CATALOG,
        database=database,
        name=name,
        columns=columns_of(storage.get("Columns")),
        partition_keys=columns_of(entry.get("PartitionKeys")),
        location=storage.get("Location") or "",
        input_format=storage.get("InputFormat") or "",
        serde=serde.get("SerializationLibrary") or "",
        serde_parameters=serde.get("Parameters") or {},
        parameters=parameters,
    )


def _view_schema(database: str, entry: Shape) -> ViewSchema:
    definition = decode_view(entry.get("ViewOriginalText") or "")
    if definition is None:
        raise SqlError(
            "INVALID_VIEW", f"View '{CATALOG}.{database}.{entry['Name']}' is not a valid view"
        )
    return ViewSchema(
        catalog=CATALOG,
        database=definition.schema,
        name=entry["Name"],
        columns=tuple(Column(column.name, column.type) for column in definition.columns),
        sql=definition.original_sql,
    )
