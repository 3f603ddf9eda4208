"""The one store: a pool of connections to PostgreSQL, and the schemas its users declare."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg

Connection = Any
"""An asyncpg connection inside a transaction; asyncpg ships no types."""


@dataclass(frozen=True)
class Schema:
    """Tables that one part of the platform owns: `statements` in order, one per version."""

    name: str
    statements: tuple[str, ...]


IntegrityViolation: type[Exception] = asyncpg.IntegrityConstraintViolationError
"""A row breaks a constraint: its key is taken, or it refers to a row that is not there."""

ForeignKeyViolation: type[Exception] = asyncpg.ForeignKeyViolationError
"""A row refers to one that is not there."""

InvalidRegularExpression: type[Exception] = asyncpg.InvalidRegularExpressionError
"""A regular expression in a statement cannot be compiled."""

_schemas: dict[str, Schema] = {}


def declare_schema(name: str, *statements: str) -> Schema:
    """Declare tables to be made at start; append a statement to change them later."""
    schema = Schema(name, statements)
    _schemas[name] = schema
    return schema


class Database:
    """The state database of a platform.

    Args:
        url: a PostgreSQL URL.
        pool_size: most connections kept.
    """

    def __init__(self, url: str, pool_size: int = 16) -> None:
        self._url = url
        self._pool_size = pool_size
        self._pool: Any = None

    async def start(self, attempts: int = 100) -> None:
        """Open the pool, waiting for the server, and bring all declared schemas up to date."""
        for attempt in range(attempts):
            try:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=1,
                    max_size=self._pool_size,
                    command_timeout=120,
                    max_inactive_connection_lifetime=30,
                    reset=_keep,
                )
                break
            except (OSError, asyncpg.CannotConnectNowError):
                if attempt == attempts - 1:
                    raise
                await asyncio.sleep(0.05)
        await self._migrate()

    async def stop(self) -> None:
        """Close the pool; connections still busy after five seconds are cut."""
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), 5)
            except TimeoutError:
                self._pool.terminate()
            self._pool = None

    async def _migrate(self) -> None:
        async with self.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(7235881)")
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS schema_version (name text PRIMARY KEY, version int)"
            )
            have = {
                row["name"]: row["version"]
                for row in await connection.fetch("SELECT name, version FROM schema_version")
            }
            for schema in _schemas.values():
                done = have.get(schema.name, 0)
                for statement in schema.statements[done:]:
                    await connection.execute(statement)
                if len(schema.statements) > done:
                    await connection.execute(
                        "INSERT INTO schema_version VALUES ($1, $2) "
                        "ON CONFLICT (name) DO UPDATE SET version = excluded.version",
                        schema.name,
                        len(schema.statements),
                    )

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Open a transaction: committed at the end of the block, rolled back on an error."""
        async with self._pool.acquire() as connection, connection.transaction():
            yield connection

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Borrow a connection outside a transaction: each statement commits by itself."""
        async with self._pool.acquire() as connection:
            yield connection

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Run one statement and return its rows."""
        rows: list[Any] = await self._pool.fetch(query, *arguments)
        return rows

    async def fetchrow(self, query: str, *arguments: Any) -> Any:
        """Run one statement and return its first row, or None."""
        return await self._pool.fetchrow(query, *arguments)

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        """Run one statement and return the first value of its first row, or None."""
        return await self._pool.fetchval(query, *arguments)

    async def execute(self, query: str, *arguments: Any) -> str:
        """Run one statement and return its command tag, e.g. ``UPDATE 1``."""
        tag: str = await self._pool.execute(query, *arguments)
        return tag


async def _keep(connection: Connection) -> None:
    """Give a connection back as it is: no one changes a session, so there is nothing to reset."""


def is_unavailable(error: BaseException) -> bool:
    """Return whether an error says that the state database is down or restarting."""
    if isinstance(error, asyncpg.PostgresError):
        return error.sqlstate in ("57P01", "57P02", "57P03") or isinstance(
            error, asyncpg.PostgresConnectionError
        )
    # while a container is down its name does not resolve
    away = ConnectionError | FileNotFoundError | socket.gaierror | asyncpg.InterfaceError
    return isinstance(error, away)
