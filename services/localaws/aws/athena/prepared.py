"""Prepared statements of a workgroup."""

from __future__ import annotations

from localaws.aws.athena.errors import invalid_request, resource_not_found
from localaws.aws.athena.model import PreparedStatement
from localaws.aws.athena.syntax import parse
from localaws.aws.athena.workgroups import decode_token, encode_token, find_workgroup
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.core.state import DocumentExists, StaleVersion


def _key(workgroup: str, name: str) -> str:
    return f"{workgroup}/{name}"


async def create_prepared(
    ctx: Context, workgroup: str, name: str, query: str, description: str = ""
) -> None:
    """Write a prepared statement; InvalidRequestException where its name is taken."""
    await find_workgroup(ctx, workgroup)
    parse(query)
    statement = PreparedStatement(
        name=name,
        workgroup=workgroup,
        query=query,
        modified_at=ctx.platform.clock.now(),
        description=description,
    )
    try:
        await ctx.platform.state.create(ctx.scope, _key(workgroup, name), statement)
    except DocumentExists as error:
        raise invalid_request(
            f"PreparedStatement {name} already exists in WorkGroup {workgroup}"
        ) from error


async def update_prepared(
    ctx: Context, workgroup: str, name: str, query: str, description: str | None
) -> None:
    """Write over a prepared statement."""
    statement = await find_prepared(ctx, workgroup, name)
    parse(query)
    statement.query = query
    statement.description = statement.description if description is None else description
    statement.modified_at = ctx.platform.clock.now()
    try:
        await ctx.platform.state.replace(ctx.scope, _key(workgroup, name), statement)
    except StaleVersion as error:
        raise _missing(workgroup, name) from error


async def find_prepared(ctx: Context, workgroup: str, name: str) -> PreparedStatement:
    """Return a prepared statement; ResourceNotFoundException."""
    await find_workgroup(ctx, workgroup)
    stored = await ctx.platform.state.get(ctx.scope, PreparedStatement, _key(workgroup, name))
    if stored is None:
        raise _missing(workgroup, name)
    return stored.value


async def delete_prepared(ctx: Context, workgroup: str, name: str) -> None:
    """Delete a prepared statement; ResourceNotFoundException."""
    await find_workgroup(ctx, workgroup)
    if not await ctx.platform.state.delete(ctx.scope, PreparedStatement, _key(workgroup, name)):
        raise _missing(workgroup, name)


async def list_prepared(
    ctx: Context, workgroup: str, next_token: str | None, max_results: int | None
) -> Shape:
    """Return a page of a workgroup's prepared statements by name."""
    await find_workgroup(ctx, workgroup)
    limit = max_results or 50
    page = await ctx.platform.state.page(
        ctx.scope,
        PreparedStatement,
        prefix=f"{workgroup}/",
        after=decode_token(next_token),
        limit=limit + 1,
    )
    answer: Shape = {
        "PreparedStatements": [
            {"StatementName": item.value.name, "LastModifiedTime": item.value.modified_at}
            for item in page[:limit]
        ]
    }
    if len(page) > limit:
        answer["NextToken"] = encode_token(page[limit - 1].id)
    return answer


def _missing(workgroup: str, name: str) -> Exception:
    return resource_not_found(
        f"PreparedStatement {name} was not found in workGroup {workgroup}", name
    )
