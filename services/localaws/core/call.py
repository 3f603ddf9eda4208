"""Calling an operation from inside the platform, with the same rules as from outside."""

from __future__ import annotations

from typing import Any

from localaws.core.errors import not_implemented
from localaws.core.platform import Context
from localaws.core.service import Operation, Shape


def refuse_unknown(service: str, operation: Operation, parameters: dict[str, Any]) -> None:
    """Raise NotImplementedException for a parameter with a value the operation does not take."""
    for name, value in parameters.items():
        if name not in operation.parameters and value not in (None, False, "", [], {}):
            raise not_implemented(f"Parameter {name} of {service}.{operation.name}")


async def call(ctx: Context, service: str, operation: str, parameters: dict[str, Any]) -> Shape:
    """Run an operation of ours, or forward it to the service's metadata implementation."""
    owner = ctx.platform.services.get(service)
    if owner is None:
        return await ctx.platform.forward(ctx, service, operation, parameters)
    ours = owner.operations.get(operation)
    if ours is None:
        raise not_implemented(f"{service}.{operation}")
    refuse_unknown(service, ours, parameters)
    known = {name: value for name, value in parameters.items() if name in ours.parameters}
    return await ours.function(ctx, **known) or {}
