"""Search over the tables of all databases.

https://docs.aws.amazon.com/glue/latest/webapi/API_SearchTables.html
"""

from __future__ import annotations

import operator
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

from localaws.aws.glue.model import PAGE, catalog_of, decode_token, encode_token
from localaws.aws.glue.service import service
from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.catalog.errors import database_not_found, invalid_input

_BATCH = 1000
_COMPARATORS: dict[str, Callable[[Any, Any], bool]] = {
    "EQUALS": operator.eq,
    "GREATER_THAN": operator.gt,
    "LESS_THAN": operator.lt,
    "GREATER_THAN_EQUALS": operator.ge,
    "LESS_THAN_EQUALS": operator.le,
}


@service.operation("executed", "matches by substring and equality, without ranking")
async def search_tables(
    ctx: Context,
    *,
    catalog_id: str | None = None,
    next_token: str | None = None,
    filters: list[Any] | None = None,
    search_text: str | None = None,
    sort_criteria: list[Any] | None = None,
    max_results: int = PAGE,
    resource_share_type: str = "ALL",
) -> Shape:
    """Return a page of tables that satisfy all filters and contain the text."""
    catalog = catalog_of(ctx, catalog_id)
    if resource_share_type != "ALL":
        return {"TableList": []}
    found = [
        table
        async for table in _all_tables(ctx, catalog)
        if all(_satisfies(table, each) for each in filters or ())
        and (not search_text or _contains(table, search_text.lower()))
    ]
    for criterion in sort_criteria or ():
        field = criterion.get("FieldName", "Name")
        found.sort(
            key=lambda table: str(_field(table, field) or ""),
            reverse=criterion.get("Sort") == "DESC",
        )
    start = _offset(next_token)
    answer: Shape = {"TableList": found[start : start + max_results]}
    if len(found) > start + max_results:
        answer["NextToken"] = encode_token([str(start + max_results)])
    return answer


async def _all_tables(ctx: Context, catalog: str) -> AsyncIterator[Shape]:
    """Return the tables of all databases by database and name."""
    port = ctx.platform.catalog
    after_database = ""
    while databases := await port.get_databases(catalog, after_database, _BATCH):
        for database in databases:
            after_database, after = database["Name"], ""
            while tables := await _page(ctx, catalog, after_database, after):
                for table in tables:
                    yield table
                after = tables[-1]["Name"]


async def _page(ctx: Context, catalog: str, database: str, after: str) -> list[Shape]:
    try:
        return await ctx.platform.catalog.get_tables(catalog, database, after=after, limit=_BATCH)
    except AwsError as error:
        if error.message == database_not_found(database).message:  # dropped meanwhile
            return []
        raise


def _satisfies(table: Shape, predicate: Shape) -> bool:
    key, value = predicate.get("Key", ""), predicate.get("Value", "")
    compare = _COMPARATORS[predicate.get("Comparator", "EQUALS")]
    field = _field(table, key)
    if field is None:
        return False
    if isinstance(field, datetime):
        try:
            wanted = datetime.fromisoformat(value)
        except ValueError as error:
            raise invalid_input(f"{value} is not a time (ISO 8601).") from error
        return bool(
            compare(field, wanted if wanted.tzinfo else wanted.replace(tzinfo=field.tzinfo))
        )
    return bool(compare(str(field).lower(), value.lower()))


def _field(table: Shape, name: str) -> Any:
    """Return a member of a table, or one of its parameters."""
    known = {key.lower(): value for key, value in table.items()}
    if name.lower() in known and not isinstance(known[name.lower()], dict | list):
        return known[name.lower()]
    return table.get("Parameters", {}).get(name)


def _contains(table: Shape, text: str) -> bool:
    """Return whether the text is in a name, description, column or parameter of a table."""
    if len(text) > 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    columns = [*table.get("StorageDescriptor", {}).get("Columns", ()), *table["PartitionKeys"]]
    parameters = table.get("Parameters", {})
    haystack = [
        table["Name"],
        table["DatabaseName"],
        table.get("Description", ""),
        *(column["Name"] for column in columns),
        *(column.get("Comment", "") for column in columns),
        *parameters,
        *parameters.values(),
    ]
    return any(text in each.lower() for each in haystack)


def _offset(token: str | None) -> int:
    position = "".join(decode_token(token)) or "0"
    if not position.isdigit():
        raise invalid_input("The NextToken is not valid.")
    return int(position)
