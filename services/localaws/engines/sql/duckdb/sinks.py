"""Where rows go: Athena's result CSV, or data files of a table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localaws.engines.sql.base import Column, ResultSink, SqlError, TableSink, WrittenFile
from localaws.engines.sql.duckdb.numbers_text import plain
from localaws.engines.sql.duckdb.pool import QuerySession
from localaws.engines.sql.duckdb.text import literal, name
from localaws.engines.sql.duckdb.types import Type, parse_type

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
ROWS = "$rows"
_ESCAPED_IN_PATHS = frozenset("\"#%'*/:=?\\{[]^\x7f") | {chr(code) for code in range(1, 32)}
_PARQUET_CODECS = {"snappy": "snappy", "gzip": "gzip", "zstd": "zstd", "none": "uncompressed"}
_TEXT_CODECS = {"gzip": ".gz", "zstd": ".zst", "none": ""}


async def write_result(
    session: QuerySession, sql: str, columns: Sequence[Column], sink: ResultSink
) -> int:
    """Write rows of text columns as Athena's result file; return how many there are.

    Every name and value is quoted, a quote is doubled, a null is bare and lines end in LF:
    https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html
    """
    header = ",".join('"' + column.name.replace('"', '""') + '"' for column in columns) + "\n"
    # DuckDB renames columns of the same name, so the header is ours; it needs a suffix with it
    options = (
        f"FORMAT csv, HEADER false, PREFIX {literal(header)}, SUFFIX '\n', FORCE_QUOTE *,"
        " DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULL ''"
    )
    rows = await _copy(session, sql, sink.path, options)
    if rows == 0:  # the suffix, which otherwise ends the last row
        os.truncate(sink.path, len(header.encode()))
    return rows


async def write_table(
    session: QuerySession, sql: str, columns: Sequence[Column], sink: TableSink
) -> tuple[int, tuple[WrittenFile, ...]]:
    r"""Write rows as data files, one per partition; return how many rows and the files.

    No rows, no file. Parquet timestamps are int64 milliseconds without a zone, as Trino writes
    ``timestamp(3)``; lists have three levels. Text is what LazySimpleSerDe writes: ``\N`` for
    null, no quotes, no escapes.

    Args:
        session: the worker.
        sql: the query, its columns in the types of `columns`.
        columns: the columns of the target, partition keys last.
        sink: the target.

    Raises:
        SqlError: too many partitions, or a type the format cannot hold.
    """
    source = f"(SELECT * FROM ({sql}) AS t({', '.join(name(c.name) for c in columns)}))"
    format_ = _format(sink, [c for c in columns if c.name not in sink.partition_by])
    if not sink.partition_by:
        path = table_folder(sink) / f"part-00000{format_.extension}"
        rows = await _copy(session, f"{format_.select} FROM {source}", path, format_.options)
        return rows, _written(path, (), rows)
    keys = [name(f"$key{i}") for i in range(len(sink.partition_by))]
    texts = ", ".join(
        f"nullif({_partition_text(key, columns)}, '') AS {alias}"
        for key, alias in zip(sink.partition_by, keys, strict=True)
    )
    order = ", ".join(keys)
    # sorted, so that each file is written from the rows next to each other
    await session.execute(
        f"CREATE TEMP TABLE {name(ROWS)} AS SELECT *, {texts} FROM {source} ORDER BY {order}"
    )
    partitions = await session.execute(
        f"SELECT {order} FROM {name(ROWS)}"
        f" GROUP BY ALL ORDER BY ALL LIMIT {sink.max_partitions + 1}"
    )
    if len(partitions) > sink.max_partitions:
        message = f"Exceeded limit of {sink.max_partitions} open writers for partitions/buckets"
        raise SqlError("HIVE_TOO_MANY_OPEN_PARTITIONS", message)
    total, written = 0, list[WrittenFile]()
    for values in partitions:
        folder = table_folder(sink).joinpath(
            *(
                f"{key}={escape(value)}"
                for key, value in zip(sink.partition_by, values, strict=True)
            )
        )
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"part-00000{format_.extension}"
        condition = " AND ".join(
            f"{key} IS NULL" if value is None else f"{key} = {literal(value)}"
            for key, value in zip(keys, values, strict=True)
        )
        statement = f"{format_.select} FROM {name(ROWS)} WHERE {condition}"
        rows = await _copy(session, statement, path, format_.options)
        total += rows
        written += _written(path, tuple(values), rows)
    return total, tuple(written)


def table_folder(sink: TableSink) -> Path:
    """Return the folder in staging that the data files go into."""
    return sink.staging.folder / "table"


def escape(value: str | None) -> str:
    """Return a partition value as Hive writes it into a folder's name."""
    if value is None:
        return NULL_PARTITION
    return "".join(f"%{ord(c):02X}" if c in _ESCAPED_IN_PATHS else c for c in value)


