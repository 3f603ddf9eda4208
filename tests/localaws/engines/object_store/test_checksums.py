from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localaws.engines.object_store import checksums

CHECK = b"123456789"


def combined(algorithm: str, blocks: list[bytes]) -> str:
    parts = []
    for block in blocks:
        running = checksums.new_checksum(algorithm)
        running.update(block)
        parts.append((checksums.encode(running.digest()), len(block)))
    return checksums.full_checksum(algorithm, parts)


@settings(deadline=None)  # the first call imports the library
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=6))
def test_checksums_of_parts_give_that_of_the_whole(blocks: list[bytes]) -> None:
    expected = zlib.crc32(b"".join(blocks)).to_bytes(4, "big")
    assert combined("crc32", blocks) == checksums.encode(expected)


@pytest.mark.parametrize(
    ("algorithm", "value"), [("crc32c", 0xE3069283), ("crc64nvme", 0xAE8B14860A799888)]
)
def test_check_values(algorithm: str, value: int) -> None:
    expected = value.to_bytes(checksums.SIZES[algorithm], "big")
    running = checksums.new_checksum(algorithm)
    running.update(CHECK[:4])
    running.update(CHECK[4:])
    assert running.digest() == expected
    assert base64.b64decode(combined(algorithm, [CHECK[:2], CHECK[2:], b""])) == expected
