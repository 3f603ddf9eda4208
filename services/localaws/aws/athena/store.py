"""Query executions in the state database: one row each, found by id or by workgroup."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from localaws.aws.athena.model import QueryExecution
from localaws.core.database import Connection, Database, declare_schema
from localaws.core.state import Scope

declare_schema(
    "athena",
    """
    CREATE TABLE athena_execution (
        account text NOT NULL, region text NOT NULL, id text NOT NULL, workgroup text NOT NULL,
        state text NOT NULL, committing boolean NOT NULL DEFAULT false,
        submitted_at timestamptz NOT NULL, body bytea NOT NULL,
        PRIMARY KEY (account, region, id)
    );
    CREATE INDEX athena_execution_recent
        ON athena_execution (account, region, workgroup, submitted_at DESC, id DESC)
    """,
)

_KEY = "account = $1 AND region = $2 AND id = $3"
_OPEN = "state IN ('QUEUED', 'RUNNING')"


class Executions:
    """The query executions of one account and region."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._scope = scope

    async def create(self, execution: QueryExecution, connection: Connection) -> bool:
        """Write a new execution; return False where its id is taken."""
        tag = await connection.execute(
            "INSERT INTO athena_execution (account, region, id, workgroup, state, submitted_at, "
            "body) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            self._scope.account,
            self._scope.region,
            execution.id,
            execution.workgroup,
            execution.state,
            execution.submitted_at,
            msgspec.json.encode(execution),
        )
        return bool(tag == "INSERT 0 1")

    async def get(self, id: str) -> QueryExecution | None:
        """Return an execution, or None."""
        found = await self.get_many([id])
        return found.get(id)

    async def get_many(self, ids: Sequence[str]) -> dict[str, QueryExecution]:
        """Return the executions that are there, by id."""
        rows = await self._database.fetch(
            "SELECT id, state, body FROM athena_execution "
            "WHERE account = $1 AND region = $2 AND id = ANY($3)",
            self._scope.account,
            self._scope.region,
            list(ids),
        )
        executions: dict[str, QueryExecution] = {}
        for row in rows:
            execution = msgspec.json.decode(row["body"], type=QueryExecution)
            execution.state = row["state"]
            executions[row["id"]] = execution
        return executions

    async def mark_running(self, id: str) -> bool:
        """Set an open execution to RUNNING; return False where it is over (cancelled)."""
        tag = await self._database.execute(
            f"UPDATE athena_execution SET state = 'RUNNING' WHERE {_KEY} AND {_OPEN}",
            self._scope.account,
            self._scope.region,
            id,
        )
        return bool(tag == "UPDATE 1")

    async def is_open(self, id: str) -> bool:
        """Return whether an execution is neither finished nor cancelled."""
        return bool(
            await self._database.fetchval(
                f"SELECT {_OPEN} FROM athena_execution WHERE {_KEY}",
                self._scope.account,
                self._scope.region,
                id,
            )
        )

    async def save(self, execution: QueryExecution, *, committing: bool = False) -> bool:
        """Write an execution that is still open; return False where it was cancelled meanwhile.

        With `committing` it can be cancelled no more: what it writes is about to be visible.
        """
        tag = await self._database.execute(
            "UPDATE athena_execution SET state = $4, body = $5, committing = committing OR $6 "
            f"WHERE {_KEY} AND {_OPEN}",
            self._scope.account,
            self._scope.region,
            execution.id,
            execution.state,
            msgspec.json.encode(execution),
            committing,
        )
        return bool(tag == "UPDATE 1")

    async def cancel(self, execution: QueryExecution) -> bool:
        """Write a cancelled execution; return False where it is over or about to commit."""
        tag = await self._database.execute(
            f"UPDATE athena_execution SET state = 'CANCELLED', body = $4 WHERE {_KEY} AND {_OPEN} "
            "AND NOT committing",
            self._scope.account,
            self._scope.region,
            execution.id,
            msgspec.json.encode(execution),
        )
        return bool(tag == "UPDATE 1")

    async def page(
        self, workgroup: str, before: tuple[datetime, str] | None, limit: int
    ) -> list[tuple[str, datetime]]:
        """Return (id, time) of a workgroup's executions, newest first, older than `before`."""
        rows = await self._database.fetch(
            "SELECT id, submitted_at FROM athena_execution WHERE account = $1 AND region = $2 "
            "AND workgroup = $3 AND ($4::timestamptz IS NULL OR (submitted_at, id) < ($4, $5)) "
            "ORDER BY submitted_at DESC, id DESC LIMIT $6",
            self._scope.account,
            self._scope.region,
            workgroup,
            before[0] if before else None,
            before[1] if before else "",
            limit,
        )
        return [(row["id"], row["submitted_at"]) for row in rows]

    async def delete_workgroup(self, workgroup: str, connection: Connection) -> None:
        """Forget the executions of a deleted workgroup."""
        await connection.execute(
            "DELETE FROM athena_execution WHERE account = $1 AND region = $2 AND workgroup = $3",
            self._scope.account,
            self._scope.region,
            workgroup,
        )
