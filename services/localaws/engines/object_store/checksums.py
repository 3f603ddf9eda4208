"""Checksums of objects: the algorithms of S3, and how those of parts make that of an object.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping, Sequence

from localaws.core.checksums import SIZES, crt, encode, new_checksum
from localaws.engines.object_store.errors import checksum_differs, invalid_checksum

FULL_OBJECT_OF_PARTS = frozenset({"crc32", "crc32c", "crc64nvme"})
"""Algorithms that can give the checksum of a whole object from those of its parts."""


class Checksums:
    """Running checksums of several algorithms, to be compared with what was promised.

    Args:
        expected: base64 values by algorithm; an empty one is computed and not compared.
    """

    def __init__(self, expected: Mapping[str, str]) -> None:
        self._expected = expected
        self._running = {name: new_checksum(name) for name in expected}
        for name, value in expected.items():
            if value:
                decode_checksum(name, value)

    def update(self, data: bytes) -> None:
        """Take in more bytes."""
        for checksum in self._running.values():
            checksum.update(data)

    def finish(self) -> dict[str, str]:
        """Return the values in base64.

        Raises:
            AwsError: BadDigest where one is not as expected.
        """
        values = {name: encode(running.digest()) for name, running in self._running.items()}
        for name, value in values.items():
            if self._expected[name] and self._expected[name] != value:
                raise checksum_differs(name)
        return values


def decode_checksum(algorithm: str, value: str) -> bytes:
    """Return a checksum's bytes from its base64.

    Raises:
        AwsError: InvalidRequest where it has not the algorithm's size.
    """
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != SIZES[algorithm]:
        raise invalid_checksum(algorithm)
    return digest


def multipart_etag(md5s: Iterable[str]) -> str:
    """Return the ETag of an object made of parts: MD5 of their MD5s (hex), and their number."""
    digests = [bytes.fromhex(md5) for md5 in md5s]
    joined = hashlib.md5(b"".join(digests), usedforsecurity=False).hexdigest()
    return f"{joined}-{len(digests)}"


def composite_checksum(algorithm: str, parts: Sequence[str]) -> str:
    """Return the checksum of the parts' checksums (base64), and their number."""
    checksum = new_checksum(algorithm)
    for part in parts:
        checksum.update(base64.b64decode(part))
    return f"{encode(checksum.digest())}-{len(parts)}"


def full_checksum(algorithm: str, parts: Sequence[tuple[str, int]]) -> str:
    """Return the checksum of a whole object from those of its parts (base64, size)."""
    size = SIZES[algorithm]
    combine = getattr(crt(), f"combine_{algorithm}")
    total = 0
    for value, length in parts:
        total = combine(total, int.from_bytes(base64.b64decode(value), "big"), length)
    return encode(total.to_bytes(size, "big"))
