"""The tables of the catalog, how documents are kept in them, and how they are looked up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from localaws.core.clock import Clock
from localaws.core.database import Connection, Database, declare_schema
from localaws.engines.catalog.base import Shape
from localaws.engines.catalog.errors import database_not_found, table_not_found
from localaws.engines.catalog.postgresql.filters import INDEXED_KEYS, number_of, text_of
from localaws.engines.catalog.shapes import keys_of

# Foreign keys make a table without its database, and a partition without its table, impossible
# whatever runs at the same time. Names and values compare by code point: COLLATE "C".
# Nearly all partitions of a table have the same columns, which are most of their text: they are
# kept once per table (gl_columns) and named by their digest.
_TABLES = """
    CREATE TABLE gl_database (
        catalog text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, body bytea NOT NULL,
        PRIMARY KEY (catalog, name)
    );
    CREATE TABLE gl_table (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        catalog text COLLATE "C" NOT NULL, database text COLLATE "C" NOT NULL,
        name text COLLATE "C" NOT NULL, version bigint NOT NULL DEFAULT 0, body bytea NOT NULL,
        UNIQUE (catalog, database, name),
        FOREIGN KEY (catalog, database) REFERENCES gl_database ON DELETE CASCADE
    );
    CREATE TABLE gl_table_version (
        table_id bigint NOT NULL REFERENCES gl_table ON DELETE CASCADE,
        version bigint NOT NULL, body bytea NOT NULL, PRIMARY KEY (table_id, version)
    );
    CREATE TABLE gl_columns (
        table_id bigint NOT NULL REFERENCES gl_table ON DELETE CASCADE,
        digest bytea NOT NULL, body bytea NOT NULL, PRIMARY KEY (table_id, digest)
    );
    CREATE TABLE gl_partition (
        table_id bigint NOT NULL REFERENCES gl_table ON DELETE CASCADE,
        values text[] COLLATE "C" NOT NULL, columns bytea, body bytea NOT NULL,
        PRIMARY KEY (table_id, values)
    );
    CREATE TABLE gl_column_statistics (
        table_id bigint NOT NULL REFERENCES gl_table ON DELETE CASCADE,
        values text[] COLLATE "C", column_name text COLLATE "C" NOT NULL, body bytea NOT NULL,
        UNIQUE NULLS NOT DISTINCT (table_id, values, column_name),
        FOREIGN KEY (table_id, values) REFERENCES gl_partition ON DELETE CASCADE
    );
    CREATE TABLE gl_partition_index (
        table_id bigint NOT NULL REFERENCES gl_table ON DELETE CASCADE,
        name text COLLATE "C" NOT NULL, keys text[] NOT NULL,
        created bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (table_id, name)
    )
"""
_INDEXES = ";".join(
    f"CREATE INDEX gl_partition_{kind}_{position + 1} ON gl_partition (table_id, ({value})) "
    f"WHERE {value} IS NOT NULL"
    for position in range(INDEXED_KEYS)
    for kind, value in (("text", text_of(position)), ("number", number_of(position)))
)

declare_schema("catalog", _TABLES, _INDEXES)

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder().decode
"""Documents are msgpack: timestamps stay timestamps, and a table is read in microseconds."""


@dataclass(frozen=True)
class TableRow:
    """A table as it is stored; `body` is a Table without its VersionId."""

    id: int
    version: int
    body: Shape

    @property
    def keys(self) -> list[tuple[str, str]]:
        """Name and type of each partition key."""
        return keys_of(self.body)


class Store:
    """What all parts of the catalog share: the database, the clock, looking tables up.

    Args:
        database: the state database, started.
        clock: gives creation and update times.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def _now(self) -> datetime:
        """Return the time as Glue keeps it: in whole seconds."""
        return self._clock.now().replace(microsecond=0)

    async def _table(
        self,
        catalog: str,
        database: str,
        name: str,
        connection: Connection | None = None,
        lock: str = "",
    ) -> TableRow:
        """Return a table's row.

        Args:
            catalog: catalog.
            database: database.
            name: table.
            connection: the transaction to read in.
            lock: a locking clause, e.g. ``FOR SHARE``.

        Raises:
            AwsError: EntityNotFoundException for the database or the table.
        """
        row = await (connection or self._database).fetchrow(
            "SELECT id, version, body FROM gl_table "
            f"WHERE catalog = $1 AND database = $2 AND name = $3 {lock}",
            catalog,
            database.lower(),
            name.lower(),
        )
        if row is None:
            await self._require_database(catalog, database, connection)
            raise table_not_found(name)
        return TableRow(row["id"], row["version"], decode(row["body"]))

    async def _require_database(
        self, catalog: str, name: str, connection: Connection | None = None
    ) -> None:
        found = await (connection or self._database).fetchrow(
            "SELECT 1 FROM gl_database WHERE catalog = $1 AND name = $2", catalog, name.lower()
        )
        if found is None:
            raise database_not_found(name)
