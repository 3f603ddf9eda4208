"""Which function executes which statement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from localaws.aws.athena import databases, describe, partitions, queries, show, tables, views
from localaws.aws.athena import statements as s
from localaws.aws.athena.ctas import create_table_as
from localaws.aws.athena.insert import insert
from localaws.aws.athena.prepared_sql import deallocate, prepare
from localaws.aws.athena.run import Answer, Run
from localaws.aws.athena.unload import unload

_EXECUTORS: dict[type[s.Statement], Callable[[Run, Any], Awaitable[Answer]]] = {
    s.Query: queries.run_query,
    s.Explain: queries.explain,
    s.CreateTableAs: create_table_as,
    s.Insert: insert,
    s.Unload: unload,
    s.Prepare: prepare,
    s.Deallocate: deallocate,
    s.CreateDatabase: databases.create_database,
    s.DropDatabase: databases.drop_database,
    s.SetDatabaseProperties: databases.set_database_properties,
    s.CreateTable: tables.create_table,
    s.DropTable: tables.drop_table,
    s.AddColumns: tables.add_columns,
    s.ReplaceColumns: tables.replace_columns,
    s.SetTableProperties: tables.set_properties,
    s.SetLocation: tables.set_location,
    s.AddPartitions: partitions.add_partitions,
    s.DropPartitions: partitions.drop_partitions,
    s.RenamePartition: partitions.rename_partition,
    s.RepairTable: partitions.repair_table,
    s.CreateView: views.create_view,
    s.DropView: views.drop_view,
    s.ShowDatabases: show.show_databases,
    s.ShowTables: show.show_tables,
    s.ShowViews: show.show_views,
    s.ShowPartitions: show.show_partitions,
    s.ShowTableProperties: show.show_table_properties,
    s.ShowColumns: describe.show_columns,
    s.ShowCreateTable: describe.show_create_table,
    s.ShowCreateView: views.show_create_view,
    s.Describe: describe.describe,
}


async def execute(run: Run, statement: s.Statement) -> Answer:
    """Execute a statement."""
    return await _EXECUTORS[type(statement)](run, statement)
