from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from localaws.core.clock import Clock
from localaws.core.errors import AwsError
from localaws.engines.stream.base import (
    AfterSequence,
    Appended,
    AtSequence,
    AtTimestamp,
    Batch,
    Entry,
    Latest,
    StreamId,
    StreamLog,
    TrimHorizon,
    shard_of,
)

pytestmark = pytest.mark.gap(
    "embedded", reason="records in PostgreSQL come with the Kinesis issue", raises=AwsError
)


def payloads(batch: Batch) -> list[bytes]:
    return [record.data for record in batch.records]


async def test_records_come_back_in_order_shard_by_shard(log: StreamLog, stream: StreamId) -> None:
    entries = [Entry(f"key-{n % 7}", f"record {n}".encode()) for n in range(500)]
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    places = await log.append(stream, entries)
    after = datetime.now(UTC) + timedelta(milliseconds=1)
    assert [place.shard for place in places if isinstance(place, Appended)] == [
        shard_of(entry.key, 3) for entry in entries
    ]
    seen = 0
    for shard in range(3):
        mine = [entry for entry in entries if shard_of(entry.key, 3) == shard]
        batch = await log.read(stream, shard, 0, 10_000)
        assert payloads(batch) == [entry.data for entry in mine]
        assert [record.key for record in batch.records] == [entry.key for entry in mine]
        assert [record.sequence for record in batch.records] == list(range(len(mine)))
        assert all(before <= record.arrived <= after for record in batch.records)
        assert (batch.next_sequence, batch.end_sequence) == (len(mine), len(mine))
        seen += len(batch.records)
    assert seen == len(entries)


async def test_any_bytes_and_keys_are_kept(log: StreamLog, stream: StreamId) -> None:
    entries = [
        Entry("", b"", shard=1),
        Entry("ключ ☃", bytes(range(256)), shard=1),
        Entry("k" * 256, b"\0" * (10 * 1024 * 1024), shard=1),
    ]
    assert await log.append(stream, entries) == [Appended(1, n) for n in range(3)]
    batch = await log.read(stream, 1, 0, 10)
    assert [(record.key, record.data) for record in batch.records] == [
        (entry.key, entry.data) for entry in entries
    ]
    assert await log.append(stream, []) == []


async def test_reading_goes_on_where_it_stopped(log: StreamLog, stream: StreamId) -> None:
    await log.append(stream, [Entry("k", b"%d" % n, shard=0) for n in range(10)])
    sequence, seen = 0, []
    while True:
        batch = await log.read(stream, 0, sequence, 4)
        assert batch.end_sequence == 10
        if not batch.records:
            break
        assert len(batch.records) <= 4
        seen += payloads(batch)
        sequence = batch.next_sequence
    assert seen == [b"%d" % n for n in range(10)]
    assert sequence == 10
    await log.append(stream, [Entry("k", b"10", shard=0)])
    assert payloads(await log.read(stream, 0, sequence, 4)) == [b"10"]


async def test_positions(log: StreamLog, stream: StreamId) -> None:
    assert await log.locate(stream, 2, TrimHorizon()) == 0
    assert await log.locate(stream, 2, Latest()) == 0
    assert await log.locate(stream, 2, AtTimestamp(datetime.now(UTC))) == 0
    for n in range(5):
        await log.append(stream, [Entry("k", b"%d" % n, shard=2)])
        await asyncio.sleep(0.002)  # a time of its own for each, in milliseconds
    records = (await log.read(stream, 2, 0, 5)).records
    assert await log.locate(stream, 2, TrimHorizon()) == 0
    assert await log.locate(stream, 2, Latest()) == 5
    assert await log.locate(stream, 2, AtSequence(3)) == 3
    assert await log.locate(stream, 2, AfterSequence(3)) == 4
    assert await log.locate(stream, 2, AfterSequence(4)) == 5
    for record in records:
        assert await log.locate(stream, 2, AtTimestamp(record.arrived)) == record.sequence
        later = record.arrived + timedelta(microseconds=1)
        assert await log.locate(stream, 2, AtTimestamp(later)) == record.sequence + 1
    assert await log.locate(stream, 2, AtTimestamp(datetime(2020, 1, 1, tzinfo=UTC))) == 0
    for position in (AtSequence(5), AfterSequence(5), AtSequence(-1)):
        with pytest.raises(AwsError, match="InvalidArgumentException: Sequence number"):
            await log.locate(stream, 2, position)


