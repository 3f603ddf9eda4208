"""Column statistics of tables and partitions, kept beside the metastore in Glue's own form."""

from __future__ import annotations

from collections.abc import Sequence

from localaws.engines.catalog.base import Shape
from localaws.engines.catalog.errors import partition_not_found
from localaws.engines.catalog.hive.partitions import Partitions
from localaws.engines.catalog.hive.store import Facts, decode, encode


class ColumnStatistics(Partitions):
    """Read, write and delete statistics; they go with their table or partition."""

    async def get_column_statistics(
        self,
        catalog: str,
        database: str,
        table: str,
        columns: Sequence[str],
        values: Sequence[str] | None = None,
    ) -> list[Shape]:
        """Return the statistics of columns; see the port."""
        owner = await self._owner(await self._table(catalog, database, table), values)
        rows = await self._database.fetch(
            "SELECT body FROM hive_column_statistics WHERE table_id = $1 AND partition = $2 "
            "AND created = $3 AND column_name = ANY($4) ORDER BY column_name",
            *owner,
            list(columns),
        )
        return [decode(row["body"]) for row in rows]

    async def update_column_statistics(
        self,
        catalog: str,
        database: str,
        table: str,
        statistics: Sequence[Shape],
        values: Sequence[str] | None = None,
    ) -> None:
        """Write statistics over what is there; see the port."""
        by_column = {each["ColumnName"]: encode(each) for each in statistics}
        columns = sorted(by_column)
        async with self._locked(catalog, database, table) as connection:
            facts = await self._settled(connection, catalog, database, table)
            await connection.execute(
                "INSERT INTO hive_column_statistics (table_id, partition, created, column_name, "
                "body) SELECT $1, $2, $3, name, body "
                "FROM unnest($4::text[], $5::bytea[]) AS t (name, body) "
                "ON CONFLICT (table_id, partition, column_name) "
                "DO UPDATE SET body = excluded.body, created = excluded.created",
                *await self._owner(facts, values),
                columns,
                [by_column[column] for column in columns],
            )

    async def delete_column_statistics(
        self,
        catalog: str,
        database: str,
        table: str,
        column: str,
        values: Sequence[str] | None = None,
    ) -> bool:
        """Delete the statistics of a column; see the port."""
        owner = await self._owner(await self._table(catalog, database, table), values)
        tag = await self._database.execute(
            "DELETE FROM hive_column_statistics WHERE table_id = $1 AND partition = $2 "
            "AND created = $3 AND column_name = $4",
            *owner,
            column,
        )
        return bool(tag == "DELETE 1")

    async def _owner(self, table: Facts, values: Sequence[str] | None) -> tuple[int, str, int]:
        """Return what statistics are of: table, partition, and when that was created.

        Those of a partition that was dropped and made again elsewhere are not of the new one.
        """
        if values is None:
            return table.id, "", 0
        name = self._partition_name(table, tuple(values))
        for partition in await self._by_name(table, [name]):
            if partition.values == list(values):
                return table.id, name, partition.createTime
        raise partition_not_found()
