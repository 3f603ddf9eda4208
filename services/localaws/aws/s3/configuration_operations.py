"""Configurations of buckets that are kept and answered, and have no effect here.

What would be wrong to answer without its effect is refused: versioning, notifications.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from localaws.aws.s3.errors import invalid_argument, no_such_configuration, not_implemented_header
from localaws.aws.s3.model import check_version, owned_bucket, owner
from localaws.aws.s3.service import service
from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.service import Shape

NO_EFFECT = "kept and answered, without effect"


async def _get(
    ctx: Context, bucket: str, expected_owner: str | None, name: str, code: str, message: str
) -> Any:
    found = await owned_bucket(ctx, bucket, expected_owner)
    document = found.configuration.get(name)
    if document is None:
        raise no_such_configuration(code, message, bucket)
    return document


async def _set(
    ctx: Context, bucket: str, expected_owner: str | None, name: str, document: object | None
) -> None:
    await owned_bucket(ctx, bucket, expected_owner)
    await ctx.platform.object_store.configure_bucket(bucket, {name: document})


# policy


@service.operation("metadata", NO_EFFECT)
async def put_bucket_policy(
    ctx: Context,
    *,
    bucket: str,
    policy: str,
    content_md5: str | None = None,
    checksum_algorithm: str | None = None,
    expected_bucket_owner: str | None = None,
) -> Shape:
    """Keep a bucket's policy."""
    try:
        document = json.loads(policy)
    except ValueError:
        document = None
    if not isinstance(document, dict) or "Statement" not in document:
        raise AwsError("MalformedPolicy", "This policy contains invalid Json")
    await _set(ctx, bucket, expected_bucket_owner, "Policy", policy)
    return {"__status__": 204}


