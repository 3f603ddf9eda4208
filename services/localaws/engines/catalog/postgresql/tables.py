"""Tables of the catalog and their versions."""

from __future__ import annotations

from collections.abc import Sequence

from localaws.core.database import ForeignKeyViolation, InvalidRegularExpression
from localaws.core.errors import AwsError
from localaws.engines.catalog.base import Shape
from localaws.engines.catalog.errors import (
    database_not_found,
    invalid_input,
    stale_table,
    table_exists,
)
from localaws.engines.catalog.postgresql.indexes import PartitionIndexes
from localaws.engines.catalog.postgresql.partitions import Partitions
from localaws.engines.catalog.postgresql.store import TableRow, decode, encode
from localaws.engines.catalog.shapes import name_pattern, table_body


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
        now = self._now()
        body = table_body(catalog, database, table, now)
        if created_by:
            body["CreatedBy"] = created_by
        try:
            async with self._database.transaction() as connection:
                id = await connection.fetchval(
                    "INSERT INTO gl_table (catalog, database, name, body) "
                    "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING id",
                    catalog,
                    database.lower(),
                    body["Name"],
                    encode(body),
                )
                if id is None:
                    raise table_exists()
                row = TableRow(id, 0, body)
                await self._define(connection, row, indexes)
                if partitions:
                    errors = await self._insert(connection, row, partitions)
                    if errors:
                        raise AwsError(errors[0].code, errors[0].message)
        except ForeignKeyViolation as error:
            raise database_not_found(database) from error

    async def get_table(self, catalog: str, database: str, name: str) -> Shape:
        """Return a table; see the port."""
        row = await self._table(catalog, database, name)
        return {**row.body, "VersionId": str(row.version)}

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
            rows = await self._database.fetch(
                "SELECT version, body FROM gl_table WHERE catalog = $1 AND database = $2 "
                "AND name > $3 AND ($4::text IS NULL OR name ~ $4) ORDER BY name LIMIT $5",
                catalog,
                database.lower(),
                after,
                name_pattern(expression) if expression else None,
                limit,
            )
        except InvalidRegularExpression as error:
            raise invalid_input(f"Invalid expression '{expression}'") from error
        if not rows:
            await self._require_database(catalog, database)
        return [{**decode(row["body"]), "VersionId": str(row["version"])} for row in rows]

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
        async with self._database.transaction() as connection:
            row = await self._table(
                catalog, database, table["Name"], connection, lock="FOR NO KEY UPDATE"
            )
            if version is not None and version != str(row.version):
                raise stale_table()
            body = table_body(catalog, database, table, self._now())
            for member in ("CreateTime", "CreatedBy"):
                if member in row.body:
                    body[member] = row.body[member]
            if not skip_archive:
                await connection.execute(
                    "INSERT INTO gl_table_version (table_id, version, body) VALUES ($1, $2, $3)",
                    row.id,
                    row.version,
                    encode(row.body),
                )
            await connection.execute(
                "UPDATE gl_table SET version = version + 1, body = $2 WHERE id = $1",
                row.id,
                encode(body),
            )
        return {**body, "VersionId": str(row.version + 1)}

    async def delete_tables(self, catalog: str, database: str, names: Sequence[str]) -> list[str]:
        """Delete tables with all that belongs to them; see the port."""
        # Rows are locked in the order of their names, so that two batches cannot deadlock.
        rows = await self._database.fetch(
            "WITH doomed AS MATERIALIZED (SELECT id FROM gl_table WHERE catalog = $1 "
            "AND database = $2 AND name = ANY($3) ORDER BY name FOR UPDATE) "
            "DELETE FROM gl_table USING doomed WHERE gl_table.id = doomed.id RETURNING name",
            catalog,
            database.lower(),
            [name.lower() for name in names],
        )
        deleted = {row["name"] for row in rows}
        if not deleted:
            await self._require_database(catalog, database)
        return [name for name in names if name.lower() not in deleted]

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
        current = before is None or table.version < before
        rows = await self._database.fetch(
            "SELECT version, body FROM gl_table_version WHERE table_id = $1 "
            "AND ($2::bigint IS NULL OR version < $2) ORDER BY version DESC LIMIT $3",
            table.id,
            before,
            limit if limit is None else limit - current,
        )
        versions = [(row["version"], decode(row["body"])) for row in rows]
        if current:
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
            "DELETE FROM gl_table_version WHERE table_id = $1 AND version::text = ANY($2) "
            "RETURNING version",
            table.id,
            list(versions),
        )
        deleted = {str(row["version"]) for row in rows}
        return [version for version in versions if version not in deleted]
