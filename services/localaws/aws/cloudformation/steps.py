"""The steps of one resource: make, change, replace, take back, delete.

Each step writes its intent before it calls the handler and the outcome after, so that a step cut
off in between is known as begun when the operation is resumed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from localaws.aws.cloudformation.evaluate import Evaluator
from localaws.aws.cloudformation.journal import Journal
from localaws.aws.cloudformation.model import Instance, Operation, StackResource
from localaws.aws.cloudformation.plan import PlannedResource
from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.resources import (
    ResourceRequest,
    ResourceType,
    find_resource_type,
    unsupported_property,
)
from localaws.core.service import Shape

REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."
INITIATED = "Resource creation Initiated"

log = logging.getLogger(__name__)


@dataclass
class Live:
    """Resources as they are now: what references to them give."""

    resources: Mapping[str, StackResource]
    imports: Mapping[str, str] = field(default_factory=dict)

    def reference(self, logical_id: str) -> Any:
        """Return what ``Ref`` gives."""
        return self._instance(logical_id).reference

    def attribute(self, logical_id: str, name: str) -> Any:
        """Return what ``Fn::GetAtt`` gives."""
        attributes = self._instance(logical_id).attributes
        if name not in attributes:
            raise AwsError(
                "ValidationError", f"Attribute {name} of resource {logical_id} has no value"
            )
        return attributes[name]

    def imported(self, name: str) -> Any:
        """Return the value another stack exports."""
        return self.imports[name]

    def _instance(self, logical_id: str) -> Instance:
        instance = self.resources[logical_id].current
        if instance is None or instance.physical_id is None:
            raise KeyError(logical_id)
        return instance


@dataclass
class Steps:
    """The steps of the resources of one operation; each returns False where it failed."""

    ctx: Context
    operation: Operation
    journal: Journal
    resources: dict[str, StackResource]

    # forward

    async def forward(self, name: str, planned: PlannedResource, evaluator: Evaluator) -> bool:
        """Bring a resource to what is planned; nothing is done for one that is there already."""
        resource = self.resources.get(name)
        if resource is None:
            resource = StackResource(logical_id=name, type=planned.definition.type)
            self.resources[name] = resource
        if resource.operation == self.operation.id:
            if resource.done:
                return True
            if resource.status.endswith("_FAILED"):
                return False
            return await self._carry_out(resource, resumed=True)
        failed_before = resource.status.endswith("_FAILED")
        describe(resource, planned, list(evaluator.template.resources).index(name))
        try:
            properties = self._properties(planned, evaluator)
        except AwsError as error:
            resource.operation, resource.change, resource.done = self.operation.id, "", False
            resource.before = None
            verb = "UPDATE" if resource.current else "CREATE"
            await self.journal.resource_status(resource, f"{verb}_FAILED", error.message)
            return False
        current = resource.current
        handler = _handler(resource.type)
        if current is None or current.physical_id is None:
            change = "create"
        elif current.properties == properties and not failed_before:
            await self.journal.save(resource)
            return True
        elif handler.needs_replacement(current.properties, properties) or (
            failed_before and resource.change == "create"
        ):
            change = "replace"
        else:
            change = "update"
        resource.operation, resource.change = self.operation.id, change
        resource.done = resource.undone = False
        if change == "create":
            return await self._begin_creation(resource, handler, properties, before=None)
        assert current is not None
        if change == "replace":
            return await self._begin_creation(resource, handler, properties, before=current)
        resource.before = current
        resource.current = msgspec.structs.replace(current, properties=properties)
        await self.journal.resource_status(resource, "UPDATE_IN_PROGRESS")
        return await self._carry_out(resource, resumed=False)

    def _properties(self, planned: PlannedResource, evaluator: Evaluator) -> Shape:
        properties: Shape = evaluator.value(dict(planned.definition.properties))
        handler = _handler(planned.definition.type)
        for name in properties:
            if name not in handler.properties:
                raise unsupported_property(handler.name, name)
        if missing := sorted(handler.required - set(properties)):
            raise AwsError(
                "ValidationError",
                "Properties validation failed for resource "
                f"{planned.definition.logical_id} with message: "
                f"#: required key [{missing[0]}] not found",
            )
        definition = self.journal.stack.definition
        return merge_tags(handler, properties, definition.tags if definition else {})

    async def _begin_creation(
        self,
        resource: StackResource,
        handler: ResourceType,
        properties: Shape,
        before: Instance | None,
    ) -> bool:
        progress, reason = (
            ("CREATE_IN_PROGRESS", None) if before is None else ("UPDATE_IN_PROGRESS", REPLACING)
        )
        conflict: str | None = None
        try:
            if await handler.exists(self.ctx, properties):
                conflict = _conflict(resource, handler, properties, before)
        except AwsError as error:
            conflict = self._reason(handler, error)
        if conflict is not None:
            # nothing of ours is there: the intent must not be on record, or a rollback deletes
            # what someone else made
            resource.current, resource.before, resource.change = before, None, ""
            await self.journal.resource_status(resource, progress, reason)
            await self.journal.resource_status(
                resource, progress.replace("IN_PROGRESS", "FAILED"), conflict
            )
            return False
        resource.before = before
        resource.current = Instance(
            type=resource.type,
            token=f"{self.operation.id}/{resource.logical_id}",
            properties=properties,
        )
        await self.journal.resource_status(resource, progress, reason)
        return await self._carry_out(resource, resumed=False)

    async def _carry_out(self, resource: StackResource, *, resumed: bool) -> bool:
        verb = "CREATE" if resource.change == "create" else "UPDATE"
        handler = _handler(resource.type)
        instance = resource.current
        assert instance is not None
        try:
            if resource.change == "update":
                assert resource.before is not None
                physical_id = instance.physical_id or ""
                await handler.update(
                    self.ctx,
                    physical_id,
                    dict(resource.before.properties),
                    dict(instance.properties),
                    self._request(resource, resumed=resumed),
                )
            else:
                physical_id = await handler.create(
                    self.ctx,
                    dict(instance.properties),
                    self._request(resource, resumed=resumed),
                )
                await self._created(resource, physical_id)
            attributes = await handler.attributes(self.ctx, physical_id, dict(instance.properties))
        except Exception as error:
            await self.journal.resource_status(
                resource, f"{verb}_FAILED", self._reason(handler, error)
            )
            return False
        assert resource.current is not None
        resource.current = msgspec.structs.replace(
            resource.current,
            physical_id=physical_id,
            reference=handler.reference(physical_id, dict(instance.properties)),
            attributes=attributes,
        )
        resource.done = True
        await self.journal.resource_status(resource, f"{verb}_COMPLETE")
        return True

    def _request(self, resource: StackResource, *, resumed: bool) -> ResourceRequest:
        async def record(physical_id: str) -> None:
            await self._created(resource, physical_id)

        assert resource.current is not None
        return ResourceRequest(
            stack_id=self.journal.stack.id,
            stack_name=self.journal.stack.name,
            logical_id=resource.logical_id,
            token=resource.current.token,
            resumed=resumed,
            record=record,
        )

    async def _created(self, resource: StackResource, physical_id: str) -> None:
        current = resource.current
        if current is None or current.physical_id == physical_id:
            return
        resource.current = msgspec.structs.replace(current, physical_id=physical_id)
        if resource.change == "create":
            await self.journal.resource_status(resource, "CREATE_IN_PROGRESS", INITIATED)
        else:
            await self.journal.resource_status(resource, "UPDATE_IN_PROGRESS", INITIATED)

    # back

    async def undo(self, name: str) -> bool:
        """Take back what this operation did to a resource; what it made is left for `dispose`."""
        resource = self.resources[name]
        if resource.operation != self.operation.id or resource.undone or resource.before is None:
            return True
        if resource.change == "replace":
            resource.current, resource.before = resource.before, resource.current
            resource.undone = True
            await self.journal.resource_status(resource, "UPDATE_COMPLETE")
            return True
        handler = _handler(resource.type)
        assert resource.current is not None
        await self.journal.resource_status(resource, "UPDATE_IN_PROGRESS")
        try:
            await handler.update(
                self.ctx,
                resource.before.physical_id or "",
                dict(resource.current.properties),
                dict(resource.before.properties),
                self._request(resource, resumed=True),
            )
        except Exception as error:
            await self.journal.resource_status(
                resource, "UPDATE_FAILED", self._reason(handler, error)
            )
            return False
        resource.current, resource.before, resource.undone = resource.before, None, True
        await self.journal.resource_status(resource, "UPDATE_COMPLETE")
        return True

    async def dispose(self, name: str) -> bool:
        """Delete the instance a replacement (or its rollback) left over."""
        resource = self.resources[name]
        doomed = resource.before
        if resource.change != "replace" or doomed is None:
            return True
        keep = not resource.undone and resource.update_replace_policy == "Retain"
        return await self._dispose(resource, doomed, keep=keep)

    async def remove(self, name: str, keep: Callable[[StackResource], bool]) -> bool:
        """Delete a resource, or leave the thing alone where `keep` says so."""
        resource = self.resources[name]
        if resource.status in ("DELETE_COMPLETE", "DELETE_SKIPPED"):
            return True
        left_over = resource.before
        current = resource.current
        if (
            left_over is not None
            and left_over.physical_id is not None
            and (current is None or left_over.physical_id != current.physical_id)
        ):
            keep_left_over = keep(resource)
            if not await self._dispose(resource, left_over, keep=keep_left_over):
                await self.journal.resource_status(
                    resource, "DELETE_FAILED", "what it was replaced with cannot be deleted"
                )
                return False
        if current is None or current.physical_id is None:
            await self.journal.resource_status(resource, "DELETE_COMPLETE")
            return True
        return await self._delete(resource, current, keep=keep(resource))

    async def _delete(self, resource: StackResource, instance: Instance, *, keep: bool) -> bool:
        if keep:
            await self.journal.resource_status(resource, "DELETE_SKIPPED")
            return True
        await self.journal.resource_status(resource, "DELETE_IN_PROGRESS")
        if reason := await self._failure_to_delete(instance):
            await self.journal.resource_status(resource, "DELETE_FAILED", reason)
            return False
        await self.journal.resource_status(resource, "DELETE_COMPLETE")
        return True

    async def _dispose(self, resource: StackResource, instance: Instance, *, keep: bool) -> bool:
        """Delete the instance in `before`; the resource's own status and instance stay."""
        if instance.physical_id is not None:
            if keep:
                await self.journal.instance_event(resource, instance, "DELETE_SKIPPED")
            else:
                await self.journal.instance_event(resource, instance, "DELETE_IN_PROGRESS")
                if reason := await self._failure_to_delete(instance):
                    await self.journal.instance_event(resource, instance, "DELETE_FAILED", reason)
                    return False
                await self.journal.instance_event(resource, instance, "DELETE_COMPLETE")
        resource.before = None
        await self.journal.save(resource)
        return True

    async def _failure_to_delete(self, instance: Instance) -> str | None:
        handler = _handler(instance.type)
        try:
            await handler.delete(self.ctx, instance.physical_id or "", dict(instance.properties))
        except Exception as error:
            return self._reason(handler, error)
        return None

    def _reason(self, handler: ResourceType, error: Exception) -> str:
        if not isinstance(error, AwsError):
            log.error("handler of %s failed", handler.name, exc_info=error)
            return "Internal Failure"
        if error.code == "ValidationError":
            return error.message
        service = handler.name.split("::")[1]
        return (
            f"{error.message} (Service: {service}; Status Code: {error.status}; "
            f"Error Code: {error.code}; Request ID: {self.ctx.request_id})"
        )


