"""Objects: written and deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from localaws.aws.s3.attributes import (
    checked_metadata,
    encryption_member,
    quoted_etag,
    stored_headers,
    upload_body,
    write_condition,
)
from localaws.aws.s3.checksums import object_checksum_members, upload_checksums
from localaws.aws.s3.errors import malformed_xml
from localaws.aws.s3.model import check_version, owned_bucket
from localaws.aws.s3.service import service
from localaws.aws.s3.tags import tags_of_header
from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.object_store.base import Attributes
from localaws.engines.object_store.schema import encode_key

MAX_DELETED = 1000

PUT_NOTE = (
    "SSE AES256 is recorded and answered, bytes are not encrypted; KMS, customer keys, object lock "
    "and archive storage classes are refused"
)


@service.operation("executed", PUT_NOTE)
async def put_object(
    ctx: Context,
    *,
    bucket: str,
    key: str,
    body: AsyncIterator[bytes] | bytes = b"",
    acl: str | None = None,
    cache_control: str | None = None,
    content_disposition: str | None = None,
    content_encoding: str | None = None,
    content_language: str | None = None,
    content_length: int | None = None,
    content_md5: str | None = None,
    content_type: str | None = None,
    checksum_algorithm: str | None = None,
    checksum_crc32: str | None = None,
    checksum_crc32_c: str | None = None,
    checksum_crc64_nvme: str | None = None,
    checksum_sha1: str | None = None,
    checksum_sha256: str | None = None,
    checksum_sha512: str | None = None,
    checksum_md5: str | None = None,
    expires: datetime | None = None,
    if_match: str | None = None,
    if_none_match: str | None = None,
    metadata: dict[str, str] | None = None,
    server_side_encryption: str | None = None,
    storage_class: str | None = None,
    website_redirect_location: str | None = None,
    request_payer: str | None = None,
    tagging: str | None = None,
    expected_bucket_owner: str | None = None,
) -> Shape:
    """Write an object, whole or not at all."""
    given = locals()
    attributes = Attributes(
        headers=stored_headers(given),
        metadata=checked_metadata(metadata),
        tags=tags_of_header(tagging),
        checksums=upload_checksums(ctx, given, checksum_algorithm),
    )
    condition = write_condition(if_match, if_none_match)
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    chunks, length = upload_body(ctx, body, content_length)
    info = await ctx.platform.object_store.put(
        bucket, key, chunks, attributes, condition, content_md5, length
    )
    return {
        "ETag": quoted_etag(info),
        **object_checksum_members(info.attributes),
        **encryption_member(info.attributes),
    }


@service.operation("executed")
async def delete_object(
    ctx: Context,
    *,
    bucket: str,
    key: str,
    version_id: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
) -> None:
    """Delete an object; one that is not there is no error."""
    check_version(version_id)
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    await ctx.platform.object_store.delete(bucket, [key])


@service.operation("executed")
async def delete_objects(
    ctx: Context,
    *,
    bucket: str,
    delete: Shape,
    checksum_algorithm: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
) -> Shape:
    """Delete up to 1,000 objects."""
    wanted = delete.get("Objects") or []
    if not 1 <= len(wanted) <= MAX_DELETED or any(not item.get("Key") for item in wanted):
        raise malformed_xml()
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    deleted: list[Shape] = []
    errors: list[Shape] = []
    for item in wanted:
        try:
            _check_deletable(item)
            deleted.append({"Key": item["Key"]})
        except AwsError as error:
            errors.append({"Key": item["Key"], "Code": error.code, "Message": error.message})
    await ctx.platform.object_store.delete(bucket, [item["Key"] for item in deleted])
    return {"Deleted": [] if delete.get("Quiet") else deleted, "Errors": errors}


def _check_deletable(item: Shape) -> None:
    encode_key(item["Key"])
    check_version(item.get("VersionId"))
    for condition in ("ETag", "LastModifiedTime", "Size"):
        if item.get(condition) is not None:
            raise AwsError("NotImplemented", f"Deletion by {condition} is not implemented", 501)
