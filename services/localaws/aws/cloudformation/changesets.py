"""Change sets: a definition, what it would change, and its execution later.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from localaws.aws.cloudformation.changes import is_same, resource_changes
from localaws.aws.cloudformation.errors import (
    change_set_not_found,
    invalid_change_set_status,
    stack_not_found,
    validation_error,
)
from localaws.aws.cloudformation.journal import Journal, load_resources
from localaws.aws.cloudformation.model import ChangeSet, Stack, change_set_arn
from localaws.aws.cloudformation.plan import Plan
from localaws.aws.cloudformation.submit import (
    begin_creation,
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
    start,
)
from localaws.aws.cloudformation.template import NO_TEMPLATE
from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.core.state import DocumentExists

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)


async def make_change_set(
    ctx: Context,
    stack_name: str,
    name: str,
    kind: str,
    text: str | None,
    parameters: Sequence[Shape],
    tags: Sequence[Shape] | None,
    capabilities: Sequence[str],
    description: str | None,
    role: str | None,
    on_failure: str | None,
) -> ChangeSet:
    """Write a change set, and for ``CREATE`` the stack it is to make, in REVIEW_IN_PROGRESS.

    `text` is None for the stack's present template.
    """
    found = await find_stack(ctx, stack_name)
    stack = found.value if found is not None else None
    if kind == "CREATE":
        if stack is not None and stack.status != "REVIEW_IN_PROGRESS":
            raise validation_error(
                f"Stack [{stack.name}] already exists and cannot be created again with the "
                f"changeSet [{name}]."
            )
        if text is None:
            raise validation_error(NO_TEMPLATE)
    elif stack is None:
        raise stack_not_found(stack_name)
    elif stack.status == "REVIEW_IN_PROGRESS":
        raise validation_error(
            f"Stack [{stack.name}] is in REVIEW_IN_PROGRESS state and can not be updated."
        )
    else:
        check_updatable(stack)
    previous = stack.definition if stack is not None and kind == "UPDATE" else None
    if previous is not None:
        text = text if text is not None else previous.template
        tags = (
            tags
            if tags is not None
            else [{"Key": key, "Value": value} for key, value in previous.tags.items()]
        )
    assert text is not None
    definition = define(text, parameters, tags or (), capabilities, previous)
    async with ctx.platform.database.transaction() as connection:
        if stack is None:
            stack = await create_empty_stack(ctx, connection, stack_name, "REVIEW_IN_PROGRESS")
            stack.status_reason = "User Initiated"
            await ctx.platform.state.replace(ctx.scope, stack.key, stack, connection=connection)
            await Journal(ctx.platform, ctx.scope, stack).stack_event(connection)
        resources = await load_resources(ctx.platform, ctx.scope, stack.key)
        plan = plan_for(ctx, stack.name, stack.id, definition)
        old: Plan | None = None
        if previous is not None:
            old = plan_for(ctx, stack.name, stack.id, previous)
            check_types_kept(plan, resources)
        empty = old is not None and is_same(old, plan) and stack.status != "UPDATE_FAILED"
        change_set = ChangeSet(
            id=change_set_arn(ctx.scope, name, str(uuid.uuid4())),
            name=name,
            stack_id=stack.id,
            stack_name=stack.name,
            type=kind,
            status="FAILED" if empty else "CREATE_COMPLETE",
            status_reason=NO_CHANGES if empty else None,
            execution_status="UNAVAILABLE" if empty else "AVAILABLE",
            description=description,
            definition=definition,
            role=role or stack.role,
            on_failure=on_failure,
            changes=[] if empty else resource_changes(old, plan, resources),
            created_at=ctx.platform.clock.now(),
        )
        try:
            await ctx.platform.state.create(
                ctx.scope, f"{stack.key}/{name}", change_set, connection
            )
        except DocumentExists as error:
            raise AwsError(
                "AlreadyExistsException",
                f"ChangeSet {name} cannot be created due to a mismatch "
                "with existing attribute Template",
            ) from error
    return change_set


async def find_change_set(ctx: Context, name: str, stack_name: str | None) -> tuple[str, ChangeSet]:
    """Return the document id of a change set and itself; ChangeSetNotFound."""
    if name.startswith("arn:"):
        for stored in await ctx.platform.state.page(ctx.scope, ChangeSet):
            if stored.value.id == name:
                return stored.id, stored.value
        raise change_set_not_found(name)
    if stack_name is None:
        raise validation_error(
            "StackName must be specified if ChangeSetName is not specified as \
an ARN."
        )
    stack = await get_stack(ctx, stack_name)
    id = f"{stack.key}/{name}"
    found = await ctx.platform.state.get(ctx.scope, ChangeSet, id)
    if found is None:
        raise change_set_not_found(name)
    return id, found.value


async def change_sets_of(ctx: Context, stack: Stack) -> list[ChangeSet]:
    """Return a stack's change sets, oldest first."""
    stored = await ctx.platform.state.page(ctx.scope, ChangeSet, prefix=f"{stack.key}/")
    return sorted((item.value for item in stored), key=lambda item: item.created_at)


async def execute(ctx: Context, id: str, token: str | None, *, disable_rollback: bool) -> None:
    """Begin the operation of a change set; the stack's other change sets are void from then on.

    Raises:
        AwsError: InvalidChangeSetStatus, or ValidationError where the stack has moved on.
    """
    state = ctx.platform.state
    async with ctx.platform.database.transaction() as connection:
        stack = await lock_stack(ctx, connection, id.split("/", 1)[0])
        stored = await state.get(ctx.scope, ChangeSet, id, connection, lock=True)
        if stored is None:
            raise change_set_not_found(id.split("/", 1)[1])
        change_set = stored.value
        if change_set.execution_status != "AVAILABLE":
            raise invalid_change_set_status(
                f"ChangeSet [{change_set.id}] cannot be executed in its current status of "
                f"[{change_set.status}]"
            )
        plan = plan_for(ctx, stack.name, stack.id, change_set.definition)
        operation = new_operation(
            ctx,
            change_set.type,
            token,
            disable_rollback=disable_rollback,
            on_failure=None if disable_rollback else change_set.on_failure,
        )
        change_set.execution_status = "EXECUTE_COMPLETE"
        await state.replace(ctx.scope, id, change_set, connection=connection)
        for other in await state.page(
            ctx.scope, ChangeSet, prefix=f"{stack.key}/", connection=connection
        ):
            if other.id != id:
                await state.delete(ctx.scope, ChangeSet, other.id, connection)
        stack.change_set_id = change_set.id
        stack.role = change_set.role
        begin = begin_creation if change_set.type == "CREATE" else begin_update
        await begin(ctx, connection, stack, plan, operation)
    await start(ctx, operation)
