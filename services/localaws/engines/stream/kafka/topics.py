"""Topics as streams: made, described, altered, removed; and where their partitions stand."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it exports them in effect
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from localaws.core.errors import AwsError
from localaws.engines.stream.base import StreamDescription, StreamId
from localaws.engines.stream.errors import (
    no_such_shard,
    no_such_stream,
    stream_exists,
    too_many_shards,
)
from localaws.engines.stream.kafka.client import (
    MAX_RECORD_BYTES,
    PASSING,
    common,
    is_absent,
    kafka_error,
    metadata,
    unreachable,
    wait_for,
)
from localaws.engines.stream.kafka.naming import stream_of, topic_of

_SEGMENT = timedelta(hours=1)
"""Whole segments are removed when all of them is too old; a young one is closed after this."""

_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]

_HEALTH_SECONDS = 5.0

_Future = concurrent.futures.Future[Any]
_Answers = _Future | Mapping[Any, _Future]


class Topics:
    """The administrator's side of the brokers; remembers what it was told of each stream."""

    def __init__(self, servers: str, seconds: float) -> None:
        self._servers = servers
        self._seconds = seconds
        self._admin = AdminClient(common(servers))
        self._known: dict[StreamId, StreamDescription] = {}

    async def brokers(self) -> int:
        """Return how many brokers answer."""
        request = self._admin.describe_cluster()
        cluster = await wait_for(request, self._servers, min(self._seconds, _HEALTH_SECONDS))
        return len(cluster.nodes)

    async def create(
        self, stream: StreamId, shards: int, retention: timedelta
    ) -> StreamDescription:
        """Create the topic; returns when its partitions have leaders."""
        topic = NewTopic(
            topic_of(stream),
            shards,
            -1,  # as many replicas as the brokers are set to
            config={
                "retention.ms": _milliseconds(retention),
                "retention.bytes": "-1",
                "segment.ms": _milliseconds(_SEGMENT),
                "cleanup.policy": "delete",
                "max.message.bytes": str(MAX_RECORD_BYTES),
                "message.timestamp.type": "LogAppendTime",
            },
        )
        try:
            await self._ask(lambda: self._admin.create_topics([topic]))
        except KafkaException as error:
            raise _refusal(error, stream, shards) from error
        return await self._settled(stream, shards)

    async def describe(self, stream: StreamId) -> StreamDescription:
        """Ask for the topic and its configuration."""
        topic = topic_of(stream)
        resource = ConfigResource(ResourceType.TOPIC, topic)
        try:
            description, config = await asyncio.gather(
                self._ask(lambda: self._admin.describe_topics(TopicCollection([topic]))),
                self._ask(lambda: self._admin.describe_configs([resource])),
            )
        except KafkaException as error:
            self._known.pop(stream, None)
            if is_absent(kafka_error(error)):
                raise no_such_stream(stream) from error
            raise unreachable(self._servers, kafka_error(error).str()) from error
        shards = [item for item in description.partitions if item.leader is not None]
        if len(shards) < len(description.partitions):
            raise unreachable(self._servers, f"{stream} has shards without a leader")
        kept = timedelta(milliseconds=int(config["retention.ms"].value))
        self._known[stream] = StreamDescription(stream, len(shards), kept)
        return self._known[stream]

    async def streams(self, account: str, region: str) -> list[str]:
        """List the topics that are streams of the account in the region."""
        try:
            answer = await asyncio.to_thread(metadata, self._admin, None, self._seconds)
        except KafkaException as error:
            raise unreachable(self._servers, kafka_error(error).str()) from error
        found = [stream_of(topic) for topic in answer.topics]
        return sorted(
            stream.name
            for stream in found
            if stream is not None and (stream.account, stream.region) == (account, region)
        )

    async def delete(self, stream: StreamId) -> None:
        """Delete the topic; returns when it is gone."""
        topic = topic_of(stream)
        self._known.pop(stream, None)
        try:
            await self._ask(lambda: self._admin.delete_topics([topic]))
        except KafkaException as error:
            raise _refusal(error, stream, 0) from error
        await self._until(lambda: self._gone(stream), f"{stream} is not gone")

    async def set_retention(self, stream: StreamId, retention: timedelta) -> None:
        """Alter the topic's configuration."""
        entry = ConfigEntry(
            "retention.ms",
            _milliseconds(retention),
            incremental_operation=AlterConfigOpType.SET,
        )
        resource = ConfigResource(ResourceType.TOPIC, topic_of(stream), incremental_configs=[entry])
        try:
            await self._ask(lambda: self._admin.incremental_alter_configs([resource]))
        except KafkaException as error:
            raise _refusal(error, stream, 0) from error

        async def seen() -> bool:
            return (await self.describe(stream)).retention == retention

        await self._until(seen, f"{stream} has not taken its retention")

    async def add_shards(self, stream: StreamId, shards: int) -> StreamDescription:
        """Add partitions; the records of those there are stay where they are."""
        total = (await self.describe(stream)).shards + shards
        wanted = NewPartitions(topic_of(stream), total)
        try:
            await self._ask(lambda: self._admin.create_partitions([wanted]))
        except KafkaException as error:
            raise _refusal(error, stream, total) from error
        return await self._settled(stream, total)

    async def known(self, stream: StreamId) -> StreamDescription:
        """Return what was last heard of a stream; see `forget`."""
        return self._known.get(stream) or await self.describe(stream)

    def forget(self, stream: StreamId) -> None:
        """Ask again for a stream before it is used: it seems to have changed."""
        self._known.pop(stream, None)

    async def bounds(self, stream: StreamId, shard: int) -> tuple[int, int]:
        """Return the first offset of a partition and the one behind its last."""
        first, end = await asyncio.gather(
            self._offset(stream, shard, _EARLIEST),
            self._offset(stream, shard, _LATEST),
        )
        return first, end

    async def at(self, stream: StreamId, shard: int, timestamp: datetime) -> int:
        """Return the offset of the first record as young as that, or where the partition ends."""
        milliseconds = max(0, -(-timestamp.timestamp() * 1000 // 1).__int__())
        found = await self._offset(stream, shard, OffsetSpec.for_timestamp(milliseconds))
        # -1: no record is as young as that
        return found if found >= 0 else await self._offset(stream, shard, _LATEST)

    async def _offset(self, stream: StreamId, shard: int, which: OffsetSpec) -> int:
        if not 0 <= shard < (await self.known(stream)).shards:
            await self.describe(stream)
            if shard < 0 or shard >= self._known[stream].shards:
                raise no_such_shard(stream, shard)
        place = TopicPartition(topic_of(stream), shard)
        try:
            answer = await self._ask(lambda: self._admin.list_offsets({place: which}))
        except KafkaException as error:
            if is_absent(kafka_error(error)):
                await self.describe(stream)
                raise no_such_shard(stream, shard) from error
            raise unreachable(self._servers, kafka_error(error).str()) from error
        return int(answer.offset)

    async def _settled(self, stream: StreamId, shards: int) -> StreamDescription:
        async def ready() -> bool:
            # A partition may be announced before its broker serves it, or even knows of it.
            try:
                description = await self.describe(stream)
                await asyncio.gather(*(self._offset(stream, n, _LATEST) for n in range(shards)))
            except AwsError:
                return False
            return description.shards == shards

        await self._until(ready, f"{stream} is not ready")
        return self._known[stream]

    async def _gone(self, stream: StreamId) -> bool:
        try:
            await self.describe(stream)
        except AwsError as error:
            return error.code == "ResourceNotFoundException"
        return False

    async def _until(self, reached: Callable[[], Coroutine[Any, Any, bool]], lack: str) -> None:
        deadline = asyncio.get_running_loop().time() + self._seconds
        while not await reached():
            if asyncio.get_running_loop().time() > deadline:
                raise unreachable(self._servers, f"{lack} after {self._seconds:g} s")
            await asyncio.sleep(0.02)

    async def _ask(self, request: Callable[[], _Answers]) -> Any:
        deadline = asyncio.get_running_loop().time() + self._seconds
        while True:
            answers = request()
            future = next(iter(answers.values())) if isinstance(answers, Mapping) else answers
            try:
                return await wait_for(future, self._servers, self._seconds)
            except KafkaException as error:
                passing = kafka_error(error).code() in PASSING
                if not passing or asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(0.02)


def _milliseconds(duration: timedelta) -> str:
    return str(int(duration.total_seconds() * 1000))


def _refusal(error: KafkaException, stream: StreamId, shards: int) -> AwsError:
    inner = kafka_error(error)
    if inner.code() == KafkaError.TOPIC_ALREADY_EXISTS:
        return stream_exists(stream)
    if is_absent(inner):
        return no_such_stream(stream)
    if inner.code() in (KafkaError.POLICY_VIOLATION, KafkaError.INVALID_PARTITIONS):
        return too_many_shards(stream, shards, inner.str())
    return AwsError("InvalidArgumentException", f"{stream} is refused: {inner.str()}")
