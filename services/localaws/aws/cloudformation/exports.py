"""Exports and imports: values that tie stacks of one account and region together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from localaws.aws.cloudformation.errors import validation_error
from localaws.aws.cloudformation.model import Export, Stack
from localaws.core.database import Connection
from localaws.core.platform import Platform
from localaws.core.state import Scope


async def lock_exports(
    platform: Platform, scope: Scope, names: Iterable[str], connection: Connection
) -> dict[str, str]:
    """Return the values of the exports that are there; they stay as they are until commit."""
    found: dict[str, str] = {}
    for name in sorted(names):
        stored = await platform.state.get(scope, Export, name, connection, lock=True)
        if stored is not None:
            found[name] = stored.value.value
    return found


async def importing_stacks(
    platform: Platform, scope: Scope, name: str, connection: Connection | None = None
) -> list[str]:
    """Return the names of the live stacks that import a value."""
    stacks = await platform.state.page(scope, Stack, connection=connection)
    return sorted(
        item.value.name
        for item in stacks
        if name in item.value.imports and item.value.status != "DELETE_COMPLETE"
    )


async def replace_exports(
    platform: Platform,
    scope: Scope,
    stack: Stack,
    wanted: Mapping[str, str],
    connection: Connection,
) -> None:
    """Make `wanted` the exports of a stack.

    Raises:
        AwsError: ValidationError where another stack has a name, or imports what would change.
    """
    state = platform.state
    present = {
        item.id: item.value
        for item in await state.page(scope, Export, connection=connection)
        if item.value.key == stack.key
    }
    await lock_exports(platform, scope, {*present, *wanted}, connection)
    for name, export in present.items():
        if name in wanted and wanted[name] == export.value:
            continue
        if users := await importing_stacks(platform, scope, name, connection):
            verb = "updated" if name in wanted else "deleted"
            raise validation_error(
                f"Export {name} cannot be {verb} as it is in use by {', '.join(users)}"
            )
        await state.delete(scope, Export, name, connection)
    for name, value in wanted.items():
        other = await state.get(scope, Export, name, connection)
        if other is None:
            await state.create(
                scope,
                name,
                Export(name=name, value=value, key=stack.key, stack_id=stack.id),
                connection,
            )
        elif other.value.key != stack.key:
            owner = other.value.stack_id.split("/")[1]
            raise validation_error(f"Export with name {name} is already exported by stack {owner}")
