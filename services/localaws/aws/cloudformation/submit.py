"""Beginning an operation: what must hold before a stack is touched, and the job that does it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

from localaws.aws.cloudformation import operation as work
from localaws.aws.cloudformation.errors import (
    insufficient_capabilities,
    stack_already_exists,
    stack_not_found,
    token_already_exists,
    validation_error,
)
from localaws.aws.cloudformation.exports import importing_stacks, lock_exports
from localaws.aws.cloudformation.journal import Journal
from localaws.aws.cloudformation.model import (
    TERMINAL,
    UPDATABLE,
    Definition,
    Export,
    LiveName,
    Operation,
    Stack,
    StackResource,
    stack_arn,
)
from localaws.aws.cloudformation.parameters import bind_parameters, check_declarations
from localaws.aws.cloudformation.plan import Plan, make_plan
from localaws.aws.cloudformation.template import Template, parse_template
from localaws.core.database import Connection
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.core.state import DocumentExists, Stored

GRACE_SECONDS = 5.0
"""How long a call waits for its operation: clients' waiters poll every 30 s, and most operations
here are done in a fraction of one, so an answer that comes a little later saves them half a minute.
"""


async def find_stack(ctx: Context, name: str) -> Stored[Stack] | None:
    """Return the stack of a name, or of an id (deleted ones too), or None."""
    if name.startswith("arn:"):
        parts = name.split(":", 5)
        path = parts[5].split("/") if len(parts) == 6 else []
        here = parts[3:5] == [ctx.region, ctx.account]
        if not here or len(path) != 3 or path[0] != "stack":
            return None
        return await ctx.platform.state.get(ctx.scope, Stack, path[2])
    live = await ctx.platform.state.get(ctx.scope, LiveName, name)
    if live is None:
        return None
    return await ctx.platform.state.get(ctx.scope, Stack, live.value.key)


async def get_stack(ctx: Context, name: str) -> Stack:
    """Return a stack; ValidationError where it is not there."""
    found = await find_stack(ctx, name)
    if found is None:
        raise stack_not_found(name)
    return found.value


def define(
    text: str,
    parameters: Sequence[Shape],
    tags: Sequence[Shape],
    capabilities: Sequence[str],
    previous: Definition | None,
) -> Definition:
    """Return what a caller asks a stack to be, checked as far as that goes without the stack.

    Raises:
        AwsError: ValidationError, InsufficientCapabilitiesException.
    """
    template = parse_template(text)
    check_capabilities(template, capabilities)
    check_declarations(template.parameters)
    values = bind_parameters(
        template.parameters, parameters, previous.parameters if previous else None
    )
    return Definition(
        template=text, parameters=values, tags=tag_map(tags), capabilities=list(capabilities)
    )


def tag_map(tags: Sequence[Shape]) -> dict[str, str]:
    """Return tags by key; ValidationError for reserved or repeated ones."""
    result: dict[str, str] = {}
    for tag in tags:
        if tag["Key"].lower().startswith("aws:"):
            raise validation_error("aws: prefixed tag key names are not allowed for external use.")
        if tag["Key"] in result:
            raise validation_error(f"Duplicate tag key {tag['Key']}")
        result[tag["Key"]] = tag["Value"]
    return result


def check_capabilities(template: Template, given: Sequence[str]) -> None:
    """Raise InsufficientCapabilitiesException for a capability the template needs."""
    needed, _ = template.capabilities()
    have = set(given)
    if "CAPABILITY_NAMED_IAM" in have:
        have.add("CAPABILITY_IAM")
    if missing := [name for name in needed if name not in have]:
        raise insufficient_capabilities(missing)


def new_operation(
    ctx: Context,
    kind: str,
    token: str | None,
    *,
    disable_rollback: bool = False,
    on_failure: str | None = None,
    retain: Sequence[str] = (),
) -> Operation:
    """Return an operation of the caller."""
    if disable_rollback and on_failure:
        raise validation_error("You cannot specify both OnFailure and DisableRollback")
    return Operation(
        id=str(uuid.uuid4()),
        kind=kind,
        principal=ctx.principal.arn,
        root=ctx.principal.root,
        endpoint=ctx.endpoint,
        token=token,
        disable_rollback=disable_rollback,
        on_failure=on_failure or "ROLLBACK",
        retain=list(retain),
    )


def repeats(stack: Stack, kind: str, token: str | None) -> bool:
    """Return whether the stack's last operation was asked for by this very request."""
    if token is None or stack.operation is None or stack.operation.token != token:
        return False
    if stack.operation.kind != kind:
        raise token_already_exists(token)
    return True


async def create_empty_stack(
    ctx: Context,
    connection: Connection,
    name: str,
    status: str,
    *,
    key: str | None = None,
) -> Stack:
    """Write a new stack under a free name in the caller's transaction, without an event.

    Raises:
        AwsError: AlreadyExistsException.
    """
    key = key or str(uuid.uuid4())
    try:
        await ctx.platform.state.create(ctx.scope, name, LiveName(key=key), connection)
    except DocumentExists as error:
        raise stack_already_exists(name) from error
    stack = Stack(
        id=stack_arn(ctx.scope, name, key),
        name=name,
        key=key,
        status=status,
        created_at=ctx.platform.clock.now(),
    )
    await ctx.platform.state.create(ctx.scope, key, stack, connection)
    return stack


