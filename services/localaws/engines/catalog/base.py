"""The ``catalog`` port: databases, tables with versions, partitions; the one catalog of all doors.

Structures are Glue's own (`DatabaseInput`, `TableInput`, `PartitionInput` and what Glue answers, in
AWS's names), because Glue is the widest door; errors are Glue's (`EntityNotFoundException`,
`AlreadyExistsException`, `ConcurrentModificationException` …) raised as `AwsError`, see `errors`.
Names are folded to lower case. A catalog id is an account id. Timestamps are aware datetimes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Shape = dict[str, Any]


@dataclass(frozen=True)
class PartitionError:
    """Why one partition of a batch was not taken."""

    values: tuple[str, ...]
    code: str
    message: str


class Catalog(ABC):
    """Databases, tables and partitions of all accounts and regions.

    `catalog` is ``<account>/<region>``: a catalog belongs to one account in one region.
    """

    @abstractmethod
    async def start(self) -> None:
        """Make the catalog ready."""

    @abstractmethod
    async def stop(self) -> None:
        """Release what the catalog holds."""

    @abstractmethod
    async def healthy(self) -> bool:
        """Return whether the catalog answers."""

    @abstractmethod
    async def create_database(self, catalog: str, database: Shape) -> None:
        """Create a database from a DatabaseInput; AlreadyExistsException."""

    @abstractmethod
    async def get_database(self, catalog: str, name: str) -> Shape:
        """Return a Database; EntityNotFoundException."""

    @abstractmethod
    async def get_databases(self, catalog: str, after: str = "", limit: int = 100) -> list[Shape]:
        """Return Databases by name, behind `after`."""

    @abstractmethod
    async def update_database(self, catalog: str, name: str, database: Shape) -> None:
        """Replace a database's definition; EntityNotFoundException."""

    @abstractmethod
    async def delete_database(self, catalog: str, name: str) -> None:
        """Delete a database with its tables and partitions; EntityNotFoundException."""

    @abstractmethod
    async def create_table(
        self,
        catalog: str,
        database: str,
        table: Shape,
        partitions: Sequence[Shape] = (),
        created_by: str = "",
        indexes: Sequence[Shape] = (),
    ) -> None:
        """Create a table from a TableInput, with its first partitions and indexes, in one step.

        Raises:
            AwsError: EntityNotFoundException (database), AlreadyExistsException.
        """

    @abstractmethod
    async def get_table(self, catalog: str, database: str, name: str) -> Shape:
        """Return a Table with its current VersionId; EntityNotFoundException."""

    @abstractmethod
    async def get_tables(
        self,
        catalog: str,
        database: str,
        expression: str | None = None,
        after: str = "",
        limit: int = 100,
    ) -> list[Shape]:
        """Return Tables by name behind `after`; `expression` is a regular expression on names."""

    @abstractmethod
    async def update_table(
        self,
        catalog: str,
        database: str,
        table: Shape,
        version: str | None = None,
        *,
        skip_archive: bool = False,
    ) -> Shape:
        """Replace a table's definition; keeps the former as a version unless `skip_archive`.

        Raises:
            AwsError: EntityNotFoundException; ConcurrentModificationException where `version` is
                given and is not the current one.
        """

    @abstractmethod
    async def delete_tables(self, catalog: str, database: str, names: Sequence[str]) -> list[str]:
        """Delete tables with versions and partitions; return the names that were not there."""

    @abstractmethod
    async def get_versions(
        self,
        catalog: str,
        database: str,
        name: str,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[Shape]:
        """Return TableVersions (``Table``, ``VersionId``), newest first; EntityNotFoundException.

        The current version is the first; with `before` only those with a smaller VersionId.
        """

    @abstractmethod
    async def delete_versions(
        self, catalog: str, database: str, name: str, versions: Sequence[str]
    ) -> list[str]:
        """Delete archived versions; return those that were not there."""

    @abstractmethod
    async def create_partitions(
        self, catalog: str, database: str, table: str, partitions: Sequence[Shape]
    ) -> list[PartitionError]:
        """Create partitions from PartitionInputs; those that fail are returned, the rest stand."""

    @abstractmethod
    async def get_partitions(
        self,
        catalog: str,
        database: str,
        table: str,
        expression: str | None = None,
        after: Sequence[str] = (),
        limit: int | None = None,
        segment: tuple[int, int] | None = None,
    ) -> list[Shape]:
        """Return Partitions in order of their values that match a Glue partition expression.

        Raises:
            AwsError: EntityNotFoundException; InvalidInputException for a bad expression.
        """

    @abstractmethod
    async def get_partitions_by_values(
        self, catalog: str, database: str, table: str, values: Sequence[Sequence[str]]
    ) -> list[Shape]:
        """Return the Partitions with these values; those that are not there are left out."""

    @abstractmethod
    async def update_partitions(
        self,
        catalog: str,
        database: str,
        table: str,
        entries: Sequence[tuple[Sequence[str], Shape]],
    ) -> list[PartitionError]:
        """Replace partitions, each named by its present values."""

    @abstractmethod
    async def delete_partitions(
        self, catalog: str, database: str, table: str, values: Sequence[Sequence[str]]
    ) -> list[PartitionError]:
        """Delete partitions by their values."""

    # column statistics: of the table, or with `values` of one partition

    @abstractmethod
    async def get_column_statistics(
        self,
        catalog: str,
        database: str,
        table: str,
        columns: Sequence[str],
        values: Sequence[str] | None = None,
    ) -> list[Shape]:
        """Return ColumnStatistics by column; columns without any are left out."""

    @abstractmethod
    async def update_column_statistics(
        self,
        catalog: str,
        database: str,
        table: str,
        statistics: Sequence[Shape],
        values: Sequence[str] | None = None,
    ) -> None:
        """Write ColumnStatistics, over what is there of the same column."""

    @abstractmethod
    async def delete_column_statistics(
        self,
        catalog: str,
        database: str,
        table: str,
        column: str,
        values: Sequence[str] | None = None,
    ) -> bool:
        """Delete the statistics of a column; return whether there were any."""

    # partition indexes

    @abstractmethod
    async def create_partition_indexes(
        self, catalog: str, database: str, table: str, indexes: Sequence[Shape]
    ) -> None:
        """Create PartitionIndexes, all or none.

        Raises:
            AwsError: InvalidInputException (not a partition key), AlreadyExistsException,
                ResourceNumberLimitExceededException (three per table).
        """

    @abstractmethod
    async def get_partition_indexes(self, catalog: str, database: str, table: str) -> list[Shape]:
        """Return PartitionIndexDescriptors in order of creation."""

    @abstractmethod
    async def delete_partition_index(
        self, catalog: str, database: str, table: str, name: str
    ) -> None:
        """Delete a partition index; EntityNotFoundException."""
