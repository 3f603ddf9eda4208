"""Resource types of S3.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_S3.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from localaws.aws.s3.model import HOME_REGION
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

_BUCKET = "AWS::S3::Bucket"
_PUBLIC_ACCESS = (
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
)


@resource_type(_BUCKET)
class BucketType(ResourceType):
    """A bucket; as on AWS it must be empty to be deleted."""

    properties = frozenset(
        {
            "BucketName",
            "Tags",
            "PublicAccessBlockConfiguration",
            "BucketEncryption",
            "OwnershipControls",
            "VersioningConfiguration",
            "LifecycleConfiguration",
        }
    )
    replacement_properties = frozenset({"BucketName"})
    attribute_names = frozenset(
        {"Arn", "DomainName", "DualStackDomainName", "RegionalDomainName", "WebsiteURL"}
    )
    tags = "list"

    async def exists(self, ctx: Context, properties: Shape) -> bool:
        """Return whether the bucket is there, whoever owns it."""
        name = properties.get("BucketName")
        return name is not None and await _is_there(ctx, name)

    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        """Make the bucket, then configure it."""
        name: str = properties.get("BucketName") or request.generated_name(63, lower=True)
        location = {} if ctx.region == HOME_REGION else {"LocationConstraint": ctx.region}
        with request.adopting("BucketAlreadyOwnedByYou"):
            if not request.resumed and await _is_there(ctx, name):
                # us-east-1 would let the owner make it again, and the stack take what is not its.
                raise AwsError("AlreadyExists", f"{name} already exists", 409)
            await ctx.call("s3", "create_bucket", bucket=name, create_bucket_configuration=location)
        await request.created(name)
        await _configure(ctx, name, {}, properties)
        return name

    async def update(
        self, ctx: Context, physical_id: str, old: Shape, new: Shape, request: ResourceRequest
    ) -> None:
        """Set what has changed and remove what is gone."""
        await _configure(ctx, physical_id, old, new)

    async def delete(self, ctx: Context, physical_id: str, properties: Shape) -> None:
        """Delete the bucket."""
        try:
            await ctx.call("s3", "delete_bucket", bucket=physical_id)
        except AwsError as error:
            if error.code != "NoSuchBucket":
                raise

    async def attributes(self, ctx: Context, physical_id: str, properties: Shape) -> Shape:
        """Return ARN and names of hosts as on AWS."""
        region = ctx.region
        return {
            "Arn": f"arn:aws:s3:::{physical_id}",
            "DomainName": f"{physical_id}.s3.amazonaws.com",
            "DualStackDomainName": f"{physical_id}.s3.dualstack.{region}.amazonaws.com",
            "RegionalDomainName": f"{physical_id}.s3.{region}.amazonaws.com",
            "WebsiteURL": f"http://{physical_id}.s3-website-{region}.amazonaws.com",
        }


async def _is_there(ctx: Context, name: str) -> bool:
    try:
        await ctx.call("s3", "head_bucket", bucket=name)
    except AwsError as error:
        return error.code == "AccessDenied"
    return True


async def _configure(ctx: Context, name: str, old: Shape, new: Shape) -> None:
    """Bring a bucket's configuration from `old` to `new` properties."""
    for item, (put, delete) in _CONFIGURATIONS.items():
        if new.get(item) == old.get(item):
            continue
        if new.get(item) is None:
            await ctx.call("s3", delete, bucket=name)
        else:
            parameter, document = _DOCUMENTS[item](new[item])
            await ctx.call("s3", put, bucket=name, **{parameter: document})
    versioning = new.get("VersioningConfiguration")
    if versioning is not None and versioning != old.get("VersioningConfiguration"):
        await ctx.call(
            "s3", "put_bucket_versioning", bucket=name, versioning_configuration=versioning
        )


