"""The facts beside the metastore: what only Glue knows, and what was last written there.

A row keeps the whole Glue document and the fingerprint of what the metastore made of it. While the
metastore's table has that fingerprint, the document is the answer; otherwise someone else changed
the table and the row follows. So the metastore stays the truth for what it can hold.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from localaws.core.clock import Clock
from localaws.core.database import Connection, Database, declare_schema
from localaws.engines.catalog.base import Shape
from localaws.engines.catalog.errors import database_not_found, table_not_found
from localaws.engines.catalog.hive import wire
from localaws.engines.catalog.hive.client import MetastoreClient
from localaws.engines.catalog.hive.documents import (
    CHANGED_AT,
    from_database,
    from_table,
    moment,
    to_table,
)
from localaws.engines.catalog.hive.fingerprints import fingerprint, merge
from localaws.engines.catalog.hive.names import catalog_name, to_metastore
from localaws.engines.catalog.hive.wire import HiveDatabase, HiveTable
from localaws.engines.catalog.shapes import account_of

# `identity` is the metastore's id of the table and `created` its time of the database: one that was
# dropped and made again elsewhere inherits nothing. The columns `next_…` hold an update from before
# it is sent to the metastore until it is known to have been done there.
declare_schema(
    "catalog-metastore",
    """
    CREATE TABLE hive_database (
        catalog text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, created bigint,
        body bytea NOT NULL, print bytea NOT NULL, PRIMARY KEY (catalog, name)
    );
    CREATE TABLE hive_table (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        catalog text COLLATE "C" NOT NULL, database text COLLATE "C" NOT NULL,
        name text COLLATE "C" NOT NULL, identity bigint,
        version bigint NOT NULL DEFAULT 0, body bytea NOT NULL, print bytea NOT NULL,
        next_body bytea, next_print bytea, next_archive boolean,
        UNIQUE (catalog, database, name)
    );
    CREATE TABLE hive_table_version (
        table_id bigint NOT NULL REFERENCES hive_table ON DELETE CASCADE,
        version bigint NOT NULL, body bytea NOT NULL, PRIMARY KEY (table_id, version)
    );
    CREATE TABLE hive_partition (
        table_id bigint NOT NULL REFERENCES hive_table ON DELETE CASCADE,
        name text COLLATE "C" NOT NULL, print bytea NOT NULL, body bytea NOT NULL,
        PRIMARY KEY (table_id, name)
    );
    CREATE TABLE hive_column_statistics (
        table_id bigint NOT NULL REFERENCES hive_table ON DELETE CASCADE,
        partition text COLLATE "C" NOT NULL, created bigint NOT NULL,
        column_name text COLLATE "C" NOT NULL, body bytea NOT NULL,
        PRIMARY KEY (table_id, partition, column_name)
    );
    CREATE TABLE hive_partition_index (
        table_id bigint NOT NULL REFERENCES hive_table ON DELETE CASCADE,
        name text COLLATE "C" NOT NULL, keys text[] NOT NULL,
        created bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (table_id, name)
    )
    """,
)

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder().decode

WRITERS = 8
"""Changes at a time: each holds a connection to the state database, which readers need too."""

DEFAULT_DATABASE = "default"
_DEFAULT_DESCRIPTIONS = ("Default Hive database", "Default database for catalog ")

_ROW = "id, identity, version, body, print, next_body, next_print, next_archive"


@dataclass(frozen=True)
class Facts:
    """A table: its row, its Table without VersionId, and the metastore's."""

    id: int
    version: int
    body: Shape
    hive: HiveTable

    @property
    def table(self) -> Shape:
        """The Table that Glue answers."""
        return {**self.body, "VersionId": str(self.version)}


