from __future__ import annotations

import base64
import hashlib
import os
import zlib

import pytest
from store_help import MIB, all_pages, chunks, content

from localaws.core.errors import AwsError
from localaws.engines.object_store.base import Attributes, ObjectStore, WriteCondition

PARTS = [os.urandom(5 * MIB), os.urandom(5 * MIB + 3), b"tail"]


async def begin(
    store: ObjectStore, bucket: str, attributes: Attributes | None = None
) -> tuple[str, list[tuple[int, str]]]:
    """Upload the parts out of order, the middle one twice; return the upload and its parts."""
    upload = await store.create_upload(bucket, "big", attributes or Attributes())
    await store.put_part(bucket, "big", upload, 2, chunks(b"replaced"))
    for number in (3, 1, 2):
        await store.put_part(bucket, "big", upload, number, chunks(PARTS[number - 1]))
    parts = await store.parts(bucket, "big", upload)
    return upload, [(part.number, part.etag) for part in parts]


async def test_parts_become_an_object(object_store: ObjectStore, bucket: str) -> None:
    attributes = Attributes(headers={"ContentType": "text/plain"}, metadata={"m": "1"})
    upload, parts = await begin(object_store, bucket, attributes)
    assert await all_pages(object_store, bucket) == ([], [])
    assert [item.id for item in await object_store.uploads(bucket, "bi")] == [upload]
    info = await object_store.complete_upload(bucket, "big", upload, parts)
    digest = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in PARTS)).hexdigest()
    assert info.etag == f"{digest}-3"
    head = await object_store.head(bucket, "big")
    assert head == info
    assert head.part_sizes == tuple(map(len, PARTS))
    assert head.attributes == attributes
    whole = b"".join(PARTS)
    assert await content(object_store, head) == whole
    edge = 5 * MIB
    assert await content(object_store, head, edge - 7, edge + 9) == whole[edge - 7 : edge + 9]
    again = await object_store.complete_upload(bucket, "big", upload, parts)
    assert again.etag == info.etag
    assert await object_store.uploads(bucket) == []
    with pytest.raises(AwsError, match="NoSuchUpload"):
        await object_store.put_part(bucket, "big", upload, 4, chunks(b"late"))


async def test_an_object_of_parts_has_a_local_file(object_store: ObjectStore, bucket: str) -> None:
    upload, parts = await begin(object_store, bucket)
    before = await object_store.complete_upload(bucket, "big", upload, parts)
    path = await object_store.local_path(before)
    assert path is None or path.read_bytes() == b"".join(PARTS)
    after = await object_store.head(bucket, "big")
    assert await object_store.local_path(after) == path
    assert await object_store.local_path(before) == path
    assert (after.etag, after.part_sizes) == (before.etag, before.part_sizes)
    assert await content(object_store, before) == await content(object_store, after)
    copy = await object_store.copy(after, bucket, "copy", Attributes())
    assert copy.etag == hashlib.md5(b"".join(PARTS)).hexdigest()
    assert copy.part_sizes == ()


@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
async def test_checksums_of_parts_make_that_of_the_object(
    object_store: ObjectStore, bucket: str, kind: str
) -> None:
    upload, parts = await begin(
        object_store, bucket, Attributes(checksums={"crc32": ""}, checksum_type=kind)
    )
    sums = [zlib.crc32(part).to_bytes(4, "big") for part in PARTS]
    if kind == "COMPOSITE":
        crc = zlib.crc32(b"".join(sums))
        expected = base64.b64encode(crc.to_bytes(4, "big")).decode() + "-3"
    else:
        crc = zlib.crc32(b"".join(PARTS))
        expected = base64.b64encode(crc.to_bytes(4, "big")).decode()
    with pytest.raises(AwsError, match="BadDigest"):
        await object_store.complete_upload(
            bucket, "big", upload, parts, checksums={"crc32": "AAAAAA=="}
        )
    info = await object_store.complete_upload(
        bucket, "big", upload, parts, checksums={"crc32": expected}
    )
    assert info.attributes.checksums == {"crc32": expected}
    assert info.attributes.checksum_type == kind


async def test_wrong_completions_are_refused(object_store: ObjectStore, bucket: str) -> None:
    upload, parts = await begin(object_store, bucket)
    complete = object_store.complete_upload
    with pytest.raises(AwsError, match="InvalidPartOrder"):
        await complete(bucket, "big", upload, parts[::-1])
    with pytest.raises(AwsError, match="InvalidPart: One or more"):
        await complete(bucket, "big", upload, [*parts, (9, "x")])
    with pytest.raises(AwsError, match="InvalidPart: One or more"):
        await complete(bucket, "big", upload, [(1, parts[1][1])])
    await object_store.put_part(bucket, "big", upload, 4, chunks(b"behind a small one"))
    listed = await object_store.parts(bucket, "big", upload)
    with pytest.raises(AwsError, match="EntityTooSmall"):
        await complete(bucket, "big", upload, [(part.number, part.etag) for part in listed])
    with pytest.raises(AwsError, match="NoSuchUpload"):
        await complete(bucket, "other", upload, parts)
    await object_store.put(bucket, "big", chunks(b"there"))
    with pytest.raises(AwsError, match="PreconditionFailed"):
        await complete(bucket, "big", upload, parts, WriteCondition(must_not_exist=True))
    assert (await complete(bucket, "big", upload, parts[:2])).size == sum(map(len, PARTS[:2]))


async def test_an_aborted_upload_is_gone(object_store: ObjectStore, bucket: str) -> None:
    upload, parts = await begin(object_store, bucket)
    await object_store.abort_upload(bucket, "big", upload)
    for call in (
        object_store.parts(bucket, "big", upload),
        object_store.upload(bucket, "big", upload),
        object_store.abort_upload(bucket, "big", upload),
        object_store.complete_upload(bucket, "big", upload, parts),
        object_store.put_part(bucket, "big", upload, 1, chunks(b"x")),
    ):
        with pytest.raises(AwsError, match="NoSuchUpload"):
            await call
    await object_store.delete_bucket(bucket)


async def test_a_part_with_a_wrong_checksum_is_not_kept(
    object_store: ObjectStore, bucket: str
) -> None:
    upload = await object_store.create_upload(bucket, "big", Attributes())
    with pytest.raises(AwsError, match="BadDigest"):
        await object_store.put_part(
            bucket, "big", upload, 1, chunks(b"x"), checksums={"crc32": "AAAAAA=="}
        )
    with pytest.raises(AwsError, match="IncompleteBody"):
        await object_store.put_part(bucket, "big", upload, 1, chunks(b"x"), length=2)
    assert await object_store.parts(bucket, "big", upload) == []
