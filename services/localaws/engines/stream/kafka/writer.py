"""Appending: one producer, whose delivery reports become the answers of `append`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from localaws.core.errors import AwsError
from localaws.engines.stream.base import Appended, Entry, StreamId
from localaws.engines.stream.errors import no_such_stream, record_too_large
from localaws.engines.stream.kafka.client import (
    MAX_RECORD_BYTES,
    common,
    is_absent,
    metadata,
    unreachable,
)


class Writer:
    """Stores records so that they are on every replica in step before they are acknowledged."""

    def __init__(self, servers: str, seconds: float) -> None:
        self._servers = servers
        self._seconds = seconds
        self._producer = Producer(
            common(servers)
            | {
                "acks": "all",
                # Retries neither reorder nor double what they send again. With more than one
                # request under way that does not hold on a partition without records: when the
                # first is put off and the second taken, the first passes for a repetition.
                "enable.idempotence": True,
                "max.in.flight.requests.per.connection": 1,
                "linger.ms": 0,
                "message.max.bytes": MAX_RECORD_BYTES,
                "message.timeout.ms": int(seconds * 1000),
            }
        )
        self._partitions: dict[str, int] = {}
        self._open = True
        self._thread = threading.Thread(target=self._poll, name="stream-reports", daemon=True)
        self._thread.start()

    def _poll(self) -> None:
        while self._open:
            self._producer.poll(0.2)

    def close(self) -> None:
        """Send what is under way, within the time limit, and stop; blocks."""
        self._producer.flush(self._seconds)
        self._open = False
        self._thread.join()

    async def append(
        self, stream: StreamId, topic: str, entries: Sequence[tuple[int, Entry]]
    ) -> list[Appended | AwsError]:
        """Append entries to shards and wait for every report."""
        loop = asyncio.get_running_loop()
        try:
            await self._acquaint(topic, max(shard for shard, _ in entries))
        except KafkaException as error:
            raise self._error(stream, error.args[0], 0) from error
        done = loop.create_future()
        answers: list[Appended | AwsError | None] = [None] * len(entries)
        left = len(entries)

        def finish(index: int, answer: Appended | AwsError) -> None:
            nonlocal left
            answers[index] = answer
            left -= 1
            if left == 0 and not done.done():
                done.set_result(None)

        def report(index: int, size: int) -> Callable[[KafkaError | None, Message], None]:
            def arrived(error: KafkaError | None, message: Message) -> None:
                shard, sequence = message.partition(), message.offset()
                answer: Appended | AwsError
                if error is None and shard is not None and sequence is not None:
                    answer = Appended(shard, sequence)
                else:
                    answer = self._error(stream, error, size)
                loop.call_soon_threadsafe(finish, index, answer)

            return arrived

        for index, (shard, entry) in enumerate(entries):
            size = len(entry.data) + len(entry.key)
            try:
                await self._produce(topic, shard, entry, report(index, size))
            except KafkaException as error:
                finish(index, self._error(stream, error.args[0], size))
            except AwsError as error:
                finish(index, error)
        # The producer itself gives each record up in time, so every report comes.
        await done
        if any(isinstance(answer, AwsError) for answer in answers):
            self.forget(topic)
        return [answer for answer in answers if answer is not None]

    def forget(self, topic: str) -> None:
        """Forget what is known of a topic that was deleted or changed."""
        self._partitions.pop(topic, None)

    async def _acquaint(self, topic: str, shard: int) -> None:
        """Let the producer know of the partition: it refuses those added since it last asked."""
        if shard < self._partitions.get(topic, 0):
            return
        answer = await asyncio.to_thread(metadata, self._producer, topic, self._seconds)
        if answer.topics[topic].error is not None:
            raise KafkaException(answer.topics[topic].error)
        self._partitions[topic] = len(answer.topics[topic].partitions)

    async def _produce(
        self,
        topic: str,
        shard: int,
        entry: Entry,
        report: Callable[[KafkaError | None, Message], None],
    ) -> None:
        deadline = asyncio.get_running_loop().time() + self._seconds
        while True:
            try:
                self._producer.produce(
                    topic,
                    value=entry.data,
                    key=entry.key.encode(),
                    partition=shard,
                    on_delivery=report,
                )
            except BufferError:
                if asyncio.get_running_loop().time() > deadline:
                    raise unreachable(self._servers, "its queue is full") from None
                await asyncio.sleep(0.01)
            else:
                return

    def _error(self, stream: StreamId, error: KafkaError | None, size: int) -> AwsError:
        if error is None:
            return unreachable(self._servers, "no place for the record was reported")
        if is_absent(error):
            return no_such_stream(stream)
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            return record_too_large(stream, size)
        return unreachable(self._servers, error.str())
