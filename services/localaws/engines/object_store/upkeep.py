"""What keeps files and index together: syncs, the garbage, and recovery at start.

Epochs: a file that is not flushed when it is written belongs to the current epoch, a number kept in
its row. From time to time the epoch ends: everything is synced, and the state says so. After a loss
of power only files of epochs that were never synced can be torn; their rows are checked and dropped
where they are. Epoch 0 is "on disk when written".
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO

from localaws.core.database import Database
from localaws.engines.object_store.base import STAGING_BUCKET
from localaws.engines.object_store.blobs import Blob, Blobs
from localaws.engines.object_store.bodies import Bodies

SYNC_SECONDS = 10.0
COLLECT_SECONDS = 30.0
COLLECT_BATCH = 1000
UPLOADS_REMEMBERED = timedelta(days=1)
"""How long the completion of an upload may be repeated."""

log = logging.getLogger(__name__)


def boot_id() -> str:
    """Return what tells one run of the machine from the next; empty where it is not known."""
    if sys.platform == "linux":
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(
            ["sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=True
        ).stdout.strip()
    return ""


class Upkeep:
    """The upkeep of one store.

    Args:
        durability: ``power`` or ``process``, see `Settings.durability`.
        grace: how long the files of deleted objects stay, for readers that hold their paths.
    """

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        bodies: Bodies,
        folder: Path,
        durability: str,
        grace: timedelta,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._bodies = bodies
        self._folder = folder
        self._durability = durability
        self._grace = grace
        self._lock: IO[str] | None = None
        self._alone = False
        self._epoch = 0
        self._writing: dict[int, int] = {}
        self._dirty = False
        self._doubtful = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def flush(self) -> bool:
        """Whether a file is flushed before the index names it."""
        # The sync of an epoch waits for the writes of this process only.
        return self._durability == "power" or not self._alone

    @contextlib.contextmanager
    def writing(self) -> Iterator[int]:
        """Hold the epoch open while the index takes in what is written; yield it, or 0."""
        if self.flush:
            yield 0
            return
        epoch = self._epoch
        self._writing[epoch] = self._writing.get(epoch, 0) + 1
        try:
            yield epoch
        finally:
            self._dirty = True
            self._writing[epoch] -= 1

    def doubt(self) -> None:
        """Note that a blob may or may not be in the index: the next start looks for orphans."""
        self._doubtful = True

    async def start(self) -> None:
        """Recover what an earlier process left, and begin the upkeep."""
        self._lock = (self._folder / "lock").open("w")
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._alone = True
        started = time.time()
        if self._alone:
            clean = await self._recover()
            self._bodies.prepare(clean=clean)
            await self._blobs.run(shutil.rmtree, self._folder / "staging", True)
            await self._database.execute("DELETE FROM object WHERE bucket = $1", STAGING_BUCKET)
            if not clean:
                self._tasks.append(
                    asyncio.create_task(self._collect_orphans(started), name="object-store-orphans")
                )
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        self._tasks.append(asyncio.create_task(self._keep(), name="object-store-upkeep"))

    async def stop(self) -> None:
        """End the upkeep and leave a clean state."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        orphans_left = any(
            task.get_name() == "object-store-orphans" and task.cancelled() for task in self._tasks
        )
        if self._alone:
            if self._dirty:
                await self.sync()
            await self._database.execute(
                "UPDATE object_store_state SET clean = $1", not (self._doubtful or orphans_left)
            )
        if self._lock is not None:
            self._lock.close()

    async def _recover(self) -> bool:
        """Check what a loss of power may have torn; return whether the last stop was clean."""
        row = await self._database.fetchrow("SELECT * FROM object_store_state")
        boot = boot_id()
        synced = 0
        clean = True
        if row is not None:
            clean = row["clean"]
            synced = row["epoch"] + 1
            if not clean:
                if row["boot"] != boot or not boot:
                    await self._check_torn("object", row["synced"])
                    await self._check_torn("object_part", row["synced"])
                await self._sync_files()
        self._epoch = synced + 1
        await self._database.execute(
            "INSERT INTO object_store_state VALUES (1, $1, false, $2, $3) ON CONFLICT (id) "
            "DO UPDATE SET boot = $1, clean = false, epoch = $2, synced = $3",
            boot,
            self._epoch,
            synced,
        )
        return bool(clean)

    async def _check_torn(self, table: str, synced: int) -> None:
        rows = await self._database.fetch(
            f"SELECT ctid::text AS place, blobs FROM {table} WHERE epoch > $1", synced
        )
        for row in rows:
            blobs = [blob for blob in map(Blob.parse, row["blobs"]) if not blob.is_row]
            if all([await self._blobs.run(self._blobs.intact, blob) for blob in blobs]):
                continue
            identity = "bucket, key" if table == "object" else "upload, number"
            lost = await self._database.fetchrow(
                f"DELETE FROM {table} WHERE ctid = $1::text::tid RETURNING {identity}",
                row["place"],
            )
            log.warning(
                "%s %s was not on disk when the power went and is dropped", table, tuple(lost)
            )

    async def sync(self) -> None:
        """End the epoch: bring what it wrote to disk."""
        ended, self._epoch = self._epoch, self._epoch + 1
        self._dirty = False
        while any(count for epoch, count in self._writing.items() if epoch <= ended):
            await asyncio.sleep(0.01)
        for epoch in [epoch for epoch in self._writing if epoch <= ended]:
            del self._writing[epoch]
        await self._sync_files()
        await self._database.execute(
            "UPDATE object_store_state SET epoch = $1, synced = $2", self._epoch, ended
        )

    async def _sync_files(self) -> None:
        if self._durability != "none":
            await self._blobs.run(self._blobs.sync)

    async def collect(self) -> int:
        """Remove the files of what was deleted longer ago than the grace time."""
        removed = 0
        while True:
            async with self._database.transaction() as connection:
                # The database's time, not the platform's clock: real readers need real time.
                rows = await connection.fetch(
                    "DELETE FROM object_garbage WHERE blob IN (SELECT blob FROM object_garbage "
                    "WHERE since < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED) "
                    "RETURNING blob",
                    self._grace,
                    COLLECT_BATCH,
                )
                blobs = [Blob.parse(row["blob"]) for row in rows]
                small = [blob.name for blob in blobs if blob.is_row]
                await connection.execute("DELETE FROM object_body WHERE blob = ANY($1)", small)
            await self._blobs.run(self._blobs.remove, [blob.name for blob in blobs])
            await self._bodies.remove(small)
            removed += len(blobs)
            if len(blobs) < COLLECT_BATCH:
                return removed

    async def _keep(self) -> None:
        collected = time.monotonic()
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            try:
                if self._alone and self._dirty:
                    await self.sync()
                if time.monotonic() - collected >= COLLECT_SECONDS:
                    collected = time.monotonic()
                    await self.collect()
                    await self._database.execute(
                        "DELETE FROM object_upload WHERE completed_at < now() - $1::interval",
                        UPLOADS_REMEMBERED,
                    )
            except Exception:
                self._dirty = True
                log.exception("upkeep of the object store failed; trying again")

    async def _collect_orphans(self, started: float) -> None:
        """Remove the files from before `started` that no row names."""
        names = await self._blobs.run(
            lambda: [name for name, changed in self._blobs.names() if changed < started - 1]
        )
        async with self._database.transaction() as connection:
            await connection.execute("CREATE TEMP TABLE on_disk (name text) ON COMMIT DROP")
            await connection.copy_records_to_table(
                "on_disk", records=((name,) for name in names), columns=["name"]
            )
            rows = await connection.fetch(
                "SELECT name FROM on_disk EXCEPT ("
                "SELECT split_part(unnest(blobs), ':', 1) FROM object UNION ALL "
                "SELECT split_part(unnest(blobs), ':', 1) FROM object_part UNION ALL "
                "SELECT split_part(blob, ':', 1) FROM object_garbage)"
            )
        await self._blobs.run(self._blobs.remove, [row["name"] for row in rows])
        if rows:
            log.info("removed %d files of interrupted writes", len(rows))
