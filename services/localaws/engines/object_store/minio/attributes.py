"""Attributes of objects as headers of the store, and back without loss.

What the store takes is said as everyone says it, so that whoever reads the bucket directly sees it.
The rest (storage classes it does not know, texts that are not ASCII, several checksums) stands in
one entry of the metadata, `MARK`, that only this adapter reads and writes.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from localaws.engines.object_store.base import Attributes, ObjectInfo
from localaws.engines.object_store.minio.names import key_of_name

MARK = "localaws"
METADATA = "x-amz-meta-"
CHECKSUM = "x-amz-checksum-"
NATIVE_CHECKSUMS = frozenset({"crc32", "crc32c", "crc64nvme", "sha1", "sha256"})
"""The algorithms that the store knows; it keeps one checksum per object."""

_HEADERS = {
    "ContentType": "content-type",
    "CacheControl": "cache-control",
    "ContentDisposition": "content-disposition",
    "ContentEncoding": "content-encoding",
    "ContentLanguage": "content-language",
    "Expires": "expires",
}
_UNSAID_TYPE = "binary/octet-stream"
"""The content type of objects whose writers told none."""
_PLAIN = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_METADATA_BYTES = 1900
"""Of the 2 KB that the store takes, names of headers included."""

_TAG_TEXT = re.compile(r"[a-zA-Z0-9\-+._:/@ =]*")
_TAG_OTHER = re.compile(r"[^a-zA-Z0-9\-+._:/@ ]")
_TAG_ESCAPED = "=="


def object_headers(
    attributes: Attributes,
    key: str,
    name: str,
    kept: Mapping[str, str] | None = None,
    adoption: str = "",
) -> dict[str, str]:
    """Return the headers that make an object with these attributes.

    Args:
        attributes: what is to be kept, but not its checksums.
        key: the object's key.
        name: its name in the store.
        kept: checksums to be kept by the mark; None where the store itself keeps them.
        adoption: the adoption that writes the object.
    """
    headers: dict[str, str] = {}
    mark: dict[str, Any] = {}
    for member, value in attributes.headers.items():
        known = _HEADERS.get(member)
        if known and _PLAIN.fullmatch(value):
            headers[known] = value
        if not known or known not in headers or (member, value) == ("ContentType", _UNSAID_TYPE):
            mark.setdefault("h", {})[member] = value
    metadata: dict[str, str] = {}
    for item, value in attributes.metadata.items():
        if item != MARK and _NAME.fullmatch(item) and _PLAIN.fullmatch(value):
            metadata[METADATA + item] = value
        else:
            mark.setdefault("m", {})[item] = value
    if sum(len(item) + len(value) for item, value in metadata.items()) > _METADATA_BYTES:
        mark["m"], metadata = dict(attributes.metadata), {}
    if kept is not None:
        mark["c"] = dict(kept)
    elif attributes.checksums:
        # A listing does not tell what checksums there are.
        mark["a"] = list(attributes.checksums)
        if attributes.checksum_type != "FULL_OBJECT":
            mark["t"] = attributes.checksum_type
    if key_of_name(name) is None:
        mark["k"] = key
    if adoption:
        mark["i"] = adoption
    if mark:
        metadata[METADATA + MARK] = _written(mark)
    if attributes.tags:
        headers["x-amz-tagging"] = urlencode(escaped_tags(attributes.tags))
    return headers | metadata


def object_info(
    bucket: str,
    key: str,
    headers: Mapping[str, str],
    tags: Mapping[str, str],
    part_sizes: tuple[int, ...] = (),
) -> ObjectInfo:
    """Return an object from the store's headers."""
    lower = {name.lower(): value for name, value in headers.items()}
    mark = _read(lower.get(METADATA + MARK, ""))
    kept = {
        member: lower[name]
        for member, name in _HEADERS.items()
        if name in lower and (member, lower[name]) != ("ContentType", _UNSAID_TYPE)
    }
    metadata = {
        name.removeprefix(METADATA): value
        for name, value in lower.items()
        if name.startswith(METADATA) and name != METADATA + MARK
    }
    checksums = mark.get("c")
    kind = "FULL_OBJECT"
    if checksums is None:
        checksums = {
            name: lower[CHECKSUM + name]
            for name in sorted(NATIVE_CHECKSUMS)
            if CHECKSUM + name in lower
        }
        kind = lower.get(CHECKSUM + "type", kind) if checksums else kind
    return ObjectInfo(
        bucket=bucket,
        key=mark.get("k", key),
        size=int(lower.get("content-length", 0)),
        etag=lower.get("etag", "").strip('"'),
        last_modified=parsedate_to_datetime(lower["last-modified"]).astimezone(UTC),
        attributes=Attributes(
            headers=kept | mark.get("h", {}),
            metadata=metadata | mark.get("m", {}),
            tags=dict(tags),
            checksums=checksums,
            checksum_type=kind,
        ),
        part_sizes=part_sizes,
    )


def listed_attributes(mark: str) -> Attributes:
    """Return what a listing tells of an object, from its mark; checksums without their values."""
    said = _read(mark)
    return Attributes(
        headers=said.get("h", {}),
        checksums=said.get("c") or dict.fromkeys(said.get("a", ()), ""),
        checksum_type=said.get("t", "FULL_OBJECT"),
    )


def marked_adoption(headers: Mapping[str, str]) -> str:
    """Return the adoption that wrote an object with these headers, or nothing."""
    return str(_read(headers.get(METADATA + MARK, "")).get("i", ""))


def marked_key(mark: str) -> str | None:
    """Return the key that a mark tells, where the name does not."""
    key = _read(mark).get("k")
    return key if isinstance(key, str) else None


def modified_header(at: datetime) -> dict[str, str]:
    """Return the header that dates an object."""
    return {"x-minio-source-mtime": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}


def escaped_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags in the characters that the store takes."""
    return {_escape(key): _escape(value) for key, value in tags.items()}


def unescaped_tag(text: str) -> str:
    """Return a tag's key or value as it was given."""
    if not text.startswith(_TAG_ESCAPED):
        return text
    pieces = text.removeprefix(_TAG_ESCAPED).split("=")
    raw = pieces[0].encode()
    for piece in pieces[1:]:
        raw += bytes.fromhex(piece[:2]) + piece[2:].encode()
    return raw.decode()


def _escape(text: str) -> str:
    if _TAG_TEXT.fullmatch(text) and not text.startswith(_TAG_ESCAPED):
        return text
    return _TAG_ESCAPED + _TAG_OTHER.sub(
        lambda found: "".join(f"={byte:02x}" for byte in found[0].encode()), text
    )


def _written(mark: Mapping[str, Any]) -> str:
    text = json.dumps(mark, separators=(",", ":"))
    packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    return packed if len(packed) < len(text) else text


def _read(text: str) -> Mapping[str, Any]:
    """Read a mark; what others wrote there is none."""
    if not text:
        return {}
    try:
        if not text.startswith("{"):
            text = zlib.decompress(base64.b64decode(text, validate=True)).decode()
        mark = json.loads(text)
    except (ValueError, zlib.error):
        return {}
    return mark if isinstance(mark, dict) else {}
