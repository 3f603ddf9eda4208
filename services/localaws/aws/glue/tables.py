"""Tables.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-tables.html
"""

from __future__ import annotations

from typing import Any

from localaws.aws.glue.errors import detail
from localaws.aws.glue.model import PAGE, catalog_of, check_input, decode_name, page
from localaws.aws.glue.service import service
from localaws.core.errors import not_implemented
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.catalog.errors import ENTITY_NOT_FOUND, invalid_input, table_not_found
from localaws.engines.sql.trino.names import catalog_name
from localaws.engines.sql.views import ENGINE_MARKER, for_engine

_ATTRIBUTES = {"NAME": "Name", "TABLE_TYPE": "TableType"}


@service.operation("executed")
async def create_table(
    ctx: Context,
    *,
    database_name: str,
    table_input: Shape | None = None,
    catalog_id: str | None = None,
    partition_indexes: list[Any] | None = None,
) -> None:
    """Create a table."""
    catalog = catalog_of(ctx, catalog_id)
    await ctx.platform.catalog.create_table(
        catalog,
        database_name,
        _given(table_input),
        created_by=ctx.principal.arn,
        indexes=partition_indexes or (),
    )


@service.operation("executed")
async def get_table(
    ctx: Context,
    *,
    database_name: str,
    name: str,
    catalog_id: str | None = None,
    attributes_to_get: list[str] | None = None,
) -> Shape:
    """Return a table in its current version."""
    catalog = catalog_of(ctx, catalog_id)
    table = await ctx.platform.catalog.get_table(catalog, database_name, name)
    return {"Table": _select(_seen(ctx, table), attributes_to_get)}


@service.operation("executed")
async def get_tables(
    ctx: Context,
    *,
    database_name: str,
    catalog_id: str | None = None,
    expression: str | None = None,
    next_token: str | None = None,
    max_results: int = PAGE,
    resource_share_type: str = "ALL",
    attributes_to_get: list[str] | None = None,
) -> Shape:
    """Return a page of tables by name, those whose whole name matches `expression`."""
    catalog = catalog_of(ctx, catalog_id)
    if resource_share_type != "ALL":
        return {"TableList": []}
    tables = await ctx.platform.catalog.get_tables(
        catalog, database_name, expression, decode_name(next_token), max_results + 1
    )
    return page(
        [_select(_seen(ctx, table), attributes_to_get) for table in tables],
        max_results,
        "TableList",
    )


@service.operation("executed")
async def update_table(
    ctx: Context,
    *,
    database_name: str,
    table_input: Shape | None = None,
    catalog_id: str | None = None,
    skip_archive: bool = False,
    version_id: str | None = None,
) -> None:
    """Replace a table's definition, where `version_id` is given only at that version."""
    catalog = catalog_of(ctx, catalog_id)
    await ctx.platform.catalog.update_table(
        catalog, database_name, _given(table_input), version_id, skip_archive=skip_archive
    )


@service.operation("executed")
async def delete_table(
    ctx: Context, *, database_name: str, name: str, catalog_id: str | None = None
) -> None:
    """Delete a table with its versions and partitions; its data stays."""
    catalog = catalog_of(ctx, catalog_id)
    if await ctx.platform.catalog.delete_tables(catalog, database_name, [name]):
        raise table_not_found(name)


@service.operation("executed")
async def batch_delete_table(
    ctx: Context,
    *,
    database_name: str,
    tables_to_delete: list[str],
    catalog_id: str | None = None,
) -> Shape:
    """Delete tables; those that were not there are answered as errors."""
    catalog = catalog_of(ctx, catalog_id)
    missing = await ctx.platform.catalog.delete_tables(catalog, database_name, tables_to_delete)
    return {
        "Errors": [
            {
                "TableName": name,
                "ErrorDetail": detail(ENTITY_NOT_FOUND, table_not_found(name).message),
            }
            for name in missing
        ]
    }


def _given(table_input: Shape | None) -> Shape:
    if table_input is None:
        raise invalid_input("TableInput is required.")
    return check_input(table_input)


def _seen(ctx: Context, table: Shape) -> Shape:
    """Return a table as who asks is to see it: the platform's SQL engine reads views by itself."""
    agent = ctx.cache.get("headers", {}).get("user-agent", "")
    if "ViewOriginalText" not in table or f"app/{ENGINE_MARKER}" not in agent:
        return table
    settings = ctx.platform.settings
    catalog = catalog_name(ctx.account, ctx.region, (settings.account, settings.region))
    return {**table, "ViewOriginalText": for_engine(table["ViewOriginalText"], catalog)}


def _select(table: Shape, attributes: list[str] | None) -> Shape:
    """Return the asked attributes of a table; all of them by default."""
    if not attributes or "DEFAULT" in attributes:
        return table
    for attribute in attributes:
        if attribute not in _ATTRIBUTES:
            raise not_implemented(f"Attribute {attribute} of a table")
    wanted = {"Name", *(_ATTRIBUTES[attribute] for attribute in attributes)}
    return {name: value for name, value in table.items() if name in wanted}