_CONFIGURATIONS = {
    "Tags": ("put_bucket_tagging", "delete_bucket_tagging"),
    "PublicAccessBlockConfiguration": ("put_public_access_block", "delete_public_access_block"),
    "BucketEncryption": ("put_bucket_encryption", "delete_bucket_encryption"),
    "OwnershipControls": ("put_bucket_ownership_controls", "delete_bucket_ownership_controls"),
    "LifecycleConfiguration": ("put_bucket_lifecycle_configuration", "delete_bucket_lifecycle"),
}


def _tags(value: list[Shape]) -> tuple[str, Shape]:
    return "tagging", {"TagSet": value}


def _public_access(value: Shape) -> tuple[str, Shape]:
    document = {name: boolean(value[name]) for name in _PUBLIC_ACCESS if name in value}
    return "public_access_block_configuration", document


def _encryption(value: Shape) -> tuple[str, Shape]:
    rules = []
    for rule in value.get("ServerSideEncryptionConfiguration") or []:
        by_default = dict(rule.get("ServerSideEncryptionByDefault") or {})
        rules.append(
            {
                "ApplyServerSideEncryptionByDefault": by_default,
                "BucketKeyEnabled": boolean(rule.get("BucketKeyEnabled", False)),
            }
        )
    return "server_side_encryption_configuration", {"Rules": rules}


def _ownership(value: Shape) -> tuple[str, Shape]:
    return "ownership_controls", {"Rules": value.get("Rules") or []}


def _lifecycle(value: Shape) -> tuple[str, Shape]:
    return "lifecycle_configuration", {
        "Rules": [_lifecycle_rule(rule) for rule in value.get("Rules") or []]
    }


def _lifecycle_rule(rule: Mapping[str, Any]) -> Shape:
    """Return a rule as the API takes it: CloudFormation names some of its members otherwise."""
    known = {"Id", "Status", "Prefix", "ExpirationInDays", "Transitions"}
    known.add("AbortIncompleteMultipartUpload")
    for name in rule:
        if name not in known:
            raise unsupported_property(_BUCKET, f"LifecycleConfiguration.Rules.{name}")
    document: Shape = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "Id" in rule:
        document["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        document["Expiration"] = {"Days": integer(rule["ExpirationInDays"])}
    if "AbortIncompleteMultipartUpload" in rule:
        days = rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
        document["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": integer(days)}
    if "Transitions" in rule:
        document["Transitions"] = [
            {
                "StorageClass": transition["StorageClass"],
                "Days": integer(transition["TransitionInDays"]),
            }
            for transition in rule["Transitions"]
        ]
    return document


_DOCUMENTS: dict[str, Callable[[Any], tuple[str, Shape]]] = {
    "Tags": _tags,
    "PublicAccessBlockConfiguration": _public_access,
    "BucketEncryption": _encryption,
    "OwnershipControls": _ownership,
    "LifecycleConfiguration": _lifecycle,
}


@resource_type("AWS::S3::BucketPolicy")
class BucketPolicyType(ResourceType):
    """A bucket's policy; its physical id is the bucket's name."""

    properties = frozenset({"Bucket", "PolicyDocument"})
    required = properties
    replacement_properties = frozenset({"Bucket"})

    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        """Set the policy."""
        bucket: str = properties["Bucket"]
        await _put_policy(ctx, bucket, properties)
        return bucket

    async def update(
        self, ctx: Context, physical_id: str, old: Shape, new: Shape, request: ResourceRequest
    ) -> None:
        """Set the policy."""
        await _put_policy(ctx, physical_id, new)

    async def delete(self, ctx: Context, physical_id: str, properties: Shape) -> None:
        """Remove the policy."""
        try:
            await ctx.call("s3", "delete_bucket_policy", bucket=physical_id)
        except AwsError as error:
            if error.code != "NoSuchBucket":
                raise


async def _put_policy(ctx: Context, bucket: str, properties: Shape) -> None:
    document = properties["PolicyDocument"]
    policy = document if isinstance(document, str) else json.dumps(document)
    await ctx.call("s3", "put_bucket_policy", bucket=bucket, policy=policy)
