"""The adapters of the ``stream`` port; every test here runs on each of them that is at hand."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator

import pytest

from containers import containers
from localaws.core.clock import Clock
from localaws.core.errors import AwsError
from localaws.engines.stream.base import StreamId, StreamLog
from localaws.engines.stream.kafka.adapter import KafkaStreamLog

URL = os.environ.get("LOCALAWS_TEST_STREAM_URL", "")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["embedded", *containers("kafka")])
def adapter(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def make(adapter: str, clock: Clock) -> StreamLog:
    if adapter == "embedded":
        raise AwsError("NotImplementedException", "The stream port has no embedded adapter yet")
    return KafkaStreamLog(URL, clock)


@pytest.fixture
async def log(adapter: str, clock: Clock) -> AsyncIterator[StreamLog]:
    log = make(adapter, clock)
    await log.start()
    yield log
    await log.stop()


@pytest.fixture
async def other(adapter: str, clock: Clock) -> AsyncIterator[StreamLog]:
    """Return a log on the same engine, as another process has it."""
    log = make(adapter, clock)
    await log.start()
    yield log
    await log.stop()


@pytest.fixture
async def stream(log: StreamLog) -> AsyncIterator[StreamId]:
    """Make a stream of three shards."""
    stream = StreamId("111111111111", "us-east-1", f"s-{uuid.uuid4().hex}")
    await log.create(stream, 3)
    yield stream
    await log.delete(stream)
