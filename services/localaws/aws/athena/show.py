"""SHOW: what databases, tables and partitions there are, in Athena's layouts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from localaws.aws.athena.columns import text_columns
from localaws.aws.athena.errors import ddl_failed, semantic_error
from localaws.aws.athena.partition_paths import partition_path
from localaws.aws.athena.partitions import partition_keys
from localaws.aws.athena.reader import CATALOG, is_view
from localaws.aws.athena.run import Answer, Run, lines
from localaws.aws.athena.statements import (
    ShowDatabases,
    ShowPartitions,
    ShowTableProperties,
    ShowTables,
    ShowViews,
)
from localaws.core.service import Shape

_PAGE = 500


async def show_databases(run: Run, statement: ShowDatabases) -> Answer:
    """Return the databases whose name matches a regular expression."""
    names: list[str] = []
    after = ""
    while page := await run.catalog.get_databases(run.catalog_id, after, _PAGE):
        names += [database["Name"] for database in page]
        after = names[-1]
    if statement.pattern is not None and statement.pattern != "*":
        pattern = _compiled(statement.pattern)
        names = [name for name in names if pattern.fullmatch(name)]
    return lines(text_columns("database_name"), names)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ddl_failed(
            "MetaException(message:Unable to get databases: "
            f"java.util.regex.PatternSyntaxException: {error.msg} near index {error.pos}\n"
            f"{pattern}\n)"
        ) from error


def _wildcards(pattern: str) -> re.Pattern[str]:
    """Return Hive's reading of a table pattern: ``*`` matches anything, ``|`` separates choices."""
    return re.compile(_compiled(pattern.replace("*", ".*")).pattern, re.IGNORECASE)


async def tables(run: Run, database: str) -> AsyncIterator[Shape]:
    """Yield the entries of a database by name.

    Raises:
        StatementError: there is no such database.
    """
    if not await run.reader.database_exists(CATALOG, database):
        raise semantic_error(10072, f"Database does not exist: {database}")
    after = ""
    while page := await run.catalog.get_tables(run.catalog_id, database, None, after, _PAGE):
        for entry in page:
            yield entry
        after = page[-1]["Name"]


async def show_tables(run: Run, statement: ShowTables) -> Answer:
    """Return the tables and views of a database whose name matches a pattern."""
    pattern = _wildcards(statement.pattern or "*")
    names = [
        entry["Name"]
        async for entry in tables(run, statement.database or run.database)
        if pattern.fullmatch(entry["Name"])
    ]
    return lines(text_columns("tab_name"), names)


async def show_views(run: Run, statement: ShowViews) -> Answer:
    """Return the views of a database whose name matches a pattern."""
    pattern = _wildcards(statement.pattern or "*")
    names = [
        entry["Name"]
        async for entry in tables(run, statement.database or run.database)
        if is_view(entry) and pattern.fullmatch(entry["Name"])
    ]
    return lines(text_columns("views", type="varchar"), names)


async def show_partitions(run: Run, statement: ShowPartitions) -> Answer:
    """Return the registered partitions as paths."""
    name = run.resolve(statement.name)
    entry = await run.existing(name)
    keys = partition_keys(name, entry)
    found = await run.catalog.get_partitions(run.catalog_id, name.database, name.table)
    return lines(
        text_columns("partition"), [partition_path(keys, item["Values"]) for item in found]
    )


async def show_table_properties(run: Run, statement: ShowTableProperties) -> Answer:
    """Return a table's properties, or the value of one."""
    name = run.resolve(statement.name)
    parameters = (await run.existing(name)).get("Parameters") or {}
    columns = text_columns("prpt_name", "prpt_value")
    if statement.key is not None:
        missing = f"Table {name} does not have property: {statement.key}"
        return lines(columns, [parameters.get(statement.key, missing)])
    text = "\n".join(f"{key}\t{value}" for key, value in parameters.items())
    return lines(columns, [text])
