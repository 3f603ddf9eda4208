"""Resource types of IAM: roles, policies and instance profiles, made by IAM's own operations."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.resources import ResourceRequest, ResourceType, integer, resource_type
from localaws.core.service import Shape

_GONE = ("NoSuchEntity", "NoSuchEntityException")
_EXISTS = ("EntityAlreadyExists", "EntityAlreadyExistsException")


@contextlib.contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except AwsError as error:
        if error.code not in _GONE:
            raise


async def _there(ctx: Context, operation: str, **parameters: Any) -> bool:
    with _gone_is_fine():
        await ctx.call("iam", operation, **parameters)
        return True
    return False


def _document(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _tag_map(properties: Shape) -> dict[str, str]:
    return {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags") or []}


def _tag_list(tags: dict[str, str]) -> list[Shape]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _inline(properties: Shape) -> dict[str, str]:
    return {
        item["PolicyName"]: _document(item["PolicyDocument"])
        for item in properties.get("Policies") or []
    }


def _removed(old: Sequence[str] | None, new: Sequence[str] | None) -> list[str]:
    return [item for item in old or () if item not in (new or ())]


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
        return name is not None and await _there(ctx, "get_role", role_name=name)

    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        """Create the role and what hangs on it; the physical id is its name."""
        name = str(properties.get("RoleName") or request.generated_name(64))
        with request.adopting(*_EXISTS):
            await ctx.call(
                "iam",
                "create_role",
                role_name=name,
                path=properties.get("Path"),
                assume_role_policy_document=_document(properties["AssumeRolePolicyDocument"]),
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
            policy_document=_document(new["AssumeRolePolicyDocument"]),
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
                with _gone_is_fine():
                    await ctx.call("iam", "delete_role_permissions_boundary", role_name=physical_id)
            else:
                await ctx.call(
                    "iam",
                    "put_role_permissions_boundary",
                    role_name=physical_id,
                    permissions_boundary=boundary,
                )
        if gone := _removed(list(_tag_map(old)), list(_tag_map(new))):
            await ctx.call("iam", "untag_role", role_name=physical_id, tag_keys=gone)
        if tags := _tag_map(new):
            await ctx.call("iam", "tag_role", role_name=physical_id, tags=_tag_list(tags))
        await self._hang(ctx, physical_id, old, new)

    async def _hang(self, ctx: Context, name: str, old: Shape, new: Shape) -> None:
        for arn in new.get("ManagedPolicyArns") or ():
            await ctx.call("iam", "attach_role_policy", role_name=name, policy_arn=arn)
        for arn in _removed(old.get("ManagedPolicyArns"), new.get("ManagedPolicyArns")):
            with _gone_is_fine():
                await ctx.call("iam", "detach_role_policy", role_name=name, policy_arn=arn)
        for policy, document in _inline(new).items():
            await ctx.call(
                "iam",
                "put_role_policy",
                role_name=name,
                policy_name=policy,
                policy_document=document,
            )
        for policy in _removed(list(_inline(old)), list(_inline(new))):
            with _gone_is_fine():
                await ctx.call("iam", "delete_role_policy", role_name=name, policy_name=policy)

    async def delete(self, ctx: Context, physical_id: str, properties: Shape) -> None:
        """Take off what the template hung on the role and delete it."""
        with _gone_is_fine():
            await self._hang(ctx, physical_id, properties, {})
            await ctx.call("iam", "delete_role", role_name=physical_id)

    async def attributes(self, ctx: Context, physical_id: str, properties: Shape) -> Shape:
        """Return Arn and RoleId."""
        role = (await ctx.call("iam", "get_role", role_name=physical_id))["Role"]
        return {"Arn": role["Arn"], "RoleId": role["RoleId"]}


_TARGETS = (("Roles", "role"), ("Users", "user"), ("Groups", "group"))


@resource_type("AWS::IAM::Policy")
class Policy(ResourceType):
    """An inline policy put into roles, users and groups; Ref is its name.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-policy.html
    """

    properties = frozenset({"Groups", "PolicyDocument", "PolicyName", "Roles", "Users"})
    required = frozenset({"PolicyDocument", "PolicyName"})
    capability = "CAPABILITY_IAM"

    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        """Put the policy into everything it names."""
        id = request.generated_name()
        await request.created(id)
        await self._put(ctx, properties)
        return id

    async def update(
        self, ctx: Context, physical_id: str, old: Shape, new: Shape, request: ResourceRequest
    ) -> None:
        """Put the new policy, then take the old one from where it no longer belongs."""
        await self._put(ctx, new)
        for member, kind in _TARGETS:
            renamed = old["PolicyName"] != new["PolicyName"]
            for target in old.get(member) or ():
                if renamed or target not in (new.get(member) or ()):
                    await self._take(ctx, kind, target, old["PolicyName"])

    async def delete(self, ctx: Context, physical_id: str, properties: Shape) -> None:
        """Take the policy from everything it names."""
        for member, kind in _TARGETS:
            for target in properties.get(member) or ():
                await self._take(ctx, kind, target, properties["PolicyName"])

    async def _put(self, ctx: Context, properties: Shape) -> None:
        if not any(properties.get(member) for member, _ in _TARGETS):
            raise AwsError(
                "ValidationError", "At least one of [Groups,Roles,Users] must be non-empty."
            )
        for member, kind in _TARGETS:
            for target in properties.get(member) or ():
                await ctx.call(
                    "iam",
                    f"put_{kind}_policy",
                    **{f"{kind}_name": target},
                    policy_name=properties["PolicyName"],
                    policy_document=_document(properties["PolicyDocument"]),
                )

    async def _take(self, ctx: Context, kind: str, target: str, policy: str) -> None:
        with _gone_is_fine():
            await ctx.call(
                "iam", f"delete_{kind}_policy", **{f"{kind}_name": target}, policy_name=policy
            )


@resource_type("AWS::IAM::ManagedPolicy")
class ManagedPolicy(ResourceType):
    """A managed policy and whom it is attached to; Ref is its ARN.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-managedpolicy.html
    """

    properties = frozenset(
        {
            "Description",
            "Groups",
            "ManagedPolicyName",
            "Path",
            "PolicyDocument",
            "Roles",
            "Users",
        }
    )
    required = frozenset({"PolicyDocument"})
    replacement_properties = frozenset({"Description", "ManagedPolicyName", "Path"})
    attribute_names = frozenset({"PolicyArn"})
    capability = "CAPABILITY_IAM"
    name_property = "ManagedPolicyName"

    async def exists(self, ctx: Context, properties: Shape) -> bool:
        """Return whether a policy of this name and path is there."""
        if "ManagedPolicyName" not in properties:
            return False
        arn = self._arn(ctx, properties["ManagedPolicyName"], properties)
        return await _there(ctx, "get_policy", policy_arn=arn)

    def _arn(self, ctx: Context, name: str, properties: Shape) -> str:
        return f"arn:aws:iam::{ctx.account}:policy{properties.get('Path', '/')}{name}"

    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        """Create the policy and attach it; the physical id is its ARN."""
        name = str(properties.get("ManagedPolicyName") or request.generated_name(128))
        arn = self._arn(ctx, name, properties)
        with request.adopting(*_EXISTS):
            await ctx.call(
                "iam",
                "create_policy",
                policy_name=name,
                path=properties.get("Path"),
                description=properties.get("Description"),
                policy_document=_document(properties["PolicyDocument"]),
            )
        await request.created(arn)
        await self._attach(ctx, arn, properties)
        return arn

    async def update(
        self, ctx: Context, physical_id: str, old: Shape, new: Shape, request: ResourceRequest
    ) -> None:
        """Make the new document the default version, in place of the one before."""
        if old["PolicyDocument"] != new["PolicyDocument"]:
            await self._replace_version(ctx, physical_id, _document(new["PolicyDocument"]))
        await self._attach(ctx, physical_id, new)
        for member, kind in _TARGETS:
            for target in _removed(old.get(member), new.get(member)):
                await self._detach(ctx, kind, target, physical_id)

    async def _replace_version(self, ctx: Context, arn: str, document: str) -> None:
        answer = await ctx.call("iam", "list_policy_versions", policy_arn=arn)
        for version in answer["Versions"]:
            if not version["IsDefaultVersion"]:
                await ctx.call(
                    "iam", "delete_policy_version", policy_arn=arn, version_id=version["VersionId"]
                )
        await ctx.call(
            "iam",
            "create_policy_version",
            policy_arn=arn,
            policy_document=document,
            set_as_default=True,
        )

    async def delete(self, ctx: Context, physical_id: str, properties: Shape) -> None:
        """Detach the policy and delete it with all its versions."""
        for member, kind in _TARGETS:
            for target in properties.get(member) or ():
                await self._detach(ctx, kind, target, physical_id)
        with _gone_is_fine():
            answer = await ctx.call("iam", "list_policy_versions", policy_arn=physical_id)
            for version in answer["Versions"]:
                if not version["IsDefaultVersion"]:
                    await ctx.call(
                        "iam",
                        "delete_policy_version",
                        policy_arn=physical_id,
                        version_id=version["VersionId"],
                    )
            await ctx.call("iam", "delete_policy", policy_arn=physical_id)

    async def _attach(self, ctx: Context, arn: str, properties: Shape) -> None:
        for member, kind in _TARGETS:
            for target in properties.get(member) or ():
                await ctx.call(
                    "iam", f"attach_{kind}_policy", **{f"{kind}_name": target}, policy_arn=arn
                )

    async def _detach(self, ctx: Context, kind: str, target: str, arn: str) -> None:
        with _gone_is_fine():
            await ctx.call(
                "iam", f"detach_{kind}_policy", **{f"{kind}_name": target}, policy_arn=arn
            )

    async def attributes(self, ctx: Context, physical_id: str, properties: Shape) -> Shape:
        """Return PolicyArn."""
        return {"PolicyArn": physical_id}


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
        return name is not None and await _there(
            ctx, "get_instance_profile", instance_profile_name=name
        )

    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        """Create the profile and put its role into it."""
        name = str(properties.get("InstanceProfileName") or request.generated_name(128))
        with request.adopting(*_EXISTS):
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
        for role in _removed(present, wanted):
            await ctx.call(
                "iam",
                "remove_role_from_instance_profile",
                instance_profile_name=name,
                role_name=role,
            )
        for role in _removed(wanted, present):
            await ctx.call(
                "iam", "add_role_to_instance_profile", instance_profile_name=name, role_name=role
            )

    async def delete(self, ctx: Context, physical_id: str, properties: Shape) -> None:
        """Take the role out and delete the profile."""
        with _gone_is_fine():
            await self._set_roles(ctx, physical_id, [])
            await ctx.call("iam", "delete_instance_profile", instance_profile_name=physical_id)

    async def attributes(self, ctx: Context, physical_id: str, properties: Shape) -> Shape:
        """Return Arn."""
        answer = await ctx.call("iam", "get_instance_profile", instance_profile_name=physical_id)
        return {"Arn": answer["InstanceProfile"]["Arn"]}
