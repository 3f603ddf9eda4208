from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_help import MIB, all_pages, chunks, content, stored

from localaws.core.errors import AwsError
from localaws.engines.object_store.base import (
    Adoption,
    Attributes,
    ObjectStore,
    WriteCondition,
)

SIZES = [0, 1, 1024, 16384, 16385, MIB - 1, MIB, MIB + 1, 3 * MIB + 77]
keys = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40
) | st.sampled_from(["..", "../../etc/passwd", "/", "//", "a//b", "./a", "/lead", "a/", "é" * 512])


@pytest.mark.parametrize("size", SIZES)
async def test_an_object_is_read_as_it_was_written(
    object_store: ObjectStore, bucket: str, size: int
) -> None:
    data = os.urandom(size)
    info = await object_store.put(bucket, "k", chunks(data), length=size)
    assert info.etag == hashlib.md5(data).hexdigest()
    head = await object_store.head(bucket, "k")
    assert head == info
    assert head.size == size
    assert await content(object_store, head) == data
    for start, end in [(0, 1), (size // 3, size // 2), (size - 1, size), (0, size + 5)]:
        if 0 <= start < size:
            assert await content(object_store, head, start, end) == data[start:end]
    path = await object_store.local_path(head)
    assert path is None or path.read_bytes() == data


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(key=keys, data=st.binary(max_size=50))
async def test_any_key_is_kept_as_it_is(
    object_store: ObjectStore, bucket: str, key: str, data: bytes
) -> None:
    await object_store.put(bucket, key, chunks(data))
    assert await stored(object_store, bucket, key) == data
    assert (await object_store.page(bucket)).objects[0].key == key
    await object_store.delete(bucket, [key])
    assert (await object_store.page(bucket)).objects == ()


@pytest.mark.parametrize(
    ("key", "code"), [("é" * 513, "KeyTooLongError"), ("\ud800", "InvalidURI")]
)
async def test_a_key_that_cannot_be_is_refused(
    object_store: ObjectStore, bucket: str, key: str, code: str
) -> None:
    with pytest.raises(AwsError, match=code):
        await object_store.put(bucket, key, chunks(b"x"))
    with pytest.raises(AwsError, match=code):
        await object_store.head(bucket, key)


async def test_what_is_not_there(object_store: ObjectStore, bucket: str) -> None:
    with pytest.raises(AwsError, match="NoSuchKey") as missing:
        await object_store.head(bucket, "k")
    assert missing.value.members == {"Key": "k"}
    with pytest.raises(AwsError, match="NoSuchBucket"):
        await object_store.head("no-such-bucket", "k")
    with pytest.raises(AwsError, match="NoSuchBucket"):
        await object_store.put("no-such-bucket", "k", chunks(b"x"))
    with pytest.raises(AwsError, match="NoSuchBucket"):
        await object_store.page("no-such-bucket")
    await object_store.delete(bucket, ["k", "l"])


async def test_attributes_are_kept(object_store: ObjectStore, bucket: str) -> None:
    attributes = Attributes(
        headers={"ContentType": "text/csv", "CacheControl": "no-store"},
        metadata={"owner": "Zoë"},
        tags={"stage": "raw"},
        checksums={"crc32": "", "sha256": ""},
    )
    await object_store.put(bucket, "k", chunks(b"a,b\n"), attributes)
    kept = (await object_store.head(bucket, "k")).attributes
    assert kept.headers == attributes.headers
    assert kept.metadata == attributes.metadata
    assert kept.checksums == {
        "crc32": base64.b64encode(zlib.crc32(b"a,b\n").to_bytes(4, "big")).decode(),
        "sha256": base64.b64encode(hashlib.sha256(b"a,b\n").digest()).decode(),
    }
    await object_store.set_tags(bucket, "k", {"stage": "done"})
    head = await object_store.head(bucket, "k")
    assert head.attributes.tags == {"stage": "done"}
    assert head.attributes.headers == attributes.headers
    with pytest.raises(AwsError, match="NoSuchKey"):
        await object_store.set_tags(bucket, "other", {})


async def test_attributes_of_every_kind_are_kept(object_store: ObjectStore, bucket: str) -> None:
    attributes = Attributes(
        headers={
            "ContentType": "binary/octet-stream",
            "ContentEncoding": "gzip",
            "ContentDisposition": 'attachment; filename="ü.csv"',
            "ContentLanguage": "de, en",
            "Expires": "Wed, 21 Oct 2026 07:28:00 GMT",
            "StorageClass": "STANDARD_IA",
            "ServerSideEncryption": "AES256",
            "WebsiteRedirectLocation": "/other",
        },
        metadata={"two  spaces": "a  b", "edge": " x ", "empty": "", "localaws": "{}", "n": "1,2"},
        tags={"größe": "a=b", "==": "+-._:/@ =", "none": ""},
        checksums={"sha512": ""},
    )
    put = await object_store.put(bucket, "k", chunks(b"data"), attributes)
    head = await object_store.head(bucket, "k")
    assert head == put
    assert replace(head.attributes, checksums={"sha512": ""}) == attributes
    (listed,) = (await object_store.page(bucket)).objects
    assert listed.attributes.headers.get("StorageClass") == "STANDARD_IA"
    assert set(listed.attributes.checksums) == {"sha512"}
    assert (listed.size, listed.etag, listed.last_modified) == (4, head.etag, head.last_modified)
    bare = await object_store.copy(head, bucket, "bare", Attributes())
    assert bare.attributes == Attributes()
    assert (await object_store.head(bucket, "bare")).attributes == Attributes()
    await object_store.set_tags(bucket, "k", {})
    assert (await object_store.head(bucket, "k")).attributes.tags == {}


@pytest.mark.parametrize("checksums", [{"crc32": ""}, {"crc32c": "", "sha512": ""}, {}])
@pytest.mark.parametrize("told", [True, False])
async def test_checksums_of_a_stream_are_kept(
    object_store: ObjectStore, bucket: str, checksums: dict[str, str], told: bool
) -> None:
    data = os.urandom(9 * MIB + 5)
    put = await object_store.put(
        bucket,
        "k",
        chunks(data),
        Attributes(checksums=checksums),
        length=len(data) if told else None,
    )
    assert set(put.attributes.checksums) == set(checksums)
    if "crc32" in checksums:
        crc = base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
        assert put.attributes.checksums == {"crc32": crc}
    assert put.etag == hashlib.md5(data).hexdigest()
    assert await object_store.head(bucket, "k") == put
    (listed,) = (await object_store.page(bucket)).objects
    assert set(listed.attributes.checksums) == set(checksums)
    assert await stored(object_store, bucket, "k") == data


async def test_a_key_may_be_the_folder_of_others(object_store: ObjectStore, bucket: str) -> None:
    names = ["a", "a/", "a/b", "a/b/c", "a/b/c/d", "a//b", "a.b"]
    await asyncio.gather(
        *(object_store.put(bucket, key, chunks(key.encode())) for key in names * 3)
    )
    assert await all_pages(object_store, bucket) == (sorted(names), [])
    assert await all_pages(object_store, bucket, "a", "/") == (["a", "a.b"], ["a/"])
    assert await all_pages(object_store, bucket, "a/b", limit=1) == (
        ["a/b", "a/b/c", "a/b/c/d"],
        [],
    )
    for key in names:
        assert await stored(object_store, bucket, key) == key.encode()
    await object_store.delete(bucket, ["a", "a/b/c"])
    assert await all_pages(object_store, bucket) == (
        sorted(set(names) - {"a", "a/b/c"}),
        [],
    )
    upload = await object_store.create_upload(bucket, "a", Attributes())
    part = await object_store.put_part(bucket, "a", upload, 1, chunks(b"parts"))
    await object_store.complete_upload(bucket, "a", upload, [(1, part.etag)])
    assert await stored(object_store, bucket, "a") == b"parts"
    assert await stored(object_store, bucket, "a/b/c/d") == b"a/b/c/d"


async def broken(data: bytes) -> AsyncIterator[bytes]:
    async for chunk in chunks(data):
        yield chunk
    raise ConnectionError("the client is gone")


@pytest.mark.parametrize("size", [10, 2 * MIB])
async def test_a_refused_write_leaves_what_was_there(
    object_store: ObjectStore, bucket: str, size: int
) -> None:
    await object_store.put(bucket, "k", chunks(b"before"))
    data = os.urandom(size)
    with pytest.raises(ConnectionError):
        await object_store.put(bucket, "k", broken(data))
    with pytest.raises(AwsError, match="IncompleteBody"):
        await object_store.put(bucket, "k", chunks(data), length=size + 1)
    with pytest.raises(AwsError, match="BadDigest"):
        await object_store.put(
            bucket, "k", chunks(data), content_md5=base64.b64encode(b"0" * 16).decode()
        )
    with pytest.raises(AwsError, match="InvalidDigest"):
        await object_store.put(bucket, "k", chunks(data), content_md5="?")
    with pytest.raises(AwsError, match="BadDigest: The CRC32 you"):
        await object_store.put(
            bucket, "k", chunks(data), Attributes(checksums={"crc32": "AAAAAA=="})
        )
    with pytest.raises(AwsError, match="x-amz-checksum-sha256 header is invalid"):
        await object_store.put(
            bucket, "k", chunks(data), Attributes(checksums={"sha256": "AAAAAA=="})
        )
    assert await stored(object_store, bucket, "k") == b"before"
    assert await all_pages(object_store, bucket) == (["k"], [])


async def test_conditions_of_writes(object_store: ObjectStore, bucket: str) -> None:
    new = WriteCondition(must_not_exist=True)
    info = await object_store.put(bucket, "k", chunks(b"one"), condition=new)
    with pytest.raises(AwsError, match="PreconditionFailed"):
        await object_store.put(bucket, "k", chunks(b"two"), condition=new)
    same = WriteCondition(must_match=info.etag)
    await object_store.put(bucket, "k", chunks(b"three"), condition=same)
    with pytest.raises(AwsError, match="PreconditionFailed"):
        await object_store.put(bucket, "k", chunks(b"four"), condition=same)
    with pytest.raises(AwsError, match="NoSuchKey"):
        await object_store.put(bucket, "other", chunks(b"five"), condition=same)
    assert await stored(object_store, bucket, "k") == b"three"


async def test_only_one_of_many_creators_wins(object_store: ObjectStore, bucket: str) -> None:
    results = await asyncio.gather(
        *(
            object_store.put(
                bucket, "lock", chunks(b"%d" % i), condition=WriteCondition(must_not_exist=True)
            )
            for i in range(20)
        ),
        return_exceptions=True,
    )
    winners = [i for i, result in enumerate(results) if not isinstance(result, BaseException)]
    assert len(winners) == 1
    assert await stored(object_store, bucket, "lock") == b"%d" % winners[0]


async def test_concurrent_writes_of_a_key_leave_one_whole(
    object_store: ObjectStore, bucket: str
) -> None:
    bodies = [bytes([i]) * (MIB + i) for i in range(12)]
    await asyncio.gather(*(object_store.put(bucket, "k", chunks(body)) for body in bodies))
    info = await object_store.head(bucket, "k")
    data = await content(object_store, info)
    assert data in bodies
    assert hashlib.md5(data).hexdigest() == info.etag


async def test_a_read_goes_on_through_overwrite_and_delete(
    object_store: ObjectStore, bucket: str
) -> None:
    data = os.urandom(5 * MIB)
    info = await object_store.put(bucket, "k", chunks(data))
    reading = object_store.read(info)
    first = await anext(reading)
    await object_store.put(bucket, "k", chunks(b"new"))
    await object_store.delete(bucket, ["k"])
    assert first + b"".join([chunk async for chunk in reading]) == data


async def test_a_copy_has_a_life_of_its_own(object_store: ObjectStore, bucket: str) -> None:
    data = os.urandom(2 * MIB)
    source = await object_store.put(bucket, "a", chunks(data), Attributes(metadata={"m": "1"}))
    copy = await object_store.copy(source, bucket, "b", Attributes(metadata={"m": "2"}))
    assert copy.etag == source.etag
    await object_store.delete(bucket, ["a"])
    head = await object_store.head(bucket, "b")
    assert head.attributes.metadata == {"m": "2"}
    assert await content(object_store, head) == data
    summed = await object_store.copy(head, bucket, "c", Attributes(checksums={"sha1": ""}))
    assert summed.attributes.checksums == {
        "sha1": base64.b64encode(hashlib.sha1(data).digest()).decode()
    }
    itself = await object_store.copy(head, bucket, "b", Attributes(metadata={"m": "3"}))
    assert await content(object_store, itself) == data


async def test_files_are_adopted_in_one_step(object_store: ObjectStore, bucket: str) -> None:
    for key in ("t/old", "t/part-0", "u/other"):
        await object_store.put(bucket, key, chunks(b"old"))
    folder = (await object_store.staging()).folder
    files = [folder / f"part-{i}" for i in range(3)]
    for number, file in enumerate(files):
        file.write_bytes(b"%d" % number * (number * 20_000 + 1))
    infos = await object_store.adopt(
        bucket, [Adoption(f"t/{file.name}", file) for file in files], replace_prefix="t/"
    )
    keys, _ = await all_pages(object_store, bucket)
    assert keys == ["t/part-0", "t/part-1", "t/part-2", "u/other"]
    assert [info.size for info in infos] == [1, 20_001, 40_001]
    assert await stored(object_store, bucket, "t/part-2") == b"2" * 40_001
    assert list(folder.iterdir()) == []


async def test_an_adoption_that_fails_changes_nothing(
    object_store: ObjectStore, bucket: str
) -> None:
    await object_store.put(bucket, "t/old", chunks(b"old"))
    folder = (await object_store.staging()).folder
    (folder / "good").write_bytes(b"good")
    with pytest.raises(FileNotFoundError):
        await object_store.adopt(
            bucket,
            [Adoption("t/good", folder / "good"), Adoption("t/bad", folder / "missing")],
            replace_prefix="t/",
        )
    assert await all_pages(object_store, bucket) == (["t/old"], [])


async def test_what_engines_staged_in_the_store_is_adopted(
    object_store: ObjectStore, bucket: str
) -> None:
    staging = await object_store.staging()
    await object_store.put(bucket, "t/old", chunks(b"old"))
    sources = [
        await object_store.put(staging.bucket, f"{staging.prefix}x/{i}", chunks(b"%d" % i))
        for i in range(3)
    ]
    attributes = Attributes(headers={"ContentType": "text/csv"})
    files = [
        Adoption(f"t/{i}", source, attributes) for i, source in enumerate(sources[:2], start=1)
    ]
    infos = await object_store.adopt(bucket, files, replace_prefix="t/")
    assert [(info.key, info.size) for info in infos] == [("t/1", 1), ("t/2", 1)]
    assert await all_pages(object_store, bucket) == (["t/1", "t/2"], [])
    assert await stored(object_store, bucket, "t/2") == b"1"
    assert (await object_store.head(bucket, "t/1")).attributes == attributes
    left, _ = await all_pages(object_store, staging.bucket, staging.prefix)
    assert left == [f"{staging.prefix}x/2"]
    await object_store.discard(staging)
    assert await all_pages(object_store, staging.bucket, staging.prefix) == ([], [])
    assert not staging.folder.exists()