@service.operation("metadata", NO_EFFECT)
async def get_bucket_policy(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> Shape:
    """Return a bucket's policy."""
    policy = await _get(
        ctx,
        bucket,
        expected_bucket_owner,
        "Policy",
        "NoSuchBucketPolicy",
        "The bucket policy does not exist",
    )
    return {"Policy": policy}


@service.operation("metadata", NO_EFFECT)
async def delete_bucket_policy(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> None:
    """Forget a bucket's policy."""
    await _set(ctx, bucket, expected_bucket_owner, "Policy", None)


# public access block


@service.operation("metadata", "kept and answered; nothing is public here")
async def put_public_access_block(
    ctx: Context,
    *,
    bucket: str,
    public_access_block_configuration: Shape,
    content_md5: str | None = None,
    checksum_algorithm: str | None = None,
    expected_bucket_owner: str | None = None,
) -> None:
    """Keep a bucket's public access block."""
    await _set(
        ctx,
        bucket,
        expected_bucket_owner,
        "PublicAccessBlock",
        {
            name: bool(public_access_block_configuration.get(name))
            for name in (
                "BlockPublicAcls",
                "IgnorePublicAcls",
                "BlockPublicPolicy",
                "RestrictPublicBuckets",
            )
        },
    )


@service.operation("metadata", "kept and answered; nothing is public here")
async def get_public_access_block(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> Shape:
    """Return a bucket's public access block."""
    document = await _get(
        ctx,
        bucket,
        expected_bucket_owner,
        "PublicAccessBlock",
        "NoSuchPublicAccessBlockConfiguration",
        "The public access block configuration was not found",
    )
    return {"PublicAccessBlockConfiguration": document}


@service.operation("metadata", "kept and answered; nothing is public here")
async def delete_public_access_block(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> None:
    """Forget a bucket's public access block."""
    await _set(ctx, bucket, expected_bucket_owner, "PublicAccessBlock", None)


# encryption

_DEFAULT_ENCRYPTION: Shape = {
    "Rules": [
        {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
            "BucketKeyEnabled": False,
        }
    ]
}
"""What every bucket has on S3 without being configured."""


@service.operation("metadata", "kept and answered; bytes are not encrypted")
async def put_bucket_encryption(
    ctx: Context,
    *,
    bucket: str,
    server_side_encryption_configuration: Shape,
    content_md5: str | None = None,
    checksum_algorithm: str | None = None,
    expected_bucket_owner: str | None = None,
) -> None:
    """Keep a bucket's default encryption."""
    await _set(
        ctx, bucket, expected_bucket_owner, "Encryption", server_side_encryption_configuration
    )


@service.operation("metadata", "kept and answered; bytes are not encrypted")
async def get_bucket_encryption(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> Shape:
    """Return a bucket's default encryption."""
    found = await owned_bucket(ctx, bucket, expected_bucket_owner)
    document = found.configuration.get("Encryption", _DEFAULT_ENCRYPTION)
    return {"ServerSideEncryptionConfiguration": document}


@service.operation("metadata", "kept and answered; bytes are not encrypted")
async def delete_bucket_encryption(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> None:
    """Set a bucket's encryption back to the default."""
    await _set(ctx, bucket, expected_bucket_owner, "Encryption", None)


# ownership and access control lists


@service.operation("metadata", "kept and answered; ACLs are not evaluated")
async def put_bucket_ownership_controls(
    ctx: Context,
    *,
    bucket: str,
    ownership_controls: Shape,
    content_md5: str | None = None,
    checksum_algorithm: str | None = None,
    expected_bucket_owner: str | None = None,
) -> None:
    """Keep a bucket's object ownership."""
    await _set(ctx, bucket, expected_bucket_owner, "OwnershipControls", ownership_controls)


@service.operation("metadata", "kept and answered; ACLs are not evaluated")
async def get_bucket_ownership_controls(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> Shape:
    """Return a bucket's object ownership."""
    found = await owned_bucket(ctx, bucket, expected_bucket_owner)
    default = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    return {"OwnershipControls": found.configuration.get("OwnershipControls", default)}


@service.operation("metadata", "kept and answered; ACLs are not evaluated")
async def delete_bucket_ownership_controls(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> None:
    """Forget a bucket's object ownership."""
    await _set(ctx, bucket, expected_bucket_owner, "OwnershipControls", None)


def _full_control(account: str) -> Shape:
    grantee = {**owner(account), "Type": "CanonicalUser"}
    return {"Owner": owner(account), "Grants": [{"Grantee": grantee, "Permission": "FULL_CONTROL"}]}


@service.operation("metadata", "always full control of the owner; other ACLs are refused")
async def get_bucket_acl(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> Shape:
    """Return the one ACL there is."""
    return _full_control((await owned_bucket(ctx, bucket, expected_bucket_owner)).account)


@service.operation("metadata", "always full control of the owner; other ACLs are refused")
async def get_object_acl(
    ctx: Context,
    *,
    bucket: str,
    key: str,
    version_id: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
) -> Shape:
    """Return the one ACL there is."""
    check_version(version_id)
    account = (await owned_bucket(ctx, bucket, expected_bucket_owner)).account
    await ctx.platform.object_store.head(bucket, key)
    return _full_control(account)


# versioning


@service.operation("metadata", "versions are not kept: Enabled is refused")
async def put_bucket_versioning(
    ctx: Context,
    *,
    bucket: str,
    versioning_configuration: Shape,
    content_md5: str | None = None,
    checksum_algorithm: str | None = None,
    expected_bucket_owner: str | None = None,
) -> None:
    """Refuse versioning; suspending it is what is the case anyway."""
    status = versioning_configuration.get("Status")
    if status == "Enabled" or versioning_configuration.get("MFADelete") == "Enabled":
        raise not_implemented_header("bucket versioning; versions are not kept")
    await _set(ctx, bucket, expected_bucket_owner, "Versioning", {"Status": status})


@service.operation("metadata", "versions are not kept: Enabled is refused")
async def get_bucket_versioning(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> Shape:
    """Return a bucket's versioning: none, or suspended."""
    found = await owned_bucket(ctx, bucket, expected_bucket_owner)
    document = found.configuration.get("Versioning")
    return document if isinstance(document, dict) else {}


# lifecycle


@service.operation("metadata", "rules are kept and answered; nothing expires or moves yet")
async def put_bucket_lifecycle_configuration(
    ctx: Context,
    *,
    bucket: str,
    lifecycle_configuration: Shape | None = None,
    checksum_algorithm: str | None = None,
    expected_bucket_owner: str | None = None,
) -> None:
    """Keep a bucket's lifecycle rules."""
    rules = (lifecycle_configuration or {}).get("Rules") or []
    if not rules or any("Status" not in rule for rule in rules):
        raise invalid_argument("At least one rule with a status is needed", "Rules", rules)
    await _set(ctx, bucket, expected_bucket_owner, "Lifecycle", {"Rules": rules})


@service.operation("metadata", "rules are kept and answered; nothing expires or moves yet")
async def get_bucket_lifecycle_configuration(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> Shape:
    """Return a bucket's lifecycle rules."""
    document = await _get(
        ctx,
        bucket,
        expected_bucket_owner,
        "Lifecycle",
        "NoSuchLifecycleConfiguration",
        "The lifecycle configuration does not exist",
    )
    return {"Rules": [_with_dates(rule) for rule in document["Rules"]]}


def _with_dates(rule: Any) -> Any:
    """Return a rule whose dates, kept as text, are dates again."""
    if isinstance(rule, dict):
        return {
            name: datetime.fromisoformat(item)
            if name == "Date" and isinstance(item, str)
            else _with_dates(item)
            for name, item in rule.items()
        }
    if isinstance(rule, list):
        return [_with_dates(item) for item in rule]
    return rule


@service.operation("metadata", "rules are kept and answered; nothing expires or moves yet")
async def delete_bucket_lifecycle(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> None:
    """Forget a bucket's lifecycle rules."""
    await _set(ctx, bucket, expected_bucket_owner, "Lifecycle", None)


# notifications


@service.operation("metadata", "events are not sent yet: only the empty configuration is taken")
async def put_bucket_notification_configuration(
    ctx: Context,
    *,
    bucket: str,
    notification_configuration: Shape,
    skip_destination_validation: bool = False,
    expected_bucket_owner: str | None = None,
) -> None:
    """Refuse notifications; none is what is the case anyway."""
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    if any(value is not None and value != [] for value in notification_configuration.values()):
        raise not_implemented_header("bucket notifications")


@service.operation("metadata", "events are not sent yet: always empty")
async def get_bucket_notification_configuration(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> Shape:
    """Return the empty configuration."""
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    return {}
