"""The statements Athena knows, as typed values.

`type` and `substatement` are what GetQueryExecution answers as StatementType and SubstatementType.
Names are lower case, as the catalog folds them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

StatementType = Literal["DDL", "DML", "UTILITY"]


@dataclass(frozen=True)
class Name:
    """A table's or view's name; what a statement leaves out comes from the query's context."""

    table: str
    database: str | None = None
    catalog: str | None = None

    def __str__(self) -> str:
        return f"{self.database}.{self.table}" if self.database else self.table


@dataclass(frozen=True)
class ColumnDefinition:
    """A column of a DDL statement, with its catalog type."""

    name: str
    type: str
    comment: str | None = None


@dataclass(frozen=True)
class Statement:
    """Base of all statements."""

    type: ClassVar[StatementType] = "DDL"
    substatement: ClassVar[str] = ""


# queries


@dataclass(frozen=True)
class Query(Statement):
    """SELECT, WITH, VALUES or TABLE; `sql` has no trailing semicolon."""

    type = "DML"
    substatement = "SELECT"
    sql: str


@dataclass(frozen=True)
class Explain(Statement):
    """EXPLAIN of a query."""

    type = "DML"
    substatement = "EXPLAIN"
    sql: str


@dataclass(frozen=True)
class CreateTableAs(Statement):
    """CREATE TABLE … AS; `sql` keeps the positions the query has in the statement."""

    substatement = "CREATE_TABLE_AS_SELECT"
    name: Name
    properties: dict[str, str | tuple[str, ...]]
    sql: str
    if_not_exists: bool = False
    with_data: bool = True
    comment: str | None = None


@dataclass(frozen=True)
class Insert(Statement):
    """INSERT INTO; `columns` is empty where the statement names none."""

    type = "DML"
    substatement = "INSERT"
    name: Name
    columns: tuple[str, ...]
    sql: str


@dataclass(frozen=True)
class Unload(Statement):
    """UNLOAD (query) TO location."""

    type = "DML"
    substatement = "UNLOAD"
    sql: str
    location: str
    properties: dict[str, str | tuple[str, ...]]


@dataclass(frozen=True)
class Prepare(Statement):
    """PREPARE name FROM statement."""

    substatement = "PREPARE"
    name: str
    sql: str


@dataclass(frozen=True)
class Execute(Statement):
    """EXECUTE name USING literals."""

    type = "DML"
    substatement = "EXECUTE"
    name: str
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class Deallocate(Statement):
    """DEALLOCATE PREPARE name."""

    substatement = "DEALLOCATE"
    name: str


# databases


@dataclass(frozen=True)
class CreateDatabase(Statement):
    """CREATE DATABASE."""

    substatement = "CREATE_DATABASE"
    name: str
    if_not_exists: bool = False
    comment: str | None = None
    location: str | None = None
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DropDatabase(Statement):
    """DROP DATABASE."""

    substatement = "DROP_DATABASE"
    name: str
    if_exists: bool = False
    cascade: bool = False


@dataclass(frozen=True)
class SetDatabaseProperties(Statement):
    """ALTER DATABASE … SET DBPROPERTIES."""

    substatement = "ALTER_DATABASE_PROPERTIES"
    name: str
    properties: dict[str, str]


# tables


@dataclass(frozen=True)
class RowFormat:
    """ROW FORMAT: a SerDe class, or the delimiters of DELIMITED as SerDe properties."""

    serde: str | None = None
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CreateTable(Statement):
    """CREATE EXTERNAL TABLE; `stored_as` is a format's name, or an (input, output) pair."""

    substatement = "CREATE_TABLE"
    name: Name
    columns: tuple[ColumnDefinition, ...]
    partition_keys: tuple[ColumnDefinition, ...]
    external: bool
    if_not_exists: bool = False
    comment: str | None = None
    bucket_columns: tuple[str, ...] = ()
    buckets: int = 0
    row_format: RowFormat | None = None
    stored_as: str | tuple[str, str] | None = None
    location: str | None = None
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DropTable(Statement):
    """DROP TABLE."""

    substatement = "DROP_TABLE"
    name: Name
    if_exists: bool = False


PartitionSpec = tuple[tuple[str, str], ...]
"""Partition keys with their values, as written."""


@dataclass(frozen=True)
class AddPartitions(Statement):
    """ALTER TABLE … ADD PARTITION, each with its location or None."""

    substatement = "ALTER_TABLE_ADD_PARTITION"
    name: Name
    partitions: tuple[tuple[PartitionSpec, str | None], ...]
    if_not_exists: bool = False


