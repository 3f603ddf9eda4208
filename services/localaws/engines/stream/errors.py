"""The errors of a stream, in the codes and words of AWS.

https://docs.aws.amazon.com/kinesis/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from localaws.core.errors import AwsError
from localaws.engines.stream.base import StreamId


def no_such_stream(stream: StreamId) -> AwsError:
    """Return ResourceNotFoundException for a stream."""
    return AwsError(
        "ResourceNotFoundException",
        f"Stream {stream.name} under account {stream.account} not found.",
    )


def no_such_shard(stream: StreamId, shard: int) -> AwsError:
    """Return ResourceNotFoundException for a shard."""
    return AwsError(
        "ResourceNotFoundException",
        f"Shard {shard} in stream {stream.name} under account {stream.account} does not exist",
    )


def stream_exists(stream: StreamId) -> AwsError:
    """Return ResourceInUseException: the name is taken."""
    return AwsError(
        "ResourceInUseException",
        f"Stream {stream.name} under account {stream.account} already exists.",
    )


def too_many_shards(stream: StreamId, shards: int, reason: str) -> AwsError:
    """Return LimitExceededException."""
    return AwsError(
        "LimitExceededException",
        f"{stream} cannot have {shards} shards: {reason}",
    )


def invalid_sequence(stream: StreamId, shard: int, sequence: int) -> AwsError:
    """Return InvalidArgumentException for a sequence number that was never given."""
    return AwsError(
        "InvalidArgumentException",
        f"Sequence number {sequence} is invalid for shard {shard} in stream {stream.name} under "
        f"account {stream.account}: no record has it",
    )


def record_too_large(stream: StreamId, size: int) -> AwsError:
    """Return InvalidArgumentException for a record that the engine does not take."""
    return AwsError(
        "InvalidArgumentException",
        f"A record of {size} bytes is larger than stream {stream.name} under account "
        f"{stream.account} takes",
    )
