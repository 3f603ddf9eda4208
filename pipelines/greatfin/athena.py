"""Run Athena queries with boto3 alone: wait with back-off, read typed rows.

https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from greatfin.errors import Interrupted, QueryFailed

if TYPE_CHECKING:
    from types_boto3_athena import AthenaClient
    from types_boto3_athena.type_defs import QueryExecutionTypeDef

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 1.0

Value: TypeAlias = str | int | float | Decimal | date | bool | None
Row: TypeAlias = tuple[Value, ...]

_CONVERTERS: dict[str, Callable[[str], Value]] = {
    "tinyint": int,
    "smallint": int,
    "integer": int,
    "bigint": int,
    "float": float,
    "double": float,
    "decimal": Decimal,
    "boolean": lambda text: text == "true",
    "date": date.fromisoformat,
}


@dataclass(frozen=True)
class QueryRun:
    """A query that succeeded."""

    query_id: str
    milliseconds: int
    scanned_bytes: int


class Athena:
    """Athena in one workgroup; several threads may share it."""

    def __init__(self, client: AthenaClient, workgroup: str, stop: threading.Event) -> None:
        self._client = client
        self._workgroup = workgroup
        self._stop = stop

    def start(self, sql: str, token: str | None = None) -> str:
        """Start a query and return its id; the same token and SQL start it only once."""
        if token is None:
            answer = self._client.start_query_execution(QueryString=sql, WorkGroup=self._workgroup)
        else:
            answer = self._client.start_query_execution(
                QueryString=sql, WorkGroup=self._workgroup, ClientRequestToken=token
            )
        return answer["QueryExecutionId"]

    def wait(self, query_id: str) -> QueryRun:
        """Wait for a query.

        Raises:
            QueryFailed: it failed or was cancelled; the message has Athena's reason.
            Interrupted: the user asked to stop; the query was stopped first.
        """
        pause = FIRST_PAUSE
        while True:
            execution = self._client.get_query_execution(QueryExecutionId=query_id)
            found = execution["QueryExecution"]
            state = found["Status"]["State"]
            if state == "SUCCEEDED":
                return _finished(query_id, found)
            if state in ("FAILED", "CANCELLED"):
                reason = found["Status"].get("StateChangeReason", "no reason given")
                raise QueryFailed(f"Query {query_id} {state.lower()}: {reason}")
            if self._stop.is_set():
                self._client.stop_query_execution(QueryExecutionId=query_id)
                raise Interrupted(f"Query {query_id} was stopped on request")
            time.sleep(pause)
            pause = min(pause * 1.4, LONGEST_PAUSE)

    def run(self, sql: str) -> QueryRun:
        """Run a query to its end."""
        return self.wait(self.start(sql))

    def query(self, sql: str) -> tuple[list[Row], QueryRun]:
        """Run a query and return its rows."""
        done = self.run(sql)
        return list(self.rows(done.query_id)), done

    def rows(self, query_id: str) -> Iterator[Row]:
        """Yield a finished query's rows with Python's types (its header row left out)."""
        pages = self._client.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)
        header = True
        for page in pages:
            result = page["ResultSet"]
            types = [column["Type"] for column in result["ResultSetMetadata"]["ColumnInfo"]]
            for row in result["Rows"]:
                if header:
                    header = False
                    continue
                yield tuple(
                    _value(datum.get("VarCharValue"), kind)
                    for datum, kind in zip(row["Data"], types, strict=True)
                )


def _value(text: str | None, kind: str) -> Value:
    if text is None:
        return None
    return _CONVERTERS.get(kind, str)(text)


def _finished(query_id: str, execution: QueryExecutionTypeDef) -> QueryRun:
    statistics = execution.get("Statistics", {})
    return QueryRun(
        query_id,
        statistics.get("TotalExecutionTimeInMillis", 0),
        statistics.get("DataScannedInBytes", 0),
    )
