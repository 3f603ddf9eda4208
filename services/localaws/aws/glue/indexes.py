"""Partition indexes. Expressions are answered from an index with or without a definition here.

https://docs.aws.amazon.com/glue/latest/dg/partition-indexes.html
"""

from __future__ import annotations

from localaws.aws.glue.model import catalog_of
from localaws.aws.glue.service import service
from localaws.core.platform import Context
from localaws.core.service import Shape


@service.operation("executed")
async def create_partition_index(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    partition_index: Shape,
    catalog_id: str | None = None,
) -> None:
    """Define an index, which is active at once."""
    catalog = catalog_of(ctx, catalog_id)
    await ctx.platform.catalog.create_partition_indexes(
        catalog, database_name, table_name, [partition_index]
    )


@service.operation("executed")
async def get_partition_indexes(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    catalog_id: str | None = None,
    next_token: str | None = None,
) -> Shape:
    """Return a table's indexes; there are at most three, so never a second page."""
    catalog = catalog_of(ctx, catalog_id)
    if next_token:
        return {"PartitionIndexDescriptorList": []}
    indexes = await ctx.platform.catalog.get_partition_indexes(catalog, database_name, table_name)
    return {"PartitionIndexDescriptorList": indexes}


@service.operation("executed")
async def delete_partition_index(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    index_name: str,
    catalog_id: str | None = None,
) -> None:
    """Delete an index's definition."""
    catalog = catalog_of(ctx, catalog_id)
    await ctx.platform.catalog.delete_partition_index(
        catalog, database_name, table_name, index_name
    )
