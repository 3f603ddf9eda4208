"""Upload bodies: framing removed, digests checked, nothing torn passes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.core.checksums import encode, new_checksum
from localaws.core.errors import AwsError
from localaws.gateway.chunked import upload_body
from localaws.gateway.request import ClientGone, Request


def request_of(pieces: list[bytes], headers: dict[str, str], *, whole: bool = True) -> Request:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": piece, "more_body": True} for piece in pieces
    ]
    end = {"type": "http.request", "body": b"", "more_body": False}
    messages.append(end if whole else {"type": "http.disconnect"})
    iterator = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(iterator)

    return Request("PUT", "/b/k", "/b/k", "", {}, headers, receive)


def read(request: Request) -> bytes:
    async def collect() -> bytes:
        return b"".join([chunk async for chunk in upload_body(request)])

    return asyncio.run(collect())


def framed(data: bytes, sizes: list[int], trailer: str = "") -> bytes:
    out = b""
    position = 0
    for size in sizes:
        chunk = data[position : position + size]
        position += size
        if chunk:
            out += f"{len(chunk):x};chunk-signature=abc\r\n".encode() + chunk + b"\r\n"
    rest = data[position:]
    if rest:
        out += f"{len(rest):x}\r\n".encode() + rest + b"\r\n"
    return out + b"0\r\n" + trailer.encode() + b"\r\n"


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


STREAMING = {
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x-amz-trailer": "x-amz-checksum-crc32",
}


@given(
    st.binary(max_size=300),
    st.lists(st.integers(1, 50), max_size=8),
    st.integers(1, 17),
)
def test_framing_is_removed_however_it_is_cut(data: bytes, sizes: list[int], cut: int) -> None:
    wire = framed(data, sizes, f"x-amz-checksum-crc32:{crc32(data)}\r\n")
    pieces = [wire[i : i + cut] for i in range(0, len(wire), cut)]
    headers = {**STREAMING, "x-amz-decoded-content-length": str(len(data))}
    assert read(request_of(pieces, headers)) == data


@given(st.binary(min_size=1, max_size=200), st.data())
def test_a_truncated_body_never_ends_well(data: bytes, draw: st.DataObject) -> None:
    wire = framed(data, [], f"x-amz-checksum-crc32:{crc32(data)}\r\n")
    cut = draw.draw(st.integers(0, len(wire) - 3))
    for whole in (True, False):
        with pytest.raises(AwsError) as caught:
            read(request_of([wire[:cut]] if cut else [], STREAMING, whole=whole))
        assert caught.value.code in ("IncompleteBody", "BadDigest")


def test_a_wrong_trailing_checksum_is_a_bad_digest() -> None:
    wire = framed(b"hello", [], f"x-amz-checksum-crc32:{crc32(b'other')}\r\n")
    with pytest.raises(AwsError) as caught:
        read(request_of([wire], STREAMING))
    assert caught.value.code == "BadDigest"
    assert "CRC32" in caught.value.message


def test_a_missing_trailing_checksum_is_a_bad_digest() -> None:
    with pytest.raises(AwsError) as caught:
        read(request_of([framed(b"hello", [])], STREAMING))
    assert caught.value.code == "BadDigest"


@pytest.mark.parametrize("wire", [b"zz\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n"])
def test_broken_framing_is_refused(wire: bytes) -> None:
    with pytest.raises(AwsError) as caught:
        read(request_of([wire], {"content-encoding": "aws-chunked"}))
    assert caught.value.code == "InvalidRequest"


def test_a_declared_length_must_be_met() -> None:
    headers = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": "9"}
    with pytest.raises(AwsError) as caught:
        read(request_of([framed(b"hello", [])], headers))
    assert caught.value.code == "IncompleteBody"


def test_the_signed_payload_hash_is_checked() -> None:
    right = {"x-amz-content-sha256": hashlib.sha256(b"hello").hexdigest()}
    assert read(request_of([b"he", b"llo"], right)) == b"hello"
    with pytest.raises(AwsError) as caught:
        read(request_of([b"hellO"], right))
    assert caught.value.code == "XAmzContentSHA256Mismatch"


def test_a_client_that_goes_away_leaves_no_whole_body() -> None:
    with pytest.raises(ClientGone):
        read(request_of([b"hel"], {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}, whole=False))


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("crc32", "NhCmhg=="),
        ("crc32c", "mnG7TA=="),
        ("sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00="),
        ("sha256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
        ("crc64nvme", "M3eFcAZSQlc="),
    ],
)
def test_checksums_of_hello(algorithm: str, expected: str) -> None:
    running = new_checksum(algorithm)
    running.update(b"hel")
    running.update(b"lo")
    assert encode(running.digest()) == expected


def test_an_unknown_checksum_algorithm_is_refused() -> None:
    headers = {**STREAMING, "x-amz-trailer": "x-amz-checksum-md4"}
    with pytest.raises(AwsError) as caught:
        read(request_of([framed(b"hello", [])], headers))
    assert caught.value.code == "InvalidRequest"
