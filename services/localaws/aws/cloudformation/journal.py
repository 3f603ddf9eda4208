"""The durable record of an operation: each step is one transaction with its event."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from localaws.aws.cloudformation.model import Instance, Stack, StackEvent, StackResource
from localaws.core.database import Connection
from localaws.core.platform import Platform
from localaws.core.state import Scope

STACK_TYPE = "AWS::CloudFormation::Stack"
_LAST = 10**12


class Journal:
    """Writes a stack, its resources and their events.

    One operation at a time writes a stack; its events are written one after the other, so that
    a reader never sees one before those it follows.
    """

    def __init__(self, platform: Platform, scope: Scope, stack: Stack) -> None:
        self._platform = platform
        self._scope = scope
        self.stack = stack
        self._number = 0
        self._last_time: datetime | None = None
        self._lock = asyncio.Lock()

    async def load(self) -> dict[str, StackResource]:
        """Continue behind the last event, and return the resources in order of declaration."""
        newest = await self._platform.state.page(
            self._scope, StackEvent, prefix=f"{self.stack.key}/", limit=1
        )
        if newest:
            self._number = _LAST - int(newest[0].id.rsplit("/", 1)[1])
            self._last_time = newest[0].value.at
        return await load_resources(self._platform, self._scope, self.stack.key)

    def _now(self) -> datetime:
        """Return a time later than that of any event before."""
        now = self._platform.clock.now()
        if self._last_time is not None and now <= self._last_time:
            now = self._last_time + timedelta(microseconds=1)
        self._last_time = now
        return now

    async def stack_status(
        self,
        status: str,
        reason: str | None = None,
        *,
        also: Callable[[Connection], Awaitable[None]] | None = None,
    ) -> None:
        """Move the stack to a status, after and together with what `also` does."""
        stack = self.stack
        async with self._lock, self._platform.database.transaction() as connection:
            if also is not None:
                await also(connection)
            at = self._now()
            stack.status, stack.status_reason = status, reason
            if status == "DELETE_COMPLETE":
                stack.deleted_at = at
            await self._platform.state.replace(self._scope, stack.key, stack, connection=connection)
            await self.stack_event(connection, at)

    async def stack_event(self, connection: Connection, at: datetime | None = None) -> None:
        """Write the event of the stack's present status in the caller's transaction."""
        stack = self.stack
        await self._event(
            connection,
            StackEvent(
                event_id=str(uuid.uuid4()),
                logical_id=stack.name,
                physical_id=stack.id,
                resource_type=STACK_TYPE,
                status=stack.status,
                at=at or self._now(),
                reason=stack.status_reason,
                token=stack.operation.token if stack.operation else None,
            ),
        )

    async def resource_status(
        self, resource: StackResource, status: str, reason: str | None = None
    ) -> None:
        """Move a resource to a status."""
        async with self._lock:
            resource.status, resource.status_reason = status, reason
            resource.updated_at = self._now()
            await self._resource_event(
                resource, resource.current, status, resource.updated_at, reason
            )

    async def instance_event(
        self, resource: StackResource, instance: Instance, status: str, reason: str | None = None
    ) -> None:
        """Write the event of an instance that is no longer (or never was) the resource's own."""
        async with self._lock:
            await self._resource_event(resource, instance, status, self._now(), reason)

    async def _resource_event(
        self,
        resource: StackResource,
        instance: Instance | None,
        status: str,
        at: datetime,
        reason: str | None,
    ) -> None:
        event = StackEvent(
            event_id=f"{resource.logical_id}-{status}-{at.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}",
            logical_id=resource.logical_id,
            physical_id=(instance.physical_id if instance else None) or "",
            resource_type=resource.type,
            status=status,
            at=at,
            reason=reason,
            properties=_properties_text(instance.properties) if instance else None,
            token=self.stack.operation.token if self.stack.operation else None,
        )
        async with self._platform.database.transaction() as connection:
            await self._save(connection, resource)
            await self._event(connection, event)

    async def save(self, resource: StackResource) -> None:
        """Write a resource without an event."""
        async with self._platform.database.transaction() as connection:
            await self._save(connection, resource)

    async def remove(self, resource: StackResource) -> None:
        """Forget a resource."""
        await self._platform.state.delete(self._scope, StackResource, self._id(resource))

    def _id(self, resource: StackResource) -> str:
        return f"{self.stack.key}/{resource.logical_id}"

    async def _save(self, connection: Connection, resource: StackResource) -> None:
        state, id = self._platform.state, self._id(resource)
        if await state.get(self._scope, StackResource, id, connection) is None:
            await state.create(self._scope, id, resource, connection)
        else:
            await state.replace(self._scope, id, resource, connection=connection)

    async def _event(self, connection: Connection, event: StackEvent) -> None:
        self._number += 1
        id = f"{self.stack.key}/{_LAST - self._number:012d}"
        await self._platform.state.create(self._scope, id, event, connection)


async def load_resources(platform: Platform, scope: Scope, key: str) -> dict[str, StackResource]:
    """Return a stack's resources by logical id, in order of declaration."""
    stored = await platform.state.page(scope, StackResource, prefix=f"{key}/")
    resources = sorted((item.value for item in stored), key=lambda item: item.order)
    return {resource.logical_id: resource for resource in resources}


def _properties_text(properties: dict[str, Any]) -> str:
    return json.dumps(properties, separators=(",", ":"), default=str)
