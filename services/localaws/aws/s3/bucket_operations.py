"""Buckets: made, found, listed, removed."""

from __future__ import annotations

import base64
import binascii

from localaws.aws.s3.errors import invalid_argument, not_implemented_header
from localaws.aws.s3.model import (
    HOME_REGION,
    bucket_region,
    check_bucket_name,
    owned_bucket,
    owner,
)
from localaws.aws.s3.service import service
from localaws.aws.s3.tags import MAX_BUCKET_TAGS, tags_of_set
from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.service import Shape

OWNERSHIP_NOTE = (
    "a bucket is used by the account that made it; any other gets AccessDenied (bucket policies "
    "and ACLs are not evaluated yet)"
)


@service.operation("executed", OWNERSHIP_NOTE)
async def create_bucket(
    ctx: Context,
    *,
    bucket: str,
    acl: str | None = None,
    create_bucket_configuration: Shape | None = None,
    object_ownership: str | None = None,
) -> Shape:
    """Create a bucket. In us-east-1 its owner may do so again."""
    check_bucket_name(bucket)
    wanted = create_bucket_configuration or {}
    for member in ("Location", "Bucket"):
        if wanted.get(member):
            raise not_implemented_header(f"CreateBucketConfiguration.{member} (directory buckets)")
    if acl not in (None, "private"):
        raise not_implemented_header(f"the canned ACL {acl}")
    region = bucket_region(ctx.region, wanted.get("LocationConstraint"))
    tags = tags_of_set({"TagSet": wanted.get("Tags") or []}, MAX_BUCKET_TAGS)
    store = ctx.platform.object_store
    try:
        await store.create_bucket(ctx.account, region, bucket)
    except AwsError as error:
        if error.code != "BucketAlreadyOwnedByYou" or ctx.region != HOME_REGION:
            raise
        if (await store.bucket(bucket)).region != HOME_REGION:
            raise
        return {"Location": f"/{bucket}"}
    if object_ownership or tags:
        controls = {"Rules": [{"ObjectOwnership": object_ownership}]} if object_ownership else None
        await store.configure_bucket(bucket, {"OwnershipControls": controls}, tags)
    at_home = ctx.region == HOME_REGION
    return {"Location": f"/{bucket}" if at_home else f"http://{bucket}.s3.amazonaws.com/"}


@service.operation("executed", OWNERSHIP_NOTE)
async def head_bucket(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> Shape:
    """Return where a bucket is, if the caller may use it."""
    found = await owned_bucket(ctx, bucket, expected_bucket_owner)
    return {
        "BucketArn": f"arn:aws:s3:::{bucket}",
        "BucketRegion": found.region,
        "AccessPointAlias": False,
    }


@service.operation("executed")
async def delete_bucket(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> None:
    """Delete an empty bucket, and its open uploads with it."""
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    await ctx.platform.object_store.delete_bucket(bucket)


@service.operation("executed")
async def get_bucket_location(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> Shape:
    """Return a bucket's region; us-east-1 is the empty location."""
    found = await owned_bucket(ctx, bucket, expected_bucket_owner)
    return {} if found.region == HOME_REGION else {"LocationConstraint": found.region}


@service.operation("executed")
async def list_buckets(
    ctx: Context,
    *,
    max_buckets: int = 10_000,
    continuation_token: str | None = None,
    prefix: str | None = None,
    bucket_region: str | None = None,
) -> Shape:
    """Return the caller's buckets by name."""
    if not 1 <= max_buckets <= 10_000:
        raise invalid_argument(
            "Argument max-buckets must be an integer between 1 and 10000",
            "max-buckets",
            max_buckets,
        )
    after = decode_token(continuation_token)
    found = [
        bucket
        for bucket in await ctx.platform.object_store.buckets(ctx.account)
        if bucket.name.startswith(prefix or "")
        and bucket.name > after
        and bucket_region in (None, bucket.region)
    ]
    answer: Shape = {
        "Buckets": [
            {
                "Name": bucket.name,
                "CreationDate": bucket.created_at,
                "BucketRegion": bucket.region,
            }
            for bucket in found[:max_buckets]
        ],
        "Owner": owner(ctx.account),
        "Prefix": prefix,
    }
    if len(found) > max_buckets:
        answer["ContinuationToken"] = encode_token(found[max_buckets - 1].name)
    return answer


def encode_token(name: str) -> str:
    """Return a continuation token that leads on behind a name."""
    return base64.urlsafe_b64encode(b"1" + name.encode()).decode()


def decode_token(token: str | None) -> str:
    """Return the name a continuation token leads on from; empty without one.

    Raises:
        AwsError: InvalidArgument.
    """
    if token is None:
        return ""
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
        if not raw.startswith(b"1"):
            raise ValueError(token)
        return raw[1:].decode()
    except (binascii.Error, ValueError):
        raise invalid_argument(
            "The continuation token provided is incorrect", "continuation-token", token
        ) from None
