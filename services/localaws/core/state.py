"""Typed documents with an optimistic version: how services keep their resources.

A service declares its resources as `Document` classes and keeps them per account and region::

    class Workgroup(Document):
        kind: ClassVar[str] = "athena.workgroup"
        name: str
        state: str = "ENABLED"

    await state.create(scope, "primary", Workgroup(name="primary"))
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from localaws.core.database import Connection, Database, declare_schema
from localaws.core.errors import LocalAwsError

declare_schema(
    "state",
    """
    CREATE TABLE document (
        kind text NOT NULL, account text NOT NULL, region text NOT NULL, id text NOT NULL,
        version bigint NOT NULL DEFAULT 1, body bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (kind, account, region, id)
    );
    CREATE INDEX document_created ON document (kind, account, region, created_at DESC, id)
    """,
)


class Document(msgspec.Struct, kw_only=True):
    """A resource that is kept as one document; subclasses set `kind`."""

    kind: ClassVar[str] = ""


class DocumentExists(LocalAwsError):
    """A document with this id is there already."""


class StaleVersion(LocalAwsError):
    """The document has changed (or is gone) since the version that was read."""


@dataclass(frozen=True)
class Scope:
    """Where a resource lives. A global service uses the region ``global``."""

    account: str
    region: str


T = TypeVar("T", bound=Document)


@dataclass(frozen=True)
class Stored(Generic[T]):
    """A document as it was read, with its version and times."""

    id: str
    value: T
    version: int
    created_at: datetime
    updated_at: datetime


class State:
    """The documents of all services. Each method takes part in `connection`'s transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, scope: Scope, id: str, value: Document, connection: Connection | None = None
    ) -> None:
        """Write a new document.

        Raises:
            DocumentExists: the id is taken.
        """
        tag = await (connection or self._database).execute(
            "INSERT INTO document (kind, account, region, id, body) VALUES ($1, $2, $3, $4, $5) "
            "ON CONFLICT DO NOTHING",
            value.kind,
            scope.account,
            scope.region,
            id,
            msgspec.json.encode(value),
        )
        if tag == "INSERT 0 0":
            raise DocumentExists(f"{value.kind} {id} exists")

    async def replace(
        self,
        scope: Scope,
        id: str,
        value: Document,
        version: int | None = None,
        connection: Connection | None = None,
    ) -> None:
        """Write over a document; with `version` only if it is still at that version.

        Raises:
            StaleVersion: it is not there, or not at that version.
        """
        tag = await (connection or self._database).execute(
            "UPDATE document SET body = $5, version = version + 1, updated_at = now() "
            "WHERE kind = $1 AND account = $2 AND region = $3 AND id = $4 "
            "AND ($6::bigint IS NULL OR version = $6)",
            value.kind,
            scope.account,
            scope.region,
            id,
            msgspec.json.encode(value),
            version,
        )
        if tag == "UPDATE 0":
            raise StaleVersion(f"{value.kind} {id} has changed or is gone")

    async def get(
        self,
        scope: Scope,
        model: type[T],
        id: str,
        connection: Connection | None = None,
        *,
        lock: bool = False,
    ) -> Stored[T] | None:
        """Return a document or None; with `lock` no one else may change it until commit."""
        row = await (connection or self._database).fetchrow(
            "SELECT id, body, version, created_at, updated_at FROM document "
            "WHERE kind = $1 AND account = $2 AND region = $3 AND id = $4"
            + (" FOR UPDATE" if lock else ""),
            model.kind,
            scope.account,
            scope.region,
            id,
        )
        return None if row is None else _stored(row, model)

    async def page(
        self,
        scope: Scope,
        model: type[T],
        *,
        prefix: str = "",
        after: str = "",
        limit: int | None = None,
        connection: Connection | None = None,
    ) -> list[Stored[T]]:
        """Return the documents whose id starts with `prefix` and sorts behind `after`, by id."""
        rows = await (connection or self._database).fetch(
            "SELECT id, body, version, created_at, updated_at FROM document "
            'WHERE kind = $1 AND account = $2 AND region = $3 AND id COLLATE "C" > $4 '
            'AND starts_with(id, $5) ORDER BY id COLLATE "C" LIMIT $6',
            model.kind,
            scope.account,
            scope.region,
            after,
            prefix,
            limit,
        )
        return [_stored(row, model) for row in rows]

    async def recent(
        self,
        scope: Scope,
        model: type[T],
        *,
        before: tuple[datetime, str] | None = None,
        limit: int = 50,
    ) -> list[Stored[T]]:
        """Return documents newest first, older than `before` (created_at, id)."""
        rows = await self._database.fetch(
            "SELECT id, body, version, created_at, updated_at FROM document "
            "WHERE kind = $1 AND account = $2 AND region = $3 "
            "AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5)) "
            "ORDER BY created_at DESC, id DESC LIMIT $6",
            model.kind,
            scope.account,
            scope.region,
            before[0] if before else None,
            before[1] if before else "",
            limit,
        )
        return [_stored(row, model) for row in rows]

    async def delete(
        self, scope: Scope, model: type[Document], id: str, connection: Connection | None = None
    ) -> bool:
        """Delete a document; return whether it was there."""
        tag = await (connection or self._database).execute(
            "DELETE FROM document WHERE kind = $1 AND account = $2 AND region = $3 AND id = $4",
            model.kind,
            scope.account,
            scope.region,
            id,
        )
        return bool(tag == "DELETE 1")


def _stored(row: Any, model: type[T]) -> Stored[T]:
    return Stored(
        id=row["id"],
        value=msgspec.json.decode(row["body"], type=model),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
