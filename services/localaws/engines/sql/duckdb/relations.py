"""Find the tables and views a query names, and those its views name in turn."""

from __future__ import annotations

import asyncio

from sqlglot import exp

from localaws.engines.sql.base import Session, SqlError, TableReader, TableSchema, ViewSchema
from localaws.engines.sql.duckdb.translate import table_references, view_references

MAX_VIEW_DEPTH = 32

Key = tuple[str, str, str]
Relations = dict[Key, TableSchema | ViewSchema]


async def resolve(tree: exp.Expression, session: Session, tables: TableReader) -> Relations:
    """Return every relation of a query by catalog, database and name; unknown ones are left out.

    Raises:
        SqlError: views are nested without end, or a view cannot be parsed.
    """
    relations: Relations = {}
    wanted = _keys(tree, session.catalog.lower(), session.database.lower())
    for _ in range(MAX_VIEW_DEPTH):
        wanted = {key for key in wanted if key not in relations}
        if not wanted:
            return relations
        keys = sorted(wanted)
        found = await asyncio.gather(*(tables.table(*key) for key in keys))
        wanted = set()
        for key, relation in zip(keys, found, strict=True):
            if relation is None:
                continue
            relations[key] = relation
            if isinstance(relation, ViewSchema):
                wanted |= await _view_keys(relation)
    raise SqlError("VIEW_IS_RECURSIVE", f"Views are nested more than {MAX_VIEW_DEPTH} deep")


async def _view_keys(view: ViewSchema) -> set[Key]:
    try:
        return set(await asyncio.to_thread(view_references, view))
    except SqlError as error:
        where = f"{view.catalog}.{view.database}.{view.name}"
        message = f"Failed parsing stored view '{where}': {error.message}"
        raise SqlError("INVALID_VIEW", message) from error


def _keys(tree: exp.Expression, catalog: str, database: str) -> set[Key]:
    return {
        (its_catalog or catalog, its_database or database, name)
        for its_catalog, its_database, name in table_references(tree)
    }
