"""Listings of objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from localaws.aws.s3.attributes import quoted_etag
from localaws.aws.s3.bucket_operations import decode_token, encode_token
from localaws.aws.s3.errors import invalid_argument
from localaws.aws.s3.model import owned_bucket, owner
from localaws.aws.s3.service import service
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.object_store.base import Listing, ObjectInfo

MAX_KEYS = 1000


@service.operation("executed")
async def list_objects_v2(
    ctx: Context,
    *,
    bucket: str,
    delimiter: str | None = None,
    encoding_type: str | None = None,
    max_keys: int = MAX_KEYS,
    prefix: str | None = None,
    continuation_token: str | None = None,
    fetch_owner: bool = False,
    start_after: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
    optional_object_attributes: list[str] | None = None,
) -> Shape:
    """Return a page of keys and common prefixes.

    The optional attribute there is, ``RestoreStatus``, is one of archived objects only.
    """
    encode = encoder(encoding_type)
    limit = page_size(max_keys)
    after = decode_token(continuation_token) or start_after or ""
    account = (await owned_bucket(ctx, bucket, expected_bucket_owner)).account
    page = await ctx.platform.object_store.page(bucket, prefix or "", delimiter or "", after, limit)
    return {
        **_common(page, bucket, prefix, delimiter, encoding_type, encode),
        "Contents": _contents(page, encode, account if fetch_owner else None),
        "MaxKeys": limit,
        "KeyCount": len(page.objects) + len(page.prefixes),
        "ContinuationToken": continuation_token,
        "StartAfter": None if start_after is None else encode(start_after),
        "NextContinuationToken": encode_token(page.next_key) if page.truncated else None,
    }


@service.operation("executed")
async def list_objects(
    ctx: Context,
    *,
    bucket: str,
    delimiter: str | None = None,
    encoding_type: str | None = None,
    marker: str | None = None,
    max_keys: int = MAX_KEYS,
    prefix: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
    optional_object_attributes: list[str] | None = None,
) -> Shape:
    """Return a page of keys and common prefixes, by the older API."""
    encode = encoder(encoding_type)
    limit = page_size(max_keys)
    account = (await owned_bucket(ctx, bucket, expected_bucket_owner)).account
    page = await ctx.platform.object_store.page(
        bucket, prefix or "", delimiter or "", marker or "", limit
    )
    return {
        **_common(page, bucket, prefix, delimiter, encoding_type, encode),
        "Contents": _contents(page, encode, account),
        "MaxKeys": limit,
        "Marker": encode(marker or ""),
        # Without a delimiter the last key is the marker of the next page.
        "NextMarker": encode(page.next_key) if page.truncated and delimiter else None,
    }


@service.operation("executed", "objects have one version, null: versioning is refused")
async def list_object_versions(
    ctx: Context,
    *,
    bucket: str,
    delimiter: str | None = None,
    encoding_type: str | None = None,
    key_marker: str | None = None,
    version_id_marker: str | None = None,
    max_keys: int = MAX_KEYS,
    prefix: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
    optional_object_attributes: list[str] | None = None,
) -> Shape:
    """Return a page of objects, each with its one version."""
    encode = encoder(encoding_type)
    limit = page_size(max_keys)
    account = (await owned_bucket(ctx, bucket, expected_bucket_owner)).account
    page = await ctx.platform.object_store.page(
        bucket, prefix or "", delimiter or "", key_marker or "", limit
    )
    return {
        **_common(page, bucket, prefix, delimiter, encoding_type, encode),
        "Versions": [
            {**item, "VersionId": "null", "IsLatest": True}
            for item in _contents(page, encode, account)
        ],
        "MaxKeys": limit,
        "KeyMarker": encode(key_marker or ""),
        "VersionIdMarker": version_id_marker or "",
        "NextKeyMarker": encode(page.next_key) if page.truncated else None,
        "NextVersionIdMarker": "null" if page.truncated else None,
    }


def encoder(encoding_type: str | None) -> Callable[[str], str]:
    """Return how keys are written: as they are, or percent-encoded.

    Raises:
        AwsError: InvalidArgument.
    """
    if encoding_type is None:
        return str
    if encoding_type != "url":
        raise invalid_argument(
            "Invalid Encoding Method specified in Request", "encoding-type", encoding_type
        )
    return lambda text: quote(text, safe="/*-._")


def page_size(max_keys: int) -> int:
    """Return how many entries a page may have.

    Raises:
        AwsError: InvalidArgument.
    """
    if not 0 <= max_keys < 1 << 31:
        raise invalid_argument(
            "Argument maxKeys must be an integer between 0 and 2147483647", "maxKeys", max_keys
        )
    return min(max_keys, MAX_KEYS)


def _common(
    page: Listing,
    bucket: str,
    prefix: str | None,
    delimiter: str | None,
    encoding_type: str | None,
    encode: Callable[[str], str],
) -> Shape:
    return {
        "Name": bucket,
        "Prefix": encode(prefix or ""),
        "Delimiter": encode(delimiter) if delimiter else None,
        "EncodingType": encoding_type,
        "IsTruncated": page.truncated,
        "CommonPrefixes": [{"Prefix": encode(name)} for name in page.prefixes],
    }


def _contents(page: Listing, encode: Callable[[str], str], account: str | None) -> list[Shape]:
    shown: dict[str, Any] = {} if account is None else {"Owner": owner(account)}
    return [_content(info, encode(info.key)) | shown for info in page.objects]


def _content(info: ObjectInfo, key: str) -> Shape:
    content: Shape = {
        "Key": key,
        "LastModified": info.last_modified,
        "ETag": quoted_etag(info),
        "Size": info.size,
        "StorageClass": info.attributes.headers.get("StorageClass", "STANDARD"),
    }
    if info.attributes.checksums:
        content["ChecksumAlgorithm"] = [name.upper() for name in info.attributes.checksums]
        content["ChecksumType"] = info.attributes.checksum_type
    return content
