"""Multipart uploads: begun, filled, completed, aborted."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from localaws.aws.s3.attributes import (
    checked_metadata,
    encryption_member,
    quoted_etag,
    stored_headers,
    upload_body,
    write_condition,
)
from localaws.aws.s3.checksums import (
    MEMBERS,
    checked_algorithm,
    checksum_members,
    given_checksums,
    object_checksum_members,
    upload_checksum_type,
    upload_checksums,
)
from localaws.aws.s3.conditions import ReadCondition, copy_extent
from localaws.aws.s3.errors import invalid_argument, invalid_request, malformed_xml
from localaws.aws.s3.model import owned_bucket
from localaws.aws.s3.object_operations import PUT_NOTE
from localaws.aws.s3.service import service
from localaws.aws.s3.sources import find_source
from localaws.aws.s3.tags import tags_of_header
from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.object_store.base import Attributes, Part
from localaws.engines.object_store.errors import invalid_part

MAX_PARTS = 10_000


@service.operation("executed", PUT_NOTE)
async def create_multipart_upload(
    ctx: Context,
    *,
    bucket: str,
    key: str,
    acl: str | None = None,
    cache_control: str | None = None,
    content_disposition: str | None = None,
    content_encoding: str | None = None,
    content_language: str | None = None,
    content_type: str | None = None,
    checksum_algorithm: str | None = None,
    checksum_type: str | None = None,
    expires: datetime | None = None,
    metadata: dict[str, str] | None = None,
    server_side_encryption: str | None = None,
    storage_class: str | None = None,
    website_redirect_location: str | None = None,
    tagging: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
) -> Shape:
    """Begin an upload."""
    given = locals()
    algorithm = checked_algorithm(checksum_algorithm) if checksum_algorithm else None
    attributes = Attributes(
        headers=stored_headers(given),
        metadata=checked_metadata(metadata),
        tags=tags_of_header(tagging),
        checksums={algorithm: ""} if algorithm else {},
        checksum_type=upload_checksum_type(algorithm, checksum_type),
    )
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    upload = await ctx.platform.object_store.create_upload(bucket, key, attributes)
    return {
        "Bucket": bucket,
        "Key": key,
        "UploadId": upload,
        **encryption_member(attributes),
        "ChecksumAlgorithm": algorithm.upper() if algorithm else None,
        "ChecksumType": attributes.checksum_type if algorithm else None,
    }


@service.operation("executed")
async def upload_part(
    ctx: Context,
    *,
    bucket: str,
    key: str,
    part_number: int,
    upload_id: str,
    body: AsyncIterator[bytes] | bytes = b"",
    content_length: int | None = None,
    content_md5: str | None = None,
    checksum_algorithm: str | None = None,
    checksum_crc32: str | None = None,
    checksum_crc32_c: str | None = None,
    checksum_crc64_nvme: str | None = None,
    checksum_sha1: str | None = None,
    checksum_sha256: str | None = None,
    checksum_sha512: str | None = None,
    checksum_md5: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
) -> Shape:
    """Write a part."""
    given = locals()
    _check_part_number(part_number)
    checksums = upload_checksums(ctx, given, checksum_algorithm)
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    chunks, length = upload_body(ctx, body, content_length)
    part = await ctx.platform.object_store.put_part(
        bucket, key, upload_id, part_number, chunks, checksums, content_md5, length
    )
    return {"ETag": f'"{part.etag}"', **checksum_members(part.checksums)}


@service.operation("executed")
async def upload_part_copy(
    ctx: Context,
    *,
    bucket: str,
    key: str,
    copy_source: str,
    part_number: int,
    upload_id: str,
    copy_source_if_match: str | None = None,
    copy_source_if_modified_since: datetime | None = None,
    copy_source_if_none_match: str | None = None,
    copy_source_if_unmodified_since: datetime | None = None,
    copy_source_range: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
    expected_source_bucket_owner: str | None = None,
) -> Shape:
    """Write a part of the bytes of an object."""
    _check_part_number(part_number)
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    condition = ReadCondition(
        copy_source_if_match,
        copy_source_if_none_match,
        copy_source_if_modified_since,
        copy_source_if_unmodified_since,
    )
    source = await find_source(ctx, copy_source, condition, expected_source_bucket_owner)
    taken = copy_extent(source, copy_source_range)
    store = ctx.platform.object_store
    part = await store.put_part(
        bucket,
        key,
        upload_id,
        part_number,
        store.read(source, taken.start, taken.end),
        length=taken.length,
    )
    return {
        "CopyPartResult": {
            "ETag": f'"{part.etag}"',
            "LastModified": part.last_modified,
            **checksum_members(part.checksums),
        }
    }


def _check_part_number(number: int) -> None:
    if not 1 <= number <= MAX_PARTS:
        raise invalid_argument(
            "Part number must be an integer between 1 and 10000, inclusive", "partNumber", number
        )


@service.operation("executed")
async def complete_multipart_upload(
    ctx: Context,
    *,
    bucket: str,
    key: str,
    upload_id: str,
    multipart_upload: Shape | None = None,
    checksum_crc32: str | None = None,
    checksum_crc32_c: str | None = None,
    checksum_crc64_nvme: str | None = None,
    checksum_sha1: str | None = None,
    checksum_sha256: str | None = None,
    checksum_sha512: str | None = None,
    checksum_md5: str | None = None,
    checksum_type: str | None = None,
    mpu_object_size: int | None = None,
    if_match: str | None = None,
    if_none_match: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
) -> Shape:
    """Make the object of its parts; may be repeated."""
    given = locals()
    wanted = (multipart_upload or {}).get("Parts") or []
    if not 1 <= len(wanted) <= MAX_PARTS or any("PartNumber" not in part for part in wanted):
        raise malformed_xml()
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    store = ctx.platform.object_store
    with contextlib.suppress(_Completed):
        await _check_parts(ctx, given, wanted)
    info = await store.complete_upload(
        bucket,
        key,
        upload_id,
        [(part["PartNumber"], part.get("ETag", "")) for part in wanted],
        write_condition(if_match, if_none_match),
        given_checksums(given),
    )
    return {
        "Location": f"{ctx.endpoint}/{bucket}/{quote(key)}",
        "Bucket": bucket,
        "Key": key,
        "ETag": quoted_etag(info),
        **object_checksum_members(info.attributes),
        **encryption_member(info.attributes),
    }


class _Completed(Exception):
    """The upload is not open: completing it again is for the store to judge."""


async def _check_parts(ctx: Context, given: Mapping[str, Any], wanted: list[Shape]) -> None:
    """Check what the client says of parts and object besides the ETags."""
    store = ctx.platform.object_store
    place = (given["bucket"], given["key"], given["upload_id"])
    try:
        upload = await store.upload(*place)
        parts = {part.number: part for part in await store.parts(*place)}
    except AwsError as error:
        if error.code == "NoSuchUpload":
            raise _Completed from error
        raise
    kind = given["checksum_type"]
    if kind is not None and kind != upload.attributes.checksum_type:
        raise invalid_request(
            f"The upload was created using the {upload.attributes.checksum_type} checksum mode. "
            "The complete request must use the same checksum mode."
        )
    for item in wanted:
        part = parts.get(item["PartNumber"])
        if part is not None and not _same_checksums(item, part):
            raise invalid_part(given["upload_id"], part.number, part.etag)
    size = sum(parts[item["PartNumber"]].size for item in wanted if item["PartNumber"] in parts)
    if given["mpu_object_size"] not in (None, size):
        raise invalid_request(
            f"The provided 'x-amz-mp-object-size' header value {given['mpu_object_size']} does "
            f"not match what was computed: {size}"
        )


def _same_checksums(item: Shape, part: Part) -> bool:
    return all(
        item.get(member) in (None, part.checksums.get(name)) for name, member in MEMBERS.items()
    )


@service.operation("executed")
async def abort_multipart_upload(
    ctx: Context,
    *,
    bucket: str,
    key: str,
    upload_id: str,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
) -> None:
    """Drop an upload and its parts."""
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    await ctx.platform.object_store.abort_upload(bucket, key, upload_id)
