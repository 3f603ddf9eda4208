"""Partition indexes: their definitions. Every partition key is searchable with or without one."""

from __future__ import annotations

from collections.abc import Sequence

from localaws.core.database import Connection
from localaws.core.errors import AwsError
from localaws.engines.catalog.base import Shape
from localaws.engines.catalog.errors import ALREADY_EXISTS, ENTITY_NOT_FOUND, invalid_input
from localaws.engines.catalog.postgresql.store import Store, TableRow

INDEX_LIMIT = 3


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
            name, keys = index["IndexName"], [key.lower() for key in index["Keys"]]
            for key in keys:
                if key not in known:
                    raise invalid_input(
                        f"IndexKeys not a part of PartitionColumns. Verify the indexKeys : [{key}]"
                    )
            if len(have) >= INDEX_LIMIT:
                raise AwsError(
                    "ResourceNumberLimitExceededException",
                    f"Partition index limit exceeded. Maximum: {INDEX_LIMIT}",
                )
            if name in have:
                raise _exists(name, "name")
            if keys in have.values():
                raise _exists(name, "keys")
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
        types = {name.lower(): type_ for name, type_ in row.keys}
        rows = await self._database.fetch(
            "SELECT name, keys FROM gl_partition_index WHERE table_id = $1 ORDER BY created",
            row.id,
        )
        return [
            {
                "IndexName": each["name"],
                "Keys": [{"Name": key, "Type": types.get(key, "string")} for key in each["keys"]],
                "IndexStatus": "ACTIVE",
            }
            for each in rows
        ]

    async def delete_partition_index(
        self, catalog: str, database: str, table: str, name: str
    ) -> None:
        """Delete an index; see the port."""
        row = await self._table(catalog, database, table)
        tag = await self._database.execute(
            "DELETE FROM gl_partition_index WHERE table_id = $1 AND name = $2", row.id, name
        )
        if tag == "DELETE 0":
            raise AwsError(ENTITY_NOT_FOUND, f"Partition Index {name} not found.")


def _exists(name: str, what: str) -> AwsError:
    return AwsError(ALREADY_EXISTS, f"Partition Index {name} already exists with the same {what}.")
