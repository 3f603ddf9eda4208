"""Partitions as rows: what is kept per partition, and the columns many of them share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localaws.core.database import Connection, Database
from localaws.engines.catalog.base import Shape
from localaws.engines.catalog.postgresql.store import TableRow, decode, encode
from localaws.engines.catalog.shapes import Values


@dataclass(frozen=True)
class PartitionRow:
    """A partition as it is stored: its document without columns, and the digest of its columns."""

    body: bytes
    columns: bytes | None


class Rows:
    """Makes rows of partitions, collecting their columns."""

    def __init__(self) -> None:
        self._columns: dict[bytes, bytes] = {}

    def row(self, partition: Shape) -> PartitionRow:
        """Return the row of a document."""
        descriptor = partition.get("StorageDescriptor")
        if not descriptor or "Columns" not in descriptor:
            return PartitionRow(encode(partition), None)
        columns = encode(descriptor["Columns"])
        digest = hashlib.blake2b(columns, digest_size=16).digest()
        self._columns[digest] = columns
        kept = {name: value for name, value in descriptor.items() if name != "Columns"}
        return PartitionRow(encode({**partition, "StorageDescriptor": kept}), digest)

    async def write_columns(self, connection: Connection, table: TableRow) -> None:
        """Write the columns of all rows made so far; do so before the rows."""
        # In order, so that two transactions that write the same columns cannot deadlock.
        digests = sorted(self._columns)
        await connection.execute(
            "INSERT INTO gl_columns (table_id, digest, body) "
            "SELECT $1, digest, body FROM unnest($2::bytea[], $3::bytea[]) AS t (digest, body) "
            "ON CONFLICT DO NOTHING",
            table.id,
            digests,
            [self._columns[digest] for digest in digests],
        )


async def partitions_of(database: Database, table: TableRow, rows: Sequence[Any]) -> list[Shape]:
    """Return rows (values, columns, body) as Partitions; their lists of columns are shared."""
    digests = {row["columns"] for row in rows} - {None}
    columns = {
        row["digest"]: decode(row["body"])
        for row in (
            await database.fetch(
                "SELECT digest, body FROM gl_columns WHERE table_id = $1 AND digest = ANY($2)",
                table.id,
                list(digests),
            )
            if digests
            else ()
        )
    }
    where = {
        "DatabaseName": table.body["DatabaseName"],
        "TableName": table.body["Name"],
        "CatalogId": table.body["CatalogId"],
    }
    return [_partition(row, where, columns) for row in rows]


def _partition(row: Any, where: Shape, columns: Mapping[bytes, list[Shape]]) -> Shape:
    partition: Shape = {**decode(row["body"]), "Values": row["values"], **where}
    if row["columns"] is not None:
        # Gone only where the table was dropped between the two reads.
        partition["StorageDescriptor"]["Columns"] = columns.get(row["columns"], [])
    return partition


def row_source(
    keys: int, values: Iterable[Values], rows: Iterable[PartitionRow] | None = None
) -> tuple[str, str, list[Any]]:
    """Return a row source of partition values, SQL for a row's values, and the arguments.

    One array per key, because PostgreSQL unnests an array of arrays into single elements. The
    arguments are $2 and following; the source is called ``wanted`` and has ``wanted_columns`` and
    ``wanted_body`` where rows are given.
    """
    values = list(values)
    names = [f"key_{place}" for place in range(keys)]
    types = ["text"] * keys
    arguments: list[Any] = [[each[place] for each in values] for place in range(keys)]
    array = f"ARRAY[{', '.join(names)}]::text[]"
    if rows is not None:
        rows = list(rows)
        names += ["wanted_columns", "wanted_body"]
        types += ["bytea", "bytea"]
        arguments += [[row.columns for row in rows], [row.body for row in rows]]
    parameters = ", ".join(f"${place}::{type_}[]" for place, type_ in enumerate(types, 2))
    return f"unnest({parameters}) AS wanted ({', '.join(names)})", array, arguments
