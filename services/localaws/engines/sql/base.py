"""The ``sql`` port: what a SQL engine is asked for, whichever engine answers.

The gateway owns what Athena owns (statements, DDL, targets, limits, permissions); a SQL engine
takes one query in Athena's dialect, resolves its tables through a `TableReader`, and either
streams its answer into a sink or refuses. An engine never answers what it cannot answer as Trino
would.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from localaws.core.errors import LocalAwsError
from localaws.engines.object_store.base import ObjectInfo, Staging


class SqlError(LocalAwsError):
    """A query failed.

    Args:
        name: Trino's error name, e.g. ``COLUMN_NOT_FOUND``, ``DIVISION_BY_ZERO``.
        message: Trino's wording, e.g. ``line 1:8: Column 'x' cannot be resolved``.
        user: True when the query is at fault, False when the platform is.
    """

    def __init__(self, name: str, message: str, *, user: bool = True) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message
        self.user = user


class SqlRefused(SqlError):
    """The query is valid, but this engine is not proven to answer it as Trino would."""

    def __init__(self, message: str) -> None:
        super().__init__("NOT_SUPPORTED", message)


class QueryCancelled(LocalAwsError):
    """The query was stopped by `SqlEngine.cancel`."""


@dataclass(frozen=True)
class Column:
    """A column: its name in lower case and its Trino type, e.g. ``array(decimal(10,2))``."""

    name: str
    type: str
    comment: str | None = None


@dataclass(frozen=True)
class TableSchema:
    """A table as the catalog describes it; its files are asked for separately."""

    catalog: str
    database: str
    name: str
    columns: tuple[Column, ...]
    partition_keys: tuple[Column, ...]
    location: str
    input_format: str
    serde: str
    serde_parameters: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ViewSchema:
    """A view: its query in Athena's dialect, resolved against the catalog and database given."""

    catalog: str
    database: str
    name: str
    columns: tuple[Column, ...]
    sql: str


@dataclass(frozen=True)
class Partition:
    """One registered partition: its values in key order (``None`` is the null partition)."""

    values: tuple[str | None, ...]
    location: str
    serde_parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DataFile:
    """One object of a table, readable by the engine at `path` (a local file when embedded)."""

    uri: str
    path: str
    size: int


class TableReader(Protocol):
    """What an engine may ask about tables; permissions are already applied to the answers."""

    async def table(
        self, catalog: str, database: str, name: str
    ) -> TableSchema | ViewSchema | None:
        """Return the table or view (names are in lower case), or None where there is none."""

    async def database_exists(self, catalog: str, database: str) -> bool:
        """Return whether the database exists."""

    async def partitions(self, table: TableSchema, expression: str | None) -> list[Partition]:
        """Return the registered partitions that match a Glue partition expression."""

    async def files(self, location: str) -> list[DataFile]:
        """Return the data objects under an ``s3://`` location, hidden and empty ones left out."""


@dataclass(frozen=True)
class Session:
    """What a query runs in: its default catalog and database, zone and limits."""

    query_id: str
    account: str
    region: str
    catalog: str = "awsdatacatalog"
    database: str = "default"
    user: str = "anonymous"
    scan_limit: int | None = None
    """Bytes after which the query is cut off (`BytesScannedCutoffPerQuery`)."""


@dataclass(frozen=True)
class ResultSink:
    """Write the rows to `path` as Athena's result CSV: header, every value quoted, nulls bare."""

    path: Path


@dataclass(frozen=True)
class TableSink:
    """Write the rows as data files into an empty staging place.

    Attributes:
        staging: the place; an engine writes local files or objects, as it can.
        columns: the target's columns; the query's columns are coerced to them by position.
        format: ``parquet``, ``csv`` (text with `field_delimiter`), or ``json``.
        compression: ``snappy``, ``gzip``, ``zstd`` or ``none``.
        partition_by: names of trailing columns that become ``name=value`` folders.
    """

    staging: Staging
    columns: tuple[Column, ...] | None = None
    format: str = "parquet"
    compression: str = "snappy"
    partition_by: tuple[str, ...] = ()
    field_delimiter: str = "\x01"
    max_partitions: int = 100


@dataclass(frozen=True)
class WrittenFile:
    """A file a `TableSink` wrote.

    Attributes:
        source: the local file or the object in staging.
        partition: its partition values in key order.
        size: bytes.
        rows: rows in it; None where the engine tells only their sum.
    """

    source: Path | ObjectInfo
    partition: tuple[str | None, ...]
    size: int
    rows: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What a finished query did."""

    columns: tuple[Column, ...]
    rows: int
    scanned_bytes: int
    files: tuple[WrittenFile, ...] = ()


class SqlEngine(ABC):
    """A SQL engine behind Athena: DuckDB embedded, Trino on compose."""

    name: str

    @property
    def processes(self) -> list[int]:
        """Return the ids of the processes that run queries on this machine."""
        return []

    @abstractmethod
    async def start(self) -> None:
        """Make the engine ready; cheap to call again."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop every process of the engine."""

    async def healthy(self) -> bool:
        """Return whether the engine answers; one that is started when it is needed does."""
        return True

    @abstractmethod
    async def columns(self, sql: str, session: Session, tables: TableReader) -> tuple[Column, ...]:
        """Return the output columns of a query without running it.

        Raises:
            SqlError: the query is wrong (syntax, unknown table or column, type mismatch).
            SqlRefused: the query is right, but this engine cannot answer it as Trino would.
        """

    @abstractmethod
    async def run(
        self,
        sql: str,
        session: Session,
        tables: TableReader,
        sink: ResultSink | TableSink,
        parameters: Sequence[str] = (),
    ) -> Outcome:
        """Run one query and write its rows into the sink.

        Args:
            sql: a query (SELECT, VALUES, WITH …) in Athena's dialect, without a trailing semicolon.
            session: its session.
            tables: resolves tables, partitions and files.
            sink: where rows go; nothing outside it is written.
            parameters: SQL literals for ``?`` in order.

        Raises:
            SqlError: the query failed; the sink's content is void.
            SqlRefused: not proven to be answered as Trino would; nothing was run.
            QueryCancelled: `cancel` was called.
        """

    @abstractmethod
    async def cancel(self, query_id: str) -> bool:
        """Stop a running query; return whether it was running here."""

    @abstractmethod
    async def explain(self, sql: str, session: Session, tables: TableReader) -> str:
        """Return the engine's plan as text."""
