"""What is special to files and an index: garbage, orphans, kills, losses of power."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from open_store_help import OpenStore

from localaws.core.errors import AwsError
from localaws.engines.object_store import listing, upkeep
from localaws.engines.object_store.base import Attributes, ObjectStore

BIG = 100_000


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def stored(store: ObjectStore, key: str) -> bytes:
    info = await store.head("b", key)
    return b"".join([chunk async for chunk in store.read(info)])


def files(folder: Path) -> set[str]:
    return {path.name for path in (folder / "blobs").glob("*/*")}


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_the_files_of_what_is_gone_are_removed(open_store: OpenStore, tmp_path: Path) -> None:
    async with open_store() as store:
        await store.create_bucket("1", "us-east-1", "b")
        for key in ("a", "b", "c"):
            await store.put("b", key, chunks(os.urandom(BIG)))
        await store.put("b", "small", chunks(b"small"))
        await store.put("b", "a", chunks(os.urandom(BIG)))
        await store.delete("b", ["b", "small"])
        upload = await store.create_upload("b", "u", Attributes())
        await store.put_part("b", "u", upload, 1, chunks(os.urandom(BIG)))
        await store.put_part("b", "u", upload, 1, chunks(os.urandom(BIG)))
        await store.abort_upload("b", "u", upload)
        assert len(files(tmp_path)) == 6
        assert await store.collect_garbage() == 5
        assert len(files(tmp_path)) == 2
        assert len(await stored(store, "a")) == BIG


async def test_files_stay_for_the_grace_time(open_store: OpenStore, tmp_path: Path) -> None:
    async with open_store(grace=timedelta(minutes=10)) as store:
        await store.create_bucket("1", "us-east-1", "b")
        info = await store.put("b", "a", chunks(b"x" * BIG))
        small = await store.put("b", "s", chunks(b"small"))
        path = await store.local_path(info)
        await store.delete("b", ["a", "s"])
        assert await store.collect_garbage() == 0
        assert path is not None
        assert path.read_bytes() == b"x" * BIG
        assert [chunk async for chunk in store.read(small)] == [b"small"]


async def test_a_path_of_parts_is_good_after_their_garbage(open_store: OpenStore) -> None:
    data = os.urandom(5 << 20)
    async with open_store() as store:
        await store.create_bucket("1", "us-east-1", "b")
        upload = await store.create_upload("b", "u", Attributes())
        parts = [await store.put_part("b", "u", upload, n, chunks(data)) for n in (1, 2)]
        small = await store.put_part("b", "u", upload, 3, chunks(b"tail"))
        info = await store.complete_upload(
            "b", "u", upload, [(part.number, part.etag) for part in [*parts, small]]
        )
        path = await store.local_path(info)
        await store.collect_garbage()
        assert path is not None
        assert path.read_bytes() == data + data + b"tail"
        assert await stored(store, "u") == data + data + b"tail"


async def test_orphans_are_removed_after_a_kill(open_store: OpenStore, tmp_path: Path) -> None:
    async with open_store(clean=False) as store:
        await store.create_bucket("1", "us-east-1", "b")
        await store.put("b", "a", chunks(b"x" * BIG))
    orphan = tmp_path / "blobs" / "ab" / "ab0123456789"
    orphan.write_bytes(b"half an upload")
    # Time of change cannot be set: let the file grow older than a start.
    await asyncio.sleep(1.2)
    async with open_store() as store:
        await until(lambda: not orphan.exists())
        assert await stored(store, "a") == b"x" * BIG
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("durability", ["power", "process"])
async def test_a_loss_of_power_never_leaves_a_torn_object(
    open_store: OpenStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    durability: str,
) -> None:
    async with open_store(durability, clean=False) as store:
        await store.create_bucket("1", "us-east-1", "b")
        await store.put("b", "whole", chunks(b"w" * BIG))
        await store.put("b", "cut", chunks(b"c" * BIG))
        await store.put("b", "zeros", chunks(b"z" * BIG))
        await store.put("b", "small", chunks(b"small"))
        paths = {}
        for key in ("cut", "zeros"):
            paths[key] = await store.local_path(await store.head("b", key))
    if durability == "process":  # with "power" they were flushed and cannot be torn
        assert paths["cut"] is not None
        assert paths["zeros"] is not None
        paths["cut"].write_bytes(b"c" * 10)
        paths["zeros"].write_bytes(b"\0" * BIG)
    monkeypatch.setattr(upkeep, "boot_id", lambda: "another run of the machine")
    async with open_store(durability) as store:
        assert await stored(store, "whole") == b"w" * BIG
        assert await stored(store, "small") == b"small"
        left = [info.key for info in (await store.page("b")).objects]
        if durability == "power":
            assert left == ["cut", "small", "whole", "zeros"]
        else:
            assert left == ["small", "whole"]
            with pytest.raises(AwsError, match="NoSuchKey"):
                await store.head("b", "cut")


async def test_what_was_synced_is_not_checked_again(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setattr(upkeep, "SYNC_SECONDS", 0.05)
    async with open_store("process") as store:
        await store.create_bucket("1", "us-east-1", "b")
        await store.put("b", "a", chunks(b"x" * BIG))
        connection = await asyncpg.connect(database_url)
        epoch = await connection.fetchval("SELECT epoch FROM object")
        assert epoch > 0
        for _ in range(100):
            if await connection.fetchval("SELECT synced FROM object_store_state") >= epoch:
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("the epoch was not synced")
        await connection.close()


async def test_kill_keeps_what_was_acknowledged_and_nothing_else(
    open_store: OpenStore, database_url: str, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).with_name("store_process.py")),
            database_url,
            str(tmp_path),
            "process",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(300)]
    process.kill()
    lines += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    acknowledged: dict[str, tuple[str, int]] = {}
    for line in lines:
        with contextlib.suppress(ValueError):  # the last one may be half written
            key, digest, size = line.split()
            acknowledged[key] = digest, int(size)
    await asyncio.sleep(1.2)
    async with open_store("process") as store:
        there = {info.key: info for info in (await store.page("b")).objects}
        # At most one more per writer: its write was committed as it was killed.
        assert acknowledged.keys() <= there.keys()
        assert len(there.keys() - acknowledged.keys()) <= 8
        newer = 0
        for key, info in there.items():
            data = await stored(store, key)
            assert hashlib.md5(data).hexdigest() == info.etag
            assert len(data) == info.size
            newer += key in acknowledged and acknowledged[key] != (info.etag, info.size)
        assert newer <= 8
        names = {info.blob.partition(":")[0] for info in there.values()}
        kept = {name for name in names if not name.startswith("r")}
        assert kept <= files(tmp_path)
        await store.collect_garbage()
        await until(lambda: files(tmp_path) == kept)


async def test_a_page_costs_the_same_however_many_keys_a_prefix_has(
    open_store: OpenStore, database_url: str
) -> None:
    async with open_store() as store:
        await store.create_bucket("1", "us-east-1", "b")
        connection = await asyncpg.connect(database_url)
        await connection.execute(
            "INSERT INTO object SELECT 'b', convert_to(format('%s/%s', p, lpad(k::text, 6, '0')),"
            " 'UTF8'), 0, 'e', now(), '{}', '{}', ARRAY['r:0:'], 0 "
            "FROM generate_series(100, 119) p, generate_series(1, 2000) k"
        )
        page = await store.page("b", delimiter="/")
        assert page.prefixes == tuple(f"{p}/" for p in range(100, 120))
        assert not page.truncated
        first = await store.page("b", prefix="110/", limit=10)
        assert [info.key for info in first.objects] == [f"110/{k:06}" for k in range(1, 11)]
        assert first.truncated
        # One step in the index for each of the 20 entries, not one for each of 40,000 keys.
        rows = await connection.fetch(
            "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) " + listing._SKIP,
            *("b", b"100/", b"\xff", 1001, 0, b"/", b"0"),
        )
        await connection.close()
        plan = "\n".join(row[0] for row in rows)
        assert "Seq Scan" not in plan
        assert re.search(r"Index Scan using object_pkey .*loops=20\b", plan), plan
