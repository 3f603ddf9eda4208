from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from localaws.core.errors import AwsError
from localaws.engines.stream.base import (
    Appended,
    Entry,
    Latest,
    StreamDescription,
    StreamId,
    StreamLog,
)

pytestmark = pytest.mark.gap(
    "embedded", reason="records in PostgreSQL come with the Kinesis issue", raises=AwsError
)


async def test_the_engine_is_healthy(log: StreamLog) -> None:
    assert await log.healthy() >= 1


async def test_a_stream_is_made_described_and_removed(log: StreamLog) -> None:
    stream = StreamId("111111111111", "eu-west-1", f"a.b_c-{uuid.uuid4().hex}")
    made = await log.create(stream, 4, timedelta(hours=36))
    assert made == StreamDescription(stream, 4, timedelta(hours=36))
    assert await log.describe(stream) == made
    with pytest.raises(AwsError, match=r"ResourceInUseException: Stream .* already exists"):
        await log.create(stream, 1)
    await log.set_retention(stream, timedelta(days=365))
    assert (await log.describe(stream)).retention == timedelta(days=365)
    await log.delete(stream)
    for call in (
        log.describe(stream),
        log.delete(stream),
        log.set_retention(stream, timedelta(days=2)),
        log.add_shards(stream, 1),
        log.append(stream, [Entry("k", b"")]),
        log.locate(stream, 0, Latest()),
        log.read(stream, 0, 0, 1),
    ):
        with pytest.raises(AwsError, match=f"ResourceNotFoundException: Stream {stream.name}"):
            await call


async def test_streams_belong_to_an_account_in_a_region(log: StreamLog) -> None:
    name = f"orders.{uuid.uuid4().hex}"
    account = str(uuid.uuid4().int)[:12]
    streams = [
        StreamId(account, "us-east-1", name),
        StreamId(account, "eu-west-1", name),
        StreamId(account[::-1], "us-east-1", name),
        # These two differ in a character that not every engine tells apart.
        StreamId(account, "us-east-1", name.replace(".", "_")),
        StreamId(account, "us-east-1", name.upper()),
    ]
    for number, stream in enumerate(streams):
        await log.create(stream, 1)
        await log.append(stream, [Entry("k", b"%d" % number)])
    names = sorted([name, name.replace(".", "_"), name.upper()])
    assert await log.streams(account, "us-east-1") == names
    assert await log.streams(account, "eu-west-1") == [name]
    for number, stream in enumerate(streams):
        batch = await log.read(stream, 0, 0, 10)
        assert [record.data for record in batch.records] == [b"%d" % number]
        await log.delete(stream)
    assert await log.streams(account, "us-east-1") == []


async def test_names_of_full_length(log: StreamLog) -> None:
    tail = uuid.uuid4().hex
    stream = StreamId("111111111111", "ap-southeast-2", "_." * 48 + tail)
    assert len(stream.name) == 128
    await log.create(stream, 1)
    assert stream.name in await log.streams("111111111111", "ap-southeast-2")
    await log.delete(stream)


async def test_a_name_can_be_used_again(log: StreamLog) -> None:
    stream = StreamId("111111111111", "us-east-1", f"again-{uuid.uuid4().hex}")
    for shards in (3, 1, 2):
        await log.create(stream, shards)
        for n in range(3):
            entry = Entry("k", b"%d" % shards, shard=shards - 1)
            assert await log.append(stream, [entry]) == [Appended(shards - 1, n)]
        batch = await log.read(stream, shards - 1, 0, 10)
        assert [record.data for record in batch.records] == [b"%d" % shards] * 3
        await log.delete(stream)


async def test_shards_are_added(log: StreamLog, stream: StreamId) -> None:
    await log.append(stream, [Entry("k", b"old", shard=2)])
    assert (await log.add_shards(stream, 2)).shards == 5
    assert await log.append(stream, [Entry("k", b"new", shard=4)]) == [Appended(4, 0)]
    assert [record.data for record in (await log.read(stream, 2, 0, 9)).records] == [b"old"]
    assert [record.data for record in (await log.read(stream, 4, 0, 9)).records] == [b"new"]


async def test_what_another_process_does_to_a_stream_is_seen(
    log: StreamLog, other: StreamLog
) -> None:
    stream = StreamId("111111111111", "us-east-1", f"shared-{uuid.uuid4().hex}")
    await log.create(stream, 1)
    await log.append(stream, [Entry("k", b"one")])
    await other.append(stream, [Entry("k", b"two")])
    await other.add_shards(stream, 1)
    assert await log.append(stream, [Entry("k", b"three", shard=1)]) == [Appended(1, 0)]
    assert [record.data for record in (await other.read(stream, 1, 0, 9)).records] == [b"three"]
    assert [record.data for record in (await log.read(stream, 0, 0, 9)).records] == [b"one", b"two"]
    await other.delete(stream)
    with pytest.raises(AwsError, match="ResourceNotFoundException: Stream shared-"):
        await log.append(stream, [Entry("k", b"four")])
    with pytest.raises(AwsError, match="ResourceNotFoundException: Stream shared-"):
        await log.read(stream, 0, 0, 9)
