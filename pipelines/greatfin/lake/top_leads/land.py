"""Landing: the source systems drop their files, in parallel and one bounded block at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict

from greatfin import s3
from greatfin.generator import Bank, DeliveredFile, deliver
from greatfin.lake.top_leads.once import drop_marker, fingerprint, read_marker, write_marker
from greatfin.runner import Context, StepResult

MARKER = "land"
GENERATOR_VERSION = "1"
"""Changes with the generator's output, so that an older bank is not taken for this one."""

UPLOADS = 4
MOST_WAITING = 16
"""Files in memory at most."""


def land(context: Context) -> StepResult:
    """Generate the bank and put its files into the landing bucket.

    The same bank is not delivered twice; another scale or seed replaces it. Files that somebody
    else put there stay.
    """
    bank = Bank(context.options.scale, context.options.seed)
    wanted = fingerprint(GENERATOR_VERSION, json.dumps(asdict(bank)))
    bucket = context.outputs["LandingBucket"]
    client = context.clients.s3
    found = read_marker(context, MARKER)
    context.facts["bank"] = wanted
    if found.get("fingerprint") == wanted and found.get("done"):
        facts = found["facts"]
        there = {item.key: item.size for item in s3.list_objects(client, bucket)}
        if all(there.get(key) == size for key, size in facts["sizes"].items()):
            context.facts["delivered"] = facts["rows"]
            return StepResult(_detail(facts["rows"], len(facts["sizes"])), unchanged=True)
    if found.get("fingerprint") != wanted:
        s3.clear(client, bucket)
        s3.clear(client, context.outputs["RawBucket"])
    drop_marker(context, MARKER)
    write_marker(context, MARKER, {"fingerprint": wanted})
    rows: dict[str, int] = {}
    sizes: dict[str, int] = {}
    expected = bank.customers
    for file in _upload(context, bucket, deliver(bank)):
        rows[file.table] = rows.get(file.table, 0) + file.truth.rows
        sizes[file.path] = len(file.content)
        customers = rows.get("core_banking/cbs/customers", 0)
        context.progress(min(customers, expected), expected, "customers")
    facts = {"rows": rows, "sizes": sizes}
    write_marker(context, MARKER, {"fingerprint": wanted, "done": True, "facts": facts})
    context.facts["delivered"] = rows
    return StepResult(_detail(rows, len(sizes)), rows=sum(rows.values()))


def _upload(
    context: Context, bucket: str, files: Iterator[DeliveredFile]
) -> Iterator[DeliveredFile]:
    """Put files, and yield each once it is there."""
    client = context.clients.s3

    def put(file: DeliveredFile) -> DeliveredFile:
        client.put_object(Bucket=bucket, Key=file.path, Body=file.content)
        return file

    waiting: list[Future[DeliveredFile]] = []
    with ThreadPoolExecutor(UPLOADS) as pool:
        for file in files:
            waiting.append(pool.submit(put, file))
            while len(waiting) >= MOST_WAITING:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def _detail(rows: dict[str, int], files: int) -> str:
    return f"{sum(rows.values()):,} rows in {files:,} files from {len(rows)} source tables"
