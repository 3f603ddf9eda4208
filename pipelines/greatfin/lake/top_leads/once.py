"""Do a piece of work once: again only when its input or its SQL changed, or it was cut short.

A marker in the lake says what was done. It is removed before anything changes and written after
everything has, so a run that is killed at any line does the piece again, from a cleared target.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypedDict

from greatfin import s3
from greatfin.athena import Athena, QueryRun
from greatfin.errors import QueryFailed
from greatfin.runner import Context

MARKERS = "_state/"
CONCURRENT_QUERIES = 4
DELETE_BATCH = 25


class Marker(TypedDict, total=False):
    """What is known of a piece of work: ``done``, or which query is at it."""

    fingerprint: str
    done: bool
    token: str
    query_id: str
    milliseconds: int
    scanned_bytes: int
    facts: dict[str, Any]


@dataclass(frozen=True)
class Insert:
    """One INSERT INTO and the part of its table that it fills alone.

    Attributes:
        name: name of its marker.
        sql: the statement.
        inputs: fingerprints of what it reads.
        bucket: bucket of the table.
        prefix: all that it writes is under this prefix, and nothing else is.
        database: catalog database of the table.
        table: catalog table whose partitions under the prefix are its own.
    """

    name: str
    sql: str
    inputs: Sequence[str]
    bucket: str
    prefix: str
    database: str
    table: str

    @property
    def fingerprint(self) -> str:
        """Return what identifies the result."""
        return fingerprint(self.sql, *self.inputs)


def fingerprint(*parts: str) -> str:
    """Return a digest of the parts in their order."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def athena(context: Context) -> Athena:
    """Return Athena in the use case's workgroup."""
    return Athena(context.clients.athena, context.outputs["Workgroup"], context.stop)


def read_marker(context: Context, name: str) -> Marker:
    """Return a marker, empty when there is none."""
    body = s3.read(context.clients.s3, _bucket(context), f"{MARKERS}{name}.json")
    if body is None:
        return {}
    found: Marker = json.loads(body)
    return found


def write_marker(context: Context, name: str, marker: Marker) -> None:
    """Write a marker."""
    context.clients.s3.put_object(
        Bucket=_bucket(context),
        Key=f"{MARKERS}{name}.json",
        Body=json.dumps(marker).encode(),
        ContentType="application/json",
    )


def drop_marker(context: Context, name: str) -> None:
    """Forget that a piece of work was done."""
    context.clients.s3.delete_object(Bucket=_bucket(context), Key=f"{MARKERS}{name}.json")


def run_inserts(context: Context, inserts: Sequence[Insert]) -> int:
    """Run the inserts that are due, a few at once; return how many there were.

    Raises:
        QueryFailed: one failed; the others were waited for.
    """
    done = 0
    due = 0
    with ThreadPoolExecutor(CONCURRENT_QUERIES) as pool:
        futures = [pool.submit(_run_insert, context, insert) for insert in inserts]
        pending = set(futures)
        while pending:
            finished, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
            done += len(finished)
            for future in finished:
                due += future.result()
            context.console.progress(done, len(inserts), "queries", 0)
    return due


def _run_insert(context: Context, insert: Insert) -> bool:
    context.check_stop()
    found = read_marker(context, insert.name)
    wanted = insert.fingerprint
    same = found.get("fingerprint") == wanted
    if same and found.get("done") and not context.options.force:
        return False
    started = _settle(context, insert, found) if found else None
    if not (same and started is not None):
        _clear(context, insert)
        marker: Marker = {"fingerprint": wanted, "token": secrets.token_hex(32)}
        # the token comes first: should the answer to the start be lost, it finds the query again
        write_marker(context, insert.name, marker)
        engine = athena(context)
        marker["query_id"] = engine.start(insert.sql, marker["token"])
        write_marker(context, insert.name, marker)
        try:
            started = engine.wait(marker["query_id"])
        except QueryFailed as error:
            raise QueryFailed(f"{insert.name}: {error.message}") from error
    write_marker(
        context,
        insert.name,
        {
            "fingerprint": wanted,
            "done": True,
            "query_id": started.query_id,
            "milliseconds": started.milliseconds,
            "scanned_bytes": started.scanned_bytes,
        },
    )
    record_query(context, insert.name, started)
    return True


def record_query(context: Context, name: str, run: QueryRun) -> None:
    """Put a query into the trace."""
    context.trace.queries.append(
        {
            "name": name,
            "id": run.query_id,
            "milliseconds": run.milliseconds,
            "scanned_bytes": run.scanned_bytes,
        }
    )


def _settle(context: Context, insert: Insert, found: Marker) -> QueryRun | None:
    """Wait for the query that an earlier, interrupted run may have left running."""
    if found.get("done"):
        return None
    engine = athena(context)
    query_id = found.get("query_id")
    if query_id is None:
        if found.get("fingerprint") != insert.fingerprint or "token" not in found:
            return None
        query_id = engine.start(insert.sql, found["token"])
    try:
        return engine.wait(query_id)
    except QueryFailed:
        return None


def _clear(context: Context, insert: Insert) -> None:
    """Remove the rows and partitions that the insert is about to write."""
    s3.clear(context.clients.s3, insert.bucket, insert.prefix)
    glue = context.clients.glue
    root = f"s3://{insert.bucket}/{insert.prefix}"
    pages = glue.get_paginator("get_partitions").paginate(
        DatabaseName=insert.database, TableName=insert.table
    )
    stale = [
        {"Values": partition["Values"]}
        for page in pages
        for partition in page["Partitions"]
        if (partition["StorageDescriptor"]["Location"].rstrip("/") + "/").startswith(root)
    ]
    for start in range(0, len(stale), DELETE_BATCH):
        glue.batch_delete_partition(
            DatabaseName=insert.database,
            TableName=insert.table,
            PartitionsToDelete=stale[start : start + DELETE_BATCH],  # type: ignore[arg-type]
        )


def _bucket(context: Context) -> str:
    return context.outputs["StandardizedBucket"]
