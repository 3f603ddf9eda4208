"""Planning of one query: parsed, its tables resolved, translated, its files listed.

Kept apart from the engine because its imports take a fifth of a second, which the start of a
platform need not wait for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace

from localaws.engines.sql.base import ResultSink, Session, SqlError, TableReader, TableSink
from localaws.engines.sql.duckdb.execution import Job
from localaws.engines.sql.duckdb.relations import resolve
from localaws.engines.sql.duckdb.scan import Fragment
from localaws.engines.sql.duckdb.scan import Scan as FileScan
from localaws.engines.sql.duckdb.translate import (
    Scan,
    Translation,
    coerce,
    parse,
    translate,
)

_NO_TABLE = re.compile(
    r"(?P<place>line \d+:\d+: )Table '(?P<catalog>[^.]+)\.(?P<database>.+)\.[^.]+' does not exist"
)


async def plan(
    sql: str, session: Session, tables: TableReader, parameters: Sequence[str]
) -> Translation:
    """Translate a query, its tables resolved through `tables`."""
    tree = await asyncio.to_thread(parse, sql)
    relations = await resolve(tree, session, tables)
    try:
        return await asyncio.to_thread(translate, tree, session, relations, parameters)
    except SqlError as error:
        raise await _missing_schema(error, tables) or error from None


async def job(
    translation: Translation,
    session: Session,
    tables: TableReader,
    sink: ResultSink | TableSink,
) -> Job:
    """Return what a worker is to do: the statement for the sink, and the files it reads."""
    if isinstance(sink, ResultSink):
        sql = translation.result_sql
    else:
        target = sink.columns or translation.columns
        sql = await asyncio.to_thread(coerce, translation, target)
    scans = await list_scans(translation, tables)
    return Job(translation.columns, sql, scans, session.scan_limit)


async def list_scans(translation: Translation, tables: TableReader) -> tuple[FileScan, ...]:
    """Return the scans of a query with the files of the partitions they need."""
    return tuple([await _list_files(scan, tables) for scan in translation.scans])


async def _missing_schema(error: SqlError, tables: TableReader) -> SqlError | None:
    """Return Trino's error when a table is not found because its database is not there."""
    missing = _NO_TABLE.fullmatch(error.message)
    if missing is None or await tables.database_exists(missing["catalog"], missing["database"]):
        return None
    message = f"{missing['place']}Schema '{missing['database']}' does not exist"
    return SqlError("SCHEMA_NOT_FOUND", message)


async def _list_files(scan: Scan, tables: TableReader) -> FileScan:
    """Return a scan with the files of the partitions it needs."""
    table = scan.table
    result = FileScan(scan.alias, table, tuple(scan.columns), ())
    if not table.partition_keys:
        files = tuple(await tables.files(table.location))
        return replace(result, fragments=(Fragment((), files),))
    partitions = await tables.partitions(table, scan.partition_expression)
    listed = await asyncio.gather(*(tables.files(part.location) for part in partitions))
    fragments = (
        Fragment(part.values, tuple(files), part.serde_parameters)
        for part, files in zip(partitions, listed, strict=True)
    )
    return replace(result, fragments=tuple(fragments))
