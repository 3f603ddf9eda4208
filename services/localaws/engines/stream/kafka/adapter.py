"""The ``stream`` port over Kafka: stream is topic, shard is partition, sequence is offset."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from confluent_kafka import KafkaException

from localaws.core.clock import Clock
from localaws.core.errors import AwsError
from localaws.engines.stream.base import (
    RETENTION,
    AfterSequence,
    Appended,
    AtSequence,
    AtTimestamp,
    Batch,
    Entry,
    Latest,
    Position,
    StreamDescription,
    StreamId,
    StreamLog,
    TrimHorizon,
    shard_of,
)
from localaws.engines.stream.errors import invalid_sequence, no_such_shard, no_such_stream
from localaws.engines.stream.kafka.client import is_absent, kafka_error, unreachable
from localaws.engines.stream.kafka.naming import topic_of
from localaws.engines.stream.kafka.reader import Reader
from localaws.engines.stream.kafka.topics import Topics
from localaws.engines.stream.kafka.writer import Writer

_READERS = 8
"""Reads at once; each holds a thread."""


class KafkaStreamLog(StreamLog):
    """Streams in Kafka.

    Args:
        servers: ``host:port`` of the brokers to ask first, separated by commas.
        clock: by which records grow too old.
        seconds: how long one call may wait for the brokers.
    """

    _topics: Topics
    _writer: Writer
    _reader: Reader
    _threads: ThreadPoolExecutor

    def __init__(self, servers: str, clock: Clock, seconds: float = 15.0) -> None:
        self._servers = servers
        self._clock = clock
        self._seconds = seconds

    async def start(self) -> None:
        """Make the clients, which connect when they are used."""
        self._topics = Topics(self._servers, self._seconds)
        self._writer = Writer(self._servers, self._seconds)
        self._reader = Reader(self._servers, self._seconds)
        self._threads = ThreadPoolExecutor(_READERS, "stream-reads")

    async def stop(self) -> None:
        """Send what is under way and close the clients."""
        await asyncio.to_thread(self._writer.close)
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._reader.close)

    async def healthy(self) -> int:
        """Return how many brokers answer."""
        return await self._topics.brokers()

    async def create(
        self, stream: StreamId, shards: int, retention: timedelta = RETENTION
    ) -> StreamDescription:
        """Create the topic."""
        return await self._topics.create(stream, shards, retention)

    async def describe(self, stream: StreamId) -> StreamDescription:
        """Ask for the topic."""
        return await self._topics.describe(stream)

    async def streams(self, account: str, region: str) -> list[str]:
        """List the topics that are streams of the account in the region."""
        return await self._topics.streams(account, region)

    async def delete(self, stream: StreamId) -> None:
        """Delete the topic."""
        self._writer.forget(topic_of(stream))
        await self._topics.delete(stream)

    async def set_retention(self, stream: StreamId, retention: timedelta) -> None:
        """Alter the topic."""
        await self._topics.set_retention(stream, retention)

    async def add_shards(self, stream: StreamId, shards: int) -> StreamDescription:
        """Add partitions."""
        return await self._topics.add_shards(stream, shards)

    async def append(self, stream: StreamId, entries: Sequence[Entry]) -> list[Appended | AwsError]:
        """Produce to the partitions and wait for all reports."""
        if not entries:
            return []
        shards = (await self._topics.known(stream)).shards
        placed: list[tuple[int, Entry]] = []
        for entry in entries:
            shard = shard_of(entry.key, shards) if entry.shard is None else entry.shard
            if not 0 <= shard < shards:
                # It may have been added by another process.
                shards = (await self._topics.describe(stream)).shards
            if not 0 <= shard < shards:
                raise no_such_shard(stream, shard)
            placed.append((shard, entry))
        answers = await self._writer.append(stream, topic_of(stream), placed)
        failed = [answer for answer in answers if isinstance(answer, AwsError)]
        if failed:
            self._topics.forget(stream)
        if len(failed) == len(answers):
            if failed[0].code == "ServiceUnavailable":
                await self._topics.describe(stream)  # silence may mean that the stream is gone
            raise failed[0]
        return answers

    async def locate(self, stream: StreamId, shard: int, position: Position) -> int:
        """Ask for the offset of a position."""
        match position:
            case Latest():
                return (await self._topics.bounds(stream, shard))[1]
            case TrimHorizon():
                return await self._horizon(stream, shard)
            case AtTimestamp(timestamp):
                horizon, found = await asyncio.gather(
                    self._horizon(stream, shard), self._topics.at(stream, shard, timestamp)
                )
                return max(horizon, found)
            case AtSequence(sequence) | AfterSequence(sequence):
                horizon, (_, end) = await asyncio.gather(
                    self._horizon(stream, shard), self._topics.bounds(stream, shard)
                )
                if not 0 <= sequence < end:
                    raise invalid_sequence(stream, shard, sequence)
                return max(horizon, sequence + isinstance(position, AfterSequence))

    async def read(self, stream: StreamId, shard: int, sequence: int, limit: int) -> Batch:
        """Read from the partition up to where it ends now."""
        first, end = await self._topics.bounds(stream, shard)
        start = max(first, sequence)
        batch = await self._stretch(stream, shard, start, end, limit)
        kept = (await self._topics.known(stream)).retention
        if batch.records and batch.records[0].arrived < self._clock.now() - kept:
            # Too old, but not removed yet: segments go as a whole.
            start = max(start, await self._horizon(stream, shard))
            batch = await self._stretch(stream, shard, start, end, limit)
        return batch

    async def _stretch(
        self, stream: StreamId, shard: int, start: int, end: int, limit: int
    ) -> Batch:
        if start >= end or limit <= 0:
            return Batch((), start, end)
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, self._reader.read, topic_of(stream), shard, start, end, limit
            )
        except KafkaException as error:
            if is_absent(kafka_error(error)):
                raise no_such_stream(stream) from error
            raise unreachable(self._servers, kafka_error(error).str()) from error

    async def _horizon(self, stream: StreamId, shard: int) -> int:
        description = await self._topics.describe(stream)  # another process may set its retention
        oldest = self._clock.now() - description.retention
        (first, _), found = await asyncio.gather(
            self._topics.bounds(stream, shard), self._topics.at(stream, shard, oldest)
        )
        return max(first, found)
