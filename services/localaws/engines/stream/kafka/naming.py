"""The topic of a stream: ``stream.<account>.<region>.<name>.<mask>``, there and back.

A topic's name has up to 249 of the characters that a stream's name may have (``a-zA-Z0-9_.-``, up
to 128). But Kafka refuses a topic that differs from another only in dots and underscores, because
its metric names would collide; so underscores become dots and the mask tells which they were: a
hexadecimal number with one bit for each dot, the first dot's the lowest.
"""

from __future__ import annotations

import re

from localaws.engines.stream.base import StreamId

_TOPIC = re.compile(r"stream\.(\d{12})\.([a-z0-9-]+)\.(.+)\.([0-9a-f]+)", re.DOTALL)


def topic_of(stream: StreamId) -> str:
    """Return the topic of a stream."""
    separators = [character for character in stream.name if character in "._"]
    mask = sum(1 << bit for bit, character in enumerate(separators) if character == "_")
    name = stream.name.replace("_", ".")
    return f"stream.{stream.account}.{stream.region}.{name}.{mask:x}"


def stream_of(topic: str) -> StreamId | None:
    """Return the stream of a topic, or None where the topic is not a stream's."""
    parts = _TOPIC.fullmatch(topic)
    if parts is None:
        return None
    account, region, dotted, mask = parts.groups()
    bits = int(mask, 16)
    name = ""
    for character in dotted:
        if character == ".":
            name += "_" if bits & 1 else "."
            bits >>= 1
        else:
            name += character
    return StreamId(account, region, name)
