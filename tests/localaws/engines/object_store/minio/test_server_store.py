"""What only the store over a server has to do: others write there too, and a kill leaves halves."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import msgspec
import pytest

from localaws.core.database import Database
from localaws.core.errors import AwsError
from localaws.engines.object_store.base import Adoption, Attributes
from localaws.engines.object_store.minio.store import MinioObjectStore

pytestmark = pytest.mark.compose

ACCOUNT, REGION = "111111111111", "us-east-1"


def others() -> Any:
    """Return a client that writes to the server past the store."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=os.environ["LOCALAWS_TEST_OBJECT_STORE_URL"],
        aws_access_key_id=os.environ["LOCALAWS_TEST_OBJECT_STORE_KEY"],
        aws_secret_access_key=os.environ["LOCALAWS_TEST_OBJECT_STORE_SECRET"],
        region_name="us-east-1",
    )


@contextlib.asynccontextmanager
async def running(store: MinioObjectStore) -> AsyncIterator[str]:
    """Run a store and yield a bucket of it, which is removed at the end."""
    await store.start()
    bucket = f"b-{uuid.uuid4().hex}"
    await store.create_bucket(ACCOUNT, REGION, bucket)
    try:
        yield bucket
        page = await store.page(bucket)
        await store.delete(bucket, [info.key for info in page.objects])
        await store.delete_bucket(bucket)
    finally:
        await store.stop()


async def once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def test_what_others_wrote_is_read(store: MinioObjectStore) -> None:
    async with running(store) as bucket:
        others().put_object(
            Bucket=bucket,
            Key="t/part-0.parquet",
            Body=b"rows",
            ContentType="application/x",
            Metadata={"engine": "trino"},
            Tagging="a=b",
        )
        info = await store.head(bucket, "t/part-0.parquet")
        assert b"".join([chunk async for chunk in store.read(info)]) == b"rows"
        assert info.attributes.headers == {"ContentType": "application/x"}
        assert info.attributes.metadata == {"engine": "trino"}
        assert info.attributes.tags == {"a": "b"}
        assert list(info.attributes.checksums) == ["crc32"]
        (listed,) = (await store.page(bucket, "t/")).objects
        assert (listed.key, listed.size, listed.etag) == (info.key, info.size, info.etag)


async def test_what_the_store_wrote_others_read(store: MinioObjectStore) -> None:
    async with running(store) as bucket:
        attributes = Attributes(
            headers={"ContentType": "text/csv"}, metadata={"owner": "cards", "city": "Zürich"}
        )
        await store.put(bucket, "t/1.csv", once(b"a,b\n"), attributes)
        there = others().get_object(Bucket=bucket, Key="t/1.csv")
        assert there["Body"].read() == b"a,b\n"
        assert there["ContentType"] == "text/csv"
        assert there["Metadata"]["owner"] == "cards"


async def test_halves_of_an_adoption_go_at_the_next_start(
    store: MinioObjectStore, state: Database
) -> None:
    async with running(store) as bucket:
        old = await store.put(bucket, "old", once(b"x"))
        staging = await store.staging()
        # One is killed while it writes: what it wrote goes, what a client wrote since stays.
        half = {"MetadataDirective": "REPLACE", "Metadata": {"localaws": '{"i":"one"}'}}
        for key in ("new/1", "new/2"):
            others().copy_object(
                Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": "old"}, **half
            )
        await store.put(bucket, "new/2", once(b"x"))
        insert = "INSERT INTO object_adoption VALUES ($1, $2, $3, $4, $5)"
        await state.execute(insert, "one", bucket, [b"new/1", b"new/2", b"new/3"], [], False)
        # Another is killed when it only has to remove what it replaced.
        replaced = [
            msgspec.json.encode((old.key, old.etag, old.last_modified)),
            msgspec.json.encode(("new/2", old.etag, old.last_modified - timedelta(hours=1))),
        ]
        await state.execute(insert, "two", bucket, [b"kept"], replaced, True)
        await store.put(bucket, "kept", once(b"x"))
        await store.put(staging.bucket, f"{staging.prefix}left", once(b"x"))
        await store.stop()
        await store.start()
        listed = [info.key for info in (await store.page(bucket)).objects]
        assert listed == ["kept", "new/2"]
        assert await state.fetch("SELECT * FROM object_adoption") == []
        assert (await store.page(staging.bucket, staging.prefix)).objects == ()
        assert not staging.folder.exists()


async def test_an_adoption_that_fails_half_way_is_taken_back(
    store: MinioObjectStore, state: Database
) -> None:
    async with running(store) as bucket:
        staging = await store.staging()
        good = await store.put(staging.bucket, f"{staging.prefix}good", once(b"x"))
        gone = replace(good, key=f"{staging.prefix}gone")
        with pytest.raises(AwsError, match="NoSuchKey"):
            await store.adopt(bucket, [Adoption("t/1", good), Adoption("t/2", gone)], "t/")
        assert (await store.page(bucket)).objects == ()
        assert await state.fetch("SELECT * FROM object_adoption") == []
        await store.adopt(bucket, [Adoption("t/1", good)], "t/")
        await store.discard(staging)


async def test_halves_of_buckets_are_made_whole(store: MinioObjectStore, state: Database) -> None:
    async with running(store):
        name = f"b-{uuid.uuid4().hex}"
        others().create_bucket(Bucket=name)  # a creation was killed between server and state
        assert (await store.create_bucket(ACCOUNT, REGION, name)).account == ACCOUNT
        others().delete_bucket(Bucket=name)  # a deletion was killed between server and state
        with pytest.raises(AwsError, match="NoSuchBucket"):
            await store.page(name)
        with pytest.raises(AwsError, match="BucketAlreadyOwnedByYou"):
            await store.create_bucket(ACCOUNT, REGION, name)
        await store.put(name, "k", once(b"x"))
        await store.delete(name, ["k"])
        others().delete_bucket(Bucket=name)
        await store.delete_bucket(name)
        with pytest.raises(AwsError, match="NoSuchBucket"):
            await store.bucket(name)


async def test_a_completion_that_was_not_written_down_is_found(
    store: MinioObjectStore, state: Database
) -> None:
    async with running(store) as bucket:
        upload = await store.create_upload(bucket, "big", Attributes())
        part = await store.put_part(bucket, "big", upload, 1, once(b"part"))
        whole = await store.complete_upload(bucket, "big", upload, [(1, part.etag)])
        await state.execute(
            "UPDATE object_upload SET completed_at = NULL, completed_etag = NULL WHERE id = $1",
            upload,
        )
        await state.execute(
            "INSERT INTO object_part VALUES ($1, 1, 4, $2, now(), '{}', '{}', 0)",
            upload,
            part.etag,
        )
        again = await store.complete_upload(bucket, "big", upload, [(1, part.etag)])
        assert (again.etag, again.size) == (whole.etag, 4)
        assert await store.uploads(bucket) == []


async def test_a_secret_is_not_shown(store: MinioObjectStore) -> None:
    secret = os.environ["LOCALAWS_TEST_OBJECT_STORE_SECRET"]
    assert secret not in repr(store)
    assert secret not in repr(vars(store))
