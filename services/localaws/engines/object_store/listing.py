"""Pages of keys and common prefixes, with work bounded by the page and not by the bucket.

A page first reads as many rows as it may return. Where a delimiter rolls many of them up, the rest
of the page is read by skipping: one step in the index per entry, however many keys it stands for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from localaws.core.database import Database
from localaws.engines.object_store.base import Listing, ObjectInfo
from localaws.engines.object_store.schema import (
    COLUMNS,
    NO_KEY_ABOVE,
    encode_text,
    object_info,
    successor,
)

_SCAN = f"""
    SELECT {COLUMNS} FROM object
    WHERE bucket = $1 AND key >= $2 AND key < $3 ORDER BY key LIMIT $4
"""

# An entry is a key, or a common prefix (rolled = its length, else 0); `behind` is the first key
# that may belong to the next entry. $5 prefix length, $6 delimiter, $7 successor of the delimiter.
_ENTRY = f"""
    SELECT {COLUMNS},
        CASE WHEN at > 0 THEN $5::int + at - 1 + length($6::bytea) ELSE 0 END AS rolled,
        CASE WHEN at > 0 THEN substring(key FROM 1 FOR $5::int + at - 1) || $7::bytea
             ELSE key || '\\x00'::bytea END AS behind
    FROM (
        SELECT {COLUMNS}, position($6::bytea IN substring(key FROM $5::int + 1)) AS at
        FROM object WHERE bucket = $1 AND key >= {{start}} AND key < $3 ORDER BY key LIMIT 1
    ) AS first
"""

_SKIP = f"""
    WITH RECURSIVE entry AS (
        SELECT next.*, 1 AS number FROM ({_ENTRY.format(start="$2")}) AS next
        UNION ALL
        SELECT next.*, entry.number + 1
        FROM entry, LATERAL ({_ENTRY.format(start="entry.behind")}) AS next
        WHERE entry.number < $4
    )
    SELECT * FROM entry ORDER BY number
"""


@dataclass(frozen=True)
class _Query:
    bucket: str
    prefix: bytes
    delimiter: bytes
    start: bytes
    limit: int

    def common_prefix(self, key: bytes) -> bytes | None:
        """Return the common prefix that stands for a key, or None."""
        if not self.delimiter:
            return None
        at = key.find(self.delimiter, len(self.prefix))
        return key[: at + len(self.delimiter)] if at >= 0 else None


async def read_page(
    database: Database, bucket: str, prefix: str, delimiter: str, after: str, limit: int
) -> Listing:
    """Return the page of a bucket behind `after`; see `ObjectStore.page`."""
    if limit <= 0:
        return Listing((), (), False)
    raw_prefix, raw_after = encode_text(prefix), encode_text(after)
    query = _Query(bucket, raw_prefix, encode_text(delimiter), raw_prefix, limit)
    if raw_after:
        behind = raw_after + b"\x00"
        if raw_after.startswith(raw_prefix) and query.common_prefix(raw_after) == raw_after:
            # What was returned last stood for all keys that start with it.
            behind = successor(raw_after)
        query = _Query(bucket, raw_prefix, query.delimiter, max(raw_prefix, behind), limit)
    entries = await _entries(database, query)
    truncated = len(entries) > limit
    entries = entries[:limit]
    return Listing(
        objects=tuple(entry for entry in entries if isinstance(entry, ObjectInfo)),
        prefixes=tuple(entry for entry in entries if isinstance(entry, str)),
        truncated=truncated,
        next_key=_name(entries[-1]) if truncated else "",
    )


def _name(entry: ObjectInfo | str) -> str:
    return entry.key if isinstance(entry, ObjectInfo) else entry


async def _entries(database: Database, query: _Query) -> list[ObjectInfo | str]:
    """Return up to one entry more than the page takes, which tells whether it is the last."""
    end = successor(query.prefix) if query.prefix else NO_KEY_ABOVE
    wanted = query.limit + 1
    rows = await database.fetch(_SCAN, query.bucket, query.start, end, wanted)
    entries: list[ObjectInfo | str] = []
    last: bytes | None = None
    for row in rows:
        rolled = query.common_prefix(row["key"])
        if rolled is None:
            entries.append(object_info(query.bucket, row))
        elif rolled != last:
            entries.append(rolled.decode())
        last = rolled
    if len(rows) < wanted or len(entries) >= wanted:
        return entries
    start = rows[-1]["key"] + b"\x00" if last is None else successor(last)
    skipped: list[Any] = await database.fetch(
        _SKIP,
        query.bucket,
        start,
        end,
        wanted - len(entries),
        len(query.prefix),
        query.delimiter,
        successor(query.delimiter),
    )
    for row in skipped:
        rolled_length = row["rolled"]
        entries.append(
            row["key"][:rolled_length].decode() if rolled_length else object_info(query.bucket, row)
        )
    return entries
