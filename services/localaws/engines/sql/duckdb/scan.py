"""What a table scan is made of: files with their partition, and the relation that reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from localaws.engines.sql.base import Column, DataFile, SqlError, TableSchema
from localaws.engines.sql.duckdb.text import literal, literals, name
from localaws.engines.sql.duckdb.types import Type, parse_type

FILE = "$file"
NO_COLUMN = "$none"


@dataclass(frozen=True)
class Fragment:
    """The files of one partition (or of the whole table when it has none).

    Attributes:
        values: partition values in key order.
        serde_parameters: what the partition overrides.
    """

    values: tuple[str | None, ...]
    files: tuple[DataFile, ...]
    serde_parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scan:
    """Everything a relation is built from.

    Attributes:
        alias: the relation's name in the query.
        table: the table.
        columns: names of the columns the query uses, partition keys included.
        fragments: what to read; files of no other partition are touched.
    """

    alias: str
    table: TableSchema
    columns: tuple[str, ...]
    fragments: tuple[Fragment, ...]

    @property
    def files(self) -> list[DataFile]:
        """Return every file of the scan."""
        return [file for fragment in self.fragments for file in fragment.files]

    @property
    def data_columns(self) -> list[Column]:
        """Return the used columns that are stored in the files."""
        return [column for column in self.table.columns if column.name in self.columns]

    @property
    def key_columns(self) -> list[Column]:
        """Return the used partition keys."""
        return [column for column in self.table.partition_keys if column.name in self.columns]

    def without_keys(self) -> Scan:
        """Return the scan of the data columns alone."""
        keys = {key.name for key in self.table.partition_keys}
        columns = tuple(column for column in self.columns if column not in keys)
        return replace(self, columns=columns)


def column_type(table: TableSchema, column: Column) -> Type:
    """Return a column's type.

    Raises:
        SqlError: NOT_SUPPORTED for a type no column can have.
    """
    try:
        return parse_type(column.type)
    except ValueError as error:
        where = f"{table.database}.{table.name}.{column.name}"
        raise SqlError("NOT_SUPPORTED", f"Unsupported type {column.type} of {where}") from error


def serde_parameters(scan: Scan) -> Mapping[str, str]:
    """Return the parameters that hold for every fragment.

    Raises:
        SqlError: partitions disagree; reading them differently is not supported.
    """
    ours = dict(scan.table.serde_parameters)
    for fragment in scan.fragments:
        if any(ours.get(key) != value for key, value in fragment.serde_parameters.items()):
            where = f"{scan.table.database}.{scan.table.name}"
            message = f"Partitions of {where} with SerDe parameters of their own are not supported"
            raise SqlError("NOT_SUPPORTED", message)
    return ours


def empty_relation(scan: Scan) -> str:
    """Return a relation with the scan's columns and no rows."""
    return f"SELECT {projection(scan, {})} WHERE false"


def projection(scan: Scan, expressions: Mapping[str, str]) -> str:
    """Return the select list: `expressions` by data column, nulls for what is missing there.

    Partition keys are taken from `expressions` too when it has them.
    """
    items = []
    for column in [*scan.data_columns, *scan.key_columns]:
        type_ = column_type(scan.table, column).duckdb
        value = expressions.get(column.name, f"CAST(NULL AS {type_})")
        items.append(f"{value} AS {name(column.name)}")
    return ", ".join(items or [f"NULL AS {name(NO_COLUMN)}"])


def key_literal(scan: Scan, column: Column, value: str | None) -> str:
    """Return a partition value as a typed SQL literal.

    Raises:
        SqlError: HIVE_INVALID_PARTITION_VALUE when the text is not of the key's type.
    """
    type_ = column_type(scan.table, column)
    if value is None or value == "__HIVE_DEFAULT_PARTITION__":
        return f"CAST(NULL AS {type_.duckdb})"
    if type_.name == "boolean" and value.lower() not in ("true", "false"):
        raise invalid_key(column, value)
    return f"CAST({literal(value)} AS {type_.duckdb})"


def invalid_key(column: Column, value: str) -> SqlError:
    """Return Trino's error for a partition value that is not of its type."""
    message = f"Invalid partition value '{value}' for {column.type} partition key: {column.name}"
    return SqlError("HIVE_INVALID_PARTITION_VALUE", message)


@dataclass(frozen=True)
class Relation:
    """How a scan is set up in the worker.

    Attributes:
        setup: statements to execute first.
        sql: the query that reads the table.
    """

    setup: tuple[str, ...]
    sql: str


def with_keys(scan: Scan, branches: Sequence[str]) -> Relation:
    """Add partition keys to `branches`, queries with the data columns and a file column.

    One partition becomes literals. More are joined by file name: one branch reads all files, so
    thousands of partitions cost one scan.
    """
    keys = scan.key_columns
    union = " UNION ALL ".join(branches)
    data = [name(column.name) for column in scan.data_columns]
    if not keys:
        return Relation((), f"SELECT {', '.join(data or [name(NO_COLUMN)])} FROM ({union})")
    fragments = [fragment for fragment in scan.fragments if fragment.files]
    index = {key.name: i for i, key in enumerate(scan.table.partition_keys)}
    if len(fragments) == 1:
        values = [
            f"{key_literal(scan, key, fragments[0].values[index[key.name]])} AS {name(key.name)}"
            for key in keys
        ]
        return Relation((), f"SELECT {', '.join([*data, *values])} FROM ({union})")
    table = name(f"{scan.alias}$partitions")
    lists = [literals(file.path for fragment in fragments for file in fragment.files)]
    for key in keys:
        texts = [
            "NULL" if value is None or value == "__HIVE_DEFAULT_PARTITION__" else literal(value)
            for fragment in fragments
            for value in [fragment.values[index[key.name]]] * len(fragment.files)
        ]
        lists.append(f"[{', '.join(texts)}]::VARCHAR[]")
    names = [name(FILE), *(name(key.name) for key in keys)]
    unnested = ", ".join(f"unnest({values}) AS {n}" for values, n in zip(lists, names, strict=True))
    typed = ", ".join(
        f"CAST({name(key.name)} AS {column_type(scan.table, key).duckdb}) AS {name(key.name)}"
        for key in keys
    )
    setup = f"CREATE TEMP TABLE {table} AS SELECT {name(FILE)}, {typed} FROM (SELECT {unnested})"
    selected = [*(f"d.{column}" for column in data), *(f"p.{name(key.name)}" for key in keys)]
    joined = f"FROM ({union}) d JOIN {table} p ON d.{name(FILE)} = p.{name(FILE)}"
    return Relation((setup,), f"SELECT {', '.join(selected)} {joined}")