class Store:
    """What all parts of the catalog share.

    Args:
        database: the state database, started.
        clock: gives creation and update times.
        url: ``thrift://host:port`` of the metastore.
        default: the catalog that is the metastore's own default.
    """

    def __init__(self, database: Database, clock: Clock, url: str, default: str) -> None:
        self._database = database
        self._clock = clock
        self._client = MetastoreClient(url)
        self._default = default
        self._writers = asyncio.Semaphore(WRITERS)

    def _now(self) -> datetime:
        """Return the time as Glue keeps it: in whole seconds."""
        return self._clock.now().replace(microsecond=0)

    def _name(self, catalog: str) -> str:
        return catalog_name(catalog, self._default)

    def _prefixed(self, catalog: str, database: str) -> str:
        """Return a database's name for the calls that take one string."""
        return f"@{self._name(catalog)}#{to_metastore(database)}"

    @contextlib.asynccontextmanager
    async def _locked(
        self, catalog: str, database: str, table: str | None = None
    ) -> AsyncIterator[Connection]:
        """Hold off other gateways' changes to a table, or to a database and all in it.

        Statements on the connection commit by themselves, so that they stand before and after
        what is said to the metastore.
        """
        place = f"{catalog}/{to_metastore(database)}"
        async with self._writers, self._database.connection() as connection:
            try:
                if table is None:
                    await connection.execute(
                        "SELECT pg_advisory_lock(hashtextextended($1, 1))", place
                    )
                else:
                    await connection.execute(
                        "SELECT pg_advisory_lock_shared(hashtextextended($1, 1))", place
                    )
                    await connection.execute(
                        "SELECT pg_advisory_lock(hashtextextended($1, 2))",
                        f"{place}/{table.lower()}",
                    )
                yield connection
            finally:
                await asyncio.shield(_unlock(connection))

    async def _hive_table(self, catalog: str, database: str, name: str) -> HiveTable | None:
        where = (self._name(catalog), to_metastore(database), to_metastore(name))
        return await self._client.call(lambda client: wire.get_table(client, *where))

    async def _table(self, catalog: str, database: str, name: str) -> Facts:
        """Return a table.

        Raises:
            AwsError: EntityNotFoundException for the database or the table.
        """
        if database.lower() == DEFAULT_DATABASE:
            await self._require_database(catalog, database)
        hive, row = await asyncio.gather(
            self._hive_table(catalog, database, name),
            self._row(self._database, catalog, database, name),
        )
        if hive is None:
            await self._require_database(catalog, database)
            raise table_not_found(name)
        facts = current(row, hive)
        if facts is not None:
            return facts
        async with self._locked(catalog, database, name) as connection:
            return await self._settled(connection, catalog, database, name)

    async def _row(
        self, connection: Connection | Database, catalog: str, database: str, name: str
    ) -> Any:
        return await connection.fetchrow(
            f"SELECT {_ROW} FROM hive_table WHERE catalog = $1 AND database = $2 AND name = $3",
            catalog,
            database.lower(),
            name.lower(),
        )

    async def _rows(self, catalog: str, database: str, names: list[str]) -> dict[str, Any]:
        rows = await self._database.fetch(
            f"SELECT name, {_ROW} FROM hive_table "
            "WHERE catalog = $1 AND database = $2 AND name = ANY($3)",
            catalog,
            database.lower(),
            names,
        )
        return {row["name"]: row for row in rows}

    async def _settled(
        self, connection: Connection, catalog: str, database: str, name: str
    ) -> Facts:
        """Return a table whose row agrees with the metastore; the table is locked.

        Raises:
            AwsError: EntityNotFoundException for the database or the table.
        """
        if database.lower() == DEFAULT_DATABASE:
            await self._require_database(catalog, database)
        hive = await self._hive_table(catalog, database, name)
        if hive is None:
            await self._require_database(catalog, database)
            await self._forget(connection, catalog, database, name)
            raise table_not_found(name)
        row = await self._row(connection, catalog, database, name)
        print_ = fingerprint(from_table(hive))
        if row is None or not _is_of(row, hive.id, print_):
            return await self._adopt(connection, catalog, hive, print_)
        if row["identity"] is None:
            await connection.execute(
                "UPDATE hive_table SET identity = $2 WHERE id = $1", row["id"], hive.id
            )
        if row["print"] == print_:
            return Facts(row["id"], row["version"], decode(row["body"]), hive)
        if row["next_print"] == print_:
            return await self._promote(connection, row["id"], hive)
        kept = decode(row["body"])
        base = from_table(to_table(hive.catName, kept))
        body = merge(kept, base, from_table(hive))
        body["UpdateTime"] = _changed(hive)
        await self._announce(connection, row["id"], body, print_, archive=True)
        return await self._promote(connection, row["id"], hive)

    async def _adopt(
        self, connection: Connection, catalog: str, hive: HiveTable, print_: bytes
    ) -> Facts:
        """Take in a table that someone else created."""
        body = {
            **from_table(hive),
            "CreateTime": moment(hive.createTime),
            "UpdateTime": _changed(hive),
            "CatalogId": account_of(catalog),
        }
        await self._forget(connection, catalog, body["DatabaseName"], body["Name"])
        id = await self._insert_table(connection, catalog, body, print_, hive.id)
        return Facts(id, 0, body, hive)

    async def _insert_table(
        self,
        connection: Connection,
        catalog: str,
        body: Shape,
        print_: bytes,
        identity: int | None = None,
    ) -> int:
        id: int = await connection.fetchval(
            "INSERT INTO hive_table (catalog, database, name, body, print, identity) "
            "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
            catalog,
            body["DatabaseName"],
            body["Name"],
            encode(body),
            print_,
            identity,
        )
        return id

    async def _announce(
        self, connection: Connection, id: int, body: Shape, print_: bytes, *, archive: bool
    ) -> None:
        """Write what a table will be once the metastore has it."""
        await connection.execute(
            "UPDATE hive_table SET next_body = $2, next_print = $3, next_archive = $4 "
            "WHERE id = $1",
            id,
            encode(body),
            print_,
            archive,
        )

    async def _promote(self, connection: Connection, id: int, hive: HiveTable) -> Facts:
        """Make what was announced the current version; the former goes to the archive."""
        row = await connection.fetchrow(
            "WITH archived AS (INSERT INTO hive_table_version (table_id, version, body) "
            "SELECT id, version, body FROM hive_table WHERE id = $1 AND next_archive) "
            "UPDATE hive_table SET version = version + 1, body = next_body, print = next_print, "
            "next_body = NULL, next_print = NULL, next_archive = NULL WHERE id = $1 "
            "RETURNING version, body",
            id,
        )
        return Facts(id, row["version"], decode(row["body"]), hive)

    async def _forget(self, connection: Connection, catalog: str, database: str, name: str) -> None:
        await connection.execute(
            "DELETE FROM hive_table WHERE catalog = $1 AND database = $2 AND name = $3",
            catalog,
            database.lower(),
            name.lower(),
        )

    async def _hive_database(self, catalog: str, name: str) -> HiveDatabase | None:
        where = (self._name(catalog), to_metastore(name))
        return await self._client.call(lambda client: wire.get_database(client, *where))

    async def _visible_database(self, catalog: str, name: str) -> tuple[HiveDatabase, Any] | None:
        """Return a database and its row, if any; None where it is not there.

        The metastore makes a database ``default`` in each catalog, which Glue does not: it is not
        there before it is created.
        """
        hive, row = await asyncio.gather(
            self._hive_database(catalog, name),
            self._database.fetchrow(
                "SELECT created, body, print FROM hive_database WHERE catalog = $1 AND name = $2",
                catalog,
                name.lower(),
            ),
        )
        if hive is None or (row is None and is_untouched_default(hive)):
            return None
        return hive, row

    async def _require_database(self, catalog: str, name: str) -> None:
        if await self._visible_database(catalog, name) is None:
            raise database_not_found(name)


