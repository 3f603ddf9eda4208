"""Column statistics of tables and partitions.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-column-statistics.html
"""

from __future__ import annotations

from typing import Any

from localaws.aws.glue.errors import detail
from localaws.aws.glue.model import catalog_of
from localaws.aws.glue.service import service
from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.catalog.errors import ENTITY_NOT_FOUND


@service.operation("executed")
async def get_column_statistics_for_table(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    column_names: list[str],
    catalog_id: str | None = None,
) -> Shape:
    """Return the statistics of a table's columns."""
    return await _get(ctx, catalog_id, database_name, table_name, column_names, None)


@service.operation("executed")
async def get_column_statistics_for_partition(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    partition_values: list[str],
    column_names: list[str],
    catalog_id: str | None = None,
) -> Shape:
    """Return the statistics of a partition's columns."""
    return await _get(ctx, catalog_id, database_name, table_name, column_names, partition_values)


@service.operation("executed")
async def update_column_statistics_for_table(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    column_statistics_list: list[Any],
    catalog_id: str | None = None,
) -> Shape:
    """Write statistics of a table's columns."""
    await ctx.platform.catalog.update_column_statistics(
        catalog_of(ctx, catalog_id), database_name, table_name, column_statistics_list
    )
    return {"Errors": []}


@service.operation("executed")
async def update_column_statistics_for_partition(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    partition_values: list[str],
    column_statistics_list: list[Any],
    catalog_id: str | None = None,
) -> Shape:
    """Write statistics of a partition's columns."""
    await ctx.platform.catalog.update_column_statistics(
        catalog_of(ctx, catalog_id),
        database_name,
        table_name,
        column_statistics_list,
        partition_values,
    )
    return {"Errors": []}


@service.operation("executed")
async def delete_column_statistics_for_table(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    column_name: str,
    catalog_id: str | None = None,
) -> None:
    """Delete the statistics of a table's column."""
    await _delete(ctx, catalog_id, database_name, table_name, column_name, None)


@service.operation("executed")
async def delete_column_statistics_for_partition(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    partition_values: list[str],
    column_name: str,
    catalog_id: str | None = None,
) -> None:
    """Delete the statistics of a partition's column."""
    await _delete(ctx, catalog_id, database_name, table_name, column_name, partition_values)


async def _get(
    ctx: Context,
    catalog_id: str | None,
    database: str,
    table: str,
    columns: list[str],
    values: list[str] | None,
) -> Shape:
    found = await ctx.platform.catalog.get_column_statistics(
        catalog_of(ctx, catalog_id), database, table, columns, values
    )
    have = {each["ColumnName"] for each in found}
    return {
        "ColumnStatisticsList": found,
        "Errors": [
            {"ColumnName": column, "Error": detail(ENTITY_NOT_FOUND, _no_statistics(column))}
            for column in columns
            if column not in have
        ],
    }


async def _delete(
    ctx: Context,
    catalog_id: str | None,
    database: str,
    table: str,
    column: str,
    values: list[str] | None,
) -> None:
    catalog = catalog_of(ctx, catalog_id)
    if not await ctx.platform.catalog.delete_column_statistics(
        catalog, database, table, column, values
    ):
        raise AwsError(ENTITY_NOT_FOUND, _no_statistics(column))


def _no_statistics(column: str) -> str:
    return f"Statistics of column {column} not found."
