"""Answers about stacks, in AWS's structures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from localaws.aws.cloudformation.errors import validation_error
from localaws.aws.cloudformation.model import (
    ChangeSet,
    Definition,
    Stack,
    StackEvent,
    StackResource,
)
from localaws.aws.cloudformation.parameters import shown_value, text
from localaws.aws.cloudformation.template import Template, parse_template
from localaws.core.service import Shape

PAGE = 100
NOT_CHECKED = {"StackDriftStatus": "NOT_CHECKED"}
RESOURCE_NOT_CHECKED = {"StackResourceDriftStatus": "NOT_CHECKED"}

T = TypeVar("T")


def page(
    items: Sequence[T], key: Callable[[T], str], next_token: str | None
) -> tuple[Sequence[T], Shape]:
    """Return the page that a token names, and the ``NextToken`` behind it, if any."""
    start = 0
    if next_token is not None:
        position = next((i for i, item in enumerate(items) if key(item) == next_token), None)
        if position is None:
            raise validation_error("NextToken is not valid")
        start = position + 1
    found = items[start : start + PAGE]
    more = {"NextToken": key(found[-1])} if start + PAGE < len(items) else {}
    return found, more


def _given(**members: Any) -> Shape:
    return {name: value for name, value in members.items() if value is not None}


def parameter_shapes(definition: Definition) -> list[Shape]:
    """Return a definition's parameters, those with NoEcho masked."""
    declared = parse_template(definition.template).parameters
    return [
        {"ParameterKey": name, "ParameterValue": shown_value(declared.get(name), value)}
        for name, value in definition.parameters.items()
    ]


def tag_shapes(definition: Definition) -> list[Shape]:
    """Return a definition's tags."""
    return [{"Key": key, "Value": value} for key, value in definition.tags.items()]


def stack_shape(stack: Stack) -> Shape:
    """Return a Stack."""
    operation = stack.operation
    shape = _given(
        StackId=stack.id,
        StackName=stack.name,
        ChangeSetId=stack.change_set_id,
        Description=stack.description,
        CreationTime=stack.created_at,
        DeletionTime=stack.deleted_at,
        LastUpdatedTime=stack.updated_at,
        StackStatus=stack.status,
        StackStatusReason=None if stack.status_reason == "User Initiated" else stack.status_reason,
        DisableRollback=bool(
            operation and (operation.disable_rollback or operation.on_failure == "DO_NOTHING")
        ),
        RoleARN=stack.role,
        EnableTerminationProtection=stack.termination_protection,
    )
    shape.update(
        NotificationARNs=[],
        RollbackConfiguration={},
        DriftInformation=NOT_CHECKED,
        Tags=[],
        Parameters=[],
        Capabilities=[],
    )
    if stack.definition is not None:
        shape["Parameters"] = parameter_shapes(stack.definition)
        shape["Tags"] = tag_shapes(stack.definition)
        shape["Capabilities"] = stack.definition.capabilities
    if stack.outputs:
        members = ("OutputKey", "OutputValue", "Description", "ExportName")
        shape["Outputs"] = [
            {name: output[name] for name in members if name in output} for output in stack.outputs
        ]
    return shape


def summary_shape(stack: Stack) -> Shape:
    """Return a StackSummary."""
    return _given(
        StackId=stack.id,
        StackName=stack.name,
        TemplateDescription=stack.description,
        CreationTime=stack.created_at,
        LastUpdatedTime=stack.updated_at,
        DeletionTime=stack.deleted_at,
        StackStatus=stack.status,
        StackStatusReason=stack.status_reason,
        DriftInformation=NOT_CHECKED,
    )


def event_shape(stack: Stack, event: StackEvent) -> Shape:
    """Return a StackEvent."""
    return _given(
        StackId=stack.id,
        EventId=event.event_id,
        StackName=stack.name,
        LogicalResourceId=event.logical_id,
        PhysicalResourceId=event.physical_id,
        ResourceType=event.resource_type,
        Timestamp=event.at,
        ResourceStatus=event.status,
        ResourceStatusReason=event.reason,
        ResourceProperties=event.properties,
        ClientRequestToken=event.token,
    )


def resource_shape(stack: Stack, resource: StackResource) -> Shape:
    """Return a StackResource."""
    return {
        **_given(
            StackName=stack.name,
            StackId=stack.id,
            Timestamp=resource.updated_at,
            Description=resource.description,
        ),
        **_resource_core(resource),
    }


def resource_detail_shape(stack: Stack, resource: StackResource) -> Shape:
    """Return a StackResourceDetail."""
    metadata = None if resource.metadata is None else json.dumps(resource.metadata)
    return {
        **_given(
            StackName=stack.name,
            StackId=stack.id,
            LastUpdatedTimestamp=resource.updated_at,
            Description=resource.description,
            Metadata=metadata,
        ),
        **_resource_core(resource),
    }


def resource_summary_shape(resource: StackResource) -> Shape:
    """Return a StackResourceSummary."""
    return {"LastUpdatedTimestamp": resource.updated_at, **_resource_core(resource)}


def _resource_core(resource: StackResource) -> Shape:
    physical_id = resource.current.physical_id if resource.current else None
    return _given(
        LogicalResourceId=resource.logical_id,
        PhysicalResourceId=physical_id,
        ResourceType=resource.type,
        ResourceStatus=resource.status,
        ResourceStatusReason=resource.status_reason,
        DriftInformation=RESOURCE_NOT_CHECKED,
    )


def template_parameters(template: Template) -> list[Shape]:
    """Return the TemplateParameter structures of a template."""
    return [
        _given(
            ParameterKey=name,
            DefaultValue=_default(body),
            NoEcho=text(body.get("NoEcho", False)) == "true",
            Description=body.get("Description"),
        )
        for name, body in template.parameters.items()
    ]


def parameter_declarations(template: Template) -> list[Shape]:
    """Return the ParameterDeclaration structures of a template."""
    return [
        _given(
            ParameterKey=name,
            DefaultValue=_default(body),
            ParameterType=body.get("Type"),
            NoEcho=text(body.get("NoEcho", False)) == "true",
            Description=body.get("Description"),
            ParameterConstraints={"AllowedValues": [text(v) for v in body["AllowedValues"]]}
            if "AllowedValues" in body
            else {},
        )
        for name, body in template.parameters.items()
    ]


def _default(body: Any) -> str | None:
    return text(body["Default"]) if "Default" in body else None


def capability_shape(template: Template) -> Shape:
    """Return Capabilities and their reason, where a template needs any."""
    needed, types = template.capabilities()
    if not needed:
        return {"Capabilities": []}
    reason = (
        f"The following resource(s) require capabilities: [{', '.join(types)}]"
        if types
        else f"The following transform(s) require capabilities: [{', '.join(template.transforms)}]"
    )
    return {"Capabilities": needed, "CapabilitiesReason": reason}


def change_set_shape(change_set: ChangeSet) -> Shape:
    """Return what ListChangeSets and DescribeChangeSet both tell of a change set."""
    return _given(
        ChangeSetId=change_set.id,
        ChangeSetName=change_set.name,
        StackId=change_set.stack_id,
        StackName=change_set.stack_name,
        ExecutionStatus=change_set.execution_status,
        Status=change_set.status,
        StatusReason=change_set.status_reason,
        CreationTime=change_set.created_at,
        Description=change_set.description,
        IncludeNestedStacks=False,
    )
