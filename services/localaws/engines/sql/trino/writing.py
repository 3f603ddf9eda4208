"""Data files of a query, written through a table that lives for one statement."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from localaws.engines.object_store.base import ObjectInfo, ObjectStore
from localaws.engines.sql.base import Column, SqlError, TableSink, WrittenFile
from localaws.engines.sql.trino.catalogs import PLATFORM, STAGING_CATALOG
from localaws.engines.sql.trino.client import TrinoClient
from localaws.engines.sql.trino.errors import StatementFailed, sql_error

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_FORMATS = {"parquet": "PARQUET", "csv": "TEXTFILE", "json": "JSON"}
_CODECS = ("none", "snappy", "gzip", "zstd")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StagingTable:
    """A table without rows at the place where a sink wants its files."""

    name: str
    sink: TableSink

    @property
    def insert(self) -> str:
        """The beginning of the statement that writes a query's rows."""
        return f"INSERT INTO {self.name} "

    @property
    def session(self) -> Mapping[str, str]:
        """Session properties to write with."""
        return {f"{STAGING_CATALOG}.compression_codec": self.sink.compression.upper()}


async def create(
    client: TrinoClient, schema: str, columns: Sequence[Column], sink: TableSink
) -> StagingTable:
    """Make the staging table of a sink.

    Raises:
        SqlError: the format cannot hold the columns.
    """
    form = _FORMATS.get(sink.format)
    if form is None:
        raise SqlError("NOT_SUPPORTED", f"Unsupported file format {sink.format}")
    if sink.compression not in _CODECS:
        message = f"Unsupported compression {sink.compression} for {sink.format}"
        raise SqlError("NOT_SUPPORTED", message)
    properties = {"external_location": _text(sink.staging.uri), "format": _text(form)}
    if sink.partition_by:
        properties["partitioned_by"] = f"ARRAY[{', '.join(map(_text, sink.partition_by))}]"
    if sink.format == "csv":
        properties["textfile_field_separator"] = _unicode_text(sink.field_delimiter)
    listed = ", ".join(f"{name} = {value}" for name, value in properties.items())
    table = StagingTable(f"{schema}.t_{uuid.uuid4().hex}", sink)
    try:
        await client.rows(
            f"CREATE TABLE {table.name} ({_definitions(columns)}) WITH ({listed})", PLATFORM
        )
    except StatementFailed as error:
        raise sql_error(error.failure) from error
    return table


async def drop(client: TrinoClient, table: StagingTable) -> None:
    """Forget a staging table; its files stay."""
    try:
        await client.rows(f"DROP TABLE IF EXISTS {table.name}", PLATFORM)
    except (StatementFailed, SqlError) as error:
        # its description goes with the server's scratch folder, its files with the staging prefix
        log.warning("the staging table %s stays: %s", table.name, error)


async def written(store: ObjectStore, sink: TableSink) -> tuple[WrittenFile, ...]:
    """Return the files that were written into a sink.

    Raises:
        SqlError: HIVE_TOO_MANY_OPEN_PARTITIONS.
    """
    files: list[WrittenFile] = []
    after = ""
    while True:
        page = await store.page(sink.staging.bucket, sink.staging.prefix, after=after)
        files += (_file(sink, info) for info in page.objects if info.size)
        if not page.truncated:
            break
        after = page.next_key
    if len({file.partition for file in files}) > sink.max_partitions:
        # the server counts per writer, of which there may be several
        raise too_many_partitions(sink)
    return tuple(files)


def too_many_partitions(sink: TableSink) -> SqlError:
    """Return the error of a statement that writes more partitions than it may."""
    message = f"Exceeded limit of {sink.max_partitions} open writers for partitions/buckets"
    return SqlError("HIVE_TOO_MANY_OPEN_PARTITIONS", message)


def _file(sink: TableSink, info: ObjectInfo) -> WrittenFile:
    folders = info.key[len(sink.staging.prefix) :].split("/")[:-1]
    values = [unquote(folder.partition("=")[2]) for folder in folders if "=" in folder]
    partition = tuple(None if value == NULL_PARTITION else value for value in values)
    return WrittenFile(source=info, partition=partition, rows=None, size=info.size)


def _definitions(columns: Sequence[Column]) -> str:
    for position, column in enumerate(columns):
        if column.type == "unknown":
            message = f"line 1:1: Column type is unknown: {column.name}"
            raise SqlError("COLUMN_TYPE_UNKNOWN", message)
        if any(column.name == other.name for other in columns[:position]):
            raise SqlError(
                "DUPLICATE_COLUMN_NAME",
                f"line 1:1: Column name '{column.name}' specified more than once",
            )
    return ", ".join(
        '"' + column.name.replace('"', '""') + f'" {column.type}' for column in columns
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _unicode_text(value: str) -> str:
    """Return a literal of any characters, those that do not print too."""
    return "U&'" + "".join(f"\\{ord(character):04X}" for character in value) + "'"
