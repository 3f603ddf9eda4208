"""Operations that create, change and delete stacks."""

from __future__ import annotations

import uuid

from localaws.aws.cloudformation.changes import is_same
from localaws.aws.cloudformation.errors import (
    stack_not_found,
    validation_error,
)
from localaws.aws.cloudformation.journal import load_resources
from localaws.aws.cloudformation.model import stack_arn
from localaws.aws.cloudformation.service import service
from localaws.aws.cloudformation.submit import (
    begin_creation,
    begin_deletion,
    begin_update,
    check_types_kept,
    check_updatable,
    create_empty_stack,
    define,
    find_stack,
    get_stack,
    lock_stack,
    new_operation,
    plan_for,
    repeats,
    start,
)
from localaws.aws.cloudformation.template import (
    NO_TEMPLATE,
    template_text,
)
from localaws.core.platform import Context
from localaws.core.service import Shape


@service.operation("executed")
async def create_stack(
    ctx: Context,
    *,
    stack_name: str,
    template_body: str | None = None,
    template_url: str | None = None,
    parameters: list[Shape] | None = None,
    disable_rollback: bool = False,
    capabilities: list[str] | None = None,
    role_arn: str | None = None,
    on_failure: str | None = None,
    tags: list[Shape] | None = None,
    client_request_token: str | None = None,
    enable_termination_protection: bool = False,
) -> Shape:
    """Create a stack and, as a durable operation, what its template declares."""
    found = await find_stack(ctx, stack_name)
    if found is not None and repeats(found.value, "CREATE", client_request_token):
        return {"StackId": found.value.id}
    text = await template_text(ctx, template_body, template_url)
    if text is None:
        raise validation_error(NO_TEMPLATE)
    definition = define(text, parameters or (), tags or (), capabilities or (), None)
    key = str(uuid.uuid4())
    plan = plan_for(ctx, stack_name, stack_arn(ctx.scope, stack_name, key), definition)
    operation = new_operation(
        ctx,
        "CREATE",
        client_request_token,
        disable_rollback=disable_rollback,
        on_failure=on_failure,
    )
    async with ctx.platform.database.transaction() as connection:
        stack = await create_empty_stack(ctx, connection, stack_name, "CREATE_IN_PROGRESS", key=key)
        stack.role = role_arn
        stack.termination_protection = enable_termination_protection
        await begin_creation(ctx, connection, stack, plan, operation)
    await start(ctx, operation)
    return {"StackId": stack.id}


@service.operation("executed")
async def update_stack(
    ctx: Context,
    *,
    stack_name: str,
    template_body: str | None = None,
    template_url: str | None = None,
    use_previous_template: bool = False,
    parameters: list[Shape] | None = None,
    capabilities: list[str] | None = None,
    role_arn: str | None = None,
    tags: list[Shape] | None = None,
    disable_rollback: bool = False,
    client_request_token: str | None = None,
) -> Shape:
    """Bring a stack to another template or other values, or back where that fails."""
    present = await get_stack(ctx, stack_name)
    if present.status == "DELETE_COMPLETE":
        raise stack_not_found(stack_name)
    if repeats(present, "UPDATE", client_request_token):
        return {"StackId": present.id}
    text = await template_text(ctx, template_body, template_url)
    if (text is None) != use_previous_template:
        raise validation_error(NO_TEMPLATE)
    async with ctx.platform.database.transaction() as connection:
        stack = await lock_stack(ctx, connection, present.key)
        check_updatable(stack)
        previous = stack.definition
        assert previous is not None
        wanted_tags = (
            [{"Key": key, "Value": value} for key, value in previous.tags.items()]
            if tags is None
            else tags
        )
        definition = define(
            previous.template if text is None else text,
            parameters or (),
            wanted_tags,
            capabilities or (),
            previous,
        )
        plan = plan_for(ctx, stack.name, stack.id, definition)
        check_types_kept(plan, await load_resources(ctx.platform, ctx.scope, stack.key))
        old = plan_for(ctx, stack.name, stack.id, previous)
        if is_same(old, plan) and stack.status != "UPDATE_FAILED":
            raise validation_error("No updates are to be performed.")
        stack.role = role_arn or stack.role
        operation = new_operation(
            ctx, "UPDATE", client_request_token, disable_rollback=disable_rollback
        )
        await begin_update(ctx, connection, stack, plan, operation)
    await start(ctx, operation)
    return {"StackId": stack.id}


@service.operation("executed")
async def delete_stack(
    ctx: Context,
    *,
    stack_name: str,
    retain_resources: list[str] | None = None,
    role_arn: str | None = None,
    client_request_token: str | None = None,
) -> None:
    """Delete a stack and what it made; one that is not there is no error."""
    found = await find_stack(ctx, stack_name)
    if found is None or found.value.status == "DELETE_COMPLETE":
        return
    if repeats(found.value, "DELETE", client_request_token):
        return
    operation = new_operation(ctx, "DELETE", client_request_token, retain=retain_resources or ())
    async with ctx.platform.database.transaction() as connection:
        stack = await lock_stack(ctx, connection, found.value.key)
        if stack.status in ("DELETE_IN_PROGRESS", "DELETE_COMPLETE"):
            return
        stack.role = role_arn or stack.role
        await begin_deletion(ctx, connection, stack, operation)
    await start(ctx, operation)


@service.operation("executed")
async def update_termination_protection(
    ctx: Context, *, enable_termination_protection: bool, stack_name: str
) -> Shape:
    """Allow or forbid the deletion of a stack."""
    present = await get_stack(ctx, stack_name)
    async with ctx.platform.database.transaction() as connection:
        stack = await lock_stack(ctx, connection, present.key)
        stack.termination_protection = enable_termination_protection
        await ctx.platform.state.replace(ctx.scope, stack.key, stack, connection=connection)
    return {"StackId": stack.id}
