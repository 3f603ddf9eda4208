"""Which adapter serves each port: embedded, unless the settings name an engine elsewhere."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.core.events import Events
from localaws.engines.catalog.base import Catalog
from localaws.engines.object_store.base import ObjectStore
from localaws.engines.spark.base import SparkEngine
from localaws.engines.sql.base import SqlEngine
from localaws.engines.stream.base import StreamLog
from localaws.engines.supervisor import EngineStatus, memory_of
from localaws.settings import SettingError, Settings


def object_store(
    settings: Settings, database: Database, clock: Clock, events: Events
) -> ObjectStore:
    """Return the object store."""
    if settings.object_store_url:
        from localaws.engines.object_store.minio.store import MinioObjectStore

        return MinioObjectStore(
            database,
            clock,
            settings.object_store_url,
            settings.object_store_key,
            settings.object_store_secret,
            settings.home / "objects",
            events,
        )
    from localaws.engines.object_store.files import FileObjectStore

    return FileObjectStore(
        database, settings.home / "objects", clock, settings.durability, events=events
    )


def catalog(settings: Settings, database: Database, clock: Clock) -> Catalog:
    """Return the catalog."""
    if settings.catalog_url:
        from localaws.engines.catalog.hive import HiveCatalog

        return HiveCatalog(
            database, clock, settings.catalog_url, f"{settings.account}/{settings.region}"
        )
    from localaws.engines.catalog.postgresql import PostgresCatalog

    return PostgresCatalog(database, clock)


def sql(settings: Settings, store: ObjectStore) -> SqlEngine:
    """Return the SQL engine.

    Raises:
        SettingError: the engine asked for cannot work with the other engines.
    """
    if settings.sql_url:
        if settings.sql == "duckdb":
            raise SettingError(
                "LOCALAWS_SQL=duckdb reads local files, and LOCALAWS_SQL_URL names another engine; "
                "set only one of them"
            )
        return _external_sql(settings, store)
    if settings.object_store_url or settings.catalog_url:
        raise SettingError(
            "LOCALAWS_SQL_URL is empty: the embedded SQL engines read only the embedded object "
            "store and catalog"
        )
    from localaws.engines.sql.duckdb.adapter import DuckDbEngine
    from localaws.engines.sql.duckdb.pool import PoolSettings

    fast = DuckDbEngine(
        PoolSettings(
            home=settings.home / "sql",
            maximum=settings.sql_workers or max(2, os.cpu_count() or 1),
            memory_limit=f"{settings.sql_memory_mb}MB",
        )
    )
    if settings.sql == "duckdb":
        return fast
    return _with_trino(settings, store, fast)


def _external_sql(settings: Settings, store: ObjectStore) -> SqlEngine:
    from localaws.engines.catalog.hive.names import catalog_name
    from localaws.engines.sql.trino.assembly import external_engine
    from localaws.engines.sql.trino.catalogs import StoreAccess

    return external_engine(
        store,
        url=settings.sql_url,
        home=(settings.account, settings.region),
        metastore_url=settings.catalog_url,
        metastore_catalog=lambda account, region: catalog_name(f"{account}/{region}"),
        access=StoreAccess(
            settings.object_store_url,
            "us-east-1",
            settings.object_store_key,
            settings.object_store_secret,
        ),
    )


def _with_trino(settings: Settings, store: ObjectStore, fast: SqlEngine) -> SqlEngine:
    from localaws.engines.sql.auto import AutoEngine
    from localaws.engines.sql.trino.installation import CURE, Installation

    installation = Installation(settings.tools)

    def exact() -> SqlEngine:
        # imported with the first query that needs it: an idle platform does without
        from localaws.engines.sql.trino.assembly import embedded_engine

        return embedded_engine(
            store,
            endpoint=settings.url,
            home=(settings.account, settings.region),
            folder=settings.home / "trino",
            log=settings.home / "logs" / "trino.log",
            installation=installation,
        )

    if settings.sql == "trino":
        return exact()
    return AutoEngine(
        fast,
        exact,
        installed=lambda: installation.ready,
        cure=CURE,
    )


def stream(settings: Settings, clock: Clock) -> StreamLog | None:
    """Return the stream engine; there is no embedded one yet."""
    if not settings.stream_url:
        return None
    from localaws.engines.stream.kafka.adapter import KafkaStreamLog

    return KafkaStreamLog(settings.stream_url, clock)


def spark(settings: Settings) -> SparkEngine | None:
    """Return the Spark engine; there is no embedded one yet."""
    if not settings.spark_url:
        return None
    from localaws.engines.spark.cluster.adapter import ClusterSpark

    return ClusterSpark(settings.spark_url, settings.spark_ui_url)


def processes_report(
    name: str, pids: Callable[[], list[int]]
) -> Callable[[], Awaitable[EngineStatus]]:
    """Return the status of processes of this machine; there may be none while nobody asks."""

    async def report() -> EngineStatus:
        found = pids()
        return EngineStatus(
            name=name,
            running=bool(found),
            healthy=True,
            pid=found[0] if found else None,
            memory_bytes=sum(memory_of(pid) for pid in found),
        )

    return report


def remote_report(
    name: str, healthy: Callable[[], Awaitable[object]]
) -> Callable[[], Awaitable[EngineStatus]]:
    """Return the status of an engine elsewhere: it answers, or why it does not."""

    async def report() -> EngineStatus:
        try:
            well = bool(await healthy())
        except Exception as error:
            return EngineStatus(name=name, error=str(error))
        return EngineStatus(name=name, running=True, healthy=well)

    return report
