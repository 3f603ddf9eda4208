"""Objects: read."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from localaws.aws.s3.attributes import header_members, quoted_etag
from localaws.aws.s3.checksums import checksum_members, object_checksum_members
from localaws.aws.s3.conditions import Extent, ReadCondition, extent
from localaws.aws.s3.errors import invalid_argument
from localaws.aws.s3.model import check_version, owned_bucket
from localaws.aws.s3.service import service
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.object_store.base import ObjectInfo

SMALL_BODY = 256 << 10
"""Bodies up to this size are sent in one piece."""

_NOT_IN_HEADERS = re.compile(r"[\x00-\x1f\x7f]")
_OVERRIDES = {
    "response_cache_control": "CacheControl",
    "response_content_disposition": "ContentDisposition",
    "response_content_encoding": "ContentEncoding",
    "response_content_language": "ContentLanguage",
    "response_content_type": "ContentType",
    "response_expires": "Expires",
}


@service.operation("executed")
async def get_object(
    ctx: Context,
    *,
    bucket: str,
    key: str,
    if_match: str | None = None,
    if_modified_since: datetime | None = None,
    if_none_match: str | None = None,
    if_unmodified_since: datetime | None = None,
    range: str | None = None,
    part_number: int | None = None,
    response_cache_control: str | None = None,
    response_content_disposition: str | None = None,
    response_content_encoding: str | None = None,
    response_content_language: str | None = None,
    response_content_type: str | None = None,
    response_expires: datetime | None = None,
    version_id: str | None = None,
    checksum_mode: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
) -> Shape:
    """Return an object's bytes, or some of them."""
    given = locals()
    info, part, answer = await _found(ctx, given)
    if part is None:
        return answer
    chunks = ctx.platform.object_store.read(info, part.start, part.end)
    if part.length <= SMALL_BODY:
        return {**answer, "Body": b"".join([chunk async for chunk in chunks])}
    return {**answer, "Body": chunks}


@service.operation("executed")
async def head_object(
    ctx: Context,
    *,
    bucket: str,
    key: str,
    if_match: str | None = None,
    if_modified_since: datetime | None = None,
    if_none_match: str | None = None,
    if_unmodified_since: datetime | None = None,
    range: str | None = None,
    part_number: int | None = None,
    response_cache_control: str | None = None,
    response_content_disposition: str | None = None,
    response_content_encoding: str | None = None,
    response_content_language: str | None = None,
    response_content_type: str | None = None,
    response_expires: datetime | None = None,
    version_id: str | None = None,
    checksum_mode: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
) -> Shape:
    """Return what is known of an object."""
    given = locals()
    _, _, answer = await _found(ctx, given)
    return answer


async def _found(ctx: Context, given: dict[str, Any]) -> tuple[ObjectInfo, Extent | None, Shape]:
    """Return the object, the bytes asked for (None: it is not modified), and the answer."""
    check_version(given["version_id"])
    await owned_bucket(ctx, given["bucket"], given["expected_bucket_owner"])
    info = await ctx.platform.object_store.head(given["bucket"], given["key"])
    condition = ReadCondition(
        given["if_match"],
        given["if_none_match"],
        given["if_modified_since"],
        given["if_unmodified_since"],
    )
    answer: Shape = {"ETag": quoted_etag(info), "LastModified": info.last_modified}
    if not condition.check(info, ctx.platform.clock.now()):
        return info, None, {**answer, "__status__": 304}
    part = extent(info, given["range"], given["part_number"])
    answer |= {
        **header_members(info.attributes),
        **_overrides(given),
        "AcceptRanges": "bytes",
        "ContentLength": part.length,
    }
    if part.partial:
        answer |= {"__status__": 206, "ContentRange": part.content_range, "PartsCount": part.parts}
    elif given["checksum_mode"] == "ENABLED":
        answer |= object_checksum_members(info.attributes)
    return info, part, answer


def _overrides(given: dict[str, Any]) -> Shape:
    """Return the answer's headers that the request sets."""
    overrides = {}
    for name, member in _OVERRIDES.items():
        value = given[name]
        if value is None:
            continue
        if isinstance(value, str) and _NOT_IN_HEADERS.search(value):
            raise invalid_argument(
                "Header value cannot contain control characters",
                name.replace("_", "-"),
                repr(value),
            )
        overrides[member] = value
    return overrides


@service.operation("executed", "parts are numbered and sized; their checksums are not kept")
async def get_object_attributes(
    ctx: Context,
    *,
    bucket: str,
    key: str,
    object_attributes: list[str],
    max_parts: int = 1000,
    part_number_marker: int = 0,
    version_id: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
) -> Shape:
    """Return the attributes asked for."""
    check_version(version_id)
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    info = await ctx.platform.object_store.head(bucket, key)
    wanted = {part.strip() for item in object_attributes for part in item.split(",")}
    answer: Shape = {"LastModified": info.last_modified}
    if "ETag" in wanted:
        answer["ETag"] = info.etag
    if "ObjectSize" in wanted:
        answer["ObjectSize"] = info.size
    if "StorageClass" in wanted:
        answer["StorageClass"] = info.attributes.headers.get("StorageClass", "STANDARD")
    if "Checksum" in wanted and info.attributes.checksums:
        values = {
            name: value.partition("-")[0] for name, value in info.attributes.checksums.items()
        }
        answer["Checksum"] = {
            **checksum_members(values),
            "ChecksumType": info.attributes.checksum_type,
        }
    if "ObjectParts" in wanted and info.part_sizes:
        answer["ObjectParts"] = _parts(info, part_number_marker, min(max_parts, 1000))
    return answer


def _parts(info: ObjectInfo, marker: int, limit: int) -> Shape:
    numbered = list(enumerate(info.part_sizes, 1))[marker:]
    page = numbered[:limit]
    return {
        "TotalPartsCount": len(info.part_sizes),
        "PartNumberMarker": marker,
        "NextPartNumberMarker": page[-1][0] if page else marker,
        "MaxParts": limit,
        "IsTruncated": len(numbered) > limit,
        "Parts": [{"PartNumber": number, "Size": size} for number, size in page],
    }
