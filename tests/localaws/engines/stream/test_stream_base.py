from __future__ import annotations

import hashlib
import re
import socket
import string
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from localaws.core.clock import Clock
from localaws.core.errors import AwsError
from localaws.engines.stream.base import Entry, Latest, StreamId, StreamLog, shard_of
from localaws.engines.stream.kafka.adapter import KafkaStreamLog
from localaws.engines.stream.kafka.naming import stream_of, topic_of

NAMES = st.text(string.ascii_letters + string.digits + "_.-", min_size=1, max_size=128)
STREAMS = st.builds(
    StreamId,
    st.from_regex(r"[0-9]{12}", fullmatch=True),
    st.sampled_from(["us-east-1", "ap-southeast-2", "us-gov-west-1"]),
    NAMES,
)


@given(STREAMS)
@example(StreamId("1" * 12, "ap-southeast-2", "_" * 128))
@example(StreamId("1" * 12, "us-east-1", "."))
@example(StreamId("1" * 12, "us-east-1", "a.0"))
def test_a_topic_tells_its_stream(stream: StreamId) -> None:
    topic = topic_of(stream)
    assert stream_of(topic) == stream
    assert re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", topic)


@given(STREAMS, STREAMS)
@example(StreamId("1" * 12, "us-east-1", "a.b"), StreamId("1" * 12, "us-east-1", "a_b"))
@example(StreamId("1" * 12, "us-east-1", "a.1"), StreamId("1" * 12, "us-east-1", "a_1"))
def test_topics_do_not_collide(one: StreamId, other: StreamId) -> None:
    """Topics that differ only in dots and underscores are refused by the brokers."""
    same = topic_of(one).replace(".", "_") == topic_of(other).replace(".", "_")
    assert same == (one == other)


@pytest.mark.parametrize("topic", ["__consumer_offsets", "stream.1.us-east-1.a.0", "stream", ""])
def test_other_topics_are_no_streams(topic: str) -> None:
    assert stream_of(topic) is None


@given(st.text(max_size=256), st.integers(1, 1000))
def test_a_key_belongs_to_the_shard_whose_hash_range_holds_it(key: str, shards: int) -> None:
    hashed = int(hashlib.md5(key.encode()).hexdigest(), 16)
    shard = shard_of(key, shards)
    assert shard * 2**128 <= hashed * shards < (shard + 1) * 2**128


def test_keys_spread_over_the_shards() -> None:
    counts = [0] * 4
    for number in range(1000):
        counts[shard_of(f"key-{number}", 4)] += 1
    assert min(counts) > 200


def test_data_is_not_shown() -> None:
    assert "hush" not in repr(Entry("k", b"hush"))


async def test_an_engine_that_does_not_answer_is_named_in_time() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        servers = f"127.0.0.1:{closed.getsockname()[1]}"
    log: StreamLog = KafkaStreamLog(servers, Clock(), seconds=1)
    stream = StreamId("111111111111", "us-east-1", "s")
    await log.start()
    for call in (
        log.healthy(),
        log.create(stream, 1),
        log.describe(stream),
        log.streams("111111111111", "us-east-1"),
        log.append(stream, [Entry("k", b"hush")]),
        log.locate(stream, 0, Latest()),
        log.read(stream, 0, 0, 1),
        log.delete(stream),
    ):
        begun = time.monotonic()
        with pytest.raises(AwsError, match=f"The stream engine at {servers} does not") as failed:
            await call
        assert time.monotonic() - begun < 20
        assert (failed.value.code, failed.value.status) == ("ServiceUnavailable", 503)
        assert "docker compose up" in failed.value.message
    await log.stop()
