"""The platform: the handles an operation works with, and the context of one request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.core.events import Events
from localaws.core.jobs import Jobs
from localaws.core.service import Services, Shape
from localaws.core.state import Scope, State
from localaws.engines.catalog.base import Catalog
from localaws.engines.object_store.base import ObjectStore
from localaws.engines.spark.base import SparkEngine
from localaws.engines.sql.base import SqlEngine
from localaws.engines.stream.base import StreamLog
from localaws.settings import Settings

Forward = Callable[["Context", str, str, Shape], Awaitable[Shape]]
"""Calls an operation that is not ours: context, service, operation, input in AWS's names."""


@dataclass(frozen=True)
class Platform:
    """Everything a service may use. Nothing here belongs to one request."""

    settings: Settings
    clock: Clock
    database: Database
    state: State
    jobs: Jobs
    events: Events
    services: Services
    object_store: ObjectStore
    catalog: Catalog
    sql: SqlEngine
    forward: Forward
    stream: StreamLog | None = None
    spark: SparkEngine | None = None


@dataclass(frozen=True)
class Principal:
    """Who calls: the ARN, and whether it is an account's root (which permissions never stop)."""

    arn: str
    root: bool


@dataclass(frozen=True)
class Context:
    """One call: who, where, and the platform."""

    platform: Platform
    account: str
    region: str
    principal: Principal
    request_id: str
    endpoint: str = ""
    """Base URL the client used, for URLs in answers."""
    cache: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def scope(self) -> Scope:
        """Account and region of this call."""
        return Scope(self.account, self.region)

    async def call(self, service: str, operation: str, **parameters: Any) -> Shape:
        """Call an operation of any service as this principal, by its snake_case name.

        Parameters are top-level members in snake_case, as the operation functions take them.

        Raises:
            AwsError: what the operation raises, or that it is not implemented.
        """
        from localaws.core.call import call

        return await call(self, service, operation, parameters)
