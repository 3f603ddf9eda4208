"""Running checksums of the algorithms that S3 knows, checked at the wire and kept by the store."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from typing import Any, Protocol

SIZES = {
    "crc32": 4,
    "crc32c": 4,
    "crc64nvme": 8,
    "sha1": 20,
    "sha256": 32,
    "sha512": 64,
    "md5": 16,
}
"""Bytes of a checksum by algorithm: those S3 knows and that are computed here."""


class Checksum(Protocol):
    """A running checksum, as hashlib's."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""

    def digest(self) -> bytes:
        """Return the checksum of what was taken in."""


class _Crc:
    def __init__(self, function: Callable[[bytes, int], int], size: int) -> None:
        self._function = function
        self._size = size
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


def new_checksum(algorithm: str) -> Checksum:
    """Return a running checksum of an algorithm in lower case.

    The algorithm is one of `SIZES`.
    """
    if algorithm == "crc32":
        return _Crc(zlib.crc32, 4)
    if algorithm in ("crc32c", "crc64nvme"):
        return _Crc(getattr(crt(), algorithm), SIZES[algorithm])
    return hashlib.new(algorithm, usedforsecurity=False)


def crt() -> Any:
    """Return the module that computes and combines CRCs."""
    # Importing it takes a tenth of a second, and boto3's default algorithm does not need it.
    from awscrt import checksums

    return checksums


def encode(digest: bytes) -> str:
    """Return bytes in base64."""
    return base64.b64encode(digest).decode()