@dataclass(frozen=True)
class PartitionCondition:
    """One comparison of DROP PARTITION: key, operator, value."""

    key: str
    operator: str
    value: str


@dataclass(frozen=True)
class DropPartitions(Statement):
    """ALTER TABLE … DROP PARTITION; each specification is a conjunction of comparisons."""

    substatement = "ALTER_TABLE_DROP_PARTITION"
    name: Name
    partitions: tuple[tuple[PartitionCondition, ...], ...]
    if_exists: bool = False


@dataclass(frozen=True)
class RenamePartition(Statement):
    """ALTER TABLE … PARTITION … RENAME TO PARTITION."""

    substatement = "ALTER_TABLE_RENAME_PARTITION"
    name: Name
    old: PartitionSpec
    new: PartitionSpec


@dataclass(frozen=True)
class AddColumns(Statement):
    """ALTER TABLE … ADD COLUMNS."""

    substatement = "ALTER_TABLE_ADD_COLUMN"
    name: Name
    columns: tuple[ColumnDefinition, ...]


@dataclass(frozen=True)
class ReplaceColumns(Statement):
    """ALTER TABLE … REPLACE COLUMNS."""

    substatement = "ALTER_TABLE_REPLACE_COLUMN"
    name: Name
    columns: tuple[ColumnDefinition, ...]


@dataclass(frozen=True)
class SetTableProperties(Statement):
    """ALTER TABLE … SET TBLPROPERTIES."""

    substatement = "ALTER_TABLE_PROPERTIES"
    name: Name
    properties: dict[str, str]


@dataclass(frozen=True)
class SetLocation(Statement):
    """ALTER TABLE [PARTITION …] SET LOCATION."""

    substatement = "ALTER_TABLE_SET_LOCATION"
    name: Name
    location: str
    partition: PartitionSpec | None = None


@dataclass(frozen=True)
class RepairTable(Statement):
    """MSCK REPAIR TABLE."""

    substatement = "MSCK_REPAIR_TABLE"
    name: Name


# views


@dataclass(frozen=True)
class CreateView(Statement):
    """CREATE [OR REPLACE] VIEW; `sql` is the query as written, `padded` keeps its positions."""

    substatement = "CREATE_VIEW"
    name: Name
    sql: str
    padded: str
    replace: bool = False


@dataclass(frozen=True)
class DropView(Statement):
    """DROP VIEW."""

    substatement = "DROP_VIEW"
    name: Name
    if_exists: bool = False


# what is there


@dataclass(frozen=True)
class ShowDatabases(Statement):
    """SHOW DATABASES; `pattern` is a regular expression."""

    type = "UTILITY"
    substatement = "SHOW_DATABASES"
    pattern: str | None = None


@dataclass(frozen=True)
class ShowTables(Statement):
    """SHOW TABLES; `pattern` is a regular expression, a bare ``*`` matches anything."""

    type = "UTILITY"
    substatement = "SHOW_TABLES"
    database: str | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class ShowViews(Statement):
    """SHOW VIEWS; `pattern` is a regular expression, a bare ``*`` matches anything."""

    type = "UTILITY"
    substatement = "SHOW_VIEWS"
    database: str | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class ShowPartitions(Statement):
    """SHOW PARTITIONS."""

    type = "UTILITY"
    substatement = "SHOW_PARTITIONS"
    name: Name


@dataclass(frozen=True)
class ShowColumns(Statement):
    """SHOW COLUMNS."""

    type = "UTILITY"
    substatement = "SHOW_COLUMNS"
    name: Name


@dataclass(frozen=True)
class ShowCreateTable(Statement):
    """SHOW CREATE TABLE."""

    type = "UTILITY"
    substatement = "SHOW_CREATE_TABLE"
    name: Name


@dataclass(frozen=True)
class ShowCreateView(Statement):
    """SHOW CREATE VIEW."""

    type = "UTILITY"
    substatement = "SHOW_CREATE_VIEW"
    name: Name


@dataclass(frozen=True)
class ShowTableProperties(Statement):
    """SHOW TBLPROPERTIES, of one key where given."""

    type = "UTILITY"
    substatement = "SHOW_TABLE_PROPERTIES"
    name: Name
    key: str | None = None


@dataclass(frozen=True)
class Describe(Statement):
    """DESCRIBE [EXTENDED | FORMATTED]."""

    type = "UTILITY"
    substatement = "DESCRIBE_TABLE"
    name: Name
    detail: Literal["", "EXTENDED", "FORMATTED"] = ""