async def begin_creation(
    ctx: Context, connection: Connection, stack: Stack, plan: Plan, operation: Operation
) -> None:
    """Move a new stack to CREATE_IN_PROGRESS and submit the work."""
    stack.definition = plan.definition
    stack.operation = operation
    stack.description = plan.template.description
    stack.imports = sorted(plan.imports)
    stack.status, stack.status_reason = "CREATE_IN_PROGRESS", "User Initiated"
    await lock_exports(ctx.platform, ctx.scope, plan.imports, connection)
    await _submit(ctx, connection, stack, operation)


async def begin_update(
    ctx: Context, connection: Connection, stack: Stack, plan: Plan, operation: Operation
) -> None:
    """Move a stack to UPDATE_IN_PROGRESS and submit the work.

    Raises:
        AwsError: ValidationError where the stack is in no state to be updated.
    """
    check_updatable(stack)
    stack.previous, stack.definition = stack.definition, plan.definition
    stack.operation = operation
    stack.description = plan.template.description
    stack.imports = sorted({*stack.imports, *plan.imports})
    stack.updated_at = ctx.platform.clock.now()
    stack.status, stack.status_reason = "UPDATE_IN_PROGRESS", "User Initiated"
    await lock_exports(ctx.platform, ctx.scope, plan.imports, connection)
    await _submit(ctx, connection, stack, operation)


async def begin_deletion(
    ctx: Context, connection: Connection, stack: Stack, operation: Operation
) -> None:
    """Move a stack to DELETE_IN_PROGRESS and submit the work.

    Raises:
        AwsError: ValidationError for termination protection, an operation under way, exports in
            use, or RetainResources that cannot be.
    """
    if stack.termination_protection:
        raise validation_error(
            f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
        )
    if stack.status not in TERMINAL and stack.status != "REVIEW_IN_PROGRESS":
        raise validation_error(
            f"Stack [{stack.name}] cannot be deleted while in status {stack.status}"
        )
    if operation.retain and stack.status != "DELETE_FAILED":
        raise validation_error(
            "Invalid operation on stack [" + stack.id + "]. When you delete a stack, specify which "
            "resources to retain only when the stack is in the DELETE_FAILED state."
        )
    exports = [
        item.value.name
        for item in await ctx.platform.state.page(ctx.scope, Export, connection=connection)
        if item.value.key == stack.key
    ]
    await lock_exports(ctx.platform, ctx.scope, exports, connection)
    for name in sorted(exports):
        users = await importing_stacks(ctx.platform, ctx.scope, name, connection)
        if users:
            raise validation_error(
                f"Export {name} cannot be deleted as it is in use by {', '.join(users)}"
            )
        await ctx.platform.state.delete(ctx.scope, Export, name, connection)
    stack.operation = operation
    stack.status, stack.status_reason = "DELETE_IN_PROGRESS", "User Initiated"
    await _submit(ctx, connection, stack, operation)


def check_updatable(stack: Stack) -> None:
    """Raise a ValidationError where a stack is in no state to be updated."""
    if stack.status not in UPDATABLE:
        raise validation_error(
            f"Stack:{stack.id} is in {stack.status} state and can not be updated."
        )


async def _submit(ctx: Context, connection: Connection, stack: Stack, operation: Operation) -> None:
    await ctx.platform.state.replace(ctx.scope, stack.key, stack, connection=connection)
    journal = Journal(ctx.platform, ctx.scope, stack)
    await journal.load()
    await journal.stack_event(connection)
    await ctx.platform.jobs.submit(connection, work.JOB, ctx.scope, operation.id, stack.key)


async def start(ctx: Context, operation: Operation) -> None:
    """Run a submitted operation, and give it a moment to finish before the caller is answered."""
    done = work.finished.setdefault(operation.id, asyncio.Event())
    ctx.platform.jobs.start(operation.id)
    try:
        await asyncio.wait_for(done.wait(), GRACE_SECONDS)
    except TimeoutError:
        pass
    finally:
        work.finished.pop(operation.id, None)


def plan_for(ctx: Context, stack_name: str, stack_id: str, definition: Definition) -> Plan:
    """Return the plan of a definition for a stack of the caller."""
    return make_plan(ctx.scope, stack_name, stack_id, definition)


async def lock_stack(ctx: Context, connection: Connection, key: str) -> Stack:
    """Return a stack that no one else may change until commit."""
    stored = await ctx.platform.state.get(ctx.scope, Stack, key, connection, lock=True)
    if stored is None:
        raise stack_not_found(key)
    return stored.value


def check_types_kept(plan: Plan, resources: dict[str, StackResource]) -> None:
    """Raise a ValidationError where a resource would change its type."""
    changed = [
        name
        for name, planned in plan.resources.items()
        if name in resources
        and resources[name].current is not None
        and resources[name].type != planned.definition.type
    ]
    if changed:
        raise validation_error(
            "Update of resource type is not permitted. The new template modifies resource type of "
            f"the following resources: [{', '.join(changed)}]"
        )
