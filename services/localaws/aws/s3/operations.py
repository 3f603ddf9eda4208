"""The S3 API, by what the operations work on."""

from __future__ import annotations

from localaws.aws.s3 import (
    bucket_operations,
    configuration_operations,
    copy_operations,
    listing_operations,
    object_operations,
    read_operations,
    tag_operations,
    upload_listing,
    upload_operations,
)
from localaws.aws.s3.service import service

__all__ = [
    "bucket_operations",
    "configuration_operations",
    "copy_operations",
    "listing_operations",
    "object_operations",
    "read_operations",
    "service",
    "tag_operations",
    "upload_listing",
    "upload_operations",
]
