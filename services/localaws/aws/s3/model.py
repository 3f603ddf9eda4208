"""Buckets and owners: names, regions, and who may use them."""

from __future__ import annotations

import hashlib
import ipaddress
import re

from localaws.aws.s3.errors import (
    access_denied,
    illegal_location,
    invalid_argument,
    invalid_bucket_name,
    invalid_location,
)
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.object_store.base import Bucket

HOME_REGION = "us-east-1"
"""The region without a location constraint, whose endpoint makes buckets in any region."""

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


def check_bucket_name(name: str) -> None:
    """Check a new bucket's name.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html

    Raises:
        AwsError: InvalidBucketName.
    """
    if (
        _NAME.fullmatch(name) is None
        or ".." in name
        or name.startswith(_RESERVED_PREFIXES)
        or name.endswith(_RESERVED_SUFFIXES)
        or _is_address(name)
    ):
        raise invalid_bucket_name(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def bucket_region(endpoint_region: str, constraint: str | None) -> str:
    """Return the region of a new bucket.

    Raises:
        AwsError: IllegalLocationConstraintException, InvalidLocationConstraint.
    """
    if constraint == "EU":
        constraint = "eu-west-1"
    if endpoint_region == HOME_REGION:
        if constraint == HOME_REGION or (constraint and _REGION.fullmatch(constraint) is None):
            raise invalid_location(constraint)
        return constraint or HOME_REGION
    if constraint != endpoint_region:
        raise illegal_location(constraint or "unspecified")
    return endpoint_region


async def owned_bucket(ctx: Context, name: str, expected_owner: str | None = None) -> Bucket:
    """Return a bucket that the caller may use: one of its account.

    Raises:
        AwsError: NoSuchBucket; AccessDenied for a bucket of another account, or where the owner is
            not the expected one.
    """
    bucket = await ctx.platform.object_store.bucket(name)
    if bucket.account != ctx.account or (expected_owner and expected_owner != bucket.account):
        raise access_denied()
    return bucket


def owner(account: str) -> Shape:
    """Return an account as S3 names owners: by a canonical id."""
    return {"ID": hashlib.sha256(f"localaws:{account}".encode()).hexdigest()}


def check_version(version_id: str | None) -> None:
    """Check the version asked for: objects have one, ``null``.

    Raises:
        AwsError: InvalidArgument.
    """
    if version_id not in (None, "null"):
        raise invalid_argument("Invalid version id specified", "versionId", version_id)
