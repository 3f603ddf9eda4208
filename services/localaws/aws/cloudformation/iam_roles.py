"""Resource types of IAM for roles and instance profiles, made by IAM's own operations."""

from __future__ import annotations

from localaws.aws.cloudformation.iam_calls import (
    EXISTS,
    document_text,
    gone_is_fine,
    is_there,
    removed,
)
from localaws.core.platform import Context
from localaws.core.resources import ResourceRequest, ResourceType, integer, resource_type
from localaws.core.service import Shape


def _tag_map(properties: Shape) -> dict[str, str]:
    return {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags") or []}


def _tag_list(tags: dict[str, str]) -> list[Shape]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _inline(properties: Shape) -> dict[str, str]:
    return {
        item["PolicyName"]: document_text(item["PolicyDocument"])
        for item in properties.get("Policies") or []
    }


@resource_type("AWS::IAM::Role")
class Role(ResourceType):
    """A role with its trust, attached and inline policies.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
    """

    properties = frozenset(
        {
            "AssumeRolePolicyDocument",
            "Description",
            "ManagedPolicyArns",
            "MaxSessionDuration",
            "Path",
            "PermissionsBoundary",
            "Policies",
            "RoleName",
            "Tags",
        }
    )
    required = frozenset({"AssumeRolePolicyDocument"})
    replacement_properties = frozenset({"Path", "RoleName"})
    attribute_names = frozenset({"Arn", "RoleId"})
    tags = "list"
    capability = "CAPABILITY_IAM"
    name_property = "RoleName"

    async def exists(self, ctx: Context, properties: Shape) -> bool:
        """Return whether a role of this name is there."""
        name = properties.get("RoleName")
        return name is not None and await is_there(ctx, "get_role", role_name=name)

    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        """Create the role and what hangs on it; the physical id is its name."""
        name = str(properties.get("RoleName") or request.generated_name(64))
        with request.adopting(*EXISTS):
            await ctx.call(
                "iam",
                "create_role",
                role_name=name,
                path=properties.get("Path"),
                assume_role_policy_document=document_text(properties["AssumeRolePolicyDocument"]),
                description=properties.get("Description"),
                max_session_duration=integer(properties.get("MaxSessionDuration", 3600)),
                permissions_boundary=properties.get("PermissionsBoundary"),
                tags=_tag_list(_tag_map(properties)),
            )
        await request.created(name)
        await self._hang(ctx, name, {}, properties)
        return name

    async def update(
        self, ctx: Context, physical_id: str, old: Shape, new: Shape, request: ResourceRequest
    ) -> None:
        """Change everything but name and path in place."""
        await ctx.call(
            "iam",
            "update_assume_role_policy",
            role_name=physical_id,
            policy_document=document_text(new["AssumeRolePolicyDocument"]),
        )
        if any(old.get(name) != new.get(name) for name in ("Description", "MaxSessionDuration")):
            await ctx.call(
                "iam",
                "update_role",
                role_name=physical_id,
                description=new.get("Description") or "",
                max_session_duration=integer(new.get("MaxSessionDuration", 3600)),
            )
        boundary = new.get("PermissionsBoundary")
        if boundary != old.get("PermissionsBoundary"):
            if boundary is None:
                with gone_is_fine():
                    await ctx.call("iam", "delete_role_permissions_boundary", role_name=physical_id)
            else:
                await ctx.call(
                    "iam",
                    "put_role_permissions_boundary",
                    role_name=physical_id,
                    permissions_boundary=boundary,
                )
        if gone := removed(list(_tag_map(old)), list(_tag_map(new))):
            await ctx.call("iam", "untag_role", role_name=physical_id, tag_keys=gone)
        if tags := _tag_map(new):
            await ctx.call("iam", "tag_role", role_name=physical_id, tags=_tag_list(tags))
        await self._hang(ctx, physical_id, old, new)

    async def _hang(self, ctx: Context, name: str, old: Shape, new: Shape) -> None:
        for arn in new.get("ManagedPolicyArns") or ():
            await ctx.call("iam", "attach_role_policy", role_name=name, policy_arn=arn)
        for arn in removed(old.get("ManagedPolicyArns"), new.get("ManagedPolicyArns")):
            with gone_is_fine():
                await ctx.call("iam", "detach_role_policy", role_name=name, policy_arn=arn)
        for policy, document in _inline(new).items():
            await ctx.call(
                "iam",
                "put_role_policy",
                role_name=name,
                policy_name=policy,
                policy_document=document,
            )
        for policy in removed(list(_inline(old)), list(_inline(new))):
            with gone_is_fine():
                await ctx.call("iam", "delete_role_policy", role_name=name, policy_name=policy)

    async def delete(self, ctx: Context, physical_id: str, properties: Shape) -> None:
        """Take off what the template hung on the role and delete it."""
        with gone_is_fine():
            await self._hang(ctx, physical_id, properties, {})
            await ctx.call("iam", "delete_role", role_name=physical_id)

    async def attributes(self, ctx: Context, physical_id: str, properties: Shape) -> Shape:
        """Return Arn and RoleId."""
        role = (await ctx.call("iam", "get_role", role_name=physical_id))["Role"]
        return {"Arn": role["Arn"], "RoleId": role["RoleId"]}


@resource_type("AWS::IAM::InstanceProfile")
class InstanceProfile(ResourceType):
    """An instance profile with its role; Ref is its name.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-instanceprofile.html
    """

    properties = frozenset({"InstanceProfileName", "Path", "Roles"})
    required = frozenset({"Roles"})
    replacement_properties = frozenset({"InstanceProfileName", "Path"})
    attribute_names = frozenset({"Arn"})
    capability = "CAPABILITY_IAM"
    name_property = "InstanceProfileName"

    async def exists(self, ctx: Context, properties: Shape) -> bool:
        """Return whether a profile of this name is there."""
        name = properties.get("InstanceProfileName")
        return name is not None and await is_there(
            ctx, "get_instance_profile", instance_profile_name=name
        )

    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        """Create the profile and put its role into it."""
        name = str(properties.get("InstanceProfileName") or request.generated_name(128))
        with request.adopting(*EXISTS):
            await ctx.call(
                "iam",
                "create_instance_profile",
                instance_profile_name=name,
                path=properties.get("Path"),
            )
        await request.created(name)
        await self._set_roles(ctx, name, list(properties["Roles"]))
        return name

    async def update(
        self, ctx: Context, physical_id: str, old: Shape, new: Shape, request: ResourceRequest
    ) -> None:
        """Exchange the role."""
        await self._set_roles(ctx, physical_id, list(new["Roles"]))

    async def _set_roles(self, ctx: Context, name: str, wanted: list[str]) -> None:
        answer = await ctx.call("iam", "get_instance_profile", instance_profile_name=name)
        present = [role["RoleName"] for role in answer["InstanceProfile"]["Roles"]]
        for role in removed(present, wanted):
            await ctx.call(
                "iam",
                "remove_role_from_instance_profile",
                instance_profile_name=name,
                role_name=role,
            )
        for role in removed(wanted, present):
            await ctx.call(
                "iam", "add_role_to_instance_profile", instance_profile_name=name, role_name=role
            )

    async def delete(self, ctx: Context, physical_id: str, properties: Shape) -> None:
        """Take the role out and delete the profile."""
        with gone_is_fine():
            await self._set_roles(ctx, physical_id, [])
            await ctx.call("iam", "delete_instance_profile", instance_profile_name=physical_id)

    async def attributes(self, ctx: Context, physical_id: str, properties: Shape) -> Shape:
        """Return Arn."""
        answer = await ctx.call("iam", "get_instance_profile", instance_profile_name=physical_id)
        return {"Arn": answer["InstanceProfile"]["Arn"]}
