"""How a service declares what it does: operations with their level, jobs, resource types.

``services/localaws/aws/<service>/operations.py`` holds::

    service = Service("glue")

    @service.operation("executed")
    async def get_database(ctx: Context, *, name: str, catalog_id: str | None = None) -> Shape:
        \"\"\"Return a database.\"\"\"

An operation's name is AWS's in snake_case; its parameters are the members of AWS's input in
snake_case, required ones without a default. A member the function does not take is refused when a
client sends it, so nothing is ignored silently. Nested structures keep AWS's names.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from localaws.core.jobs import JobFunction, JobKind

Level = Literal["executed", "simulated", "metadata"]
Shape = dict[str, Any]
"""A structure in AWS's names, as botocore takes and gives it."""

OperationFunction = Callable[..., Awaitable[Shape | None]]


@dataclass(frozen=True)
class Operation:
    """One implemented operation of a service."""

    name: str
    function: OperationFunction
    level: Level
    note: str
    parameters: frozenset[str]


@dataclass
class Service:
    """A service: its botocore name and what it declares."""

    name: str
    operations: dict[str, Operation] = field(default_factory=dict)
    jobs: dict[str, JobKind] = field(default_factory=dict)
    validation_code: str = "ValidationException"
    """Error code of input that violates the service's model."""

    def operation(
        self, level: Level, note: str = ""
    ) -> Callable[[OperationFunction], OperationFunction]:
        """Declare a function as the operation of its name; `note` says what is not as on AWS."""

        def declare(function: OperationFunction) -> OperationFunction:
            name: str = function.__name__
            parameters = frozenset(
                parameter.name
                for parameter in inspect.signature(function).parameters.values()
                if parameter.kind is inspect.Parameter.KEYWORD_ONLY
            )
            self.operations[name] = Operation(name, function, level, note, parameters)
            return function

        return declare

    def job(
        self, kind: str, on_lost: JobFunction | None = None
    ) -> Callable[[JobFunction], JobFunction]:
        """Declare what runs a kind of job, and what settles one whose process died."""

        def declare(function: JobFunction) -> JobFunction:
            self.jobs[kind] = JobKind(kind, function, on_lost)
            return function

        return declare


class Services:
    """The services in ``localaws.aws``, each imported when it is first asked for."""

    def __init__(self) -> None:
        folder = Path(__file__).parent.parent / "aws"
        self.names = frozenset(
            path.parent.name.replace("_", "-") for path in folder.glob("*/operations.py")
        )
        self._loaded: dict[str, Service] = {}

    def get(self, name: str) -> Service | None:
        """Return the service of a botocore name, or None where it is not ours."""
        if name not in self.names:
            return None
        if name not in self._loaded:
            module = importlib.import_module(f"localaws.aws.{name.replace('-', '_')}.operations")
            self._loaded[name] = module.service
        return self._loaded[name]

    def load_all(self) -> list[Service]:
        """Import every service."""
        return [service for name in sorted(self.names) if (service := self.get(name))]

    def job_kinds(self) -> dict[str, JobKind]:
        """Return the kinds of job of all services."""
        return {kind.name: kind for service in self.load_all() for kind in service.jobs.values()}
