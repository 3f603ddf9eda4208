"""Resource types of CloudFormation itself, and beside it those of IAM, which is not ours."""

from __future__ import annotations

from localaws.aws.cloudformation import iam_policies, iam_roles
from localaws.core.platform import Context
from localaws.core.resources import ResourceRequest, ResourceType, resource_type
from localaws.core.service import Shape

__all__ = ["WaitConditionHandle", "iam_policies", "iam_roles"]


@resource_type("AWS::CloudFormation::WaitConditionHandle")
class WaitConditionHandle(ResourceType):
    """A name without properties; templates use it as a placeholder resource."""

    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        """Return a URL of its own; nothing waits for signals here."""
        return f"{ctx.endpoint}/cloudformation/{request.generated_name()}"

    async def delete(self, ctx: Context, physical_id: str, properties: Shape) -> None:
        """Do nothing: there is nothing to delete."""
