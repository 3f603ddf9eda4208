"""Operations that tell of stacks, their resources and events, exports and imports."""

from __future__ import annotations

from localaws.aws.cloudformation import describe
from localaws.aws.cloudformation.errors import (
    validation_error,
)
from localaws.aws.cloudformation.exports import importing_stacks
from localaws.aws.cloudformation.journal import load_resources
from localaws.aws.cloudformation.model import Export, Stack, StackEvent
from localaws.aws.cloudformation.service import service
from localaws.aws.cloudformation.submit import (
    get_stack,
)
from localaws.core.platform import Context
from localaws.core.service import Shape


@service.operation("executed")
async def describe_stacks(
    ctx: Context, *, stack_name: str | None = None, next_token: str | None = None
) -> Shape:
    """Return one stack (a deleted one by its id only), or all that are not deleted."""
    if stack_name is not None:
        return {"Stacks": [describe.stack_shape(await get_stack(ctx, stack_name))]}
    live = [stack for stack in await _stacks(ctx) if stack.status != "DELETE_COMPLETE"]
    found, more = describe.page(live, lambda stack: stack.key, next_token)
    return {"Stacks": [describe.stack_shape(stack) for stack in found], **more}


@service.operation("executed")
async def list_stacks(
    ctx: Context,
    *,
    next_token: str | None = None,
    stack_status_filter: list[str] | None = None,
) -> Shape:
    """Return all stacks, deleted ones too, newest first."""
    stacks = [
        stack
        for stack in await _stacks(ctx)
        if not stack_status_filter or stack.status in stack_status_filter
    ]
    found, more = describe.page(stacks, lambda stack: stack.key, next_token)
    return {"StackSummaries": [describe.summary_shape(stack) for stack in found], **more}


@service.operation("executed")
async def describe_stack_events(
    ctx: Context, *, stack_name: str, next_token: str | None = None
) -> Shape:
    """Return a stack's events, newest first."""
    stack = await get_stack(ctx, stack_name)
    stored = await ctx.platform.state.page(
        ctx.scope,
        StackEvent,
        prefix=f"{stack.key}/",
        after=f"{stack.key}/{next_token}" if next_token else "",
        limit=describe.PAGE + 1,
    )
    found = stored[: describe.PAGE]
    more = {"NextToken": found[-1].id.rsplit("/", 1)[1]} if len(stored) > len(found) else {}
    return {"StackEvents": [describe.event_shape(stack, item.value) for item in found], **more}


@service.operation("executed")
async def describe_stack_resource(
    ctx: Context, *, stack_name: str, logical_resource_id: str
) -> Shape:
    """Return one resource of a stack."""
    stack = await get_stack(ctx, stack_name)
    resource = (await load_resources(ctx.platform, ctx.scope, stack.key)).get(logical_resource_id)
    if resource is None or not resource.status:
        raise validation_error(
            f"Resource {logical_resource_id} does not exist for stack {stack.name}"
        )
    return {"StackResourceDetail": describe.resource_detail_shape(stack, resource)}


@service.operation("executed")
async def describe_stack_resources(
    ctx: Context,
    *,
    stack_name: str | None = None,
    logical_resource_id: str | None = None,
    physical_resource_id: str | None = None,
) -> Shape:
    """Return the resources of a stack, or of the stack that a physical id belongs to."""
    if (stack_name is None) == (physical_resource_id is None):
        raise validation_error("Exactly one of StackName or PhysicalResourceId must be specified")
    stacks = [await get_stack(ctx, stack_name)] if stack_name else await _stacks(ctx)
    for stack in stacks:
        resources = [
            resource
            for resource in (await load_resources(ctx.platform, ctx.scope, stack.key)).values()
            if resource.status
        ]
        if physical_resource_id is not None and not any(
            resource.current and resource.current.physical_id == physical_resource_id
            for resource in resources
        ):
            continue
        return {
            "StackResources": [
                describe.resource_shape(stack, resource)
                for resource in resources
                if logical_resource_id in (None, resource.logical_id)
            ]
        }
    raise validation_error(f"Stack for {physical_resource_id} does not exist")


@service.operation("executed")
async def list_stack_resources(
    ctx: Context, *, stack_name: str, next_token: str | None = None
) -> Shape:
    """Return short descriptions of a stack's resources."""
    stack = await get_stack(ctx, stack_name)
    resources = [
        resource
        for resource in (await load_resources(ctx.platform, ctx.scope, stack.key)).values()
        if resource.status
    ]
    found, more = describe.page(resources, lambda item: item.logical_id, next_token)
    return {
        "StackResourceSummaries": [describe.resource_summary_shape(item) for item in found],
        **more,
    }


@service.operation("executed")
async def list_exports(ctx: Context, *, next_token: str | None = None) -> Shape:
    """Return the exports of all stacks, by name."""
    exports = [item.value for item in await ctx.platform.state.page(ctx.scope, Export)]
    found, more = describe.page(exports, lambda item: item.name, next_token)
    return {
        "Exports": [
            {"ExportingStackId": item.stack_id, "Name": item.name, "Value": item.value}
            for item in found
        ],
        **more,
    }


@service.operation("executed")
async def list_imports(ctx: Context, *, export_name: str, next_token: str | None = None) -> Shape:
    """Return the names of the stacks that import a value."""
    names = await importing_stacks(ctx.platform, ctx.scope, export_name)
    if not names:
        raise validation_error(f"Export '{export_name}' is not imported by any stack.")
    found, more = describe.page(names, str, next_token)
    return {"Imports": list(found), **more}


async def _stacks(ctx: Context) -> list[Stack]:
    stored = await ctx.platform.state.page(ctx.scope, Stack)
    return sorted((item.value for item in stored), key=lambda item: item.created_at, reverse=True)
