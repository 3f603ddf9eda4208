"""Conditions and ranges of reads and of sources of copies.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-reads.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from localaws.aws.s3.errors import invalid_part_number, invalid_range, invalid_request
from localaws.engines.object_store.base import ObjectInfo
from localaws.engines.object_store.errors import precondition_failed

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_COPY_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


@dataclass(frozen=True)
class ReadCondition:
    """The ``If-…`` headers of a read; ETags may be lists, or ``*``."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: datetime | None = None
    if_unmodified_since: datetime | None = None

    def check(self, info: ObjectInfo, now: datetime, *, copying: bool = False) -> bool:
        """Return whether to answer with the object; False is "304 Not Modified".

        Of a copy's source "not modified" is a failure too.

        Raises:
            AwsError: PreconditionFailed.
        """
        if self.if_match is not None:
            if not _matches(self.if_match, info.etag):
                raise precondition_failed("If-Match")
        elif self.if_unmodified_since is not None and info.last_modified > self.if_unmodified_since:
            raise precondition_failed("If-Unmodified-Since")
        modified = True
        if self.if_none_match is not None:
            modified = not _matches(self.if_none_match, info.etag)
        elif self.if_modified_since is not None and self.if_modified_since <= now:
            modified = info.last_modified > self.if_modified_since
        if not modified and copying:
            raise precondition_failed("x-amz-copy-source-If-None-Match")
        return modified


def _matches(etags: str, etag: str) -> bool:
    return any(
        part.strip() == "*" or part.strip().removeprefix("W/").strip('"') == etag
        for part in etags.split(",")
    )


@dataclass(frozen=True)
class Extent:
    """The bytes [start, end) of an object that a read asks for."""

    start: int
    end: int
    size: int
    partial: bool = False
    parts: int | None = None

    @property
    def length(self) -> int:
        """Number of bytes."""
        return self.end - self.start

    @property
    def content_range(self) -> str:
        """Value of the Content-Range header."""
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


def extent(info: ObjectInfo, header: str | None, part_number: int | None) -> Extent:
    """Return what a read asks for by range or by part number; all without either.

    A range that is not one is ignored, as HTTP wants it.

    Raises:
        AwsError: InvalidRange, InvalidPartNumber, InvalidRequest.
    """
    if part_number is not None:
        if header is not None:
            raise invalid_request("Cannot specify both Range header and partNumber query parameter")
        return _part(info, part_number)
    match = _RANGE.fullmatch(header.strip()) if header else None
    if header is None or match is None or match.groups() == ("", ""):
        return Extent(0, info.size, info.size)
    first, last = match.groups()
    if not first:
        suffix = min(int(last), info.size)
        if suffix == 0:
            raise invalid_range(header, info.size)
        return Extent(info.size - suffix, info.size, info.size, partial=True)
    start = int(first)
    end = min(int(last) + 1, info.size) if last else info.size
    if last and int(last) < start:
        return Extent(0, info.size, info.size)
    if start >= info.size:
        raise invalid_range(header, info.size)
    return Extent(start, end, info.size, partial=True)


def _part(info: ObjectInfo, number: int) -> Extent:
    sizes = info.part_sizes or (info.size,)
    if not 1 <= number <= len(sizes):
        raise invalid_part_number(number, len(sizes))
    start = sum(sizes[: number - 1])
    parts = len(info.part_sizes) or None
    return Extent(start, start + sizes[number - 1], info.size, partial=info.size > 0, parts=parts)


def copy_extent(info: ObjectInfo, header: str | None) -> Extent:
    """Return the bytes of a source that UploadPartCopy takes.

    Raises:
        AwsError: InvalidArgument where the range is not one within the source.
    """
    if header is None:
        return Extent(0, info.size, info.size)
    match = _COPY_RANGE.fullmatch(header)
    if match is None:
        raise invalid_request(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first "
            "and last are the zero-based offsets of the first and last bytes to copy"
        )
    start, last = int(match[1]), int(match[2])
    if start > last or last >= info.size:
        raise invalid_request(
            f"Range specified is not valid for source object of size: {info.size}"
        )
    return Extent(start, last + 1, info.size, partial=True)
