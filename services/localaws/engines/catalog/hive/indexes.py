"""Partition indexes: their definitions, which the metastore does not have."""

from __future__ import annotations

from collections.abc import Sequence

from localaws.core.database import Connection
from localaws.engines.catalog.base import Shape
from localaws.engines.catalog.hive.store import Facts, Store
from localaws.engines.catalog.shapes import (
    checked_index,
    index_description,
    index_not_found,
    keys_of,
)


class PartitionIndexes(Store):
    """Create, list and delete the index definitions of a table."""

    async def create_partition_indexes(
        self, catalog: str, database: str, table: str, indexes: Sequence[Shape]
    ) -> None:
        """Create indexes; see the port."""
        async with self._locked(catalog, database, table) as connection:
            facts = await self._settled(connection, catalog, database, table)
            await self._define(connection, facts, indexes)

    async def _define(self, connection: Connection, table: Facts, indexes: Sequence[Shape]) -> None:
        if not indexes:
            return
        have = {
            each["name"]: each["keys"]
            for each in await connection.fetch(
                "SELECT name, keys FROM hive_partition_index WHERE table_id = $1", table.id
            )
        }
        known = {name.lower() for name, _ in keys_of(table.body)}
        added = {}
        for index in indexes:
            name, keys = checked_index(index, have, known)
            have[name] = added[name] = keys
        async with connection.transaction():
            await connection.executemany(
                "INSERT INTO hive_partition_index (table_id, name, keys) VALUES ($1, $2, $3)",
                [(table.id, name, keys) for name, keys in added.items()],
            )

    async def get_partition_indexes(self, catalog: str, database: str, table: str) -> list[Shape]:
        """Return PartitionIndexDescriptors; see the port."""
        facts = await self._table(catalog, database, table)
        rows = await self._database.fetch(
            "SELECT name, keys FROM hive_partition_index WHERE table_id = $1 ORDER BY created",
            facts.id,
        )
        return [index_description(each["name"], each["keys"], facts.body) for each in rows]

    async def delete_partition_index(
        self, catalog: str, database: str, table: str, name: str
    ) -> None:
        """Delete an index; see the port."""
        facts = await self._table(catalog, database, table)
        tag = await self._database.execute(
            "DELETE FROM hive_partition_index WHERE table_id = $1 AND name = $2", facts.id, name
        )
        if tag == "DELETE 0":
            raise index_not_found(name)
