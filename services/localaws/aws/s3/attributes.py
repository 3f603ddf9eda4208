"""What a request says of an object besides its bytes, and how answers say it again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from localaws.aws.s3.errors import entity_too_large, metadata_too_large, not_implemented_header
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.object_store.base import Attributes, ObjectInfo, WriteCondition

MAX_PUT_BYTES = 5 << 30
MAX_METADATA_BYTES = 2048
DEFAULT_CONTENT_TYPE = "binary/octet-stream"

_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
_HARMLESS_ACLS = ("private", "bucket-owner-full-control", "bucket-owner-read")
"""What a bucket owner enforced (the default) does with ACLs anyway."""

_HEADERS = {
    "cache_control": "CacheControl",
    "content_disposition": "ContentDisposition",
    "content_encoding": "ContentEncoding",
    "content_language": "ContentLanguage",
    "content_type": "ContentType",
    "expires": "Expires",
    "website_redirect_location": "WebsiteRedirectLocation",
    "storage_class": "StorageClass",
    "server_side_encryption": "ServerSideEncryption",
}


def stored_headers(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers to be kept among an operation's parameters, by AWS's member name.

    Raises:
        AwsError: NotImplemented for what would need more than keeping it.
    """
    headers = {}
    for name, member in _HEADERS.items():
        value = parameters.get(name)
        if isinstance(value, datetime):
            value = format_datetime(value.astimezone(UTC), usegmt=True)
        if value:
            headers[member] = str(value)
    encoding = headers.pop("ContentEncoding", "")
    codings = [part.strip() for part in encoding.split(",")]
    # The framing of the upload is not part of the object.
    if kept := ",".join(part for part in codings if part and part != "aws-chunked"):
        headers["ContentEncoding"] = kept
    if headers.get("StorageClass") in _ARCHIVES:
        raise not_implemented_header(
            f"storage class {headers['StorageClass']}, which needs restore"
        )
    if headers.get("StorageClass") == "STANDARD":
        del headers["StorageClass"]
    if headers.get("ServerSideEncryption", "AES256") != "AES256":
        raise not_implemented_header("server-side encryption with KMS keys")
    acl = parameters.get("acl")
    if acl and acl not in _HARMLESS_ACLS:
        raise not_implemented_header(f"the canned ACL {acl}")
    return headers


def checked_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Return user metadata with keys in lower case.

    Raises:
        AwsError: MetadataTooLarge above 2 KB.
    """
    kept = {key.lower(): value for key, value in (metadata or {}).items()}
    size = sum(len(key.encode()) + len(value.encode()) for key, value in kept.items())
    if size > MAX_METADATA_BYTES:
        raise metadata_too_large(size, MAX_METADATA_BYTES)
    return kept


def header_members(attributes: Attributes) -> Shape:
    """Return an object's headers and metadata as members of GetObject's and HeadObject's output."""
    members: Shape = {"ContentType": DEFAULT_CONTENT_TYPE, **attributes.headers}
    if "Expires" in members:
        members["Expires"] = parsedate_to_datetime(members["Expires"])
    if attributes.metadata:
        members["Metadata"] = dict(attributes.metadata)
    if attributes.tags:
        members["TagCount"] = len(attributes.tags)
    return members


def encryption_member(attributes: Attributes) -> Shape:
    """Return the encryption asked for, as a member of the output of writes."""
    asked = attributes.headers.get("ServerSideEncryption")
    return {"ServerSideEncryption": asked} if asked else {}


def quoted_etag(info: ObjectInfo) -> str:
    """Return an object's ETag as it is sent."""
    return f'"{info.etag}"'


def write_condition(if_match: str | None, if_none_match: str | None) -> WriteCondition | None:
    """Return the condition of a write.

    Raises:
        AwsError: NotImplemented for ``If-None-Match`` with an ETag, as on S3.
    """
    if if_none_match is not None:
        if if_none_match != "*":
            raise not_implemented_header("If-None-Match with an ETag")
        return WriteCondition(must_not_exist=True)
    if if_match is not None:
        return WriteCondition(must_match=if_match.strip('"'))
    return None


def upload_body(
    ctx: Context, body: AsyncIterator[bytes] | bytes, content_length: int | None
) -> tuple[AsyncIterator[bytes], int | None]:
    """Return an upload's bytes and their declared number.

    Raises:
        AwsError: EntityTooLarge above 5 GiB.
    """
    if isinstance(body, bytes):
        return _once(body), len(body)
    headers = ctx.cache.get("headers", {})
    # The length of an aws-chunked body is that of its framing.
    decoded = headers.get("x-amz-decoded-content-length")
    length = int(decoded) if decoded else content_length
    if length is not None and length > MAX_PUT_BYTES:
        raise entity_too_large(length, MAX_PUT_BYTES)
    return body, length


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
