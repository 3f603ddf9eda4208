"""Run a translated query: set up its scans in a worker, then send its rows into a sink."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from localaws.engines.sql.base import (
    Column,
    DataFile,
    Outcome,
    ResultSink,
    SqlError,
    SqlRefused,
    TableSink,
    WrittenFile,
)
from localaws.engines.sql.duckdb.errors import sql_error, with_uris
from localaws.engines.sql.duckdb.pool import ExecutionError, QuerySession
from localaws.engines.sql.duckdb.scan import Relation, Scan
from localaws.engines.sql.duckdb.scan_json import scan_hive_json, scan_openx_json
from localaws.engines.sql.duckdb.scan_parquet import scan_parquet
from localaws.engines.sql.duckdb.scan_text import scan_lazy_simple, scan_open_csv
from localaws.engines.sql.duckdb.sinks import table_folder, write_result, write_table
from localaws.engines.sql.duckdb.text import name

PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
LINE_SCANS: dict[str, Callable[[Scan], Relation]] = {
    "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe": scan_lazy_simple,
    "org.apache.hadoop.hive.serde2.OpenCSVSerde": scan_open_csv,
    "org.openx.data.jsonserde.JsonSerDe": scan_openx_json,
    "org.apache.hive.hcatalog.data.JsonSerDe": scan_hive_json,
    "org.apache.hadoop.hive.serde2.JsonSerDe": scan_hive_json,
}


@dataclass(frozen=True)
class Job:
    """One query, ready to run.

    Attributes:
        columns: its output columns.
        sql: the query over its scans' aliases; columns as text when the sink is a result file.
        scans: the scans, their files listed.
        scan_limit: bytes it may read.
    """

    columns: tuple[Column, ...]
    sql: str
    scans: tuple[Scan, ...]
    scan_limit: int | None = None


async def run_job(
    session: QuerySession,
    job: Job,
    sink: ResultSink | TableSink,
    map_error: Callable[[str], SqlError],
) -> Outcome:
    """Run a query and write its rows.

    Raises:
        SqlError: the query failed.
    """
    written: tuple[WrittenFile, ...] = ()
    if isinstance(sink, ResultSink):
        async with open_job(session, job, map_error, paths=[str(sink.path)]) as scanned:
            rows = await write_result(session, job.sql, job.columns, sink)
    else:
        target = sink.columns or job.columns
        table_folder(sink).mkdir(exist_ok=True)
        async with open_job(session, job, map_error, folders=[str(table_folder(sink))]) as scanned:
            rows, written = await write_table(session, job.sql, target, sink)
    return Outcome(job.columns, rows, scanned, written)


async def explain_job(session: QuerySession, job: Job, map_error: Callable[[str], SqlError]) -> str:
    """Return the plan of a query as text."""
    async with open_job(session, job, map_error):
        rows = await session.execute(f"EXPLAIN {job.sql}")
        return with_uris("\n".join(str(row[1]) for row in rows), _files(job))


@contextlib.asynccontextmanager
async def open_job(
    session: QuerySession,
    job: Job,
    map_error: Callable[[str], SqlError],
    paths: Sequence[str] = (),
    folders: Sequence[str] = (),
) -> AsyncIterator[int]:
    """Set up a query's relations in a worker; yield the bytes its scans will read.

    Statements that fail inside the block, too, become `SqlError`.

    Args:
        session: the worker.
        job: the query.
        map_error: maps messages of failures in the query's own expressions.
        paths: files it may write.
        folders: directories it may write files into.
    """
    try:
        readable = dict.fromkeys(file.path for file in _files(job))
        await session.open([*readable, *paths], folders)
        yield await _create_relations(session, job)
    except ExecutionError as error:
        raise sql_error(error, _files(job), map_error) from error


def _files(job: Job) -> list[DataFile]:
    return [file for scan in job.scans for file in scan.files]


async def _create_relations(session: QuerySession, job: Job) -> int:
    """Create the relations of a query; return the bytes they read.

    Raises:
        SqlError: the scans exceed the limit, or a table cannot be read.
    """
    scanned = 0
    for scan in job.scans:
        serde = scan.table.serde
        if serde == PARQUET:
            parquet = await scan_parquet(scan, session.execute)
            relation, size = parquet.relation, parquet.scanned_bytes
        elif serde in LINE_SCANS:
            relation = await asyncio.to_thread(LINE_SCANS[serde], scan)
            size = sum(file.size for file in scan.files)
        else:
            where = f"{scan.table.database}.{scan.table.name}"
            raise SqlRefused(f"Tables of SerDe {serde} ({where}) cannot be read")
        scanned += size
        if job.scan_limit is not None and scanned > job.scan_limit:
            raise SqlError("EXCEEDED_SCAN_LIMIT", "Bytes scanned limit was exceeded")
        for statement in relation.setup:
            await session.execute(statement)
        await session.execute(f"CREATE TEMP VIEW {name(scan.alias)} AS {relation.sql}")
    return scanned
