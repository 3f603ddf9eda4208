"""Tags of buckets and objects."""

from __future__ import annotations

from localaws.aws.s3.errors import no_such_configuration
from localaws.aws.s3.model import check_version, owned_bucket
from localaws.aws.s3.service import service
from localaws.aws.s3.tags import MAX_BUCKET_TAGS, MAX_OBJECT_TAGS, tag_set, tags_of_set
from localaws.core.platform import Context
from localaws.core.service import Shape


@service.operation("executed")
async def put_object_tagging(
    ctx: Context,
    *,
    bucket: str,
    key: str,
    tagging: Shape,
    version_id: str | None = None,
    content_md5: str | None = None,
    checksum_algorithm: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
) -> None:
    """Replace an object's tags."""
    check_version(version_id)
    tags = tags_of_set(tagging, MAX_OBJECT_TAGS)
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    await ctx.platform.object_store.set_tags(bucket, key, tags)


@service.operation("executed")
async def get_object_tagging(
    ctx: Context,
    *,
    bucket: str,
    key: str,
    version_id: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
) -> Shape:
    """Return an object's tags."""
    check_version(version_id)
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    info = await ctx.platform.object_store.head(bucket, key)
    return {"TagSet": tag_set(info.attributes.tags)}


@service.operation("executed")
async def delete_object_tagging(
    ctx: Context,
    *,
    bucket: str,
    key: str,
    version_id: str | None = None,
    expected_bucket_owner: str | None = None,
) -> None:
    """Remove an object's tags."""
    check_version(version_id)
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    await ctx.platform.object_store.set_tags(bucket, key, {})


@service.operation("executed")
async def put_bucket_tagging(
    ctx: Context,
    *,
    bucket: str,
    tagging: Shape,
    content_md5: str | None = None,
    checksum_algorithm: str | None = None,
    expected_bucket_owner: str | None = None,
) -> Shape:
    """Replace a bucket's tags."""
    tags = tags_of_set(tagging, MAX_BUCKET_TAGS)
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    await ctx.platform.object_store.configure_bucket(bucket, tags=tags)
    return {"__status__": 204}


@service.operation("executed")
async def get_bucket_tagging(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> Shape:
    """Return a bucket's tags; NoSuchTagSet without any."""
    found = await owned_bucket(ctx, bucket, expected_bucket_owner)
    if not found.tags:
        raise no_such_configuration("NoSuchTagSet", "The TagSet does not exist", bucket)
    return {"TagSet": tag_set(found.tags)}


@service.operation("executed")
async def delete_bucket_tagging(
    ctx: Context, *, bucket: str, expected_bucket_owner: str | None = None
) -> None:
    """Remove a bucket's tags."""
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    await ctx.platform.object_store.configure_bucket(bucket, tags={})