def describe(resource: StackResource, planned: PlannedResource, order: int) -> None:
    """Write what a plan says of a resource besides its properties."""
    definition = planned.definition
    resource.order = order
    resource.dependencies = sorted(planned.dependencies)
    resource.deletion_policy = definition.deletion_policy
    resource.update_replace_policy = definition.update_replace_policy
    resource.metadata = definition.metadata
    resource.description = definition.description


def merge_tags(handler: ResourceType, properties: Shape, tags: Mapping[str, str]) -> Shape:
    """Return properties with the stack's tags among the resource's own, which win."""
    if handler.tags is None or not tags:
        return properties
    own = properties.get("Tags")
    if handler.tags == "map":
        return {**properties, "Tags": {**tags, **(own or {})}}
    listed = {item["Key"]: item["Value"] for item in own or []}
    merged = {**tags, **listed}
    return {**properties, "Tags": [{"Key": key, "Value": value} for key, value in merged.items()]}


def _conflict(
    resource: StackResource, handler: ResourceType, properties: Shape, before: Instance | None
) -> str:
    named = handler.name_property
    if (
        before is not None
        and named is not None
        and named in properties
        and properties[named] == before.properties.get(named)
    ):
        return (
            "CloudFormation cannot update a stack when a custom-named resource requires "
            f"replacing. Rename {properties[named]} and update the stack again."
        )
    identifier = properties.get(named, "") if named else resource.logical_id
    return f"Resource of type '{handler.name}' with identifier '{identifier}' already exists."


def _handler(name: str) -> ResourceType:
    handler = find_resource_type(name)
    if handler is None:
        raise AwsError("ValidationError", f"Unrecognized resource types: [{name}]")
    return handler
