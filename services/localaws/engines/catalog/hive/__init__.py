"""The catalog in a Hive Metastore, which other engines read and write directly."""

from __future__ import annotations

import asyncio

from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.core.errors import AwsError
from localaws.engines.catalog.base import Catalog
from localaws.engines.catalog.hive.databases import Databases
from localaws.engines.catalog.hive.names import DEFAULT_CATALOG
from localaws.engines.catalog.hive.statistics import ColumnStatistics
from localaws.engines.catalog.hive.tables import Tables

HEALTH_SECONDS = 10.0


class HiveCatalog(Databases, Tables, ColumnStatistics, Catalog):
    """The catalog over a metastore's Thrift interface, with what only Glue knows beside it.

    Args:
        database: the state database, started.
        clock: gives creation and update times.
        url: ``thrift://host:port``.
        default: ``<account>/<region>`` that is the metastore's default catalog; others are
            catalogs of their own, made when their first database is.
    """

    def __init__(
        self, database: Database, clock: Clock, url: str, default: str = DEFAULT_CATALOG
    ) -> None:
        super().__init__(database, clock, url, default)

    async def start(self) -> None:
        """Do nothing: connections are made when they are needed."""

    async def stop(self) -> None:
        """Close the connections."""
        await self._client.stop()

    async def healthy(self) -> bool:
        """Return whether the metastore answers."""
        try:
            await asyncio.wait_for(
                self._client.call(lambda client: client.get_catalogs()), HEALTH_SECONDS
            )
        except (AwsError, TimeoutError):
            return False
        return True