def is_untouched_default(hive: HiveDatabase) -> bool:
    """Return whether a database is one that the metastore made by itself."""
    return hive.name == DEFAULT_DATABASE and (hive.description or "").startswith(
        _DEFAULT_DESCRIPTIONS
    )


def database_print(hive: HiveDatabase) -> bytes:
    """Return the fingerprint of a metastore's database."""
    return fingerprint(from_database(hive))


def _is_of(row: Any, identity: int, print_: bytes) -> bool:
    """Return whether a row is of this table and not of a former one of the same name."""
    if row["identity"] is None:
        return bool(row["print"] == print_)
    return bool(row["identity"] == identity)


def current(row: Any, hive: HiveTable) -> Facts | None:
    """Return a table from its row, or None where that does not say what the metastore has."""
    if row is None or row["identity"] != hive.id:
        return None
    if row["print"] != fingerprint(from_table(hive)):
        return None
    return Facts(row["id"], row["version"], decode(row["body"]), hive)


def _changed(hive: HiveTable) -> datetime:
    return moment((hive.parameters or {}).get(CHANGED_AT) or hive.createTime)


async def _unlock(connection: Connection) -> None:
    try:
        await connection.execute("SELECT pg_advisory_unlock_all()")
    except Exception:
        # The locks end with the connection.
        connection.terminate()