async def _copy(session: QuerySession, sql: str, path: Path, options: str) -> int:
    # no temporary file: the worker may write `path` only
    rows = await session.execute(
        f"COPY ({sql}) TO {literal(str(path))} ({options}, USE_TMP_FILE false)"
    )
    return int(rows[0][0])


def _written(path: Path, partition: tuple[str | None, ...], rows: int) -> tuple[WrittenFile, ...]:
    """Make a file durable and describe it; remove it when it has no rows."""
    if rows == 0:
        path.unlink()
        return ()
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return (WrittenFile(path, partition, path.stat().st_size, rows),)


def _partition_text(key: str, columns: Sequence[Column]) -> str:
    """Return SQL for the text of a partition value, as it stands in the catalog."""
    column = next(column for column in columns if column.name == key)
    type_ = parse_type(column.type)
    if type_.args or type_.is_floating or type_.name in ("varbinary", "timestamp"):
        message = f"Unsupported type {column.type} for partition key {key}"
        raise SqlError("NOT_SUPPORTED", message)
    return f"CAST({name(key)} AS VARCHAR)"


@dataclass(frozen=True)
class _Format:
    """How data files are written: the select list, COPY's options and the files' extension."""

    select: str
    options: str
    extension: str


def _format(sink: TableSink, columns: Sequence[Column]) -> _Format:
    if sink.format == "parquet":
        return _parquet(sink, columns)
    codec = _TEXT_CODECS.get(sink.compression)
    if codec is None:
        message = f"Unsupported compression {sink.compression} for {sink.format}"
        raise SqlError("NOT_SUPPORTED", message)
    options = f"COMPRESSION {sink.compression}"
    if sink.format == "json":
        items = [f"{_json_value(c)} AS {name(c.name)}" for c in columns]
        return _Format(_select(items), f"FORMAT json, {options}", f".json{codec}")
    if sink.format != "csv":
        raise SqlError("NOT_SUPPORTED", f"Unsupported file format {sink.format}")
    items = [f"{_text_value(c)} AS {name(c.name)}" for c in columns]
    options = (
        f"FORMAT csv, HEADER false, DELIMITER {literal(sink.field_delimiter)}, QUOTE '',"
        f" ESCAPE '', NULL '\\N', {options}"
    )
    return _Format(_select(items), options, f".csv{codec}")


def _select(items: Sequence[str]) -> str:
    return f"SELECT {', '.join(items)}"


def _parquet(sink: TableSink, columns: Sequence[Column]) -> _Format:
    codec = _PARQUET_CODECS.get(sink.compression)
    if codec is None:
        raise SqlError("NOT_SUPPORTED", f"Unsupported compression {sink.compression} for parquet")
    items = []
    for column in columns:
        type_ = parse_type(column.type)
        stored = type_.duckdb.replace("TIMESTAMP", "TIMESTAMP_MS")
        value = name(column.name)
        # the cast is by position of fields: only timestamps change, and only their unit
        items.append(value if stored == type_.duckdb else f"CAST({value} AS {stored}) AS {value}")
    return _Format(_select(items), f"FORMAT parquet, COMPRESSION {codec}", ".parquet")


def _text_value(column: Column) -> str:
    """Return SQL for a value as LazySimpleSerDe writes it."""
    type_, value = parse_type(column.type), name(column.name)
    if type_.args or type_.name == "varbinary":
        message = f"Unsupported type {column.type} of column {column.name} in text files"
        raise SqlError("NOT_SUPPORTED", message)
    return _plain_text(type_, value)


def _plain_text(type_: Type, value: str) -> str:
    if type_.is_floating:
        return plain(value)
    if type_.name == "timestamp":
        # fractions without trailing zeros, none when there are none
        return f"rtrim(rtrim(strftime({value}, '%Y-%m-%d %H:%M:%S.%g'), '0'), '.')"
    return f"CAST({value} AS VARCHAR)"


def _json_value(column: Column) -> str:
    type_, value = parse_type(column.type), name(column.name)
    if type_.contains("varbinary"):
        message = f"Unsupported type {column.type} of column {column.name} in JSON files"
        raise SqlError("NOT_SUPPORTED", message)
    return _plain_text(type_, value) if type_.name == "timestamp" else value
