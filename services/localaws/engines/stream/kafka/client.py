"""What the adapter's clients share: configuration, time limits, errors translated at the edge."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from localaws.core.errors import AwsError

MAX_RECORD_BYTES = 11 * 1024 * 1024
"""The largest record of a stream is 10 MiB; room for its key and framing."""

_ABSENT = {
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError.UNKNOWN_TOPIC_ID,
}
SILENT = {
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError.REQUEST_TIMED_OUT,
}
"""Codes that say nothing but that no broker answered."""
PASSING = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.REPLICA_NOT_AVAILABLE,
    KafkaError._DESTROY_BROKER,
}
"""Codes of a partition that is being made or moved, or (the last) of a client that has just learnt
the brokers' names and let go of the one it was told first: ask again."""


def common(servers: str) -> dict[str, Any]:
    """Return the configuration of every client."""
    return {
        "bootstrap.servers": servers,
        "client.id": "localaws",
        # A broker that was restarted is found again within a second, not ten.
        "reconnect.backoff.max.ms": 1000,
        "socket.connection.setup.timeout.ms": 5000,
        "topic.metadata.propagation.max.ms": 3000,
        # Failures come back from the calls; the library would also print them.
        "log_level": 0,
        "error_cb": _ignore,
    }


def _ignore(_error: KafkaError) -> None:
    """Take no note of a connection's state, which the calls report."""


def is_absent(error: KafkaError) -> bool:
    """Return whether the topic or its partition is not there."""
    return error.code() in _ABSENT


def unreachable(servers: str, reason: str) -> AwsError:
    """Return ServiceUnavailable, naming the engine and the cure."""
    return AwsError(
        "ServiceUnavailable",
        f"The stream engine at {servers} does not answer ({reason}). "
        "Start it with `docker compose up --wait kafka`, then try again.",
        503,
    )


def kafka_error(error: KafkaException) -> KafkaError:
    """Return the error inside an exception."""
    inner = error.args[0]
    if isinstance(inner, KafkaError):
        return inner
    raise error


def metadata(client: Consumer | Producer | AdminClient, topic: str | None, seconds: float) -> Any:
    """Ask for a topic (None: all) in a client's own words, which it keeps; blocks.

    Raises:
        KafkaException: the engine's refusal, or its silence.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return client.list_topics(topic, max(0.1, deadline - time.monotonic()))
        except KafkaException as error:
            if kafka_error(error).code() not in PASSING or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


async def wait_for(future: concurrent.futures.Future[Any], servers: str, seconds: float) -> Any:
    """Wait for an administrator's request, no longer than `seconds`.

    Raises:
        KafkaException: the engine's refusal.
        AwsError: ServiceUnavailable, it does not answer.
    """
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), seconds)
    except TimeoutError:
        raise unreachable(servers, f"no answer in {seconds:g} s") from None
    except KafkaException as error:
        inner = kafka_error(error)
        silent = inner.retriable() or inner.code() in SILENT
        if silent and not is_absent(inner):
            raise unreachable(servers, inner.str()) from error
        raise
