"""Sources of copies: ``x-amz-copy-source`` headers."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote

from localaws.aws.s3.conditions import ReadCondition
from localaws.aws.s3.errors import invalid_argument
from localaws.aws.s3.model import check_version, owned_bucket
from localaws.core.platform import Context
from localaws.engines.object_store.base import ObjectInfo


def parse_copy_source(header: str) -> tuple[str, str]:
    """Return bucket and key of a ``x-amz-copy-source`` header.

    Raises:
        AwsError: InvalidArgument.
    """
    path, _, query = header.partition("?")
    check_version(parse_qs(query).get("versionId", [None])[0])
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    if not bucket or not key or bucket.startswith("arn:"):
        raise invalid_argument(
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            "x-amz-copy-source",
            header,
        )
    return bucket, key


async def find_source(
    ctx: Context, header: str, condition: ReadCondition, expected_owner: str | None
) -> ObjectInfo:
    """Return the object to be copied, if it meets the condition.

    Raises:
        AwsError: NoSuchBucket, NoSuchKey, AccessDenied, InvalidArgument, PreconditionFailed.
    """
    bucket, key = parse_copy_source(header)
    await owned_bucket(ctx, bucket, expected_owner)
    info = await ctx.platform.object_store.head(bucket, key)
    condition.check(info, ctx.platform.clock.now(), copying=True)
    return info
