"""Athena's resource types."""

from __future__ import annotations

from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.resources import (
    ResourceRequest,
    ResourceType,
    boolean,
    integer,
    resource_type,
    unsupported_property,
)
from localaws.core.service import Shape

_BOOLEANS = (
    "EnforceWorkGroupConfiguration",
    "PublishCloudWatchMetricsEnabled",
    "RequesterPaysEnabled",
)
_CONFIGURATION = frozenset(
    {*_BOOLEANS, "BytesScannedCutoffPerQuery", "EngineVersion", "ResultConfiguration"}
)


def _configuration(properties: Shape) -> Shape:
    """Return the API's WorkGroupConfiguration of a template's, its text values converted."""
    given: Shape = properties.get("WorkGroupConfiguration") or {}
    for name in given:
        if name not in _CONFIGURATION:
            raise unsupported_property("AWS::Athena::WorkGroup", f"WorkGroupConfiguration.{name}")
    configuration = dict(given)
    for name in _BOOLEANS:
        if name in configuration:
            configuration[name] = boolean(configuration[name])
    if "BytesScannedCutoffPerQuery" in configuration:
        cutoff = integer(configuration["BytesScannedCutoffPerQuery"])
        configuration["BytesScannedCutoffPerQuery"] = cutoff
    return configuration


@resource_type("AWS::Athena::WorkGroup")
class WorkGroup(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-athena-workgroup.html."""

    properties = frozenset(
        {
            "Name",
            "Description",
            "State",
            "WorkGroupConfiguration",
            "RecursiveDeleteOption",
            "Tags",
        }
    )
    required = frozenset({"Name"})
    replacement_properties = frozenset({"Name"})
    attribute_names = frozenset(
        {
            "CreationTime",
            "WorkGroupConfiguration.EngineVersion.EffectiveEngineVersion",
        }
    )
    tags = "list"

    async def exists(self, ctx: Context, properties: Shape) -> bool:
        """Return whether there is a workgroup of this name."""
        try:
            await ctx.call("athena", "get_work_group", work_group=properties["Name"])
        except AwsError as error:
            if error.code == "InvalidRequestException":
                return False
            raise
        return True

    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        """Create the workgroup."""
        name: str = properties["Name"]
        with request.adopting("InvalidRequestException"):
            await ctx.call(
                "athena",
                "create_work_group",
                name=name,
                configuration=_configuration(properties),
                description=properties.get("Description", ""),
                tags=properties.get("Tags") or [],
            )
        await request.created(name)
        if properties.get("State") == "DISABLED":
            await ctx.call("athena", "update_work_group", work_group=name, state="DISABLED")
        return name

    async def update(
        self, ctx: Context, physical_id: str, old: Shape, new: Shape, request: ResourceRequest
    ) -> None:
        """Bring settings, description, state and tags to what the template says now."""
        configuration = _configuration(new)
        result: Shape = configuration.pop("ResultConfiguration", {})
        before = (old.get("WorkGroupConfiguration") or {}).get("ResultConfiguration") or {}
        removed = {f"Remove{name}": True for name in before if name not in result}
        updates: Shape = configuration | {"ResultConfigurationUpdates": result | removed}
        if "BytesScannedCutoffPerQuery" not in configuration:
            updates["RemoveBytesScannedCutoffPerQuery"] = True
        await ctx.call(
            "athena",
            "update_work_group",
            work_group=physical_id,
            description=new.get("Description", ""),
            configuration_updates=updates,
            state=new.get("State", "ENABLED"),
        )
        arn = f"arn:aws:athena:{ctx.region}:{ctx.account}:workgroup/{physical_id}"
        kept = {tag["Key"] for tag in new.get("Tags") or []}
        gone = [tag["Key"] for tag in old.get("Tags") or [] if tag["Key"] not in kept]
        if gone:
            await ctx.call("athena", "untag_resource", resource_arn=arn, tag_keys=gone)
        if new.get("Tags"):
            await ctx.call("athena", "tag_resource", resource_arn=arn, tags=new["Tags"])

    async def delete(self, ctx: Context, physical_id: str, properties: Shape) -> None:
        """Delete the workgroup; one with a history only where RecursiveDeleteOption says so."""
        if not await self.exists(ctx, {"Name": physical_id}):
            return
        await ctx.call(
            "athena",
            "delete_work_group",
            work_group=physical_id,
            recursive_delete_option=boolean(properties.get("RecursiveDeleteOption", False)),
        )

    async def attributes(self, ctx: Context, physical_id: str, properties: Shape) -> Shape:
        """Return creation time and engine version."""
        answer = await ctx.call("athena", "get_work_group", work_group=physical_id)
        group = answer["WorkGroup"]
        version = group["Configuration"]["EngineVersion"]["EffectiveEngineVersion"]
        return {
            "CreationTime": str(int(group["CreationTime"].timestamp())),
            "WorkGroupConfiguration.EngineVersion.EffectiveEngineVersion": version,
        }


@resource_type("AWS::Athena::NamedQuery")
class NamedQuery(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-athena-namedquery.html."""

    properties = frozenset({"Database", "Description", "Name", "QueryString", "WorkGroup"})
    required = frozenset({"Database", "QueryString"})
    replacement_properties = properties
    attribute_names = frozenset({"NamedQueryId"})

    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        """Save the query; the request's token makes a repetition find the first one."""
        answer = await ctx.call(
            "athena",
            "create_named_query",
            name=properties.get("Name") or request.generated_name(128),
            database=properties["Database"],
            query_string=properties["QueryString"],
            description=properties.get("Description", ""),
            work_group=properties.get("WorkGroup"),
            client_request_token=request.token,
        )
        id: str = answer["NamedQueryId"]
        return id

    async def delete(self, ctx: Context, physical_id: str, properties: Shape) -> None:
        """Delete the saved query."""
        try:
            await ctx.call("athena", "delete_named_query", named_query_id=physical_id)
        except AwsError as error:
            if error.code != "InvalidRequestException":
                raise

    async def attributes(self, ctx: Context, physical_id: str, properties: Shape) -> Shape:
        """Return the query's id."""
        return {"NamedQueryId": physical_id}
