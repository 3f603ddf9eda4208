"""Reading: a few consumers without groups, lent to one read at a time."""

from __future__ import annotations

import queue
import time
from datetime import UTC, datetime

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from localaws.engines.stream.base import Batch, Record
from localaws.engines.stream.kafka.client import (
    MAX_RECORD_BYTES,
    SILENT,
    common,
    metadata,
    unreachable,
)

_IDLE = 8
"""Consumers kept for the next reads."""


class Reader:
    """Reads stretches of a shard; every method blocks and belongs into a thread."""

    def __init__(self, servers: str, seconds: float) -> None:
        self._servers = servers
        self._seconds = seconds
        self._idle: queue.LifoQueue[Consumer] = queue.LifoQueue()

    def _consumer(self) -> Consumer:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return Consumer(
                common(self._servers)
                | {
                    "group.id": "localaws",  # required, and never joined
                    "enable.auto.commit": False,
                    "enable.auto.offset.store": False,
                    "auto.offset.reset": "earliest",
                    "fetch.message.max.bytes": MAX_RECORD_BYTES,
                    # Read ahead of one batch is thrown away: do not read far.
                    "queued.max.messages.kbytes": 16 * 1024,
                    # What is read is there, so no fetch need wait for more; one that does holds
                    # up the next read.
                    "fetch.wait.max.ms": 1,
                }
            )

    def close(self) -> None:
        """Close the consumers that are not in use."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    def read(self, topic: str, shard: int, start: int, end: int, limit: int) -> Batch:
        """Return up to `limit` records of ``start <= sequence < end``.

        Raises:
            KafkaException: the engine's refusal.
            AwsError: ServiceUnavailable, nothing came in time.
        """
        records: list[Record] = []
        following = start
        deadline = time.monotonic() + self._seconds
        consumer = self._consumer()
        try:
            # Unasked, it learns of a new topic only after half a second.
            metadata(consumer, topic, self._seconds)
            consumer.assign([TopicPartition(topic, shard, start)])
            while following < end and len(records) < limit:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise unreachable(self._servers, f"no record in {self._seconds:g} s")
                # Never ask for more than there is: the call waits until it has them all.
                wanted = min(limit - len(records), end - following)
                for message in consumer.consume(wanted, min(left, 1.0)):
                    record = _record(shard, message)
                    if record is None or record.sequence >= end:
                        continue
                    records.append(record)
                    following = record.sequence + 1
            consumer.unassign()
        except BaseException:
            consumer.close()
            raise
        if self._idle.qsize() < _IDLE:
            self._idle.put(consumer)
        else:
            consumer.close()
        return Batch(tuple(records), following, end)


def _record(shard: int, message: Message) -> Record | None:
    error = message.error()
    if error is not None:
        if error.retriable() or error.code() in SILENT:
            return None  # the library goes on trying; the deadline ends it
        raise KafkaException(error)
    sequence = message.offset()
    assert sequence is not None
    _, milliseconds = message.timestamp()
    return Record(
        shard,
        sequence,
        (message.key() or b"").decode(),
        message.value() or b"",
        datetime.fromtimestamp(milliseconds / 1000, UTC),
    )
