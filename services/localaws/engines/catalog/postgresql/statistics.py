"""Column statistics of tables and partitions."""

from __future__ import annotations

from collections.abc import Sequence

from localaws.core.database import Connection
from localaws.engines.catalog.base import Shape
from localaws.engines.catalog.errors import partition_not_found
from localaws.engines.catalog.postgresql.store import Store, decode, encode


class ColumnStatistics(Store):
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
        async with self._database.connection() as connection:
            id = await self._owner(connection, catalog, database, table, values)
            rows = await connection.fetch(
                "SELECT body FROM gl_column_statistics WHERE table_id = $1 "
                "AND values IS NOT DISTINCT FROM $2 AND column_name = ANY($3) "
                "ORDER BY column_name",
                id,
                values,
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
        async with self._database.transaction() as connection:
            id = await self._owner(connection, catalog, database, table, values, "FOR KEY SHARE")
            await connection.execute(
                "INSERT INTO gl_column_statistics (table_id, values, column_name, body) "
                "SELECT $1, $2, name, body FROM unnest($3::text[], $4::bytea[]) AS t (name, body) "
                "ON CONFLICT (table_id, values, column_name) DO UPDATE SET body = excluded.body",
                id,
                values,
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
        async with self._database.connection() as connection:
            id = await self._owner(connection, catalog, database, table, values)
            tag = await connection.execute(
                "DELETE FROM gl_column_statistics WHERE table_id = $1 "
                "AND values IS NOT DISTINCT FROM $2 AND column_name = $3",
                id,
                values,
                column,
            )
        return bool(tag == "DELETE 1")

    async def _owner(
        self,
        connection: Connection,
        catalog: str,
        database: str,
        table: str,
        values: Sequence[str] | None,
        lock: str = "",
    ) -> int:
        """Return the table's id, checking that the partition is there."""
        row = await self._table(catalog, database, table, connection, lock)
        if values is not None:
            found = await connection.fetchrow(
                f"SELECT 1 FROM gl_partition WHERE table_id = $1 AND values = $2 {lock}",
                row.id,
                list(values),
            )
            if found is None:
                raise partition_not_found()
        return row.id
