"""The ``stream`` port: named logs of records, split into shards, kept for a time.

A stream belongs to one account in one region. Within a shard records have consecutive sequence
numbers from 0 and are read in their order; the number of a record never changes. What a service
makes of it (hash ranges, iterators, consumers) is its own. Errors are AWS's, see `errors`; a call
to an engine that does not answer ends within the adapter's time limit with ``ServiceUnavailable``.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from localaws.core.errors import AwsError

RETENTION = timedelta(hours=24)
"""How long a record is kept unless the stream says otherwise."""


@dataclass(frozen=True)
class StreamId:
    """Which stream: names are unique in one account and region."""

    account: str
    region: str
    name: str

    def __str__(self) -> str:
        return f"Stream {self.name} under account {self.account} in {self.region}"


@dataclass(frozen=True)
class StreamDescription:
    """What a stream is; its shards are numbered from 0."""

    stream: StreamId
    shards: int
    retention: timedelta


@dataclass(frozen=True)
class Entry:
    """A record to append.

    Attributes:
        key: the partition key.
        data: its bytes.
        shard: where it belongs; None leaves it to `shard_of`.
    """

    key: str
    data: bytes = field(repr=False)
    shard: int | None = None


@dataclass(frozen=True)
class Appended:
    """Where a record came to stand."""

    shard: int
    sequence: int


@dataclass(frozen=True)
class Record:
    """A record as it is read; `arrived` is when the engine took it, aware, in milliseconds."""

    shard: int
    sequence: int
    key: str
    data: bytes = field(repr=False)
    arrived: datetime


@dataclass(frozen=True)
class Batch:
    """Records in order, where to read on, and where the shard ended at that moment."""

    records: tuple[Record, ...]
    next_sequence: int
    end_sequence: int


@dataclass(frozen=True)
class TrimHorizon:
    """The oldest record that is kept."""


@dataclass(frozen=True)
class Latest:
    """Behind the newest record."""


@dataclass(frozen=True)
class AtSequence:
    """At the record of this sequence number."""

    sequence: int


@dataclass(frozen=True)
class AfterSequence:
    """Behind the record of this sequence number."""

    sequence: int


@dataclass(frozen=True)
class AtTimestamp:
    """At the first record that arrived at this time or later."""

    timestamp: datetime


Position = TrimHorizon | Latest | AtSequence | AfterSequence | AtTimestamp


def shard_of(key: str, shards: int) -> int:
    """Return the shard of a partition key among `shards` with equal ranges of its MD5.

    https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html#partition-key
    """
    digest = hashlib.md5(key.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest) * shards >> 128


class StreamLog(ABC):
    """Streams of all accounts and regions."""

    @abstractmethod
    async def start(self) -> None:
        """Make the log ready; does not wait for its engine, which may come and go."""

    @abstractmethod
    async def stop(self) -> None:
        """Close every connection; records under way are stored or their callers told."""

    @abstractmethod
    async def healthy(self) -> int:
        """Return how many nodes the engine has.

        Raises:
            AwsError: ServiceUnavailable, saying what does not answer and the cure.
        """

    @abstractmethod
    async def create(
        self, stream: StreamId, shards: int, retention: timedelta = RETENTION
    ) -> StreamDescription:
        """Create a stream, ready to be written when this returns.

        Raises:
            AwsError: ResourceInUseException where it exists; LimitExceededException where the
                engine takes no more shards.
        """

    @abstractmethod
    async def describe(self, stream: StreamId) -> StreamDescription:
        """Return what a stream is; ResourceNotFoundException."""

    @abstractmethod
    async def streams(self, account: str, region: str) -> list[str]:
        """Return the names of the streams of an account in a region, in order."""

    @abstractmethod
    async def delete(self, stream: StreamId) -> None:
        """Delete a stream with its records; ResourceNotFoundException."""

    @abstractmethod
    async def set_retention(self, stream: StreamId, retention: timedelta) -> None:
        """Set how long records are kept, those that are there too; ResourceNotFoundException."""

    @abstractmethod
    async def add_shards(self, stream: StreamId, shards: int) -> StreamDescription:
        """Add empty shards behind those there are; ResourceNotFoundException."""

    @abstractmethod
    async def append(self, stream: StreamId, entries: Sequence[Entry]) -> list[Appended | AwsError]:
        """Append records; what is returned as `Appended` is durable.

        The records of one call keep their order within a shard. A record that is not taken has its
        error in its place; one whose fate is unknown (the engine fell silent) counts as not taken.

        Raises:
            AwsError: ResourceNotFoundException; InvalidArgumentException for a shard that is not
                there; the first record's error where not one was taken.
        """

    @abstractmethod
    async def locate(self, stream: StreamId, shard: int, position: Position) -> int:
        """Return the sequence number at which reading from a position begins.

        Positions older than what is kept are those of the oldest record kept.

        Raises:
            AwsError: ResourceNotFoundException (stream or shard); InvalidArgumentException for a
                sequence number that was never given.
        """

    @abstractmethod
    async def read(self, stream: StreamId, shard: int, sequence: int, limit: int) -> Batch:
        """Return up to `limit` records from a sequence number on; does not wait for new ones.

        Where the sequence number is older than what is kept, reading begins at the oldest record.

        Raises:
            AwsError: ResourceNotFoundException (stream or shard).
        """
