"""Table versions: the current one and those that updates archived.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-tables.html
"""

from __future__ import annotations

from localaws.aws.glue.errors import detail
from localaws.aws.glue.model import PAGE, catalog_of, decode_name, page
from localaws.aws.glue.service import service
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.catalog.errors import (
    ENTITY_NOT_FOUND,
    invalid_input,
    version_not_found,
)

_LARGEST = 2**63 - 2


@service.operation("executed")
async def get_table_version(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    version_id: str | None = None,
    catalog_id: str | None = None,
) -> Shape:
    """Return a version of a table, the current one by default."""
    catalog = catalog_of(ctx, catalog_id)
    before = None if version_id is None else _number(version_id) + 1
    found = await ctx.platform.catalog.get_versions(
        catalog, database_name, table_name, before=before, limit=1
    )
    if not found or (version_id is not None and found[0]["VersionId"] != str(int(version_id))):
        raise version_not_found()
    return {"TableVersion": found[0]}


@service.operation("executed")
async def get_table_versions(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    catalog_id: str | None = None,
    next_token: str | None = None,
    max_results: int = PAGE,
) -> Shape:
    """Return a page of a table's versions, newest first."""
    catalog = catalog_of(ctx, catalog_id)
    position = decode_name(next_token)
    found = await ctx.platform.catalog.get_versions(
        catalog,
        database_name,
        table_name,
        before=_number(position) if position else None,
        limit=max_results + 1,
    )
    return page(found, max_results, "TableVersions", "VersionId")


@service.operation("executed")
async def delete_table_version(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    version_id: str,
    catalog_id: str | None = None,
) -> None:
    """Delete an archived version."""
    if await _delete(ctx, catalog_id, database_name, table_name, [version_id]):
        raise version_not_found()


@service.operation("executed")
async def batch_delete_table_version(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    version_ids: list[str],
    catalog_id: str | None = None,
) -> Shape:
    """Delete archived versions; those that were not there are answered as errors."""
    missing = await _delete(ctx, catalog_id, database_name, table_name, version_ids)
    return {
        "Errors": [
            {
                "TableName": table_name,
                "VersionId": version,
                "ErrorDetail": detail(ENTITY_NOT_FOUND, version_not_found().message),
            }
            for version in missing
        ]
    }


async def _delete(
    ctx: Context, catalog_id: str | None, database: str, table: str, versions: list[str]
) -> list[str]:
    catalog = catalog_of(ctx, catalog_id)
    current = (await ctx.platform.catalog.get_table(catalog, database, table))["VersionId"]
    if current in versions:
        raise invalid_input(f"Version {current} is the current version and cannot be deleted.")
    return await ctx.platform.catalog.delete_versions(catalog, database, table, versions)


def _number(version: str) -> int:
    if not (version.isascii() and version.isdigit()) or int(version) > _LARGEST:
        raise invalid_input(f"Version {version} is not a number.")
    return int(version)
