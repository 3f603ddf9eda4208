"""Tables of the catalog and their versions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pymetastore.hive_metastore.ttypes import (
    EnvironmentContext,
    Table,
)

from localaws.core.database import Connection
from localaws.core.errors import AwsError
from localaws.engines.catalog.base import Shape
from localaws.engines.catalog.errors import invalid_input, stale_table, table_exists
from localaws.engines.catalog.hive import wire
from localaws.engines.catalog.hive.client import Exists, Invalid, NotThere, Refusal
from localaws.engines.catalog.hive.documents import (
    BOOKKEEPING,
    CHANGED_AT,
    METADATA_LOCATION,
    from_table,
    to_table,
)
from localaws.engines.catalog.hive.fingerprints import fingerprint
from localaws.engines.catalog.hive.indexes import PartitionIndexes
from localaws.engines.catalog.hive.names import TABLE_NAME_LIMIT, from_metastore, to_metastore
from localaws.engines.catalog.hive.partitions import Partitions
from localaws.engines.catalog.hive.store import (
    DEFAULT_DATABASE,
    Facts,
    current,
    decode,
)
from localaws.engines.catalog.hive.wire import HiveTable
from localaws.engines.catalog.shapes import checked_values, name_pattern, table_body

_FETCHED = 100
"""Tables read in one call."""

_NO_STATISTICS = {"DO_NOT_UPDATE_STATS": "true"}


class Tables(Partitions, PartitionIndexes):
    """Create, read, update and delete tables; read and delete their versions."""

    async def create_table(
        self,
        catalog: str,
        database: str,
        table: Shape,
        partitions: Sequence[Shape] = (),
        created_by: str = "",
        indexes: Sequence[Shape] = (),
    ) -> None:
        """Create a table with its first partitions and indexes; see the port."""
        body = table_body(catalog, database, table, self._now())
        if created_by:
            body["CreatedBy"] = created_by
        name = body["Name"]
        if len(to_metastore(name)) > TABLE_NAME_LIMIT:
            raise invalid_input(
                f"The catalog takes table names of up to {TABLE_NAME_LIMIT} characters."
            )
        for partition in partitions:
            checked_values(body, partition.get("Values", ()))
        async with self._locked(catalog, database, name) as connection:
            if database.lower() == DEFAULT_DATABASE:
                await self._require_database(catalog, database)
            if await self._hive_table(catalog, database, name) is not None:
                raise table_exists()
            wanted = to_table(self._name(catalog), body)
            await self._forget(connection, catalog, database, name)
            id = await self._insert_table(
                connection, catalog, body, fingerprint(from_table(wanted))
            )
            hive = await self._create_in_metastore(catalog, database, wanted)
            await connection.execute(
                "UPDATE hive_table SET identity = $2 WHERE id = $1", id, hive.id
            )
            facts = Facts(id, 0, body, hive)
            try:
                await self._define(connection, facts, indexes)
                errors = await self._add(connection, facts, partitions) if partitions else []
                if errors:
                    raise AwsError(errors[0].code, errors[0].message)
            except AwsError:
                await self._drop(connection, catalog, database, name)
                raise

    async def _create_in_metastore(self, catalog: str, database: str, wanted: Table) -> HiveTable:
        context = EnvironmentContext(_NO_STATISTICS)
        try:
            await self._client.change(
                lambda client: client.create_table_with_environment_context(wanted, context)
            )
        except Exists as error:
            raise table_exists() from error
        except (Invalid, NotThere):
            await self._require_database(catalog, database)
            raise
        hive = await self._hive_table(catalog, database, from_metastore(wanted.tableName))
        if hive is None:
            raise stale_table()
        return hive

    async def get_table(self, catalog: str, database: str, name: str) -> Shape:
        """Return a table; see the port."""
        return (await self._table(catalog, database, name)).table

    async def get_tables(
        self,
        catalog: str,
        database: str,
        expression: str | None = None,
        after: str = "",
        limit: int = 100,
    ) -> list[Shape]:
        """Return tables by name; see the port."""
        try:
            pattern = re.compile(name_pattern(expression) if expression else ".*", re.DOTALL)
        except re.error as error:
            raise invalid_input(f"Invalid expression '{expression}'") from error
        if database.lower() == DEFAULT_DATABASE:
            await self._require_database(catalog, database)
        where = self._prefixed(catalog, database)
        names = sorted(
            map(
                from_metastore,
                await self._client.call(lambda client: client.get_all_tables(where)),
            )
        )
        names = [name for name in names if name > after and pattern.fullmatch(name)][:limit]
        if not names:
            await self._require_database(catalog, database)
        return [
            table
            for start in range(0, len(names), _FETCHED)
            for table in await self._fetch(catalog, database, names[start : start + _FETCHED])
        ]

    async def _fetch(self, catalog: str, database: str, names: list[str]) -> list[Shape]:
        """Return the tables of these names in their order, without those gone meanwhile."""
        prefix = (self._name(catalog), to_metastore(database))
        encoded = [to_metastore(name) for name in names]
        hives = {
            from_metastore(hive.tableName): hive
            for hive in await self._client.call(
                lambda client: wire.get_tables(client, *prefix, encoded)
            )
        }
        rows = await self._rows(catalog, database, names)
        tables = []
        for name in names:
            if name not in hives:
                continue
            facts = current(rows.get(name), hives[name])
            if facts is not None:
                tables.append(facts.table)
                continue
            try:
                tables.append(await self.get_table(catalog, database, name))
            except AwsError as error:
                if error.code != "EntityNotFoundException":
                    raise
        return tables

    async def update_table(
        self,
        catalog: str,
        database: str,
        table: Shape,
        version: str | None = None,
        *,
        skip_archive: bool = False,
    ) -> Shape:
        """Replace a table's definition; see the port."""
        async with self._locked(catalog, database, table["Name"]) as connection:
            former = await self._settled(connection, catalog, database, table["Name"])
            if version is not None and version != str(former.version):
                raise stale_table()
            body = table_body(catalog, database, table, self._now())
            for member in ("CreateTime", "CreatedBy"):
                if member in former.body:
                    body[member] = former.body[member]
            wanted = to_table(self._name(catalog), body)
            print_ = fingerprint(from_table(wanted))
            await self._announce(connection, former.id, body, print_, archive=not skip_archive)
            if print_ != fingerprint(from_table(former.hive)):
                await self._alter(catalog, database, former.hive, wanted)
            return (await self._promote(connection, former.id, former.hive)).table

    async def _alter(self, catalog: str, database: str, former: HiveTable, wanted: Table) -> None:
        """Replace a table in the metastore, unless someone else changed it since it was read."""
        wanted.createTime, wanted.ownerType = former.createTime, former.ownerType
        wanted.writeId, wanted.lastAccessTime = former.writeId, former.lastAccessTime
        present = former.parameters or {}
        for key in BOOKKEEPING - {"EXTERNAL"}:
            if key in present:
                wanted.parameters.setdefault(key, present[key])
        properties = dict(_NO_STATISTICS)
        if METADATA_LOCATION in present and METADATA_LOCATION in wanted.parameters:
            # Iceberg's: every commit of any engine changes it.
            guard = METADATA_LOCATION
        elif present.get(CHANGED_AT, "").isdigit():
            guard = CHANGED_AT
            later = max(int(self._now().timestamp()), int(present[CHANGED_AT]) + 1)
            wanted.parameters[CHANGED_AT] = str(later)
        else:
            guard = ""
        if guard:
            properties["expected_parameter_key"] = guard
            properties["expected_parameter_value"] = present[guard]
        where = self._prefixed(catalog, database)
        context = EnvironmentContext(properties)
        try:
            await self._client.change(
                lambda client: client.alter_table_with_environment_context(
                    where, wanted.tableName, wanted, context
                )
            )
        except Refusal as error:
            if "has been modified" in error.message:
                raise stale_table() from error
            raise
        except Invalid as error:
            if "not found" in error.message:
                raise stale_table() from error
            raise invalid_input(
                f"Table {former.tableName} cannot be changed so. {error.message}"
            ) from error

    async def delete_tables(self, catalog: str, database: str, names: Sequence[str]) -> list[str]:
        """Delete tables with all that belongs to them; see the port."""
        if database.lower() == DEFAULT_DATABASE:
            await self._require_database(catalog, database)
        missing = set()
        for name in sorted({name.lower() for name in names}):
            async with self._locked(catalog, database, name) as connection:
                if not await self._drop(connection, catalog, database, name):
                    missing.add(name)
        if all(name.lower() in missing for name in names):
            await self._require_database(catalog, database)
        return [name for name in names if name.lower() in missing]

    async def _drop(self, connection: Connection, catalog: str, database: str, name: str) -> bool:
        """Drop a table, never its data; return whether it was there."""
        where = self._prefixed(catalog, database)
        try:
            await self._client.change(
                lambda client: client.drop_table_with_environment_context(
                    where, to_metastore(name), False, None
                )
            )
        except NotThere:
            found = False
        else:
            found = True
        await self._forget(connection, catalog, database, name)
        return found

    async def get_versions(
        self,
        catalog: str,
        database: str,
        name: str,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[Shape]:
        """Return versions, newest first; see the port."""
        table = await self._table(catalog, database, name)
        is_current = before is None or table.version < before
        rows = await self._database.fetch(
            "SELECT version, body FROM hive_table_version WHERE table_id = $1 "
            "AND version < $2 ORDER BY version DESC LIMIT $3",
            table.id,
            table.version if is_current else before,
            limit if limit is None else limit - is_current,
        )
        versions = [(row["version"], decode(row["body"])) for row in rows]
        if is_current:
            versions.insert(0, (table.version, table.body))
        return [
            {"Table": {**body, "VersionId": str(version)}, "VersionId": str(version)}
            for version, body in versions
        ]

    async def delete_versions(
        self, catalog: str, database: str, name: str, versions: Sequence[str]
    ) -> list[str]:
        """Delete archived versions; see the port."""
        table = await self._table(catalog, database, name)
        rows = await self._database.fetch(
            "DELETE FROM hive_table_version WHERE table_id = $1 AND version::text = ANY($2) "
            "RETURNING version",
            table.id,
            list(versions),
        )
        deleted = {str(row["version"]) for row in rows}
        return [version for version in versions if version not in deleted]
