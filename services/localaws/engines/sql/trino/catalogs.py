"""Catalogs of accounts: one set per account and region, made when it is first needed.

A set is a Hive catalog and its siblings for other table formats, to which the Hive catalog
redirects: https://trino.io/docs/current/connector/hive.html#table-redirection
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from localaws.engines.sql.trino.client import TrinoClient
from localaws.engines.sql.trino.errors import StatementFailed, sql_error
from localaws.engines.sql.trino.names import CATALOG, catalog_name

SIBLINGS = ("iceberg", "delta", "hudi")
STAGING_CATALOG = "localaws_staging"
STAGING_SCHEMA = "staging"
PLATFORM = {"X-Trino-User": "localaws", "X-Trino-Source": "localaws"}

_CONNECTORS = {"iceberg": "iceberg", "delta": "delta_lake", "hudi": "hudi"}
_LIMIT = 8
"""Each set holds some 20 MB of the server's heap."""

Properties = Mapping[str, str]


@dataclass(frozen=True)
class StoreAccess:
    """How the server reaches the object store.

    Attributes:
        endpoint: its URL.
        region: region to sign for; empty takes that of the catalog.
        key: access key; empty takes the account's id, which the platform's own endpoint knows.
        secret: its secret.
    """

    endpoint: str
    region: str = ""
    key: str = ""
    secret: str = "localaws"

    def __repr__(self) -> str:
        return f"StoreAccess({self.endpoint!r})"

    def properties(self, account: str, region: str) -> dict[str, str]:
        """Return the properties of a catalog that reads as an account."""
        return {
            "fs.native-s3.enabled": "true",
            "s3.endpoint": self.endpoint,
            "s3.region": self.region or region,
            "s3.path-style-access": "true",
            "s3.aws-access-key": self.key or account,
            "s3.aws-secret-key": self.secret,
        }


class CatalogSource(ABC):
    """Where the server reads databases and tables from.

    Args:
        store: how it reads data.
        scratch: an existing folder on the server's machine, for descriptions of staging tables.
    """

    def __init__(self, store: StoreAccess, scratch: str) -> None:
        self.store = store
        self.scratch = scratch

    @abstractmethod
    def metastore(self, account: str, region: str, kind: str) -> dict[str, str]:
        """Return the properties that lead a catalog (``hive`` or a sibling) to the metadata."""

    def properties(self, account: str, region: str, name: str, kind: str) -> dict[str, str]:
        """Return all properties of a catalog of an account."""
        common = self.metastore(account, region, kind) | self.store.properties(account, region)
        if kind != "hive":
            return common
        return common | {
            # as Athena reads tables: folders within folders, partitions without files, projection
            "hive.recursive-directories": "true",
            "hive.ignore-absent-partitions": "true",
            "hive.partition-projection-enabled": "true",
            # what the catalog says now, not what it said
            "hive.metastore-cache-ttl": "0s",
            "hive.iceberg-catalog-name": f"{name}_iceberg",
            "hive.delta-lake-catalog-name": f"{name}_delta",
            "hive.hudi-catalog-name": f"{name}_hudi",
        }

    def staging(self, account: str, region: str) -> dict[str, str]:
        """Return the properties of the catalog that data files are written through.

        Its tables live for one statement, so their descriptions are files of the server and not
        entries of the platform's catalog.
        """
        return self.store.properties(account, region) | {
            "hive.metastore": "file",
            "hive.metastore.catalog.dir": "local:///trino-staging",
            "fs.native-local.enabled": "true",
            "local.location": self.scratch,
            "hive.non-managed-table-writes-enabled": "true",
            "hive.metastore-cache-ttl": "0s",
        }


class MetastoreSource(CatalogSource):
    """A Hive Metastore over Thrift.

    Args:
        store: how the server reads data.
        url: the metastore, ``thrift://host:port``.
        catalog_name: returns the metastore's name of an account's catalog.
        scratch: an existing folder on the server's machine.
    """

    def __init__(
        self,
        store: StoreAccess,
        url: str,
        catalog_name: Callable[[str, str], str],
        scratch: str = "/tmp",
    ) -> None:
        super().__init__(store, scratch)
        self.url = url
        self.catalog_name = catalog_name

    def metastore(self, account: str, region: str, kind: str) -> dict[str, str]:
        """Return the properties that lead to the metastore."""
        found = {
            "hive.metastore": "thrift",
            "hive.metastore.uri": self.url,
            "hive.metastore.thrift.catalog-name": self.catalog_name(account, region),
        }
        if kind == "iceberg":
            del found["hive.metastore"]
            found["iceberg.catalog.type"] = "hive_metastore"
        return found


