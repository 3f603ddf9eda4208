"""Partitions.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-partitions.html
"""

from __future__ import annotations

from typing import Any

from localaws.aws.glue.errors import detail, partition_errors, raise_first
from localaws.aws.glue.model import (
    PARTITION_PAGE,
    catalog_of,
    check_input,
    decode_token,
    encode_token,
)
from localaws.aws.glue.service import service
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.catalog.errors import invalid_input, partition_not_found


@service.operation("executed")
async def create_partition(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    partition_input: Shape,
    catalog_id: str | None = None,
) -> None:
    """Create a partition."""
    catalog = catalog_of(ctx, catalog_id)
    raise_first(
        await ctx.platform.catalog.create_partitions(
            catalog, database_name, table_name, [check_input(partition_input)]
        )
    )


@service.operation("executed")
async def batch_create_partition(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    partition_input_list: list[Any],
    catalog_id: str | None = None,
) -> Shape:
    """Create up to 100 partitions; those that are there already are answered as errors."""
    catalog = catalog_of(ctx, catalog_id)
    errors = await ctx.platform.catalog.create_partitions(
        catalog, database_name, table_name, [check_input(each) for each in partition_input_list]
    )
    return {"Errors": partition_errors(errors)}


@service.operation("executed")
async def get_partition(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    partition_values: list[str],
    catalog_id: str | None = None,
) -> Shape:
    """Return a partition."""
    catalog = catalog_of(ctx, catalog_id)
    found = await ctx.platform.catalog.get_partitions_by_values(
        catalog, database_name, table_name, [partition_values]
    )
    if not found:
        raise partition_not_found()
    return {"Partition": found[0]}


@service.operation("executed")
async def batch_get_partition(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    partitions_to_get: list[Any],
    catalog_id: str | None = None,
) -> Shape:
    """Return up to 1,000 partitions by their values; those that are not there are left out."""
    catalog = catalog_of(ctx, catalog_id)
    found = await ctx.platform.catalog.get_partitions_by_values(
        catalog, database_name, table_name, [each["Values"] for each in partitions_to_get]
    )
    return {"Partitions": found, "UnprocessedKeys": []}


@service.operation("executed")
async def get_partitions(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    catalog_id: str | None = None,
    expression: str | None = None,
    next_token: str | None = None,
    segment: Shape | None = None,
    max_results: int = PARTITION_PAGE,
    exclude_column_schema: bool = False,
) -> Shape:
    """Return a page of the partitions that match an expression, in order of their values."""
    catalog = catalog_of(ctx, catalog_id)
    found = await ctx.platform.catalog.get_partitions(
        catalog,
        database_name,
        table_name,
        expression,
        after=decode_token(next_token),
        limit=max_results + 1,
        segment=_segment(segment),
    )
    answer: Shape = {"Partitions": found[:max_results]}
    if exclude_column_schema:
        for partition in answer["Partitions"]:
            partition.get("StorageDescriptor", {}).pop("Columns", None)
    if len(found) > max_results:
        answer["NextToken"] = encode_token(found[max_results - 1]["Values"])
    return answer


@service.operation("executed")
async def update_partition(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    partition_value_list: list[str],
    partition_input: Shape,
    catalog_id: str | None = None,
) -> None:
    """Replace a partition's definition."""
    catalog = catalog_of(ctx, catalog_id)
    raise_first(
        await ctx.platform.catalog.update_partitions(
            catalog,
            database_name,
            table_name,
            [(partition_value_list, check_input(partition_input))],
        )
    )


@service.operation("executed")
async def batch_update_partition(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    entries: list[Any],
    catalog_id: str | None = None,
) -> Shape:
    """Replace up to 100 partitions; those that are not there are answered as errors."""
    catalog = catalog_of(ctx, catalog_id)
    errors = await ctx.platform.catalog.update_partitions(
        catalog,
        database_name,
        table_name,
        [(each["PartitionValueList"], check_input(each["PartitionInput"])) for each in entries],
    )
    return {
        "Errors": [
            {
                "PartitionValueList": list(error.values),
                "ErrorDetail": detail(error.code, error.message),
            }
            for error in errors
        ]
    }


@service.operation("executed")
async def delete_partition(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    partition_values: list[str],
    catalog_id: str | None = None,
) -> None:
    """Delete a partition; its data stays."""
    catalog = catalog_of(ctx, catalog_id)
    raise_first(
        await ctx.platform.catalog.delete_partitions(
            catalog, database_name, table_name, [partition_values]
        )
    )


@service.operation("executed")
async def batch_delete_partition(
    ctx: Context,
    *,
    database_name: str,
    table_name: str,
    partitions_to_delete: list[Any],
    catalog_id: str | None = None,
) -> Shape:
    """Delete up to 25 partitions; those that were not there are answered as errors."""
    catalog = catalog_of(ctx, catalog_id)
    errors = await ctx.platform.catalog.delete_partitions(
        catalog, database_name, table_name, [each["Values"] for each in partitions_to_delete]
    )
    return {"Errors": partition_errors(errors)}


def _segment(segment: Shape | None) -> tuple[int, int] | None:
    if segment is None:
        return None
    number, total = segment["SegmentNumber"], segment["TotalSegments"]
    if number >= total:
        raise invalid_input("SegmentNumber must be smaller than TotalSegments.")
    return number, total
