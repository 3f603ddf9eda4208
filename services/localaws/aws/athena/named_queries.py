"""Saved queries."""

from __future__ import annotations

import hashlib
import uuid

from localaws.aws.athena.errors import invalid_request
from localaws.aws.athena.model import PRIMARY, NamedQuery
from localaws.aws.athena.workgroups import decode_token, encode_token, find_workgroup
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.core.state import DocumentExists


async def create_named_query(
    ctx: Context,
    name: str,
    database: str,
    query: str,
    description: str,
    workgroup: str | None,
    token: str | None,
) -> str:
    """Save a query and return its id; a repeated token returns the id it gave before."""
    group = await find_workgroup(ctx, workgroup or PRIMARY)
    if token is None:
        id = str(uuid.uuid4())
    else:
        seed = f"named-query/{ctx.account}/{ctx.region}/{token}".encode()
        id = str(uuid.UUID(bytes=hashlib.sha256(seed).digest()[:16], version=4))
    named = NamedQuery(
        id=id,
        name=name,
        database=database,
        query=query,
        workgroup=group.name,
        description=description,
    )
    try:
        await ctx.platform.state.create(ctx.scope, id, named)
    except DocumentExists as error:
        if await find_named_query(ctx, id) != named:
            raise invalid_request(
                "Idempotent parameters do not match", "IDEMPOTENT_PARAMETER_MISMATCH"
            ) from error
    return id


async def find_named_query(ctx: Context, id: str) -> NamedQuery:
    """Return a saved query; InvalidRequestException."""
    stored = await ctx.platform.state.get(ctx.scope, NamedQuery, id)
    if stored is None:
        raise invalid_request(f"NamedQuery {id} was not found")
    return stored.value


async def update_named_query(
    ctx: Context, id: str, name: str, query: str, description: str | None
) -> None:
    """Write over a saved query."""
    named = await find_named_query(ctx, id)
    named.name, named.query = name, query
    named.description = named.description if description is None else description
    await ctx.platform.state.replace(ctx.scope, id, named)


async def delete_named_query(ctx: Context, id: str) -> None:
    """Delete a saved query; InvalidRequestException where there is none."""
    if not await ctx.platform.state.delete(ctx.scope, NamedQuery, id):
        raise invalid_request(f"NamedQuery {id} was not found")


async def list_named_queries(
    ctx: Context, workgroup: str | None, next_token: str | None, max_results: int | None
) -> Shape:
    """Return a page of the ids of a workgroup's saved queries."""
    group = await find_workgroup(ctx, workgroup or PRIMARY)
    limit = max_results or 50
    ids: list[str] = []
    after = decode_token(next_token)
    while len(ids) <= limit:
        page = await ctx.platform.state.page(ctx.scope, NamedQuery, after=after, limit=limit + 1)
        ids += [item.id for item in page if item.value.workgroup == group.name]
        if len(page) <= limit:
            break
        after = page[-1].id
    answer: Shape = {"NamedQueryIds": ids[:limit]}
    if len(ids) > limit:
        answer["NextToken"] = encode_token(ids[limit - 1])
    return answer
