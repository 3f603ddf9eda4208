"""Databases.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-databases.html
"""

from __future__ import annotations

from localaws.aws.glue.model import PAGE, catalog_of, check_input, decode_name, page
from localaws.aws.glue.service import service
from localaws.aws.glue.tags import database_tags, replace_tags
from localaws.core.platform import Context
from localaws.core.service import Shape

DEFAULT_PERMISSIONS = [
    {
        "Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"},
        "Permissions": ["ALL"],
    }
]
"""What an account's data lake settings say before Lake Formation is in charge."""


@service.operation("executed")
async def create_database(
    ctx: Context,
    *,
    database_input: Shape,
    catalog_id: str | None = None,
    tags: Shape | None = None,
) -> None:
    """Create a database."""
    catalog = catalog_of(ctx, catalog_id)
    database = {
        "CreateTableDefaultPermissions": DEFAULT_PERMISSIONS,
        **check_input(database_input),
    }
    await ctx.platform.catalog.create_database(catalog, database)
    await replace_tags(ctx, database_tags(database["Name"]), tags or {})


@service.operation("executed")
async def get_database(ctx: Context, *, name: str, catalog_id: str | None = None) -> Shape:
    """Return a database."""
    catalog = catalog_of(ctx, catalog_id)
    return {"Database": await ctx.platform.catalog.get_database(catalog, name)}


@service.operation("executed")
async def get_databases(
    ctx: Context,
    *,
    catalog_id: str | None = None,
    next_token: str | None = None,
    max_results: int = PAGE,
    resource_share_type: str = "ALL",
    attributes_to_get: list[str] | None = None,
) -> Shape:
    """Return a page of databases by name. None is shared or federated."""
    catalog = catalog_of(ctx, catalog_id)
    if resource_share_type != "ALL":
        return {"DatabaseList": []}
    databases = await ctx.platform.catalog.get_databases(
        catalog, decode_name(next_token), max_results + 1
    )
    if attributes_to_get:
        databases = [{"Name": database["Name"]} for database in databases]
    return page(databases, max_results, "DatabaseList")


@service.operation("executed")
async def update_database(
    ctx: Context, *, name: str, database_input: Shape, catalog_id: str | None = None
) -> None:
    """Replace a database's definition."""
    catalog = catalog_of(ctx, catalog_id)
    database = {
        "CreateTableDefaultPermissions": DEFAULT_PERMISSIONS,
        **check_input(database_input),
    }
    await ctx.platform.catalog.update_database(catalog, name, database)


@service.operation("executed")
async def delete_database(ctx: Context, *, name: str, catalog_id: str | None = None) -> None:
    """Delete a database with its tables."""
    catalog = catalog_of(ctx, catalog_id)
    await ctx.platform.catalog.delete_database(catalog, name)
    await replace_tags(ctx, database_tags(name), {})


@service.operation("executed")
async def get_catalog_import_status(ctx: Context, *, catalog_id: str | None = None) -> Shape:
    """Return that no Athena catalog waits to be imported: there never was one."""
    catalog_of(ctx, catalog_id)
    return {"ImportStatus": {"ImportCompleted": True}}
