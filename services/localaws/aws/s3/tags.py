"""Tags of buckets and objects.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from localaws.aws.s3.errors import invalid_argument, invalid_tag, malformed_xml
from localaws.core.errors import AwsError
from localaws.core.service import Shape

MAX_OBJECT_TAGS = 10
MAX_BUCKET_TAGS = 50
_CHARACTERS = re.compile(r"[\w\s+\-=.:/@]*")


def tags_of_set(tagging: Shape, limit: int) -> dict[str, str]:
    """Return the tags of a ``Tagging`` document.

    Raises:
        AwsError: MalformedXML, InvalidTag, BadRequest.
    """
    tag_set = tagging.get("TagSet")
    if tag_set is None or any("Key" not in tag or "Value" not in tag for tag in tag_set):
        raise malformed_xml()
    return _checked([(tag["Key"], tag["Value"]) for tag in tag_set], limit)


def tags_of_header(header: str | None) -> dict[str, str]:
    """Return the tags of an ``x-amz-tagging`` header.

    Raises:
        AwsError: InvalidArgument, InvalidTag, BadRequest.
    """
    if not header:
        return {}
    pairs = parse_qsl(header, keep_blank_values=True)
    if len({key for key, _ in pairs}) != len(pairs):
        raise invalid_argument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
            "parameters without tag name duplicates.",
            "x-amz-tagging",
            header,
        )
    return _checked(pairs, MAX_OBJECT_TAGS)


def tag_set(tags: Mapping[str, str]) -> list[Shape]:
    """Return tags as a ``TagSet``."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _checked(pairs: Iterable[tuple[str, str]], limit: int) -> dict[str, str]:
    tags: dict[str, str] = {}
    for key, value in pairs:
        if key in tags:
            raise invalid_tag("Cannot provide multiple Tags with the same key", TagKey=key)
        if not 1 <= len(key) <= 128 or _CHARACTERS.fullmatch(key) is None:
            raise invalid_tag("The TagKey you have provided is invalid", TagKey=key)
        if len(value) > 256 or _CHARACTERS.fullmatch(value) is None:
            raise invalid_tag(
                "The TagValue you have provided is invalid", TagKey=key, TagValue=value
            )
        if key.lower().startswith("aws:"):
            raise invalid_tag("System tags cannot be added/updated by requester", TagKey=key)
        tags[key] = value
    if len(tags) > limit:
        kind = "Object" if limit == MAX_OBJECT_TAGS else "Bucket"
        raise AwsError("BadRequest", f"{kind} tags cannot be greater than {limit}")
    return tags
