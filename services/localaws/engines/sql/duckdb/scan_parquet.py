"""Scans of Parquet files as Trino's reader does them: by column name, file by file.

A column a file lacks is null there, a column the table lacks is ignored, and names match without
regard to case. A file whose type cannot be read as the table's type is refused by name, see
https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from localaws.engines.sql.base import DataFile, SqlError
from localaws.engines.sql.duckdb.scan import (
    FILE,
    Relation,
    Scan,
    column_type,
    empty_relation,
    projection,
    with_keys,
)
from localaws.engines.sql.duckdb.stored import parse_stored
from localaws.engines.sql.duckdb.text import literal, literals, name
from localaws.engines.sql.duckdb.types import Type

Execute = Callable[[str], Awaitable[list[list[object]]]]

INTEGERS = {"tinyint": 1, "smallint": 2, "integer": 4, "bigint": 8}
UNSIGNED = {"utinyint": 1, "usmallint": 2, "uinteger": 4}
TIMESTAMPS = {"timestamp", "timestamp_ms", "timestamp_s", "timestamp_ns"}


class Incompatible(Exception):
    """A file's type cannot be read as the table's type."""


@dataclass
class Layout:
    """Files with the same columns: their types and the bytes of each column."""

    paths: list[str] = field(default_factory=list)
    columns: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By lower-case name: the name in the file and its physical type."""
    types: dict[str, Type] = field(default_factory=dict)


@dataclass(frozen=True)
class ParquetScan:
    """A relation over Parquet files and the bytes it reads at most."""

    relation: Relation
    scanned_bytes: int


async def scan_parquet(scan: Scan, execute: Execute) -> ParquetScan:
    """Return the relation of a scan, having looked at the footer of each of its files.

    `scanned_bytes` are those of the used columns' chunks in all row groups; row groups skipped by
    their statistics are not subtracted, and a query that uses no column (``count(*)``) reads 0.

    Raises:
        SqlError: HIVE_BAD_DATA when a column's type does not fit the table's.
        ExecutionError: a file is not Parquet.
    """
    files = {file.path: file for file in scan.files}
    if not files:
        return ParquetScan(Relation((), empty_relation(scan)), 0)
    layouts, scanned = await _inspect(scan, list(files), execute)
    branches: dict[str, list[str]] = {}
    for layout in layouts:
        expressions = _expressions(scan, layout, files)
        branches.setdefault(projection(scan.without_keys(), expressions), []).extend(layout.paths)
    selects = [
        f"SELECT {select}, {name(FILE)} FROM read_parquet({literals(paths)},"
        f" filename = {literal(FILE)}, hive_partitioning = false)"
        for select, paths in branches.items()
    ]
    return ParquetScan(with_keys(scan, selects), scanned)


async def _inspect(scan: Scan, paths: list[str], execute: Execute) -> tuple[list[Layout], int]:
    """Return the distinct layouts of the files and the bytes of the used columns."""
    used = literals(column.name for column in scan.data_columns)
    if not scan.data_columns:
        return [Layout(paths)], 0
    rows = await execute(
        f"""
        SELECT to_json(elements), to_json(list(file_name)) FROM (
            SELECT file_name, list([name, type, num_children::VARCHAR, duckdb_type, logical_type])
                AS elements
            FROM parquet_schema({literals(paths)}) GROUP BY file_name)
        GROUP BY elements
        """
    )
    layouts = []
    for elements, files in rows:
        layout = Layout(paths=json.loads(str(files)))
        _read_columns(json.loads(str(elements)), layout)
        described = await execute(
            f"DESCRIBE SELECT * FROM read_parquet({literal(layout.paths[0])},"
            " hive_partitioning = false)"
        )
        layout.types = {str(row[0]): parse_stored(str(row[1])) for row in described}
        layouts.append(layout)
    sizes = await execute(
        f"""
        SELECT coalesce(sum(total_compressed_size), 0)::BIGINT
        FROM parquet_metadata({literals(paths)})
        WHERE lower(split_part(path_in_schema, ', ', 1)) IN (SELECT unnest({used}))
        """
    )
    return layouts, int(str(sizes[0][0]))


def _read_columns(elements: Sequence[Sequence[str | None]], layout: Layout) -> None:
    """Find the top-level columns in a schema flattened depth first."""

    def skip(position: int) -> int:
        children = int(elements[position][2] or 0)
        position += 1
        for _ in range(children):
            position = skip(position)
        return position

    position = 1
    while position < len(elements):
        stored = str(elements[position][0])
        physical = elements[position][1] or "group"
        layout.columns.setdefault(stored.lower(), (stored, physical))
        position = skip(position)


