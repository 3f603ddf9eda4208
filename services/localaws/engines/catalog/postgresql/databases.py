"""Databases of the catalog."""

from __future__ import annotations

from localaws.engines.catalog.base import Shape
from localaws.engines.catalog.errors import database_exists, database_not_found, invalid_input
from localaws.engines.catalog.postgresql.store import Store, decode, encode
from localaws.engines.catalog.shapes import account_of


class Databases(Store):
    """Create, read, update and delete databases."""

    async def create_database(self, catalog: str, database: Shape) -> None:
        """Create a database; see the port."""
        name = database["Name"].lower()
        body = {
            **database,
            "Name": name,
            "CatalogId": account_of(catalog),
            "CreateTime": self._now(),
        }
        tag = await self._database.execute(
            "INSERT INTO gl_database (catalog, name, body) VALUES ($1, $2, $3) "
            "ON CONFLICT DO NOTHING",
            catalog,
            name,
            encode(body),
        )
        if tag == "INSERT 0 0":
            raise database_exists()

    async def get_database(self, catalog: str, name: str) -> Shape:
        """Return a database; see the port."""
        body = await self._database.fetchval(
            "SELECT body FROM gl_database WHERE catalog = $1 AND name = $2", catalog, name.lower()
        )
        if body is None:
            raise database_not_found(name)
        database: Shape = decode(body)
        return database

    async def get_databases(self, catalog: str, after: str = "", limit: int = 100) -> list[Shape]:
        """Return databases by name; see the port."""
        rows = await self._database.fetch(
            "SELECT body FROM gl_database WHERE catalog = $1 AND name > $2 ORDER BY name LIMIT $3",
            catalog,
            after,
            limit,
        )
        return [decode(row["body"]) for row in rows]

    async def update_database(self, catalog: str, name: str, database: Shape) -> None:
        """Replace a database's definition; see the port."""
        if database["Name"].lower() != name.lower():
            raise invalid_input("Renaming a database is not supported.")
        async with self._database.transaction() as connection:
            present = await connection.fetchval(
                "SELECT body FROM gl_database WHERE catalog = $1 AND name = $2 FOR NO KEY UPDATE",
                catalog,
                name.lower(),
            )
            if present is None:
                raise database_not_found(name)
            former = decode(present)
            kept = {key: former[key] for key in ("Name", "CatalogId", "CreateTime")}
            await connection.execute(
                "UPDATE gl_database SET body = $3 WHERE catalog = $1 AND name = $2",
                catalog,
                name.lower(),
                encode({**database, **kept}),
            )

    async def delete_database(self, catalog: str, name: str) -> None:
        """Delete a database and all in it; see the port."""
        tag = await self._database.execute(
            "DELETE FROM gl_database WHERE catalog = $1 AND name = $2", catalog, name.lower()
        )
        if tag == "DELETE 0":
            raise database_not_found(name)
