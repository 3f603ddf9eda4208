"""The API of CloudFormation.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import json
import uuid

from localaws.aws.cloudformation import changesets, describe
from localaws.aws.cloudformation import operation as work
from localaws.aws.cloudformation.changes import is_same
from localaws.aws.cloudformation.errors import (
    invalid_change_set_status,
    stack_not_found,
    validation_error,
)
from localaws.aws.cloudformation.exports import importing_stacks
from localaws.aws.cloudformation.journal import load_resources
from localaws.aws.cloudformation.model import ChangeSet, Export, Stack, StackEvent, stack_arn
from localaws.aws.cloudformation.parameters import check_declarations
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
from localaws.aws.cloudformation.template import Template, parse_template, template_text
from localaws.core.platform import Context
from localaws.core.service import Service, Shape

service = Service("cloudformation")
service.job(work.JOB)(work.run_operation)

NO_TEMPLATE = "Either Template URL or Template Body must be specified."


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


@service.operation("executed", "the processed template is the original: no transform rewrites it")
async def get_template(
    ctx: Context,
    *,
    stack_name: str | None = None,
    change_set_name: str | None = None,
    template_stage: str | None = None,
) -> Shape:
    """Return the template of a stack or of a change set, as it was given."""
    if change_set_name is not None:
        _, change_set = await changesets.find_change_set(ctx, change_set_name, stack_name)
        text = change_set.definition.template
    elif stack_name is None:
        raise validation_error("StackName is required if ChangeSetName is not specified.")
    else:
        stack = await get_stack(ctx, stack_name)
        text = stack.definition.template if stack.definition else ""
    return {"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]}


@service.operation("executed")
async def validate_template(
    ctx: Context, *, template_body: str | None = None, template_url: str | None = None
) -> Shape:
    """Check a template's structure and return what it asks for."""
    text = await template_text(ctx, template_body, template_url)
    if text is None:
        raise validation_error(NO_TEMPLATE)
    template = _checked(text)
    shape: Shape = {
        "Parameters": describe.template_parameters(template),
        **describe.capability_shape(template),
        "DeclaredTransforms": list(template.transforms),
    }
    if template.description is not None:
        shape["Description"] = template.description
    return shape


@service.operation("executed")
async def get_template_summary(
    ctx: Context,
    *,
    template_body: str | None = None,
    template_url: str | None = None,
    stack_name: str | None = None,
) -> Shape:
    """Return what a template, or that of a stack, asks for and makes."""
    text = await template_text(ctx, template_body, template_url)
    if (text is None) == (stack_name is None):
        raise validation_error("Specify exactly one of TemplateBody, TemplateURL or StackName")
    if stack_name is not None:
        stack = await get_stack(ctx, stack_name)
        if stack.definition is None:
            raise validation_error(f"Stack [{stack.name}] has no template yet")
        text = stack.definition.template
    template = _checked(text or "")
    shape: Shape = {
        "Parameters": describe.parameter_declarations(template),
        **describe.capability_shape(template),
        "ResourceTypes": list(dict.fromkeys(item.type for item in template.resources.values())),
        "DeclaredTransforms": list(template.transforms),
    }
    if template.description is not None:
        shape["Description"] = template.description
    if template.version is not None:
        shape["Version"] = template.version
    if template.metadata is not None:
        shape["Metadata"] = json.dumps(template.metadata)
    return shape


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


async def _stacks(ctx: Context) -> list[Stack]:
    stored = await ctx.platform.state.page(ctx.scope, Stack)
    return sorted((item.value for item in stored), key=lambda item: item.created_at, reverse=True)


def _checked(text: str) -> Template:
    template = parse_template(text)
    check_declarations(template.parameters)
    return template