def _expressions(scan: Scan, layout: Layout, files: dict[str, DataFile]) -> dict[str, str]:
    expressions = {}
    for column in scan.data_columns:
        if column.name not in layout.columns:
            continue
        stored, physical = layout.columns[column.name]
        try:
            type_ = layout.types[stored]
            expressions[column.name] = read_as(name(stored), type_, column_type(scan.table, column))
        except (Incompatible, KeyError) as error:
            uri = files[layout.paths[0]].uri
            raise SqlError(
                "HIVE_BAD_DATA",
                f"Field {column.name}'s type {physical} in parquet file {uri} is incompatible"
                f" with type {column.type} defined in table schema",
            ) from error
    return expressions


def read_as(value: str, stored: Type, wanted: Type) -> str:
    """Return SQL that reads `value`, of a file's type, as the table's Trino type.

    Raises:
        Incompatible: Trino's reader does not do it.
    """
    base, source = wanted.name, stored.name
    if base in ("array", "map", "row"):
        if source != base:
            raise Incompatible
        return {"array": _read_array, "map": _read_map, "row": _read_row}[base](
            value, stored, wanted
        )
    target = wanted.duckdb
    if base in INTEGERS:
        fits = INTEGERS.get(source, 99) <= max(INTEGERS[base], 4)
        fits = fits or UNSIGNED.get(source, 99) < max(INTEGERS[base], 4)
        return _cast_if(fits, value, target, source == base)
    if base in ("real", "double"):
        return _cast_if(source in ("real", base), value, target, source == base)
    if base == "decimal":
        return _cast_if(source == "decimal", value, target, stored.params == wanted.params)
    if base in ("varchar", "char"):
        if source == "varbinary":
            value = f"decode({value})"
        elif source != "varchar":
            raise Incompatible
        if base == "char":
            return f"rtrim(left({value}, {wanted.params[0]}), ' ')"
        return f"left({value}, {wanted.params[0]})" if wanted.params else value
    if base == "varbinary":
        if source == "varchar":
            return f"encode({value})"
        return _cast_if(source == "varbinary", value, target, True)
    if base == "timestamp":
        return _read_timestamp(value, source)
    return _cast_if(source == base, value, target, True)


def _cast_if(fits: bool, value: str, target: str, same: bool) -> str:
    if not fits:
        raise Incompatible
    return value if same else f"CAST({value} AS {target})"


def _read_timestamp(value: str, source: str) -> str:
    """Read to milliseconds, Athena's precision, rounding as Trino does."""
    if source == "timestamp with time zone":
        value, source = f"CAST({value} AS TIMESTAMP)", "timestamp"
    if source not in TIMESTAMPS:
        raise Incompatible
    if source in ("timestamp_ms", "timestamp_s"):
        return f"CAST({value} AS TIMESTAMP)"
    if source == "timestamp_ns":
        value = f"CAST({value} AS TIMESTAMP)"
    return f"date_trunc('milliseconds', {value} + INTERVAL 500 MICROSECONDS)"


def _read_array(value: str, stored: Type, wanted: Type) -> str:
    element = read_as("x", stored.args[0], wanted.args[0])
    return value if element == "x" else f"list_transform({value}, lambda x: {element})"


def _read_map(value: str, stored: Type, wanted: Type) -> str:
    key = read_as("x.key", stored.args[0], wanted.args[0])
    item = read_as("x.value", stored.args[1], wanted.args[1])
    if (key, item) == ("x.key", "x.value"):
        return value
    entries = f"list_transform(map_entries({value}), lambda x: {{'key': {key}, 'value': {item}}})"
    return f"map_from_entries({entries})"


def _read_row(value: str, stored: Type, wanted: Type) -> str:
    theirs = {
        (field or "").lower(): (field or "", type_)
        for field, type_ in zip(stored.fields, stored.args, strict=True)
    }
    items = []
    for field_name, type_ in zip(wanted.struct_fields, wanted.args, strict=True):
        if field_name.lower() in theirs:
            stored_name, stored_type = theirs[field_name.lower()]
            item = read_as(f"{value}.{name(stored_name)}", stored_type, type_)
        else:
            item = f"CAST(NULL AS {type_.duckdb})"
        items.append(f"{name(field_name)} := {item}")
    return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({', '.join(items)}) END"
