"""The catalog in PostgreSQL."""

from __future__ import annotations

from localaws.engines.catalog.base import Catalog
from localaws.engines.catalog.postgresql.databases import Databases
from localaws.engines.catalog.postgresql.statistics import ColumnStatistics
from localaws.engines.catalog.postgresql.tables import Tables


class PostgresCatalog(Databases, Tables, ColumnStatistics, Catalog):
    """The catalog kept in the state database.

    Every change is one transaction, and takes its locks in an order that cannot deadlock.
    """

    async def start(self) -> None:
        """Do nothing: the tables are made with the database's schema."""

    async def stop(self) -> None:
        """Do nothing: the database is not the catalog's own."""

    async def healthy(self) -> bool:
        """Return True: the state database, on which all depends, reports for itself."""
        return True
