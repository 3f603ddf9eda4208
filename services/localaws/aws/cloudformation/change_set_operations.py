"""Operations on change sets."""

from __future__ import annotations

from localaws.aws.cloudformation import changesets, describe
from localaws.aws.cloudformation.errors import (
    invalid_change_set_status,
    validation_error,
)
from localaws.aws.cloudformation.model import ChangeSet
from localaws.aws.cloudformation.service import service
from localaws.aws.cloudformation.submit import (
    get_stack,
)
from localaws.aws.cloudformation.template import (
    NO_TEMPLATE,
    template_text,
)
from localaws.core.platform import Context
from localaws.core.service import Shape


@service.operation("executed")
async def create_change_set(
    ctx: Context,
    *,
    stack_name: str,
    change_set_name: str,
    template_body: str | None = None,
    template_url: str | None = None,
    use_previous_template: bool = False,
    parameters: list[Shape] | None = None,
    capabilities: list[str] | None = None,
    role_arn: str | None = None,
    tags: list[Shape] | None = None,
    description: str | None = None,
    change_set_type: str = "UPDATE",
    on_stack_failure: str | None = None,
) -> Shape:
    """Work out what a template and values would change."""
    text = await template_text(ctx, template_body, template_url)
    if (text is None) != use_previous_template:
        raise validation_error(NO_TEMPLATE)
    if change_set_type not in ("CREATE", "UPDATE"):
        raise validation_error(f"ChangeSetType {change_set_type} is not implemented here")
    change_set = await changesets.make_change_set(
        ctx,
        stack_name,
        change_set_name,
        change_set_type,
        text,
        parameters or (),
        tags,
        capabilities or (),
        description,
        role_arn,
        on_stack_failure,
    )
    return {"Id": change_set.id, "StackId": change_set.stack_id}


@service.operation("executed")
async def describe_change_set(
    ctx: Context,
    *,
    change_set_name: str,
    stack_name: str | None = None,
    next_token: str | None = None,
) -> Shape:
    """Return a change set with its changes."""
    _, change_set = await changesets.find_change_set(ctx, change_set_name, stack_name)
    found, more = describe.page(
        change_set.changes,
        lambda change: str(change["ResourceChange"]["LogicalResourceId"]),
        next_token,
    )
    shape = {
        **describe.change_set_shape(change_set),
        "Parameters": describe.parameter_shapes(change_set.definition),
        "Tags": describe.tag_shapes(change_set.definition),
        "Capabilities": change_set.definition.capabilities,
        "NotificationARNs": [],
        "RollbackConfiguration": {},
        "Changes": list(found),
        **more,
    }
    if change_set.on_failure is not None:
        shape["OnStackFailure"] = change_set.on_failure
    return shape


@service.operation("executed")
async def execute_change_set(
    ctx: Context,
    *,
    change_set_name: str,
    stack_name: str | None = None,
    client_request_token: str | None = None,
    disable_rollback: bool = False,
) -> Shape:
    """Create or update the stack as the change set says."""
    id, _ = await changesets.find_change_set(ctx, change_set_name, stack_name)
    await changesets.execute(ctx, id, client_request_token, disable_rollback=disable_rollback)
    return {}


@service.operation("executed")
async def delete_change_set(
    ctx: Context, *, change_set_name: str, stack_name: str | None = None
) -> Shape:
    """Delete a change set; the stack is left alone."""
    id, change_set = await changesets.find_change_set(ctx, change_set_name, stack_name)
    if change_set.execution_status == "EXECUTE_COMPLETE":
        raise invalid_change_set_status(
            f"ChangeSet [{change_set.id}] cannot be deleted: it has been executed"
        )
    await ctx.platform.state.delete(ctx.scope, ChangeSet, id)
    return {}


@service.operation("executed")
async def list_change_sets(
    ctx: Context, *, stack_name: str, next_token: str | None = None
) -> Shape:
    """Return short descriptions of a stack's change sets."""
    stack = await get_stack(ctx, stack_name)
    change_sets = await changesets.change_sets_of(ctx, stack)
    found, more = describe.page(change_sets, lambda item: item.id, next_token)
    return {"Summaries": [describe.change_set_shape(item) for item in found], **more}
