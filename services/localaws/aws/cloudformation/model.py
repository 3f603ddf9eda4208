"""Stacks, their resources, events, exports and change sets as documents.

A stack is kept under the unique part of its ARN; `LiveName` maps a name to the stack that has it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

import msgspec

from localaws.core.state import Document, Scope

TERMINAL = frozenset(
    {
        "CREATE_COMPLETE",
        "CREATE_FAILED",
        "DELETE_COMPLETE",
        "DELETE_FAILED",
        "ROLLBACK_COMPLETE",
        "ROLLBACK_FAILED",
        "UPDATE_COMPLETE",
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_FAILED",
    }
)
UPDATABLE = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_FAILED", "UPDATE_ROLLBACK_COMPLETE"}
)


class Definition(msgspec.Struct, kw_only=True, frozen=True):
    """What a caller asked a stack to be."""

    template: str
    parameters: dict[str, str] = {}
    tags: dict[str, str] = {}
    capabilities: list[str] = []


class Operation(msgspec.Struct, kw_only=True, frozen=True):
    """What is being, or was last, done to a stack, and for whom."""

    id: str
    kind: str
    principal: str
    root: bool
    endpoint: str = ""
    token: str | None = None
    disable_rollback: bool = False
    on_failure: str = "ROLLBACK"
    retain: list[str] = []
    """Logical ids a deletion leaves alone."""


class Stack(Document, kw_only=True):
    """A stack; `definition` is what it is or is becoming, `previous` what it was."""

    kind: ClassVar[str] = "cloudformation.stack"
    id: str
    name: str
    key: str
    status: str
    status_reason: str | None = None
    definition: Definition | None = None
    previous: Definition | None = None
    operation: Operation | None = None
    description: str | None = None
    outputs: list[dict[str, Any]] = []
    imports: list[str] = []
    role: str | None = None
    termination_protection: bool = False
    change_set_id: str | None = None
    created_at: datetime
    updated_at: datetime | None = None
    deleted_at: datetime | None = None


class LiveName(Document, kw_only=True):
    """The stack that a name means: there is one at a time."""

    kind: ClassVar[str] = "cloudformation.name"
    key: str


class Instance(msgspec.Struct, kw_only=True, frozen=True):
    """One physical resource: made, or being made, of these properties.

    `physical_id` is None until the thing is known to be there.
    """

    type: str
    token: str
    properties: dict[str, Any]
    physical_id: str | None = None
    reference: str | None = None
    attributes: dict[str, Any] = {}


class StackResource(Document, kw_only=True):
    """A resource of a stack, and how far the operation `operation` has come with it.

    Attributes:
        current: what references to the resource mean.
        before: what `current` was before `operation` changed it.
        change: what `operation` began to do: ``create``, ``update``, ``replace`` or nothing.
        done: whether that has succeeded (or nothing had to be done).
        undone: whether a rollback has taken it back.
    """

    kind: ClassVar[str] = "cloudformation.resource"
    logical_id: str
    type: str
    order: int = 0
    status: str = ""
    status_reason: str | None = None
    updated_at: datetime | None = None
    current: Instance | None = None
    before: Instance | None = None
    operation: str = ""
    change: str = ""
    done: bool = False
    undone: bool = False
    dependencies: list[str] = []
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    metadata: Any = None
    description: str | None = None


class StackEvent(Document, kw_only=True):
    """One line of a stack's history. Ids sort newest first."""

    kind: ClassVar[str] = "cloudformation.event"
    event_id: str
    logical_id: str
    physical_id: str
    resource_type: str
    status: str
    at: datetime
    reason: str | None = None
    properties: str | None = None
    token: str | None = None


class Export(Document, kw_only=True):
    """A value one stack gives to others; kept under its name."""

    kind: ClassVar[str] = "cloudformation.export"
    name: str
    value: str
    key: str
    stack_id: str


class ChangeSet(Document, kw_only=True):
    """What an execution would change; kept under the stack's key and its name."""

    kind: ClassVar[str] = "cloudformation.change-set"
    id: str
    name: str
    stack_id: str
    stack_name: str
    type: str
    status: str
    execution_status: str
    status_reason: str | None = None
    description: str | None = None
    definition: Definition
    role: str | None = None
    on_failure: str | None = None
    changes: list[dict[str, Any]] = []
    created_at: datetime


def stack_arn(scope: Scope, name: str, key: str) -> str:
    """Return the id of a stack."""
    return f"arn:aws:cloudformation:{scope.region}:{scope.account}:stack/{name}/{key}"


def change_set_arn(scope: Scope, name: str, key: str) -> str:
    """Return the id of a change set."""
    return f"arn:aws:cloudformation:{scope.region}:{scope.account}:changeSet/{name}/{key}"
