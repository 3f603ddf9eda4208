"""Partitions of the catalog."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pymetastore.hive_metastore.ttypes import (
    AddPartitionsRequest,
    DropPartitionsRequest,
    EnvironmentContext,
    Partition,
    RequestPartsSpec,
)

from localaws.core.database import Connection, Database
from localaws.engines.catalog.base import PartitionError, Shape
from localaws.engines.catalog.errors import (
    ALREADY_EXISTS,
    PARTITION_EXISTS,
    invalid_input,
    stale_table,
    table_not_found,
)
from localaws.engines.catalog.evaluator import compile_condition
from localaws.engines.catalog.hive.client import Exists, Invalid, NotThere
from localaws.engines.catalog.hive.documents import (
    from_partition,
    moment,
    to_partition,
)
from localaws.engines.catalog.hive.fingerprints import fingerprint
from localaws.engines.catalog.hive.names import (
    PARTITION_NAME_LIMIT,
    VALUE_LIMIT,
    is_ambiguous,
    partition_name,
    partition_values,
)
from localaws.engines.catalog.hive.store import Facts, Store, decode, encode
from localaws.engines.catalog.hive.wire import ThriftClient
from localaws.engines.catalog.shapes import (
    Values,
    checked_values,
    keys_of,
    missing_partitions,
    updates_by_values,
)

_BATCH = 500
"""Partitions read or changed in one call."""


class Partitions(Store):
    """Create, read, update and delete partitions."""

    async def create_partitions(
        self, catalog: str, database: str, table: str, partitions: Sequence[Shape]
    ) -> list[PartitionError]:
        """Create partitions; see the port."""
        async with self._locked(catalog, database, table) as connection:
            facts = await self._settled(connection, catalog, database, table)
            return await self._add(connection, facts, partitions)

    async def _add(
        self, connection: Connection, table: Facts, partitions: Sequence[Shape]
    ) -> list[PartitionError]:
        now = self._now()
        wanted: dict[str, Shape] = {}
        taken: list[Values] = []
        for partition in partitions:
            values = checked_values(table.body, partition.get("Values", ()))
            name = self._partition_name(table, values)
            _require_short(name, values)
            if name in wanted:
                taken.append(values)
            else:
                wanted[name] = {**partition, "CreationTime": now}
        names = sorted(wanted)
        for start in range(0, len(names), _BATCH):
            batch = {name: wanted[name] for name in names[start : start + _BATCH]}
            hives = {name: to_partition(batch[name], table.hive, name) for name in batch}
            created = await self._add_batch(table, hives)
            taken += [tuple(batch[name]["Values"]) for name in batch if name not in created]
            await self._keep(connection, table, batch, {name: hives[name] for name in created})
        return [PartitionError(values, ALREADY_EXISTS, PARTITION_EXISTS) for values in taken]

    async def _add_batch(self, table: Facts, wanted: Mapping[str, Partition]) -> set[str]:
        """Add those of the partitions that are not there; return their names.

        The metastore adds all or none: after a refusal those that are there are left out; one
        that comes between is found by going on one by one.
        """
        try:
            await self._add_all(table, wanted.values())
        except Exists:
            there = {
                self._partition_name(table, tuple(each.values))
                for each in await self._by_name(table, list(wanted))
            }
        else:
            return set(wanted)
        rest = {name: each for name, each in wanted.items() if name not in there}
        try:
            await self._add_all(table, rest.values())
        except Exists:
            pass
        else:
            return set(rest)
        created = set()
        for name, partition in rest.items():
            try:
                await self._add_all(table, [partition])
            except Exists:
                continue
            created.add(name)
        return created

    async def _add_all(self, table: Facts, partitions: Iterable[Partition]) -> None:
        hive = table.hive
        request = AddPartitionsRequest(
            hive.dbName, hive.tableName, list(partitions), False, False, hive.catName
        )
        if not request.parts:
            return
        try:
            await self._client.change(lambda client: client.add_partitions_req(request))
        except (Invalid, NotThere) as error:
            if "exist" in error.message or "not found" in error.message:
                raise table_not_found(table.body["Name"]) from error
            raise

    async def _keep(
        self,
        connection: Connection,
        table: Facts,
        bodies: Mapping[str, Shape],
        hives: Mapping[str, Partition],
    ) -> None:
        """Keep the documents of partitions that the metastore would give back otherwise."""
        kept = []
        for name, hive in hives.items():
            theirs = from_partition(hive)
            body = bodies[name]
            if {**theirs, "CreationTime": body["CreationTime"]} != body:
                kept.append((name, fingerprint(theirs), encode(body)))
        await connection.execute(
            "DELETE FROM hive_partition WHERE table_id = $1 AND name = ANY($2)",
            table.id,
            list(hives),
        )
        if kept:
            await connection.execute(
                "INSERT INTO hive_partition (table_id, name, print, body) SELECT $1, * "
                "FROM unnest($2::text[], $3::bytea[], $4::bytea[])",
                table.id,
                *map(list, zip(*kept, strict=True)),
            )

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
        facts = await self._table(catalog, database, table)
        # The parser is only needed by who filters: a platform starts without it.
        from localaws.engines.catalog.expression import parse

        condition = parse(expression, keys_of(facts.body))
        test = compile_condition(condition) if condition is not None else None
        named = await self._values_by_name(facts)
        chosen = sorted(
            (values, name)
            for name, values in named.items()
            if (test is None or test(values))
            and (not after or values > tuple(after))
            and (segment is None or _hash(values) % segment[1] == segment[0])
        )[:limit]
        names = [name for _, name in chosen]
        batches = [names[start : start + _BATCH] for start in range(0, len(names), _BATCH)]
        found = await asyncio.gather(*(self._answers(facts, batch) for batch in batches))
        return sorted((each for batch in found for each in batch), key=_values)

    async def _values_by_name(self, table: Facts) -> dict[str, Values]:
        """Return the values of all partitions, by the metastore's names."""
        where = f"@{table.hive.catName}#{table.hive.dbName}"
        names = await self._client.call(
            lambda client: client.get_partition_names(where, table.hive.tableName, -1)
        )
        named = {name: partition_values(name) for name in names}
        ambiguous = [name for name in names if is_ambiguous(name)]
        for start in range(0, len(ambiguous), _BATCH):
            for each in await self._by_name(table, ambiguous[start : start + _BATCH]):
                values = tuple(each.values)
                named[self._partition_name(table, values)] = values
        return named

    async def _answers(self, table: Facts, names: list[str]) -> list[Shape]:
        """Return Partitions by the metastore's names."""
        hives, rows = await asyncio.gather(
            self._by_name(table, names), self._kept(self._database, table, names)
        )
        where = {
            "DatabaseName": table.body["DatabaseName"],
            "TableName": table.body["Name"],
            "CatalogId": table.body["CatalogId"],
        }
        return [{**self._answer(table, hive, rows), **where} for hive in hives]

    def _answer(self, table: Facts, hive: Partition, rows: Mapping[str, Any]) -> Shape:
        theirs = from_partition(hive)
        row = rows.get(self._partition_name(table, tuple(hive.values)))
        if row is not None and row["print"] == fingerprint(theirs):
            kept: Shape = decode(row["body"])
            return kept
        return {**theirs, "CreationTime": moment(hive.createTime)}

    async def _kept(
        self, connection: Connection | Database, table: Facts, names: list[str]
    ) -> dict[str, Any]:
        rows = await connection.fetch(
            "SELECT name, print, body FROM hive_partition WHERE table_id = $1 AND name = ANY($2)",
            table.id,
            names,
        )
        return {row["name"]: row for row in rows}

    async def get_partitions_by_values(
        self, catalog: str, database: str, table: str, values: Sequence[Sequence[str]]
    ) -> list[Shape]:
        """Return the partitions with these values; see the port."""
        facts = await self._table(catalog, database, table)
        wanted = {checked_values(facts.body, each) for each in values}
        names = sorted({self._partition_name(facts, each) for each in wanted})
        found = [
            each
            for start in range(0, len(names), _BATCH)
            for each in await self._answers(facts, names[start : start + _BATCH])
        ]
        return sorted((each for each in found if tuple(each["Values"]) in wanted), key=_values)

    async def update_partitions(
        self,
        catalog: str,
        database: str,
        table: str,
        entries: Sequence[tuple[Sequence[str], Shape]],
    ) -> list[PartitionError]:
        """Replace partitions; see the port."""
        async with self._locked(catalog, database, table) as connection:
            facts = await self._settled(connection, catalog, database, table)
            wanted = updates_by_values(facts.body, entries)
            present = await self._present(facts, wanted)
            rows = await self._kept(connection, facts, list(present))
            bodies: dict[str, Shape] = {}
            hives: dict[str, Partition] = {}
            for name, former in present.items():
                created = self._answer(facts, former, rows)["CreationTime"]
                body = {**wanted[tuple(former.values)], "CreationTime": created}
                hive = to_partition(body, facts.hive, name)
                hive.createTime, hive.lastAccessTime = former.createTime, former.lastAccessTime
                hive.writeId = former.writeId
                bodies[name], hives[name] = body, hive
            lossy = {name for name, each in hives.items() if _loses_parameters(present[name], each)}
            names = list(hives)
            for start in range(0, len(names), _BATCH):
                batch = {name: hives[name] for name in names[start : start + _BATCH]}
                await self._alter_partitions(
                    facts, [each for name, each in batch.items() if name not in lossy]
                )
                for name in lossy & set(batch):
                    await self._alter_partitions(facts, [batch[name]])
                await self._keep(connection, facts, bodies, batch)
        return missing_partitions(wanted, (tuple(each.values) for each in present.values()))

    async def _alter_partitions(self, table: Facts, partitions: list[Partition]) -> None:
        where, name = f"@{table.hive.catName}#{table.hive.dbName}", table.hive.tableName
        context = EnvironmentContext({"DO_NOT_UPDATE_STATS": "true"})

        def alter(client: ThriftClient) -> None:
            if len(partitions) == 1:
                client.alter_partition_with_environment_context(where, name, partitions[0], context)
            elif partitions:
                client.alter_partitions_with_environment_context(where, name, partitions, context)

        try:
            await self._client.change(alter)
        except Invalid as error:
            # One of them was dropped elsewhere meanwhile.
            raise stale_table() from error

    async def delete_partitions(
        self, catalog: str, database: str, table: str, values: Sequence[Sequence[str]]
    ) -> list[PartitionError]:
        """Delete partitions; see the port."""
        async with self._locked(catalog, database, table) as connection:
            facts = await self._settled(connection, catalog, database, table)
            wanted = [checked_values(facts.body, each) for each in values]
            present = await self._present(facts, wanted)
            names = list(present)
            for start in range(0, len(names), _BATCH):
                await self._drop_partitions(facts, names[start : start + _BATCH])
            for kept in ("hive_partition", "hive_column_statistics"):
                column = "name" if kept == "hive_partition" else "partition"
                await connection.execute(
                    f"DELETE FROM {kept} WHERE table_id = $1 AND {column} = ANY($2)",
                    facts.id,
                    names,
                )
        return missing_partitions(wanted, (tuple(each.values) for each in present.values()))

    async def _drop_partitions(self, table: Facts, names: list[str]) -> None:
        """Drop partitions, never their data."""
        hive = table.hive
        request = DropPartitionsRequest(
            dbName=hive.dbName,
            tblName=hive.tableName,
            parts=RequestPartsSpec(names=names),
            deleteData=False,
            ifExists=True,
            needResult=False,
            catName=hive.catName,
        )
        await self._client.change(lambda client: client.drop_partitions_req(request))

    async def _present(self, table: Facts, wanted: Iterable[Values]) -> dict[str, Partition]:
        """Return those of the partitions that are there, by name."""
        values = set(wanted)
        names = sorted({self._partition_name(table, each) for each in values})
        return {
            self._partition_name(table, tuple(each.values)): each
            for start in range(0, len(names), _BATCH)
            for each in await self._by_name(table, names[start : start + _BATCH])
            if tuple(each.values) in values
        }

    async def _by_name(self, table: Facts, names: list[str]) -> list[Partition]:
        """Return those of the partitions that are there."""
        where = f"@{table.hive.catName}#{table.hive.dbName}"
        try:
            found: list[Partition] = await self._client.call(
                lambda client: client.get_partitions_by_names(where, table.hive.tableName, names)
            )
        except NotThere as error:
            raise table_not_found(table.body["Name"]) from error
        return found

    @staticmethod
    def _partition_name(table: Facts, values: Values) -> str:
        return partition_name([key.name for key in table.hive.partitionKeys], values)


def _require_short(name: str, values: Values) -> None:
    if any(len(value) > VALUE_LIMIT for value in values) or len(name) > PARTITION_NAME_LIMIT:
        raise invalid_input(
            f"The catalog takes partition values of up to {VALUE_LIMIT} characters and partition "
            f"names (key=value/…) of up to {PARTITION_NAME_LIMIT}."
        )


def _loses_parameters(former: Partition, new: Partition) -> bool:
    """Return whether a change removes parameters of the storage: not done for many at once."""
    pairs = (
        (former.sd.parameters, new.sd.parameters),
        (
            former.sd.serdeInfo and former.sd.serdeInfo.parameters,
            new.sd.serdeInfo and new.sd.serdeInfo.parameters,
        ),
    )
    return any(set(before or ()) - set(after or ()) for before, after in pairs)


def _hash(values: Values) -> int:
    return zlib.crc32("\0".join(values).encode())


def _values(partition: Shape) -> list[str]:
    values: list[str] = partition["Values"]
    return values
