"""Data catalogs, and the metadata of what is in the one there is."""

from __future__ import annotations

import re

from localaws.aws.athena.errors import invalid_request, metadata_error
from localaws.aws.athena.workgroups import decode_token, encode_token
from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.service import Shape

CATALOG_NAME = "AwsDataCatalog"
_PAGE = 50


def list_data_catalogs() -> Shape:
    """Return the data catalogs."""
    return {"DataCatalogsSummary": [{"CatalogName": CATALOG_NAME, "Type": "GLUE"}]}


def get_data_catalog(ctx: Context, name: str) -> Shape:
    """Return a data catalog; InvalidRequestException."""
    if name.lower() != CATALOG_NAME.lower():
        raise invalid_request(f"DataCatalog {name} was not found", "DATACATALOG_NOT_FOUND")
    return {
        "DataCatalog": {
            "Name": CATALOG_NAME,
            "Type": "GLUE",
            "Parameters": {"catalog-id": ctx.account},
        }
    }


async def get_database(ctx: Context, catalog: str, name: str) -> Shape:
    """Return a database; MetadataException."""
    _catalog_id(ctx, catalog)
    try:
        database = await ctx.platform.catalog.get_database(_catalog_id(ctx, catalog), name.lower())
    except AwsError as error:
        raise metadata_error(error.message) from error
    return {"Database": _database(database)}


async def list_databases(
    ctx: Context, catalog: str, next_token: str | None, max_results: int | None
) -> Shape:
    """Return a page of databases by name."""
    limit = max_results or _PAGE
    page = await ctx.platform.catalog.get_databases(
        _catalog_id(ctx, catalog), decode_token(next_token), limit + 1
    )
    answer: Shape = {"DatabaseList": [_database(database) for database in page[:limit]]}
    if len(page) > limit:
        answer["NextToken"] = encode_token(page[limit - 1]["Name"])
    return answer


async def get_table_metadata(ctx: Context, catalog: str, database: str, name: str) -> Shape:
    """Return a table or view; MetadataException."""
    try:
        table = await ctx.platform.catalog.get_table(
            _catalog_id(ctx, catalog), database.lower(), name.lower()
        )
    except AwsError as error:
        raise metadata_error(error.message) from error
    return {"TableMetadata": _table(table)}


async def list_table_metadata(
    ctx: Context,
    catalog: str,
    database: str,
    expression: str | None,
    next_token: str | None,
    max_results: int | None,
) -> Shape:
    """Return a page of a database's tables by name, those that match a regular expression."""
    limit = max_results or _PAGE
    catalog_id = _catalog_id(ctx, catalog)
    if expression is not None:
        try:
            re.compile(expression)
        except re.error as error:
            raise invalid_request(f"Expression {expression} is not valid: {error.msg}") from error
    try:
        await ctx.platform.catalog.get_database(catalog_id, database.lower())
        page = await ctx.platform.catalog.get_tables(
            catalog_id, database.lower(), expression, decode_token(next_token), limit + 1
        )
    except AwsError as error:
        raise metadata_error(error.message) from error
    answer: Shape = {"TableMetadataList": [_table(table) for table in page[:limit]]}
    if len(page) > limit:
        answer["NextToken"] = encode_token(page[limit - 1]["Name"])
    return answer


def _catalog_id(ctx: Context, catalog: str) -> str:
    get_data_catalog(ctx, catalog)
    return f"{ctx.account}/{ctx.region}"


def _database(database: Shape) -> Shape:
    shape: Shape = {"Name": database["Name"], "Parameters": database.get("Parameters") or {}}
    if database.get("Description"):
        shape["Description"] = database["Description"]
    return shape


def _table(table: Shape) -> Shape:
    storage = table.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo") or {}
    parameters = dict(table.get("Parameters") or {})
    described = {
        "location": storage.get("Location"),
        "inputformat": storage.get("InputFormat"),
        "outputformat": storage.get("OutputFormat"),
        "serde.serialization.lib": serde.get("SerializationLibrary"),
    }
    parameters |= {key: value for key, value in described.items() if value}
    for key, value in (serde.get("Parameters") or {}).items():
        parameters[f"serde.param.{key}"] = value
    shape: Shape = {
        "Name": table["Name"],
        "TableType": table.get("TableType") or "",
        "Columns": [_column(column) for column in storage.get("Columns") or []],
        "PartitionKeys": [_column(column) for column in table.get("PartitionKeys") or []],
        "Parameters": parameters,
    }
    for name, source in (("CreateTime", "CreateTime"), ("LastAccessTime", "LastAccessTime")):
        if table.get(source) is not None:
            shape[name] = table[source]
    return shape


def _column(column: Shape) -> Shape:
    return {key: column[key] for key in ("Name", "Type", "Comment") if column.get(key) is not None}
