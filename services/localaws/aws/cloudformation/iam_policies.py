"""Resource types of IAM for policies, made by IAM's own operations."""

from __future__ import annotations

from localaws.aws.cloudformation.iam_calls import (
    EXISTS,
    document_text,
    gone_is_fine,
    is_there,
    removed,
)
from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.resources import ResourceRequest, ResourceType, resource_type
from localaws.core.service import Shape

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
                    policy_document=document_text(properties["PolicyDocument"]),
                )

    async def _take(self, ctx: Context, kind: str, target: str, policy: str) -> None:
        with gone_is_fine():
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
        return await is_there(ctx, "get_policy", policy_arn=arn)

    def _arn(self, ctx: Context, name: str, properties: Shape) -> str:
        return f"arn:aws:iam::{ctx.account}:policy{properties.get('Path', '/')}{name}"

    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        """Create the policy and attach it; the physical id is its ARN."""
        name = str(properties.get("ManagedPolicyName") or request.generated_name(128))
        arn = self._arn(ctx, name, properties)
        with request.adopting(*EXISTS):
            await ctx.call(
                "iam",
                "create_policy",
                policy_name=name,
                path=properties.get("Path"),
                description=properties.get("Description"),
                policy_document=document_text(properties["PolicyDocument"]),
            )
        await request.created(arn)
        await self._attach(ctx, arn, properties)
        return arn

    async def update(
        self, ctx: Context, physical_id: str, old: Shape, new: Shape, request: ResourceRequest
    ) -> None:
        """Make the new document the default version, in place of the one before."""
        if old["PolicyDocument"] != new["PolicyDocument"]:
            await self._replace_version(ctx, physical_id, document_text(new["PolicyDocument"]))
        await self._attach(ctx, physical_id, new)
        for member, kind in _TARGETS:
            for target in removed(old.get(member), new.get(member)):
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
        with gone_is_fine():
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
        with gone_is_fine():
            await ctx.call(
                "iam", f"detach_{kind}_policy", **{f"{kind}_name": target}, policy_arn=arn
            )

    async def attributes(self, ctx: Context, physical_id: str, properties: Shape) -> Shape:
        """Return PolicyArn."""
        return {"PolicyArn": physical_id}
