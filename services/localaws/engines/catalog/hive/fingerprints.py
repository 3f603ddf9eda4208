"""Whether someone else changed a thing: fingerprints, and the merge of what they changed."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from localaws.engines.catalog.base import Shape
from localaws.engines.catalog.hive.documents import STATISTICS, plain_location

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_ABSENT = object()
_LOCATIONS = ("Location", "LocationUri")


def fingerprint(document: Shape) -> bytes:
    """Return a digest of a document that came from the metastore; empty counts as absent."""
    return hashlib.blake2b(_encode(_plain(document)), digest_size=16).digest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        plain = {
            name: plain_location(each) if name in _LOCATIONS else _plain(each)
            for name, each in value.items()
            if name not in STATISTICS and each not in (None, False, 0, "")
        }
        return {name: each for name, each in plain.items() if each not in ({}, [])}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value


def merge(kept: Any, base: Any, theirs: Any) -> Any:
    """Return a document with what others changed.

    Args:
        kept: the document as it was given, with what only Glue has.
        base: what the metastore made of it.
        theirs: what the metastore has now.
    """
    if isinstance(kept, dict) and isinstance(base, dict) and isinstance(theirs, dict):
        merged = {}
        for name in [*kept, *(name for name in theirs if name not in kept)]:
            sides = (each.get(name, _ABSENT) for each in (kept, base, theirs))
            value = _merge_member(*sides)
            if value is not _ABSENT:
                merged[name] = value
        return merged
    if _is_named(kept) and _is_named(base) and _is_named(theirs):
        ours = {each["Name"].lower(): each for each in kept}
        former = {each["Name"].lower(): each for each in base}
        return [
            merge(ours.get(name, {}), former.get(name, {}), each)
            for each in theirs
            for name in (each["Name"].lower(),)
        ]
    return theirs


def _merge_member(kept: Any, base: Any, theirs: Any) -> Any:
    if base is theirs or base == theirs:
        return kept
    if _ABSENT in (kept, base, theirs):
        return theirs
    return merge(kept, base, theirs)


def _is_named(value: Any) -> bool:
    """Return whether a value is a list of columns."""
    return isinstance(value, list) and all(
        isinstance(each, dict) and "Name" in each for each in value
    )
