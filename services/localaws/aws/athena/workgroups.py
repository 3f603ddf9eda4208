"""Workgroups: who may run what, where results go, and how much a query may read.

https://docs.aws.amazon.com/athena/latest/ug/workgroups-manage-queries-control-costs.html
"""

from __future__ import annotations

import base64
import re

from localaws.aws.athena.errors import invalid_request
from localaws.aws.athena.locations import parse_location
from localaws.aws.athena.model import PRIMARY, NamedQuery, PreparedStatement, WorkGroup
from localaws.aws.athena.store import Executions
from localaws.core.errors import not_implemented
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.core.state import DocumentExists, Stored

MIN_CUTOFF = 10_000_000
_NAME = re.compile(r"[a-zA-Z0-9._-]{1,128}\Z")
_TAGS_LIMIT = 50
_HONOURED = frozenset(
    {
        "ResultConfiguration",
        "EnforceWorkGroupConfiguration",
        "PublishCloudWatchMetricsEnabled",
        "BytesScannedCutoffPerQuery",
        "RequesterPaysEnabled",
        "EngineVersion",
        "EnableMinimumEncryptionConfiguration",
    }
)
_HONOURED_RESULT = frozenset(
    {"OutputLocation", "EncryptionConfiguration", "ExpectedBucketOwner", "AclConfiguration"}
)


def _defaults(*, enforced: bool) -> Shape:
    return {
        "ResultConfiguration": {},
        "EnforceWorkGroupConfiguration": enforced,
        "PublishCloudWatchMetricsEnabled": False,
        "RequesterPaysEnabled": False,
        "EnableMinimumEncryptionConfiguration": False,
    }


async def find_workgroup(ctx: Context, name: str) -> WorkGroup:
    """Return a workgroup; ``primary`` is always there."""
    stored = await ctx.platform.state.get(ctx.scope, WorkGroup, name)
    if stored is not None:
        return stored.value
    if name != PRIMARY:
        raise invalid_request("WorkGroup is not found.")
    primary = WorkGroup(
        name=PRIMARY,
        created_at=ctx.platform.clock.now(),
        configuration=_defaults(enforced=False),
    )
    try:
        await ctx.platform.state.create(ctx.scope, PRIMARY, primary)
    except DocumentExists:
        return await find_workgroup(ctx, name)
    return primary


async def _stored(ctx: Context, name: str) -> Stored[WorkGroup]:
    await find_workgroup(ctx, name)
    stored = await ctx.platform.state.get(ctx.scope, WorkGroup, name)
    if stored is None:
        raise invalid_request("WorkGroup is not found.")
    return stored


async def create_workgroup(
    ctx: Context, name: str, configuration: Shape, description: str, tags: list[Shape]
) -> None:
    """Create a workgroup; its settings are enforced unless it says otherwise."""
    if not _NAME.match(name):
        raise invalid_request(
            "1 validation error detected: Value at 'name' failed to satisfy constraint: Member "
            "must satisfy regular expression pattern: [a-zA-Z0-9._-]{1,128}"
        )
    group = WorkGroup(
        name=name,
        created_at=ctx.platform.clock.now(),
        description=description,
        configuration=_defaults(enforced=True) | _checked(configuration),
        tags={tag["Key"]: tag.get("Value", "") for tag in tags},
    )
    if name == PRIMARY:
        raise invalid_request("WorkGroup is already created")
    try:
        await ctx.platform.state.create(ctx.scope, name, group)
    except DocumentExists as error:
        raise invalid_request("WorkGroup is already created") from error


def _checked(configuration: Shape) -> Shape:
    """Return a configuration without AWS's computed members, all others honoured.

    Raises:
        AwsError: a setting is wrong, or not implemented.
    """
    for name, value in configuration.items():
        if name not in _HONOURED and value not in (None, False, {}, []):
            raise not_implemented(f"WorkGroupConfiguration.{name}")
    for name in configuration.get("ResultConfiguration") or {}:
        if name not in _HONOURED_RESULT:
            raise not_implemented(f"ResultConfiguration.{name}")
    encryption = (configuration.get("ResultConfiguration") or {}).get("EncryptionConfiguration")
    if encryption and encryption.get("EncryptionOption") != "SSE_S3":
        raise not_implemented(f"EncryptionOption {encryption.get('EncryptionOption')}")
    location = (configuration.get("ResultConfiguration") or {}).get("OutputLocation")
    if location and parse_location(location) is None:
        raise invalid_request("outputLocation is not a valid S3 path.")
    version = (configuration.get("EngineVersion") or {}).get("SelectedEngineVersion", "AUTO")
    if version not in ("AUTO", "Athena engine version 3"):
        raise invalid_request(f"Engine version {version} is not supported.")
    cutoff = configuration.get("BytesScannedCutoffPerQuery")
    if cutoff is not None and cutoff < MIN_CUTOFF:
        raise invalid_request(
            "1 validation error detected: Value at 'bytesScannedCutoffPerQuery' failed to satisfy "
            f"constraint: Member must have value greater than or equal to {MIN_CUTOFF}"
        )
    honoured = _HONOURED - {"EngineVersion"}
    return {name: value for name, value in configuration.items() if name in honoured}


