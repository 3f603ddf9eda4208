"""Outbox events: written in the transaction of what they tell, delivered at least once after it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from localaws.core.database import Connection, Database, declare_schema
from localaws.core.state import Scope

declare_schema(
    "events",
    """
    CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        topic text NOT NULL, account text NOT NULL, region text NOT NULL, detail bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
)

BATCH = 100
IDLE_SECONDS = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    """Something that happened: `topic` such as ``athena.query-state-change``."""

    id: int
    topic: str
    scope: Scope
    detail: Any
    created_at: datetime


Subscriber = Callable[[Event], Awaitable[None]]


class Events:
    """The outbox and its delivery, in order of writing, to the subscribers of each topic."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscribers: dict[str, list[Subscriber]] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def subscribe(self, topic: str, subscriber: Subscriber) -> None:
        """Deliver events of a topic to `subscriber`, which must bear to see one twice."""
        self._subscribers.setdefault(topic, []).append(subscriber)

    def heard(self, topic: str) -> bool:
        """Return whether anyone listens to a topic."""
        return topic in self._subscribers

    async def emit(self, connection: Connection, topic: str, scope: Scope, detail: Any) -> None:
        """Write an event in the caller's transaction; topics no one listens to cost nothing."""
        if topic in self._subscribers:
            await connection.execute(
                "INSERT INTO outbox (topic, account, region, detail) VALUES ($1, $2, $3, $4)",
                topic,
                scope.account,
                scope.region,
                msgspec.json.encode(detail),
            )
            self._wake.set()

    async def start(self) -> None:
        """Begin delivery, first of what an earlier process left."""
        self._task = asyncio.create_task(self._deliver_all(), name="events")

    async def stop(self) -> None:
        """End delivery; what is undelivered stays in the outbox."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _deliver_all(self) -> None:
        while True:
            try:
                delivered = await self._deliver_batch()
            except Exception:
                log.exception("delivery of events failed; trying again")
                delivered = 0
            if delivered == 0:
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)

    async def _deliver_batch(self) -> int:
        async with self._database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT id, topic, account, region, detail, created_at FROM outbox "
                "ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED",
                BATCH,
            )
            for row in rows:
                event = Event(
                    row["id"],
                    row["topic"],
                    Scope(row["account"], row["region"]),
                    msgspec.json.decode(row["detail"]),
                    row["created_at"],
                )
                for subscriber in self._subscribers.get(event.topic, []):
                    await subscriber(event)
            if rows:
                await connection.execute(
                    "DELETE FROM outbox WHERE id = ANY($1)", [row["id"] for row in rows]
                )
            return len(rows)