class GlueSource(CatalogSource):
    """The platform's own Glue API.

    Args:
        store: how the server reads data.
        url: the endpoint.
        scratch: an existing folder on the server's machine.
    """

    def __init__(self, store: StoreAccess, url: str, scratch: str) -> None:
        super().__init__(store, scratch)
        self.url = url

    def metastore(self, account: str, region: str, kind: str) -> dict[str, str]:
        """Return the properties that lead to the API, as the account."""
        kind_of = {"iceberg": "iceberg.catalog.type"}.get(kind, "hive.metastore")
        return {
            kind_of: "glue",
            "hive.metastore.glue.endpoint-url": self.url,
            "hive.metastore.glue.region": region,
            "hive.metastore.glue.aws-access-key": account,
            "hive.metastore.glue.aws-secret-key": "localaws",
        }


def hidden_names(name: str) -> dict[str, str]:
    """Return the names of a set of catalogs, with the one that users know."""
    names = [name, *(f"{name}_{sibling}" for sibling in SIBLINGS)]
    return {known: CATALOG for known in names if known != CATALOG}


class AccountCatalogs:
    """The catalogs there are on the server; the least recently used go when there are too many.

    Args:
        client: the server.
        source: where catalogs read from.
        home: account and region of the catalog that is called ``awsdatacatalog`` on the server too.
        platform: account and region that staging data is written as.
        limit: most sets at once.
    """

    def __init__(
        self,
        client: TrinoClient,
        source: CatalogSource,
        home: tuple[str, str],
        platform: tuple[str, str],
        limit: int = _LIMIT,
    ) -> None:
        self._client = client
        self._source = source
        self._home = home
        self._platform = platform
        self._limit = limit
        self._others: frozenset[str] = frozenset()
        self._made: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._in_use: Counter[tuple[str, str]] = Counter()
        self._staging = False
        self._locks: dict[str, asyncio.Lock] = {}

    def exists(self, name: str) -> bool:
        """Return whether a name is that of a catalog, of whatever account."""
        return name in self._others or name.startswith(f"{CATALOG}_") or name == STAGING_CATALOG

    def forget(self) -> None:
        """Forget what there is: the server was restarted, or something else dropped it."""
        self._made.clear()
        self._staging = False

    @contextlib.asynccontextmanager
    async def use(self, account: str, region: str) -> AsyncIterator[str]:
        """Hold an account's catalog, made if it is not there, and yield its name.

        Raises:
            SqlError: it cannot be made.
        """
        scope = (account, region)
        self._in_use[scope] += 1
        try:
            name = catalog_name(account, region, self._home)
            async with self._lock(name):
                if scope not in self._made:
                    await self._list()
                    await self._create(name, "hive", self._properties(scope, name, "hive"))
                self._made[scope] = name
                self._made.move_to_end(scope)
            await self._drop_unused()
            yield name
        finally:
            self._in_use[scope] -= 1

    async def add_siblings(self, account: str, region: str) -> None:
        """Make the catalogs of other table formats, which few statements need."""
        name = catalog_name(account, region, self._home)
        async with self._lock(name):
            for kind in SIBLINGS:
                properties = self._properties((account, region), name, kind)
                await self._create(f"{name}_{kind}", _CONNECTORS[kind], properties)

    async def staging(self) -> str:
        """Return the qualified schema that staging tables are made in, made if not there."""
        schema = f"{STAGING_CATALOG}.{STAGING_SCHEMA}"
        async with self._lock(STAGING_CATALOG):
            if not self._staging:
                properties = self._source.staging(*self._platform)
                await self._create(STAGING_CATALOG, "hive", properties)
                await self._execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
                self._staging = True
        return schema

    def _properties(self, scope: tuple[str, str], name: str, kind: str) -> Properties:
        return self._source.properties(*scope, name, kind)

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())

    async def _list(self) -> None:
        """Learn which catalogs the server has by itself, which no account may read."""
        found = await self._execute("SHOW CATALOGS")
        self._others = frozenset(row[0] for row in found) - {CATALOG}

    async def _create(self, name: str, connector: str, properties: Properties) -> None:
        listed = ", ".join(f'"{key}" = {_text(value)}' for key, value in properties.items())
        await self._execute(
            f'CREATE CATALOG IF NOT EXISTS "{name}" USING {connector} WITH ({listed})'
        )

    async def _drop_unused(self) -> None:
        for scope in list(self._made):
            if len(self._made) <= self._limit:
                return
            if self._in_use[scope] or scope == self._home:
                continue
            name = self._made.pop(scope)
            async with self._lock(name):
                if self._in_use[scope]:
                    continue
                for known in (name, *(f"{name}_{kind}" for kind in SIBLINGS)):
                    await self._execute(f'DROP CATALOG IF EXISTS "{known}"')

    async def _execute(self, sql: str) -> list[list[str]]:
        try:
            return await self._client.rows(sql, PLATFORM)
        except StatementFailed as error:
            raise sql_error(error.failure) from error


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
