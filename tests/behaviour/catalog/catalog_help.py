"""A catalog of its own for each test, and the definitions tests put in it."""

from __future__ import annotations

from typing import Any

from localaws.engines.catalog.base import Catalog


class Lake:
    """The port, for one catalog of its own with the database ``lake``."""

    def __init__(self, port: Catalog, catalog: str) -> None:
        self.port = port
        self.catalog = catalog

    async def create_table(self, name: str, keys: dict[str, str] | None = None) -> None:
        await self.port.create_table(self.catalog, "lake", table(name, keys))

    async def register(self, name: str, *values: list[str]) -> None:
        errors = await self.port.create_partitions(
            self.catalog, "lake", name, [partition(each) for each in values]
        )
        assert errors == []

    async def values(self, name: str, expression: str | None = None) -> list[list[str]]:
        found = await self.port.get_partitions(self.catalog, "lake", name, expression)
        return [each["Values"] for each in found]


def table(name: str, keys: dict[str, str] | None = None, **members: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "PartitionKeys": [{"Name": key, "Type": type_} for key, type_ in (keys or {}).items()],
        "StorageDescriptor": {
            "Columns": [{"Name": "id", "Type": "bigint"}],
            "Location": f"s3://lake/{name}/",
        },
        **members,
    }


def partition(values: list[str], column: str = "id") -> dict[str, Any]:
    return {
        "Values": values,
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": "bigint"}],
            "Location": "s3://lake/" + "/".join(values) + "/",
        },
    }


async def drop_catalog(port: Catalog, catalog: str) -> None:
    """Leave nothing of a catalog in a metastore, which outlives the test."""
    from pymetastore.hive_metastore.ttypes import DropCatalogRequest

    from localaws.engines.catalog.hive import HiveCatalog
    from localaws.engines.catalog.hive.names import catalog_name

    assert isinstance(port, HiveCatalog)
    for database in await port.get_databases(catalog):
        await port.delete_database(catalog, database["Name"])
    request = DropCatalogRequest(catalog_name(catalog))
    await port._client.change(lambda client: client.drop_catalog(request))
