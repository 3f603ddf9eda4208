"""Partition indexes: their definitions. Every partition key is searchable with or without one."""

from __future__ import annotations

from collections.abc import Sequence

from localaws.core.database import Connection
from localaws.engines.catalog.base import Shape
from localaws.engines.catalog.postgresql.store import Store, TableRow
from localaws.engines.catalog.shapes import checked_index, index_description, index_not_found


class PartitionIndexes(Store):
    """Create, list and delete the index definitions of a table."""

    async def create_partition_indexes(
        self, catalog: str, database: str, table: str, indexes: Sequence[Shape]
    ) -> None:
        """Create indexes; see the port."""
        async with self._database.transaction() as connection:
            row = await self._table(catalog, database, table, connection, lock="FOR NO KEY UPDATE")
            await self._define(connection, row, indexes)

    async def _define(
        self, connection: Connection, row: TableRow, indexes: Sequence[Shape]
    ) -> None:
        have = {
            each["name"]: each["keys"]
            for each in await connection.fetch(
                "SELECT name, keys FROM gl_partition_index WHERE table_id = $1", row.id
            )
        }
        known = {name.lower() for name, _ in row.keys}
        for index in indexes:
            name, keys = checked_index(index, have, known)
            have[name] = keys
            await connection.execute(
                "INSERT INTO gl_partition_index (table_id, name, keys) VALUES ($1, $2, $3)",
                row.id,
                name,
                keys,
            )

    async def get_partition_indexes(self, catalog: str, database: str, table: str) -> list[Shape]:
        """Return PartitionIndexDescriptors; see the port."""
        row = await self._table(catalog, database, table)
        rows = await self._database.fetch(
            "SELECT name, keys FROM gl_partition_index WHERE table_id = $1 ORDER BY created",
            row.id,
        )
        return [index_description(each["name"], each["keys"], row.body) for each in rows]

    async def delete_partition_index(
        self, catalog: str, database: str, table: str, name: str
    ) -> None:
        """Delete an index; see the port."""
        row = await self._table(catalog, database, table)
        tag = await self._database.execute(
            "DELETE FROM gl_partition_index WHERE table_id = $1 AND name = $2", row.id, name
        )
        if tag == "DELETE 0":
            raise index_not_found(name)
