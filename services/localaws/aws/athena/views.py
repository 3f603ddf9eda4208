"""Views: a query kept in the catalog as Athena keeps it.

The catalog entry is a ``VIRTUAL_VIEW`` whose text is JSON in base64 (`ViewDefinition`).
"""

from __future__ import annotations

from localaws.aws.athena.columns import text_columns
from localaws.aws.athena.errors import engine_failure
from localaws.aws.athena.reader import CATALOG, ViewColumn, ViewDefinition, decode_view, is_view
from localaws.aws.athena.run import Answer, Run, lines
from localaws.aws.athena.statements import CreateView, DropView, ShowCreateView
from localaws.aws.athena.table_input import table_input
from localaws.engines.sql.types import TypeTextError, trino_to_hive


async def create_view(run: Run, statement: CreateView) -> Answer:
    """Write a view, or with OR REPLACE write over it."""
    name = run.resolve(statement.name)
    if not await run.reader.database_exists(CATALOG, name.database):
        raise engine_failure(
            "SCHEMA_NOT_FOUND", f"line 1:1: Schema '{name.database}' does not exist"
        )
    entry = await run.entry(name)
    if entry is not None and not is_view(entry):
        raise engine_failure(
            "TABLE_ALREADY_EXISTS", f"line 1:1: Table already exists: '{CATALOG}.{name}'"
        )
    if entry is not None and not statement.replace:
        raise engine_failure(
            "TABLE_ALREADY_EXISTS", f"line 1:1: View already exists: '{CATALOG}.{name}'"
        )
    columns = await run.engine.columns(statement.padded, run.session(), run.reader)
    definition = ViewDefinition(
        original_sql=statement.sql,
        catalog=CATALOG,
        schema=run.database,
        columns=[ViewColumn(column.name, column.type) for column in columns],
    )
    storage = {
        "Columns": [{"Name": c.name, "Type": _catalog_type(c.type)} for c in columns],
        "Location": "",
        "NumberOfBuckets": 0,
        "SerdeInfo": {},
        "SortColumns": [],
        "StoredAsSubDirectories": False,
    }
    view = table_input(
        name.table,
        storage,
        [],
        {"presto_view": "true", "comment": "Presto View"},
        "VIRTUAL_VIEW",
    ) | {
        "ViewOriginalText": definition.encode(),
        "ViewExpandedText": "/* Presto View */",
    }
    if entry is None:
        await run.catalog.create_table(
            run.catalog_id, name.database, view, created_by=run.execution.account
        )
    else:
        await run.catalog.update_table(run.catalog_id, name.database, view, entry["VersionId"])
    return Answer(text="")


def _catalog_type(type_text: str) -> str:
    """Return the catalog type of a view's column; the view's own text has the true one."""
    try:
        return trino_to_hive(type_text)
    except TypeTextError:
        return "string"


async def drop_view(run: Run, statement: DropView) -> Answer:
    """Delete a view."""
    name = run.resolve(statement.name)
    entry = await run.entry(name)
    if entry is not None and not is_view(entry):
        raise engine_failure(
            "TABLE_NOT_FOUND",
            f"line 1:1: View '{CATALOG}.{name}' does not exist, but a table with that name exists. "
            f"Did you mean DROP TABLE {CATALOG}.{name}?",
        )
    if entry is not None:
        await run.catalog.delete_tables(run.catalog_id, name.database, [name.table])
    elif not statement.if_exists:
        raise engine_failure("TABLE_NOT_FOUND", f"line 1:1: View '{CATALOG}.{name}' does not exist")
    return Answer(text="")


async def show_create_view(run: Run, statement: ShowCreateView) -> Answer:
    """Return the statement that makes a view."""
    name = run.resolve(statement.name)
    entry = await run.entry(name)
    definition = decode_view((entry or {}).get("ViewOriginalText") or "")
    if entry is None or definition is None:
        raise engine_failure("TABLE_NOT_FOUND", f"line 1:1: View '{CATALOG}.{name}' does not exist")
    text = f"CREATE VIEW {statement.name} AS\n{definition.original_sql}"
    return lines(text_columns("create view", type="varchar"), text.split("\n"))
