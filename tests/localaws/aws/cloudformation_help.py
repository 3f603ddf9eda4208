"""A platform in this process with a resource type of its own, which can fail and be killed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

from localaws.aws.cloudformation import submit
from localaws.aws.cloudformation.model import Stack
from localaws.aws.cloudformation.operation import JOB, run_operation
from localaws.aws.cloudformation.operations import service
from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.core.errors import AwsError
from localaws.core.events import Events
from localaws.core.jobs import Job
from localaws.core.platform import Context, Platform, Principal
from localaws.core.resources import ResourceRequest, ResourceType, resource_type
from localaws.core.service import Services, Shape
from localaws.core.state import State
from localaws.settings import Settings

REGION = "us-east-1"


class Killed(BaseException):
    """The process is gone at this point."""


@dataclass
class World:
    """The things that really exist, and what is to happen to whoever touches them."""

    things: dict[str, Shape] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    kill_at: int | None = None
    points: int = 0

    def point(self) -> None:
        """Die here if it is time to."""
        self.points += 1
        if self.kill_at is not None and self.points >= self.kill_at:
            raise Killed


world = World()


@resource_type("Test::Fake::Thing")
class Thing(ResourceType):
    """A thing in the world, named or not, with parts that are configured after it is made."""

    properties = frozenset({"Name", "Size", "Color", "Fail", "Tags", "Link", "List"})
    replacement_properties = frozenset({"Name", "Color"})
    attribute_names = frozenset({"Arn", "Size"})
    tags = "list"
    name_property = "Name"

    async def exists(self, ctx: Context, properties: Shape) -> bool:
        return properties.get("Name") in world.things

    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        name = str(properties.get("Name") or request.generated_name())
        world.point()
        world.calls.append(f"create {request.logical_id}")
        with request.adopting("ThingExists"):
            if name in world.things:
                raise AwsError("ThingExists", f"{name} exists", 409)
            world.things[name] = {}
        world.point()
        await request.created(name)
        if properties.get("Fail") == "create":
            raise AwsError("Broken", "it broke while it was made", 400)
        if properties.get("Fail") == "bug":
            raise RuntimeError("a secret that is not to be shown")
        world.things[name] = dict(properties)
        world.point()
        return name

    async def update(
        self, ctx: Context, physical_id: str, old: Shape, new: Shape, request: ResourceRequest
    ) -> None:
        world.point()
        world.calls.append(f"update {request.logical_id}")
        if new.get("Fail") == "update":
            world.things[physical_id] = {"half": "done"}
            raise AwsError("Broken", "it broke while it was changed", 400)
        world.things[physical_id] = dict(new)
        world.point()

    async def delete(self, ctx: Context, physical_id: str, properties: Shape) -> None:
        world.point()
        if physical_id in world.broken:
            raise AwsError("InUse", f"{physical_id} is in use", 409)
        world.things.pop(physical_id, None)
        world.point()

    async def attributes(self, ctx: Context, physical_id: str, properties: Shape) -> Shape:
        return {"Arn": f"arn:thing:{physical_id}", "Size": properties.get("Size", 0)}


class MortalDatabase(Database):
    """A database whose user may die before and after each transaction."""

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        world.point()
        async with super().transaction() as connection:
            yield connection
        world.point()


class DeferredJobs:
    """Keeps what is submitted until the test runs it."""

    def __init__(self) -> None:
        self.submitted: list[Job] = []

    async def submit(
        self, connection: Any, kind: str, scope: Any, id: str, payload: Any = None
    ) -> None:
        assert kind == JOB
        self.submitted.append(Job(id, kind, scope, payload, 1))

    def start(self, id: str) -> None:
        """Leave it to the test."""


class Cloud:
    """CloudFormation's operations as one account, each operation run to its end at once."""

    def __init__(self, database: Database, account: str) -> None:
        self.jobs = DeferredJobs()
        self.platform = Platform(
            settings=Settings(),
            clock=Clock(),
            database=database,
            state=State(database),
            jobs=cast(Any, self.jobs),
            events=Events(database),
            services=Services(),
            object_store=cast(Any, None),
            catalog=cast(Any, None),
            sql=cast(Any, None),
            forward=cast(Any, None),
        )
        self.ctx = Context(
            self.platform, account, REGION, Principal(f"arn:aws:iam::{account}:root", True), "r"
        )
        submit.GRACE_SECONDS = 0.0

    async def begin(self, operation: str, **parameters: Any) -> Any:
        """Call an operation; the work it submits waits."""
        return await service.operations[operation].function(self.ctx, **parameters)

    async def call(self, operation: str, **parameters: Any) -> Any:
        """Call an operation and do the work it submits."""
        answer = await self.begin(operation, **parameters)
        await self.work()
        return answer

    async def work(self) -> None:
        """Do all submitted work."""
        while self.jobs.submitted:
            job = self.jobs.submitted[-1]
            await run_operation(self.platform, job)
            self.jobs.submitted.remove(job)

    async def work_and_die(self, kill_at: int) -> bool:
        """Do the work until a point is reached; return whether that was before its end."""
        world.points, world.kill_at = 0, kill_at
        try:
            await self.work()
        except Killed:
            return True
        finally:
            world.kill_at = None
        return False

    async def stack(self, name: str) -> Stack:
        """Return a stack's document."""
        return await submit.get_stack(self.ctx, name)

    async def status(self, name: str) -> str:
        """Return a stack's status."""
        return (await self.stack(name)).status

    async def outputs(self, name: str) -> dict[str, str]:
        """Return a stack's outputs."""
        shape = (await self.begin("describe_stacks", stack_name=name))["Stacks"][0]
        return {item["OutputKey"]: item["OutputValue"] for item in shape.get("Outputs", [])}

    async def events(self, name: str) -> list[tuple[str, str, str]]:
        """Return (logical id, status, reason) of all events, oldest first."""
        found: list[Shape] = []
        token: str | None = None
        while True:
            answer = await self.begin("describe_stack_events", stack_name=name, next_token=token)
            found += answer["StackEvents"]
            token = answer.get("NextToken")
            if token is None:
                break
        times = [event["Timestamp"] for event in found]
        assert times == sorted(times, reverse=True)
        assert len(set(times)) == len(times)
        return [
            (
                event["LogicalResourceId"],
                event["ResourceStatus"],
                event.get("ResourceStatusReason", ""),
            )
            for event in reversed(found)
        ]


def template(resources: dict[str, Any], **sections: Any) -> str:
    """Return a JSON template."""
    return json.dumps({"Resources": resources, **sections})


def thing(condition: str | None = None, **properties: Any) -> dict[str, Any]:
    """Return a Test::Fake::Thing."""
    body: dict[str, Any] = {"Type": "Test::Fake::Thing", "Properties": properties}
    return body if condition is None else {**body, "Condition": condition}


def with_attributes(body: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    """Return a resource with further attributes."""
    return {**body, **attributes}
