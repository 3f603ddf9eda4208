"""Objects: copied."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from localaws.aws.s3.attributes import (
    MAX_PUT_BYTES,
    checked_metadata,
    encryption_member,
    quoted_etag,
    stored_headers,
    write_condition,
)
from localaws.aws.s3.checksums import checked_algorithm, object_checksum_members
from localaws.aws.s3.conditions import ReadCondition
from localaws.aws.s3.errors import invalid_argument, invalid_request
from localaws.aws.s3.model import owned_bucket
from localaws.aws.s3.service import service
from localaws.aws.s3.sources import find_source
from localaws.aws.s3.tags import tags_of_header
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.object_store.base import Attributes, ObjectInfo

_NOT_COPIED = ("StorageClass", "ServerSideEncryption", "WebsiteRedirectLocation")
"""Headers that a copy gets from its request, whatever the directive."""


@service.operation("executed")
async def copy_object(
    ctx: Context,
    *,
    bucket: str,
    key: str,
    copy_source: str,
    acl: str | None = None,
    cache_control: str | None = None,
    checksum_algorithm: str | None = None,
    content_disposition: str | None = None,
    content_encoding: str | None = None,
    content_language: str | None = None,
    content_type: str | None = None,
    copy_source_if_match: str | None = None,
    copy_source_if_modified_since: datetime | None = None,
    copy_source_if_none_match: str | None = None,
    copy_source_if_unmodified_since: datetime | None = None,
    expires: datetime | None = None,
    if_match: str | None = None,
    if_none_match: str | None = None,
    metadata: dict[str, str] | None = None,
    metadata_directive: str = "COPY",
    tagging: str | None = None,
    tagging_directive: str = "COPY",
    server_side_encryption: str | None = None,
    storage_class: str | None = None,
    website_redirect_location: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
    expected_source_bucket_owner: str | None = None,
) -> Shape:
    """Copy an object of up to 5 GiB."""
    given = locals()
    for name in ("metadata_directive", "tagging_directive"):
        if given[name] not in ("COPY", "REPLACE"):
            raise invalid_argument(
                f"Unknown {name.replace('_', ' ')}.", f"x-amz-{name.replace('_', '-')}", given[name]
            )
    await owned_bucket(ctx, bucket, expected_bucket_owner)
    source = await _source(ctx, given)
    info = await ctx.platform.object_store.copy(
        source, bucket, key, _attributes(source, given), write_condition(if_match, if_none_match)
    )
    return {
        "CopyObjectResult": {
            "ETag": quoted_etag(info),
            "LastModified": info.last_modified,
            **object_checksum_members(info.attributes),
        },
        **encryption_member(info.attributes),
    }


async def _source(ctx: Context, given: dict[str, Any]) -> ObjectInfo:
    condition = ReadCondition(
        given["copy_source_if_match"],
        given["copy_source_if_none_match"],
        given["copy_source_if_modified_since"],
        given["copy_source_if_unmodified_since"],
    )
    source = await find_source(
        ctx, given["copy_source"], condition, given["expected_source_bucket_owner"]
    )
    changes = (
        given["metadata_directive"] == "REPLACE"
        or given["storage_class"]
        or given["server_side_encryption"]
        or given["website_redirect_location"]
    )
    if (source.bucket, source.key) == (given["bucket"], given["key"]) and not changes:
        raise invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself "
            "without changing the object's metadata, storage class, website redirect location or "
            "encryption attributes."
        )
    if source.size > MAX_PUT_BYTES:
        raise invalid_request(
            "The specified copy source is larger than the maximum allowable size for a copy "
            f"source: {MAX_PUT_BYTES}"
        )
    return source


def _attributes(source: ObjectInfo, given: dict[str, Any]) -> Attributes:
    """Return the copy's attributes: the source's, or those of the request."""
    attributes = source.attributes
    headers = stored_headers(given)
    if given["metadata_directive"] == "REPLACE":
        attributes = replace(
            attributes, headers=headers, metadata=checked_metadata(given["metadata"])
        )
    else:
        kept = {
            name: value for name, value in attributes.headers.items() if name not in _NOT_COPIED
        }
        asked = {name: value for name, value in headers.items() if name in _NOT_COPIED}
        attributes = replace(attributes, headers=kept | asked)
    if given["tagging_directive"] == "REPLACE":
        attributes = replace(attributes, tags=tags_of_header(given["tagging"]))
    algorithms = list(attributes.checksums)
    if given["checksum_algorithm"]:
        algorithms = [checked_algorithm(given["checksum_algorithm"])]
    return replace(attributes, checksums=dict.fromkeys(algorithms, ""), checksum_type="FULL_OBJECT")
