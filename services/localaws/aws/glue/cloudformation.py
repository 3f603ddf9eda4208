"""Resource types of the catalog.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Glue.html
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Iterator

from localaws.aws.glue.template_input import database_input, partition_input, table_input
from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.resources import ResourceRequest, ResourceType, resource_type
from localaws.core.service import Shape
from localaws.engines.catalog.errors import ALREADY_EXISTS, ENTITY_NOT_FOUND

_NAME_LIMIT = 255


async def _found(operation: Awaitable[Shape]) -> bool:
    """Return whether a read finds what it reads."""
    try:
        await operation
    except AwsError as error:
        if error.code != ENTITY_NOT_FOUND:
            raise
        return False
    return True


@contextlib.contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except AwsError as error:
        if error.code != ENTITY_NOT_FOUND:
            raise


@resource_type("AWS::Glue::Database")
class Database(ResourceType):
    """A database; its physical id and reference are its name."""

    properties = frozenset({"CatalogId", "DatabaseInput", "DatabaseName"})
    required = frozenset({"CatalogId", "DatabaseInput"})
    replacement_properties = frozenset({"CatalogId"})

    async def exists(self, ctx: Context, properties: Shape) -> bool:
        """Return whether a database of this name is there."""
        name = _database_name(properties)
        catalog = properties["CatalogId"]
        return name is not None and await _found(
            ctx.call("glue", "get_database", name=name, catalog_id=catalog)
        )

    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        """Create the database."""
        name = _database_name(properties) or request.generated_name(_NAME_LIMIT, lower=True)
        definition = database_input(self.name, properties["DatabaseInput"])
        with request.adopting(ALREADY_EXISTS):
            await ctx.call(
                "glue",
                "create_database",
                database_input={**definition, "Name": name},
                catalog_id=properties["CatalogId"],
            )
        return name.lower()

    def needs_replacement(self, old: Shape, new: Shape) -> bool:
        """Return whether catalog or name change."""
        return super().needs_replacement(old, new) or _database_name(old) != _database_name(new)

    async def update(
        self, ctx: Context, physical_id: str, old: Shape, new: Shape, request: ResourceRequest
    ) -> None:
        """Replace the definition."""
        definition = database_input(self.name, new["DatabaseInput"])
        await ctx.call(
            "glue",
            "update_database",
            name=physical_id,
            database_input={**definition, "Name": physical_id},
            catalog_id=new["CatalogId"],
        )

    async def delete(self, ctx: Context, physical_id: str, properties: Shape) -> None:
        """Delete the database with what is in it."""
        catalog = properties["CatalogId"]
        with _gone_is_fine():
            await ctx.call("glue", "delete_database", name=physical_id, catalog_id=catalog)


@resource_type("AWS::Glue::Table")
class Table(ResourceType):
    """A table; its physical id and reference are its name."""

    properties = frozenset({"CatalogId", "DatabaseName", "Name", "TableInput"})
    required = frozenset({"CatalogId", "DatabaseName", "TableInput"})
    replacement_properties = frozenset({"CatalogId", "DatabaseName"})

    async def exists(self, ctx: Context, properties: Shape) -> bool:
        """Return whether a table of this name is there."""
        name = _table_name(properties)
        return name is not None and await _found(
            ctx.call("glue", "get_table", name=name, **_database_of(properties))
        )

    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        """Create the table."""
        name = _table_name(properties) or request.generated_name(_NAME_LIMIT, lower=True)
        definition = table_input(self.name, properties["TableInput"])
        with request.adopting(ALREADY_EXISTS):
            await ctx.call(
                "glue",
                "create_table",
                table_input={**definition, "Name": name},
                **_database_of(properties),
            )
        return name.lower()

    def needs_replacement(self, old: Shape, new: Shape) -> bool:
        """Return whether catalog, database or name change."""
        return super().needs_replacement(old, new) or _table_name(old) != _table_name(new)

    async def update(
        self, ctx: Context, physical_id: str, old: Shape, new: Shape, request: ResourceRequest
    ) -> None:
        """Replace the definition; the former becomes a version."""
        definition = table_input(self.name, new["TableInput"])
        await ctx.call(
            "glue",
            "update_table",
            table_input={**definition, "Name": physical_id},
            **_database_of(new),
        )

    async def delete(self, ctx: Context, physical_id: str, properties: Shape) -> None:
        """Delete the table."""
        with _gone_is_fine():
            await ctx.call("glue", "delete_table", name=physical_id, **_database_of(properties))


@resource_type("AWS::Glue::Partition")
class Partition(ResourceType):
    """A partition; its physical id and reference are ``database|table|value,value``."""

    properties = frozenset({"CatalogId", "DatabaseName", "TableName", "PartitionInput"})
    required = properties
    replacement_properties = frozenset({"CatalogId", "DatabaseName", "TableName"})

    async def exists(self, ctx: Context, properties: Shape) -> bool:
        """Return whether the partition is there."""
        return await _found(
            ctx.call(
                "glue",
                "get_partition",
                partition_values=self._values(properties),
                **_table_of(properties),
            )
        )

    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        """Create the partition."""
        definition = partition_input(self.name, properties["PartitionInput"])
        with request.adopting(ALREADY_EXISTS):
            await ctx.call(
                "glue", "create_partition", partition_input=definition, **_table_of(properties)
            )
        values = ",".join(self._values(properties))
        return f"{properties['DatabaseName']}|{properties['TableName']}|{values}"

    def needs_replacement(self, old: Shape, new: Shape) -> bool:
        """Return whether the table or the values change."""
        return super().needs_replacement(old, new) or self._values(old) != self._values(new)

    async def update(
        self, ctx: Context, physical_id: str, old: Shape, new: Shape, request: ResourceRequest
    ) -> None:
        """Replace the definition."""
        await ctx.call(
            "glue",
            "update_partition",
            partition_value_list=self._values(new),
            partition_input=partition_input(self.name, new["PartitionInput"]),
            **_table_of(new),
        )

    async def delete(self, ctx: Context, physical_id: str, properties: Shape) -> None:
        """Delete the partition."""
        with _gone_is_fine():
            await ctx.call(
                "glue",
                "delete_partition",
                partition_values=self._values(properties),
                **_table_of(properties),
            )

    def _values(self, properties: Shape) -> list[str]:
        definition = partition_input(self.name, properties["PartitionInput"])
        values: list[str] = definition.get("Values", [])
        return values


def _database_name(properties: Shape) -> str | None:
    name = properties.get("DatabaseName") or properties["DatabaseInput"].get("Name")
    return None if name is None else str(name)


def _table_name(properties: Shape) -> str | None:
    name = properties.get("Name") or properties["TableInput"].get("Name")
    return None if name is None else str(name)


def _database_of(properties: Shape) -> Shape:
    return {
        "database_name": properties["DatabaseName"],
        "catalog_id": properties["CatalogId"],
    }


def _table_of(properties: Shape) -> Shape:
    return {**_database_of(properties), "table_name": properties["TableName"]}