async def test_latest_is_where_the_shard_ended_when_it_was_asked(
    log: StreamLog, stream: StreamId
) -> None:
    await log.append(stream, [Entry("k", b"old", shard=0)])
    latest = await log.locate(stream, 0, Latest())
    await log.append(stream, [Entry("k", b"new", shard=0)])
    assert payloads(await log.read(stream, 0, latest, 10)) == [b"new"]


async def test_what_is_too_old_is_not_read(log: StreamLog, stream: StreamId, clock: Clock) -> None:
    await log.append(stream, [Entry("k", b"%d" % n, shard=0) for n in range(3)])
    clock.advance(timedelta(hours=24, minutes=1))
    assert await log.locate(stream, 0, TrimHorizon()) == 3
    assert await log.locate(stream, 0, AtSequence(1)) == 3
    batch = await log.read(stream, 0, 0, 10)
    assert (batch.records, batch.next_sequence) == ((), 3)
    await log.set_retention(stream, timedelta(hours=48))
    assert await log.locate(stream, 0, TrimHorizon()) == 0
    assert len((await log.read(stream, 0, 0, 10)).records) == 3


async def test_writers_at_once_lose_nothing(log: StreamLog, stream: StreamId) -> None:
    async def write(writer: int) -> None:
        for n in range(20):
            await log.append(stream, [Entry("k", b"%d-%d" % (writer, n), shard=1)])

    await asyncio.gather(*(write(writer) for writer in range(8)))
    found = payloads(await log.read(stream, 1, 0, 1000))
    assert len(found) == 160
    for writer in range(8):
        mine = [data for data in found if data.startswith(b"%d-" % writer)]
        assert mine == [b"%d-%d" % (writer, n) for n in range(20)]


async def test_readers_at_once_do_not_disturb_each_other(log: StreamLog, stream: StreamId) -> None:
    for shard in range(3):
        await log.append(stream, [Entry("k", b"%d/%d" % (shard, n), shard) for n in range(50)])

    async def follow(shard: int) -> None:
        sequence = 0
        while sequence < 50:
            batch = await log.read(stream, shard, sequence, 7)
            assert payloads(batch) == [
                b"%d/%d" % (shard, n) for n in range(sequence, batch.next_sequence)
            ]
            sequence = batch.next_sequence

    await asyncio.gather(*(follow(shard % 3) for shard in range(12)))


async def test_a_record_that_is_too_large_is_refused_alone(
    log: StreamLog, stream: StreamId
) -> None:
    huge = Entry("k", b"x" * (12 * 1024 * 1024), shard=0)
    first, second, third = await log.append(
        stream, [Entry("k", b"a", shard=0), huge, Entry("k", b"b", shard=0)]
    )
    assert isinstance(second, AwsError)
    assert second.code == "InvalidArgumentException"
    assert (first, third) == (Appended(0, 0), Appended(0, 1))
    with pytest.raises(AwsError, match="InvalidArgumentException"):
        await log.append(stream, [huge])
    assert payloads(await log.read(stream, 0, 0, 10)) == [b"a", b"b"]


async def test_shards_that_are_not_there(log: StreamLog, stream: StreamId) -> None:
    for shard in (-1, 3):
        for call in (
            log.append(stream, [Entry("k", b"", shard=shard)]),
            log.read(stream, shard, 0, 1),
            log.locate(stream, shard, Latest()),
        ):
            with pytest.raises(AwsError, match=f"ResourceNotFoundException: Shard {shard} in"):
                await call
