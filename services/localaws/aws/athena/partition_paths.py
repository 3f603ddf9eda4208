"""Partition folders: ``key=value`` path parts with Hive's escapes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from localaws.aws.athena.reader import NULL_PARTITION

_ESCAPED = re.compile(r"[\x00-\x1f\"#%'*/:=?\\\x7f{\[\]^]")
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")


def escape(value: str) -> str:
    """Return a partition value as it is written in a path."""
    if not value:
        return NULL_PARTITION
    return _ESCAPED.sub(lambda match: f"%{ord(match[0]):02X}", value)


def unescape(part: str) -> str:
    """Return the partition value a path part stands for."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), part)


def partition_path(keys: Sequence[str], values: Sequence[str]) -> str:
    """Return ``k1=v1/k2=v2``, without a trailing slash."""
    return "/".join(
        f"{escape(key)}={escape(value)}" for key, value in zip(keys, values, strict=True)
    )


def parse_part(part: str) -> tuple[str, str] | None:
    """Return (key, value) of a ``key=value`` path part, or None where it is none."""
    key, separator, value = part.partition("=")
    return (unescape(key).lower(), unescape(value)) if separator and key and value else None
