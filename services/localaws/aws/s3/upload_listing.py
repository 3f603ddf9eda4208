"""Listings of open uploads and of their parts."""

from __future__ import annotations

from collections.abc import Callable

from localaws.aws.s3.checksums import checksum_members
from localaws.aws.s3.errors import invalid_argument
from localaws.aws.s3.listing_operations import encoder
from localaws.aws.s3.model import owned_bucket, owner
from localaws.aws.s3.service import service
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.object_store.base import Upload

MAX_ENTRIES = 1000


@service.operation("executed")
async def list_parts(
    ctx: Context,
    *,
    bucket: str,
    key: str,
    upload_id: str,
    max_parts: int = MAX_ENTRIES,
    part_number_marker: int = 0,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
) -> Shape:
    """Return a page of an upload's parts."""
    limit = _limit(max_parts, "max-parts")
    account = (await owned_bucket(ctx, bucket, expected_bucket_owner)).account
    store = ctx.platform.object_store
    upload = await store.upload(bucket, key, upload_id)
    parts = await store.parts(bucket, key, upload_id)
    found = [part for part in parts if part.number > part_number_marker]
    page = found[:limit]
    return {
        "Bucket": bucket,
        "Key": key,
        "UploadId": upload_id,
        "PartNumberMarker": part_number_marker,
        "NextPartNumberMarker": page[-1].number if page else 0,
        "MaxParts": limit,
        "IsTruncated": len(found) > limit,
        "Parts": [
            {
                "PartNumber": part.number,
                "LastModified": part.last_modified,
                "ETag": f'"{part.etag}"',
                "Size": part.size,
                **checksum_members(part.checksums),
            }
            for part in page
        ],
        **_description(upload, account),
    }


@service.operation("executed")
async def list_multipart_uploads(
    ctx: Context,
    *,
    bucket: str,
    delimiter: str | None = None,
    encoding_type: str | None = None,
    key_marker: str | None = None,
    upload_id_marker: str | None = None,
    max_uploads: int = MAX_ENTRIES,
    prefix: str | None = None,
    request_payer: str | None = None,
    expected_bucket_owner: str | None = None,
) -> Shape:
    """Return a page of a bucket's open uploads and their common prefixes."""
    encode = encoder(encoding_type)
    limit = _limit(max_uploads, "max-uploads")
    account = (await owned_bucket(ctx, bucket, expected_bucket_owner)).account
    uploads = list(await ctx.platform.object_store.uploads(bucket, prefix or ""))
    entries = _entries(
        _behind(uploads, key_marker, upload_id_marker), prefix or "", delimiter, key_marker
    )
    page = entries[:limit]
    truncated = len(entries) > limit
    last = page[-1] if page and truncated else None
    return {
        "Bucket": bucket,
        "KeyMarker": encode(key_marker or ""),
        "UploadIdMarker": upload_id_marker or "",
        "NextKeyMarker": encode(_key(last)) if last is not None else None,
        "NextUploadIdMarker": last.id if isinstance(last, Upload) else None,
        "Prefix": encode(prefix or ""),
        "Delimiter": encode(delimiter) if delimiter else None,
        "EncodingType": encoding_type,
        "MaxUploads": limit,
        "IsTruncated": truncated,
        "Uploads": [_upload(entry, account, encode) for entry in page if isinstance(entry, Upload)],
        "CommonPrefixes": [{"Prefix": encode(entry)} for entry in page if isinstance(entry, str)],
    }


def _limit(asked: int, name: str) -> int:
    if not 0 <= asked < 1 << 31:
        raise invalid_argument(
            f"Argument {name} must be an integer between 0 and 2147483647", name, asked
        )
    return min(asked, MAX_ENTRIES)


def _key(entry: Upload | str) -> str:
    return entry.key if isinstance(entry, Upload) else entry


def _behind(
    uploads: list[Upload], key_marker: str | None, upload_id_marker: str | None
) -> list[Upload]:
    """Return the uploads behind a marker: of higher keys, or later ones of the same key."""
    if not key_marker:
        return uploads
    marker = key_marker.encode()
    ids = [upload.id for upload in uploads if upload.key == key_marker]
    later = ids[ids.index(upload_id_marker) + 1 :] if upload_id_marker in ids else []
    return [
        upload
        for upload in uploads
        if upload.key.encode() > marker or (upload.key == key_marker and upload.id in later)
    ]


def _entries(
    uploads: list[Upload], prefix: str, delimiter: str | None, key_marker: str | None
) -> list[Upload | str]:
    """Return uploads and, once each, the common prefixes that stand for some of them."""
    entries: list[Upload | str] = []
    for upload in uploads:
        at = upload.key.find(delimiter, len(prefix)) if delimiter else -1
        if delimiter is None or at < 0:
            entries.append(upload)
            continue
        rolled = upload.key[: at + len(delimiter)]
        if rolled != key_marker and (not entries or entries[-1] != rolled):
            entries.append(rolled)
    return entries


def _upload(upload: Upload, account: str, encode: Callable[[str], str]) -> Shape:
    return {
        "UploadId": upload.id,
        "Key": encode(upload.key),
        "Initiated": upload.started_at,
        **_description(upload, account),
    }


def _description(upload: Upload, account: str) -> Shape:
    algorithms = list(upload.attributes.checksums)
    return {
        "Initiator": owner(account),
        "Owner": owner(account),
        "StorageClass": upload.attributes.headers.get("StorageClass", "STANDARD"),
        "ChecksumAlgorithm": algorithms[0].upper() if algorithms else None,
        "ChecksumType": upload.attributes.checksum_type if algorithms else None,
    }
