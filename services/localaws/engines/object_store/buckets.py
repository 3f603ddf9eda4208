"""Buckets in the index."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from localaws.core.clock import Clock
from localaws.core.database import Database, ForeignKeyViolation
from localaws.engines.object_store.base import Bucket
from localaws.engines.object_store.errors import (
    bucket_already_exists,
    bucket_already_owned,
    bucket_not_empty,
    no_such_bucket,
)

REMEMBERED_SECONDS = 1.0
"""How long another process's change of a bucket may go unseen; our own is seen at once."""


class Buckets:
    """The buckets; each is remembered for a moment, since every operation asks for its bucket."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._remembered: dict[str, tuple[float, Bucket]] = {}

    async def create(self, account: str, region: str, name: str) -> Bucket:
        """Create a bucket."""
        row = await self._database.fetchrow(
            "INSERT INTO bucket VALUES ($1, $2, $3, $4, '{}', '{}') "
            "ON CONFLICT DO NOTHING RETURNING *",
            name,
            account,
            region,
            self._clock.now(),
        )
        if row is not None:
            return _bucket(row)
        self._remembered.pop(name, None)
        there = await self.get(name)
        raise (bucket_already_owned if there.account == account else bucket_already_exists)(name)

    async def delete(self, name: str) -> None:
        """Delete an empty bucket; its open uploads go with it."""
        try:
            tag = await self._database.execute("DELETE FROM bucket WHERE name = $1", name)
        except ForeignKeyViolation:
            raise bucket_not_empty(name) from None
        finally:
            self._remembered.pop(name, None)
        if tag == "DELETE 0":
            raise no_such_bucket(name)

    async def get(self, name: str) -> Bucket:
        """Return a bucket."""
        known = self._remembered.get(name)
        now = time.monotonic()
        if known is not None and now - known[0] < REMEMBERED_SECONDS:
            return known[1]
        row = await self._database.fetchrow("SELECT * FROM bucket WHERE name = $1", name)
        if row is None:
            self._remembered.pop(name, None)
            raise no_such_bucket(name)
        bucket = _bucket(row)
        self._remembered[name] = (now, bucket)
        return bucket

    async def of_account(self, account: str) -> list[Bucket]:
        """Return an account's buckets by name."""
        rows = await self._database.fetch(
            'SELECT * FROM bucket WHERE account = $1 ORDER BY name COLLATE "C"', account
        )
        return [_bucket(row) for row in rows]

    async def configure(
        self,
        name: str,
        configuration: Mapping[str, object | None] | None,
        tags: Mapping[str, str] | None,
    ) -> Bucket:
        """Set or remove configuration documents, and replace the tags where given."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow("SELECT * FROM bucket WHERE name = $1 FOR UPDATE", name)
            if row is None:
                raise no_such_bucket(name)
            bucket = _bucket(row)
            documents = {**bucket.configuration, **(configuration or {})}
            row = await connection.fetchrow(
                "UPDATE bucket SET configuration = $2, tags = $3 WHERE name = $1 RETURNING *",
                name,
                msgspec.json.encode(
                    {key: value for key, value in documents.items() if value is not None}
                ),
                msgspec.json.encode(bucket.tags if tags is None else dict(tags)),
            )
        self._remembered.pop(name, None)
        return _bucket(row)


def _bucket(row: Any) -> Bucket:
    return Bucket(
        name=row["name"],
        account=row["account"],
        region=row["region"],
        created_at=row["created_at"],
        tags=msgspec.json.decode(row["tags"]),
        configuration=msgspec.json.decode(row["configuration"]),
    )
