"""Small helpers over S3's API: list, stream, and clear a prefix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

DELETE_BATCH = 1000


@dataclass(frozen=True)
class S3Object:
    """An object as a listing shows it."""

    key: str
    size: int
    etag: str


def list_objects(client: S3Client, bucket: str, prefix: str = "") -> Iterator[S3Object]:
    """Yield the objects under a prefix, by key."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for item in page.get("Contents", []):
            yield S3Object(item["Key"], item["Size"], item["ETag"].strip('"'))


def read(client: S3Client, bucket: str, key: str) -> bytes | None:
    """Return an object's bytes, or None when there is no such object."""
    try:
        return client.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return None
        raise


def first_line(client: S3Client, bucket: str, key: str, limit: int = 65536) -> str:
    """Return the first line of an object, of which at most `limit` bytes are read."""
    try:
        body = client.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{limit - 1}")["Body"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "InvalidRange":  # an empty object has no byte 0
            return ""
        raise
    return body.read().split(b"\n", 1)[0].decode("utf-8", errors="replace").rstrip("\r")


def clear(client: S3Client, bucket: str, prefix: str = "") -> int:
    """Delete every object under a prefix; return how many there were."""
    keys = [item.key for item in list_objects(client, bucket, prefix)]
    for start in range(0, len(keys), DELETE_BATCH):
        batch = keys[start : start + DELETE_BATCH]
        client.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
        )
    return len(keys)


def bucket_exists(client: S3Client, bucket: str) -> bool:
    """Return whether the bucket is there and ours to read."""
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchBucket"):
            return False
        raise
    return True
