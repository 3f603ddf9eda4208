"""What a running statement works with, and what it leaves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localaws.aws.athena.errors import invalid_request, semantic_error
from localaws.aws.athena.model import QueryExecution, Write
from localaws.aws.athena.reader import CATALOG, CatalogReader
from localaws.aws.athena.statements import Name
from localaws.aws.athena.store import Executions
from localaws.core.platform import Platform
from localaws.core.service import Shape
from localaws.core.state import Scope
from localaws.engines.catalog.base import Catalog
from localaws.engines.object_store.base import ObjectStore, Staging
from localaws.engines.sql.base import Outcome, ResultSink, Session, SqlEngine, TableSink

_CATALOG_NAMES = frozenset({CATALOG, "hive"})


@dataclass(frozen=True)
class QualifiedName:
    """A table's or view's name with its database, both in lower case."""

    database: str
    table: str

    def __str__(self) -> str:
        return f"{self.database}.{self.table}"


@dataclass(frozen=True)
class Answer:
    """What a finished statement leaves behind.

    Attributes:
        columns: ColumnInfo of the result.
        text: lines of the ``.txt`` result, without the last newline; None where there is none.
        file: a result CSV the SQL engine wrote.
        update_count: rows written; 0 for queries; None where Athena answers none.
        update_type: what the ``.metadata`` file calls the statement.
        has_metadata: whether a ``.metadata`` file goes beside the result.
        manifest: ``s3://`` paths of the data files written; None where there is no manifest.
        rows: rows of the result.
        scanned_bytes: bytes the SQL engine read.
        substatement: what the statement turned out to be, where its text did not say.
    """

    columns: Sequence[Shape] = ()
    text: str | None = None
    file: Path | None = None
    update_count: int | None = None
    update_type: str | None = None
    has_metadata: bool = False
    manifest: tuple[str, ...] | None = None
    rows: int | None = None
    scanned_bytes: int = 0
    substatement: str | None = None


def lines(columns: Sequence[Shape], rows: Sequence[str], update_count: int | None = 0) -> Answer:
    """Return the answer of a utility statement: one text per row."""
    return Answer(
        columns=columns, text="\n".join(rows), update_count=update_count, has_metadata=True
    )


@dataclass
class Run:
    """One statement while it runs. `staging` is a place of its own, removed afterwards."""

    platform: Platform
    execution: QueryExecution
    staging: Staging
    reader: CatalogReader = field(init=False)
    engine_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.reader = CatalogReader(self.platform, self.scope)

    @property
    def scope(self) -> Scope:
        """Account and region of the statement."""
        return Scope(self.execution.account, self.execution.region)

    @property
    def catalog(self) -> Catalog:
        """The catalog."""
        return self.platform.catalog

    @property
    def catalog_id(self) -> str:
        """The catalog's id of this account and region."""
        return self.reader.catalog_id

    @property
    def objects(self) -> ObjectStore:
        """The object store."""
        return self.platform.object_store

    @property
    def engine(self) -> SqlEngine:
        """The SQL engine."""
        return self.platform.sql

    @property
    def database(self) -> str:
        """The database names without one are in."""
        return context_database(self.execution.database)

    def session(self) -> Session:
        """Return the session the SQL engine runs the statement in."""
        return Session(
            query_id=self.execution.id,
            account=self.scope.account,
            region=self.scope.region,
            catalog=CATALOG,
            database=self.database,
            user=self.execution.account,
            scan_limit=self.execution.scan_limit,
        )

    def resolve(self, name: Name) -> QualifiedName:
        """Return the name with the database it is in."""
        check_catalog(name.catalog)
        return QualifiedName(name.database or self.database, name.table)

    async def entry(self, name: QualifiedName) -> Shape | None:
        """Return the catalog's entry of a table or view, or None."""
        return await self.reader.entry(name.database, name.table)

    async def existing(self, name: QualifiedName) -> Shape:
        """Return the catalog's entry of a table or view.

        Raises:
            StatementError: it is not there.
        """
        entry = await self.entry(name)
        if entry is None:
            raise semantic_error(10001, f"Table not found {name}")
        return entry

    async def query(
        self, sql: str, sink: ResultSink | TableSink, parameters: Sequence[str] | None = None
    ) -> Outcome:
        """Run a query on the SQL engine, and count the time it takes."""
        begun = time.monotonic()
        try:
            return await self.engine.run(
                sql,
                self.session(),
                self.reader,
                sink,
                self.execution.parameters if parameters is None else parameters,
            )
        finally:
            self.engine_seconds += time.monotonic() - begun

    async def note_write(self, write: Write) -> None:
        """Record what is about to become visible, so that a restart can tell whether it did.

        Raises:
            Cancelled: the statement was stopped; nothing may become visible.
        """
        self.execution.write = write
        if not await Executions(self.platform.database, self.scope).save(
            self.execution, committing=True
        ):
            raise Cancelled


def context_database(name: str | None) -> str:
    """Return the database a QueryExecutionContext names; clients may quote it as DDL does."""
    return (name or "default").strip("`").lower()


class Cancelled(Exception):
    """The statement was stopped by StopQueryExecution."""


def check_catalog(name: str | None) -> None:
    """Check that a catalog's name is that of the one there is.

    Raises:
        AwsError: DATACATALOG_NOT_FOUND.
    """
    if name is not None and name.lower() not in _CATALOG_NAMES:
        raise invalid_request(f"DataCatalog {name} was not found", "DATACATALOG_NOT_FOUND")