async def update_workgroup(
    ctx: Context, name: str, description: str | None, updates: Shape, state: str | None
) -> None:
    """Change a workgroup's settings, description or state."""
    stored = await _stored(ctx, name)
    group = stored.value
    changes = {key: value for key, value in updates.items() if key in _HONOURED}
    for key in updates:
        if key not in _HONOURED | {
            "ResultConfigurationUpdates",
            "RemoveBytesScannedCutoffPerQuery",
        }:
            raise not_implemented(f"ConfigurationUpdates.{key}")
    result = dict(group.configuration.get("ResultConfiguration") or {})
    for key, value in (updates.get("ResultConfigurationUpdates") or {}).items():
        if key.startswith("Remove"):
            if value:
                result.pop(key.removeprefix("Remove"), None)
        else:
            result[key] = value
    changes = _checked(changes | {"ResultConfiguration": result})
    configuration = group.configuration | changes
    if updates.get("RemoveBytesScannedCutoffPerQuery"):
        configuration.pop("BytesScannedCutoffPerQuery", None)
    group.configuration = configuration
    group.description = group.description if description is None else description
    group.state = state or group.state
    await ctx.platform.state.replace(ctx.scope, name, group)


async def delete_workgroup(ctx: Context, name: str, recursive: bool) -> None:
    """Delete a workgroup; with saved queries or a history in it only where `recursive`."""
    if name == PRIMARY:
        raise invalid_request("Cannot delete primary workgroup.")
    await _stored(ctx, name)
    platform = ctx.platform
    executions = Executions(platform.database, ctx.scope)
    queries = [
        query
        for query in await platform.state.page(ctx.scope, NamedQuery)
        if query.value.workgroup == name
    ]
    statements = await platform.state.page(ctx.scope, PreparedStatement, prefix=f"{name}/")
    if not recursive and (queries or statements or await executions.page(name, None, 1)):
        raise invalid_request(f"WorkGroup {name} is not empty")
    async with platform.database.transaction() as connection:
        for query in queries:
            await platform.state.delete(ctx.scope, NamedQuery, query.id, connection)
        for statement in statements:
            await platform.state.delete(ctx.scope, PreparedStatement, statement.id, connection)
        await executions.delete_workgroup(name, connection)
        await platform.state.delete(ctx.scope, WorkGroup, name, connection)


async def list_workgroups(ctx: Context, next_token: str | None, max_results: int | None) -> Shape:
    """Return a page of workgroups by name."""
    await find_workgroup(ctx, PRIMARY)
    limit = max_results or 50
    page = await ctx.platform.state.page(
        ctx.scope, WorkGroup, after=decode_token(next_token), limit=limit + 1
    )
    answer: Shape = {"WorkGroups": [item.value.summarize() for item in page[:limit]]}
    if len(page) > limit:
        answer["NextToken"] = encode_token(page[limit - 1].id)
    return answer


def workgroup_arn(ctx: Context, name: str) -> str:
    """Return a workgroup's ARN."""
    return f"arn:aws:athena:{ctx.region}:{ctx.account}:workgroup/{name}"


async def tagged_workgroup(ctx: Context, arn: str) -> WorkGroup:
    """Return the workgroup an ARN names."""
    prefix = workgroup_arn(ctx, "")
    if not arn.startswith(prefix):
        raise invalid_request(f"Resource {arn} cannot be tagged here: only workgroups can")
    return await find_workgroup(ctx, arn.removeprefix(prefix))


async def set_tags(ctx: Context, group: WorkGroup, tags: dict[str, str]) -> None:
    """Replace a workgroup's tags."""
    if len(tags) > _TAGS_LIMIT:
        raise invalid_request(f"A resource has at most {_TAGS_LIMIT} tags")
    group.tags = tags
    await ctx.platform.state.replace(ctx.scope, group.name, group)


def encode_token(text: str) -> str:
    """Return an opaque NextToken."""
    return base64.urlsafe_b64encode(text.encode()).decode()


def decode_token(token: str | None) -> str:
    """Return what a NextToken holds; InvalidRequestException where it is none of ours."""
    if token is None:
        return ""
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise invalid_request(f"The nextPageToken is malformed: {token}") from error
