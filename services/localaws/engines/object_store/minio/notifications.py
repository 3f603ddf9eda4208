"""What the store tells of its changes, whoever made them, becomes events of the platform.

The store writes every change into a table of the state database (what it cannot write now it keeps
on its own disk and writes later). A row leaves that table in the transaction in which its event
enters the outbox, so that each change is told exactly once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from localaws.core.database import Connection, Database
from localaws.core.errors import AwsError
from localaws.core.events import Events
from localaws.core.state import Scope
from localaws.engines.object_store.changes import TOPIC, change
from localaws.engines.object_store.minio.attributes import MARK, METADATA, marked_key
from localaws.engines.object_store.minio.client import Client
from localaws.engines.object_store.minio.names import key_of_name
from localaws.engines.object_store.minio.schema import NOTIFICATIONS

TARGET = "arn:minio:sqs::LOCALAWS:postgresql"
"""The store's name of the table; its configuration (``…_LOCALAWS``) says where that is."""

_EVENTS = (
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:Delete",
)
_PAUSE_SECONDS = 0.25
_BATCH = 500
_UNHEARD = "1 minute"
"""How long a change waits for somebody who listens: services come up after the store."""
_BUCKET = "(event_data->'Records'->0->'s3'->'bucket'->>'name')"

log = logging.getLogger(__name__)


class Notifications:
    """The way of the store's changes into the outbox."""

    def __init__(self, client: Client, database: Database, events: Events) -> None:
        self._client = client
        self._database = database
        self._events = events
        self._task: asyncio.Task[None] | None = None
        self._possible = True

    async def start(self) -> None:
        """Begin to take changes in, those of an earlier time first."""
        self._task = asyncio.create_task(self._run(), name="object-store-notifications")

    async def stop(self) -> None:
        """End it; what is not taken in stays in the table."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def watch(self, bucket: str) -> None:
        """Let the store tell of a bucket's changes."""
        if not self._possible:
            return
        try:
            await self._client.call(
                "PutBucketNotificationConfiguration",
                {
                    "Bucket": bucket,
                    "NotificationConfiguration": {
                        "QueueConfigurations": [{"QueueArn": TARGET, "Events": list(_EVENTS)}]
                    },
                },
            )
        except AwsError as error:
            if error.code == "NoSuchBucket" or error.status >= 500:
                raise
            self._possible = False
            log.warning(
                "the object store tells no changes (%s): its service has no notification target %s",
                error.message,
                TARGET,
            )

    async def _run(self) -> None:
        while True:
            try:
                taken = await self._take()
            except Exception:
                log.exception("taking in the object store's changes failed; trying again")
                taken = 0
            if taken < _BATCH:
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _take(self) -> int:
        await self._database.execute(
            f"DELETE FROM {NOTIFICATIONS} WHERE event_time < now() - $1::text::interval "
            f"AND ($2 OR {_BUCKET} NOT IN (SELECT name FROM bucket))",
            _UNHEARD,
            not self._events.heard(TOPIC),
        )
        if not self._events.heard(TOPIC):
            return 0
        async with self._database.transaction() as connection:
            rows = await connection.fetch(
                f"WITH taken AS (DELETE FROM {NOTIFICATIONS} WHERE id IN "
                f"(SELECT id FROM {NOTIFICATIONS} WHERE {_BUCKET} IN (SELECT name FROM bucket) "
                "ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) "
                "RETURNING id, event_data) SELECT * FROM taken ORDER BY id",
                _BATCH,
            )
            for row in rows:
                for record in msgspec.json.decode(row["event_data"]).get("Records", []):
                    await self._tell(connection, record)
        return len(rows)

    async def _tell(self, connection: Connection, record: Mapping[str, Any]) -> None:
        bucket = record["s3"]["bucket"]["name"]
        owner = await connection.fetchrow(
            "SELECT account, region FROM bucket WHERE name = $1", bucket
        )
        if owner is None:
            return  # made by others, or deleted meanwhile: nobody's
        thing = record["s3"]["object"]
        name = unquote_plus(thing["key"])
        said = {key.lower(): value for key, value in (thing.get("userMetadata") or {}).items()}
        key = key_of_name(name) or marked_key(said.get(METADATA + MARK, "")) or name
        await self._events.emit(
            connection,
            TOPIC,
            Scope(owner["account"], owner["region"]),
            change(
                record["eventName"].removeprefix("s3:"),
                bucket,
                key,
                thing.get("size", 0),
                thing.get("eTag", ""),
            ),
        )
