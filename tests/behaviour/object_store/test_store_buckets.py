from __future__ import annotations

import uuid

import pytest
from store_help import chunks

from localaws.core.errors import AwsError
from localaws.engines.object_store.base import ObjectStore

OWNER = "111111111111"


async def test_bucket_names_belong_to_one_account(object_store: ObjectStore) -> None:
    name = f"b-{uuid.uuid4().hex}"
    made = await object_store.create_bucket(OWNER, "eu-west-1", name)
    assert (made.name, made.account, made.region) == (name, OWNER, "eu-west-1")
    with pytest.raises(AwsError, match="BucketAlreadyOwnedByYou"):
        await object_store.create_bucket(OWNER, "eu-west-1", name)
    with pytest.raises(AwsError, match="BucketAlreadyExists"):
        await object_store.create_bucket("222222222222", "eu-west-1", name)
    assert name in [bucket.name for bucket in await object_store.buckets(OWNER)]
    assert await object_store.buckets("333333333333") == []


async def test_only_an_empty_bucket_is_deleted(object_store: ObjectStore, bucket: str) -> None:
    await object_store.put(bucket, "k", chunks(b"x"))
    with pytest.raises(AwsError, match="BucketNotEmpty"):
        await object_store.delete_bucket(bucket)
    await object_store.delete(bucket, ["k"])
    await object_store.delete_bucket(bucket)
    for call in (object_store.bucket(bucket), object_store.delete_bucket(bucket)):
        with pytest.raises(AwsError, match="NoSuchBucket") as missing:
            await call
        assert missing.value.members == {"BucketName": bucket}


async def test_documents_and_tags_are_set_and_removed(
    object_store: ObjectStore, bucket: str
) -> None:
    await object_store.configure_bucket(bucket, {"policy": {"a": 1}, "encryption": "x"})
    await object_store.configure_bucket(bucket, {"policy": None}, tags={"team": "cards"})
    kept = await object_store.bucket(bucket)
    assert kept.configuration == {"encryption": "x"}
    assert kept.tags == {"team": "cards"}
    await object_store.configure_bucket(bucket, tags={})
    assert (await object_store.bucket(bucket)).tags == {}
    with pytest.raises(AwsError, match="NoSuchBucket"):
        await object_store.configure_bucket("no-such-bucket", tags={})
