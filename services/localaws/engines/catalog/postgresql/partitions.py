"""Partitions of the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localaws.core.database import Connection
from localaws.engines.catalog.base import PartitionError, Shape
from localaws.engines.catalog.errors import (
    ALREADY_EXISTS,
    PARTITION_EXISTS,
)
from localaws.engines.catalog.postgresql.documents import (
    PartitionRow,
    Rows,
    partitions_of,
    row_source,
)
from localaws.engines.catalog.postgresql.filters import Filter
from localaws.engines.catalog.postgresql.store import Store, TableRow, decode
from localaws.engines.catalog.shapes import (
    Values,
    checked_values,
    missing_partitions,
    updates_by_values,
)


class Partitions(Store):
    """Create, read, update and delete partitions."""

    async def create_partitions(
        self, catalog: str, database: str, table: str, partitions: Sequence[Shape]
    ) -> list[PartitionError]:
        """Create partitions; see the port."""
        async with self._database.transaction() as connection:
            # Shared: many may add at once, but the keys do not change meanwhile.
            row = await self._table(catalog, database, table, connection, lock="FOR SHARE")
            return await self._insert(connection, row, partitions)

    async def _insert(
        self, connection: Connection, table: TableRow, partitions: Sequence[Shape]
    ) -> list[PartitionError]:
        now = self._now()
        rows = Rows()
        wanted: dict[Values, PartitionRow] = {}
        taken: list[Values] = []
        for partition in partitions:
            values = checked_values(table.body, partition.get("Values", ()))
            if values in wanted:
                taken.append(values)
            wanted.setdefault(values, rows.row({**partition, "CreationTime": now}))
        # In order of values, so that two batches with the same partitions cannot deadlock.
        ordered = sorted(wanted)
        await rows.write_columns(connection, table)
        source, array, arguments = row_source(
            len(table.keys), ordered, [wanted[values] for values in ordered]
        )
        inserted = await connection.fetch(
            "INSERT INTO gl_partition (table_id, values, columns, body) "
            f"SELECT $1, {array}, wanted_columns, wanted_body FROM {source} "
            "ON CONFLICT DO NOTHING RETURNING values",
            table.id,
            *arguments,
        )
        created = {tuple(row["values"]) for row in inserted}
        taken += [values for values in ordered if values not in created]
        return [PartitionError(values, ALREADY_EXISTS, PARTITION_EXISTS) for values in taken]

    async def get_partitions(
        self,
        catalog: str,
        database: str,
        table: str,
        expression: str | None = None,
        after: Sequence[str] = (),
        limit: int | None = None,
        segment: tuple[int, int] | None = None,
    ) -> list[Shape]:
        """Return partitions by an expression; see the port."""
        row = await self._table(catalog, database, table)
        arguments: list[Any] = [row.id, limit]
        where = ["table_id = $1"]
        # The parser is only needed by who filters: a platform starts without it.
        from localaws.engines.catalog.expression import parse

        condition = parse(expression, row.keys)
        if condition is not None:
            where.append(Filter(condition, arguments).sql)
        if after:
            arguments.append(list(after))
            where.append(f"values > ${len(arguments)}::text[]")
        if segment is not None:
            arguments += segment
            total = len(arguments)
            where.append(f"(hash_array(values)::bigint & 2147483647) % ${total} = ${total - 1}")
        query = (
            f"SELECT values, columns, body FROM gl_partition WHERE {' AND '.join(where)} "
            "ORDER BY values LIMIT $2"
        )
        if condition is None:
            rows = await self._database.fetch(query, *arguments)
        else:
            async with self._database.transaction() as connection:
                # The best plan depends on the literals: never one made for any literals.
                await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
                rows = await connection.fetch(query, *arguments)
        return await partitions_of(self._database, row, rows)

    async def get_partitions_by_values(
        self, catalog: str, database: str, table: str, values: Sequence[Sequence[str]]
    ) -> list[Shape]:
        """Return the partitions with these values; see the port."""
        row = await self._table(catalog, database, table)
        wanted = {checked_values(row.body, each) for each in values}
        source, array, arguments = row_source(len(row.keys), wanted)
        rows = await self._database.fetch(
            f"SELECT values, columns, body FROM gl_partition JOIN {source} "
            f"ON table_id = $1 AND values = {array} ORDER BY values",
            row.id,
            *arguments,
        )
        return await partitions_of(self._database, row, rows)

    async def update_partitions(
        self,
        catalog: str,
        database: str,
        table: str,
        entries: Sequence[tuple[Sequence[str], Shape]],
    ) -> list[PartitionError]:
        """Replace partitions; see the port."""
        async with self._database.transaction() as connection:
            row = await self._table(catalog, database, table, connection, lock="FOR SHARE")
            wanted = updates_by_values(row.body, entries)
            source, array, arguments = row_source(len(row.keys), sorted(wanted))
            found = await connection.fetch(
                f"SELECT values, body FROM gl_partition JOIN {source} ON table_id = $1 "
                f"AND values = {array} ORDER BY values FOR NO KEY UPDATE OF gl_partition",
                row.id,
                *arguments,
            )
            rows = Rows()
            new: dict[Values, PartitionRow] = {}
            for each in found:
                values = tuple(each["values"])
                created = decode(each["body"])["CreationTime"]
                new[values] = rows.row({**wanted[values], "CreationTime": created})
            await rows.write_columns(connection, row)
            source, array, arguments = row_source(len(row.keys), new, new.values())
            await connection.execute(
                f"UPDATE gl_partition SET columns = wanted_columns, body = wanted_body "
                f"FROM {source} WHERE table_id = $1 AND values = {array}",
                row.id,
                *arguments,
            )
        return missing_partitions(wanted, new)

    async def delete_partitions(
        self, catalog: str, database: str, table: str, values: Sequence[Sequence[str]]
    ) -> list[PartitionError]:
        """Delete partitions; see the port."""
        row = await self._table(catalog, database, table)
        wanted = [checked_values(row.body, each) for each in values]
        source, array, arguments = row_source(len(row.keys), wanted)
        rows = await self._database.fetch(
            "WITH doomed AS MATERIALIZED (SELECT values AS doomed_values FROM gl_partition "
            f"JOIN {source} ON table_id = $1 AND values = {array} ORDER BY values "
            "FOR UPDATE OF gl_partition) "
            "DELETE FROM gl_partition USING doomed WHERE table_id = $1 "
            "AND values = doomed_values RETURNING values",
            row.id,
            *arguments,
        )
        return missing_partitions(wanted, {tuple(each["values"]) for each in rows})
