"""Tags of databases.

https://docs.aws.amazon.com/glue/latest/dg/monitor-tags.html
"""

from __future__ import annotations

from typing import ClassVar

from localaws.aws.glue.service import service
from localaws.core.database import Connection
from localaws.core.errors import not_implemented
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.core.state import Document
from localaws.engines.catalog.errors import invalid_input

TAG_LIMIT = 50


class Tags(Document):
    """The tags of a resource; there is no document where there are none."""

    kind: ClassVar[str] = "glue.tags"
    tags: dict[str, str]


def database_tags(name: str) -> str:
    """Return the id of a database's tags."""
    return f"database/{name.lower()}"


async def replace_tags(
    ctx: Context, id: str, tags: dict[str, str], connection: Connection | None = None
) -> None:
    """Write a resource's tags over those that are there."""
    state = ctx.platform.state
    await state.delete(ctx.scope, Tags, id, connection)
    if tags:
        await state.create(ctx.scope, id, Tags(tags=tags), connection)


@service.operation("executed")
async def tag_resource(ctx: Context, *, resource_arn: str, tags_to_add: dict[str, str]) -> None:
    """Add tags to a resource, over those with the same keys."""
    await _change(ctx, resource_arn, tags_to_add, [])


@service.operation("executed")
async def untag_resource(ctx: Context, *, resource_arn: str, tags_to_remove: list[str]) -> None:
    """Remove tags from a resource."""
    await _change(ctx, resource_arn, {}, tags_to_remove)


@service.operation("executed")
async def get_tags(ctx: Context, *, resource_arn: str) -> Shape:
    """Return a resource's tags."""
    stored = await ctx.platform.state.get(ctx.scope, Tags, await _resource(ctx, resource_arn))
    return {"Tags": stored.value.tags if stored else {}}


async def _change(ctx: Context, arn: str, added: dict[str, str], removed: list[str]) -> None:
    id = await _resource(ctx, arn)
    async with ctx.platform.database.transaction() as connection:
        # One change of a resource's tags at a time: there may be no document to lock yet.
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"{ctx.scope}{id}")
        stored = await ctx.platform.state.get(ctx.scope, Tags, id, connection)
        tags = {**(stored.value.tags if stored else {}), **added}
        if len(tags) > TAG_LIMIT:
            raise invalid_input(f"A resource cannot have more than {TAG_LIMIT} tags.")
        kept = {key: value for key, value in tags.items() if key not in removed}
        await replace_tags(ctx, id, kept, connection)


async def _resource(ctx: Context, arn: str) -> str:
    """Return the id of the tags of an existing resource."""
    parts = arn.split(":", 5)
    kind, _, name = parts[-1].partition("/")
    if len(parts) != 6 or parts[3:5] != [ctx.region, ctx.account] or not name:
        raise invalid_input(f"Invalid resource arn: {arn}")
    if kind != "database":
        raise not_implemented(f"Tags of glue {kind}")
    await ctx.platform.catalog.get_database(f"{ctx.account}/{ctx.region}", name)
    return database_tags(name)
