"""The engine put together: on a server of its own, or on one that is there already."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from localaws.engines.object_store.base import STAGING_ACCOUNT, ObjectStore
from localaws.engines.sql.trino.adapter import TrinoEngine
from localaws.engines.sql.trino.catalogs import (
    AccountCatalogs,
    CatalogSource,
    GlueSource,
    MetastoreSource,
    StoreAccess,
)
from localaws.engines.sql.trino.client import TrinoClient
from localaws.engines.sql.trino.installation import Installation
from localaws.engines.sql.trino.server import EmbeddedTrino


def embedded_engine(
    store: ObjectStore,
    *,
    endpoint: str,
    home: tuple[str, str],
    folder: Path,
    log: Path,
    installation: Installation,
) -> TrinoEngine:
    """Return the engine on a server that is started when it is first needed.

    Args:
        store: the object store, for the files that are written.
        endpoint: the platform's own URL: the server is a client of its Glue and S3 APIs.
        home: account and region of requests that name none.
        folder: the server's folder.
        log: the server's log file.
        installation: where it is installed.
    """
    server = EmbeddedTrino(folder, log, installation)
    source = GlueSource(StoreAccess(endpoint), endpoint, scratch=str(server.scratch))
    client = TrinoClient(server.locate)
    return TrinoEngine(client, _catalogs(client, source, home), store, server)


def external_engine(
    store: ObjectStore,
    *,
    url: str,
    home: tuple[str, str],
    metastore_url: str,
    metastore_catalog: Callable[[str, str], str],
    access: StoreAccess,
) -> TrinoEngine:
    """Return the engine on a server at `url` that reads a Hive Metastore and an object store.

    Args:
        store: the object store, for the files that are written.
        url: the server.
        home: account and region of requests that name none.
        metastore_url: the metastore as the server reaches it, ``thrift://host:port``.
        metastore_catalog: returns the metastore's name of the catalog of an account and region.
        access: the object store as the server reaches it.
    """
    source = MetastoreSource(access, metastore_url, metastore_catalog)

    async def locate() -> str:
        return url.rstrip("/")

    client = TrinoClient(locate)
    return TrinoEngine(client, _catalogs(client, source, home), store)


def _catalogs(client: TrinoClient, source: CatalogSource, home: tuple[str, str]) -> AccountCatalogs:
    return AccountCatalogs(client, source, home, platform=(STAGING_ACCOUNT, home[1]))
