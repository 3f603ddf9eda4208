"""A process that writes until it is killed and says what was acknowledged.

Arguments: database URL, folder, durability. Each line on stdout is "key md5 size".
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.engines.object_store.files import FileObjectStore

SIZES = [0, 10, 5_000, 40_000, 1_500_000]


async def body(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 50_000):
        yield data[start : start + 50_000]
        await asyncio.sleep(0)


async def write(store: FileObjectStore, writer: int) -> None:
    number = 0
    while True:
        data = os.urandom(random.choice(SIZES))
        key = f"{writer}/{number % 20}"
        await store.put("b", key, body(data))
        digest = hashlib.md5(data).hexdigest()
        sys.stdout.write(f"{key} {digest} {len(data)}\n")
        sys.stdout.flush()
        number += 1


async def main(url: str, folder: str, durability: str) -> None:
    database = Database(url)
    await database.start()
    store = FileObjectStore(database, Path(folder), Clock(), durability)
    await store.start()
    await store.create_bucket("111111111111", "us-east-1", "b")
    await asyncio.gather(*(write(store, writer) for writer in range(8)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
