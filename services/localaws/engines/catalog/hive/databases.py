"""Databases of the catalog."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from pymetastore.hive_metastore.ttypes import (
    AlreadyExistsException,
    Catalog,
    CreateCatalogRequest,
    Database,
)

from localaws.engines.catalog.base import Shape
from localaws.engines.catalog.errors import database_exists, database_not_found, invalid_input
from localaws.engines.catalog.hive.client import Exists, Invalid, NotThere
from localaws.engines.catalog.hive.documents import from_database, moment, to_database
from localaws.engines.catalog.hive.fingerprints import merge
from localaws.engines.catalog.hive.names import (
    DATABASE_NAME_LIMIT,
    NO_LOCATION,
    from_metastore,
    to_metastore,
)
from localaws.engines.catalog.hive.store import (
    DEFAULT_DATABASE,
    Store,
    database_print,
    decode,
    encode,
)
from localaws.engines.catalog.hive.wire import HiveDatabase, ThriftClient
from localaws.engines.catalog.shapes import account_of


class Databases(Store):
    """Create, read, update and delete databases."""

    async def create_database(self, catalog: str, database: Shape) -> None:
        """Create a database; see the port."""
        name = database["Name"].lower()
        if len(to_metastore(name)) > DATABASE_NAME_LIMIT:
            raise invalid_input(
                f"The catalog takes database names of up to {DATABASE_NAME_LIMIT} characters."
            )
        body = {
            **database,
            "Name": name,
            "CatalogId": account_of(catalog),
            "CreateTime": self._now(),
        }
        wanted = to_database(self._name(catalog), to_metastore(name), body)
        async with self._locked(catalog, name) as connection:
            if await self._visible_database(catalog, name) is not None:
                raise database_exists()
            # What is there of a former one of this name is not this one's.
            await self._forget_database(connection, catalog, name)
            await connection.execute(
                "INSERT INTO hive_database (catalog, name, body, print) VALUES ($1, $2, $3, $4)",
                catalog,
                name,
                encode(body),
                database_print(wanted),
            )
            try:
                await self._create(catalog, wanted)
            except Exists as error:
                if name != DEFAULT_DATABASE:
                    raise database_exists() from error
                await self._client.change(
                    lambda client: client.alter_database(self._prefixed(catalog, name), wanted)
                )
            created = await self._hive_database(catalog, name)
            if created is not None:
                await connection.execute(
                    "UPDATE hive_database SET created = $3 WHERE catalog = $1 AND name = $2",
                    catalog,
                    name,
                    created.createTime,
                )

    async def _create(self, catalog: str, database: Database) -> None:
        """Create a database, and at first the catalog."""
        try:
            await self._client.change(lambda client: client.create_database(database))
        except Invalid as error:
            if "No such catalog" not in error.message:
                raise
        else:
            return
        name = self._name(catalog)
        request = CreateCatalogRequest(
            Catalog(name=name, description=catalog, locationUri=NO_LOCATION + name)
        )

        def create(client: ThriftClient) -> None:
            with contextlib.suppress(AlreadyExistsException):
                client.create_catalog(request)
            client.create_database(database)

        await self._client.change(create)

    async def get_database(self, catalog: str, name: str) -> Shape:
        """Return a database; see the port."""
        found = await self._visible_database(catalog, name)
        if found is None:
            raise database_not_found(name)
        return _body(catalog, *found)

    async def get_databases(self, catalog: str, after: str = "", limit: int = 100) -> list[Shape]:
        """Return databases by name; see the port."""
        pattern = f"@{self._name(catalog)}#*"
        names = await self._client.call(lambda client: client.get_databases(pattern))
        # One more, for the one that may not show.
        wanted = [name for name in sorted(map(from_metastore, names)) if name > after][: limit + 1]
        found = await asyncio.gather(*(self._visible_database(catalog, name) for name in wanted))
        return [_body(catalog, *one) for one in found if one is not None][:limit]

    async def update_database(self, catalog: str, name: str, database: Shape) -> None:
        """Replace a database's definition; see the port."""
        if database["Name"].lower() != name.lower():
            raise invalid_input("Renaming a database is not supported.")
        async with self._locked(catalog, name) as connection:
            found = await self._visible_database(catalog, name)
            if found is None:
                raise database_not_found(name)
            former = _body(catalog, *found)
            kept = {key: former[key] for key in ("Name", "CatalogId", "CreateTime")}
            body = {**database, **kept}
            wanted = to_database(self._name(catalog), to_metastore(name), body)
            wanted.ownerName, wanted.ownerType = found[0].ownerName, found[0].ownerType
            await self._client.change(
                lambda client: client.alter_database(self._prefixed(catalog, name), wanted)
            )
            await connection.execute(
                "INSERT INTO hive_database (catalog, name, created, body, print) "
                "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (catalog, name) DO UPDATE "
                "SET created = excluded.created, body = excluded.body, print = excluded.print",
                catalog,
                name.lower(),
                found[0].createTime,
                encode(body),
                database_print(wanted),
            )

    async def delete_database(self, catalog: str, name: str) -> None:
        """Delete a database and all in it; see the port."""
        where = self._prefixed(catalog, name)
        async with self._locked(catalog, name) as connection:
            found = await self._visible_database(catalog, name)
            if found is None:
                raise database_not_found(name)

            def drop(client: ThriftClient) -> None:
                if name.lower() == DEFAULT_DATABASE:
                    # It stays in the metastore, as it was in the beginning.
                    for table in client.get_all_tables(where):
                        client.drop_table_with_environment_context(where, table, False, None)
                    bare = to_database(self._name(catalog), DEFAULT_DATABASE, {})
                    bare.description = "Default Hive database"
                    client.alter_database(where, bare)
                    return
                client.drop_database(where, False, True)

            try:
                await self._client.change(drop)
            except NotThere as error:
                raise database_not_found(name) from error
            await self._forget_database(connection, catalog, name)

    async def _forget_database(self, connection: Any, catalog: str, name: str) -> None:
        for statement in (
            "DELETE FROM hive_table WHERE catalog = $1 AND database = $2",
            "DELETE FROM hive_database WHERE catalog = $1 AND name = $2",
        ):
            await connection.execute(statement, catalog, name.lower())


def _body(catalog: str, hive: HiveDatabase, row: Any) -> Shape:
    """Return a Database from the metastore's and the row beside it."""
    if row is not None and row["created"] in (None, hive.createTime):
        kept: Shape = decode(row["body"])
        if row["print"] == database_print(hive):
            return kept
        base = from_database(to_database(hive.catalogName, hive.name, kept))
        merged: Shape = merge(kept, base, from_database(hive))
        return merged
    return {
        **from_database(hive),
        "CatalogId": account_of(catalog),
        "CreateTime": moment(hive.createTime or 0),
    }
