"""The events that tell of changes of objects, the same from every store."""

from __future__ import annotations

from collections.abc import Iterable

from localaws.core.database import Connection
from localaws.core.events import Events
from localaws.core.state import Scope
from localaws.engines.object_store.base import STAGING_BUCKET, ObjectInfo

TOPIC = "object-store.changed"

PUT = "ObjectCreated:Put"
COPY = "ObjectCreated:Copy"
COMPLETE = "ObjectCreated:CompleteMultipartUpload"
DELETE = "ObjectRemoved:Delete"


def change(event: str, bucket: str, key: str, size: int, etag: str) -> dict[str, object]:
    """Return an event's detail; of a deleted object size is 0 and the ETag is empty."""
    return {"event": event, "bucket": bucket, "key": key, "size": size, "etag": etag}


class Changes:
    """Writes events in the transactions of changes, where anyone listens."""

    def __init__(self, events: Events | None) -> None:
        self._events = events

    @property
    def heard(self) -> bool:
        """Whether anyone listens; where not, a change needs no transaction for its event."""
        return self._events is not None and self._events.heard(TOPIC)

    async def written(
        self, connection: Connection, event: str, bucket: str, infos: Iterable[ObjectInfo]
    ) -> None:
        """Tell of objects that are written."""
        details = [change(event, bucket, info.key, info.size, info.etag) for info in infos]
        await self._emit(connection, bucket, details)

    async def deleted(self, connection: Connection, bucket: str, keys: Iterable[str]) -> None:
        """Tell of objects that are gone."""
        details = [change(DELETE, bucket, key, 0, "") for key in keys]
        await self._emit(connection, bucket, details)

    async def _emit(
        self, connection: Connection, bucket: str, details: Iterable[dict[str, object]]
    ) -> None:
        if self._events is None or not self.heard or bucket == STAGING_BUCKET:
            return
        owner = await connection.fetchrow(
            "SELECT account, region FROM bucket WHERE name = $1", bucket
        )
        for detail in details:
            scope = Scope(owner["account"], owner["region"])
            await self._events.emit(connection, TOPIC, scope, detail)
