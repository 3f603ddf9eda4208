"""Raw: landed files are copied untouched to a dated place, their layout told, and cataloged."""

from __future__ import annotations

import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from greatfin import s3
from greatfin.lake.top_leads.contracts import BY_PATH, CONTRACTS, UNKNOWN_LAYOUT, Contract
from greatfin.lake.top_leads.once import fingerprint
from greatfin.runner import Context, StepResult

if TYPE_CHECKING:
    from types_boto3_glue.type_defs import (
        PartitionInputTypeDef,
        StorageDescriptorOutputTypeDef,
    )

FILE_NAME = re.compile(r"(?P<date>[0-9]{8})[^/]*\.(csv|jsonl)$")
PARALLEL = 8
CREATE_BATCH, DELETE_BATCH = 100, 25


@dataclass(frozen=True)
class RawFile:
    """A delivered file in the raw layer."""

    contract: Contract
    date: str
    layout: str
    name: str

    @property
    def partition(self) -> tuple[str, str]:
        """Return the values of its partition."""
        return (self.date, self.layout)

    @property
    def key(self) -> str:
        """Return its key in the raw bucket."""
        return f"{self.contract.path}/delivery_date={self.date}/layout={self.layout}/{self.name}"


def archive(context: Context) -> StepResult:
    """Copy what landed to the raw layer and register its partitions.

    A file whose header is no known layout is flagged for the administrator; its rows will wait in
    the quarantine. A file that belongs to no source table is left where it is, and flagged.
    """
    landing, raw = context.outputs["LandingBucket"], context.outputs["RawBucket"]
    client = context.clients.s3
    landed = list(s3.list_objects(client, landing))
    there = {item.key: item for item in s3.list_objects(client, raw)}
    archived = {(_without_layout(key), item.etag): key for key, item in there.items()}
    copied = 0

    def place(item: s3.S3Object) -> tuple[RawFile | None, bool]:
        context.check_stop()
        contract, date, name = _classify(item.key)
        if contract is None:
            return None, False
        earlier = archived.get((f"{contract.path}/delivery_date={date}/{name}", item.etag))
        if earlier is not None:
            return RawFile(contract, date, earlier.split("layout=")[1].split("/")[0], name), False
        layout = contract.layout_of(s3.first_line(client, landing, item.key))
        file = RawFile(contract, date, layout, name)
        client.copy_object(
            Bucket=raw, Key=file.key, CopySource={"Bucket": landing, "Key": item.key}
        )
        return file, True

    with ThreadPoolExecutor(PARALLEL) as pool:
        placed: list[tuple[RawFile, bool]] = []
        for item, (file, new) in zip(landed, pool.map(place, landed), strict=True):
            if file is None:
                context.console.warn(f"s3://{landing}/{item.key} belongs to no source table")
                continue
            if new and file.layout == UNKNOWN_LAYOUT:
                context.console.warn(f"s3://{landing}/{item.key} has an unknown layout")
            placed.append((file, new))
        copied = sum(new for _, new in placed)
        changed = sum(pool.map(lambda one: _register(context, one, placed), CONTRACTS))
    _forget_replaced(context, [file for file, _ in placed], set(there))
    kept = list(s3.list_objects(client, raw))
    context.facts["raw"] = _fingerprints(kept)
    size = sum(item.size for item in kept)
    detail = f"{len(kept):,} files, {size / 1e6:,.1f} MB, by delivery date and layout"
    return StepResult(detail, unchanged=copied == 0 and not changed)


def _classify(key: str) -> tuple[Contract | None, str, str]:
    path, _, name = key.rpartition("/")
    found = FILE_NAME.search(name)
    contract = BY_PATH.get(path)
    if contract is None or found is None:
        return None, "", name
    day = found["date"]
    return contract, f"{day[:4]}-{day[4:6]}-{day[6:]}", name


def _without_layout(key: str) -> str:
    return re.sub(r"/layout=[^/]*/", "/", key)


def _forget_replaced(context: Context, files: list[RawFile], before: set[str]) -> None:
    """Remove a file's earlier copy under another layout: it was delivered again, corrected."""
    kept = {file.key for file in files}
    same = {_without_layout(key) for key in kept}
    for key in before - kept:
        if _without_layout(key) in same:
            context.clients.s3.delete_object(Bucket=context.outputs["RawBucket"], Key=key)


def _register(context: Context, contract: Contract, placed: list[tuple[RawFile, bool]]) -> bool:
    """Make the catalog's partitions those that have files; return whether it changed."""
    glue = context.clients.glue
    database = context.outputs["RawDatabase"]
    wanted = {file.partition for file, _ in placed if file.contract is contract}
    pages = glue.get_paginator("get_partitions").paginate(
        DatabaseName=database, TableName=contract.name
    )
    known = {tuple(item["Values"]) for page in pages for item in page["Partitions"]}
    new, stale = sorted(wanted - known), sorted(known - wanted)
    if new:
        table = glue.get_table(DatabaseName=database, Name=contract.name)["Table"]
        storage = table["StorageDescriptor"]
        root = storage["Location"].rstrip("/")
        inputs = [_partition(storage, root, date, layout) for date, layout in new]
        for start in range(0, len(inputs), CREATE_BATCH):
            glue.batch_create_partition(
                DatabaseName=database,
                TableName=contract.name,
                PartitionInputList=inputs[start : start + CREATE_BATCH],
            )
    for start in range(0, len(stale), DELETE_BATCH):
        glue.batch_delete_partition(
            DatabaseName=database,
            TableName=contract.name,
            PartitionsToDelete=[
                {"Values": list(values)} for values in stale[start : start + DELETE_BATCH]
            ],
        )
    return bool(new or stale)


def _partition(
    storage: StorageDescriptorOutputTypeDef, root: str, date: str, layout: str
) -> PartitionInputTypeDef:
    there = f"{root}/delivery_date={date}/layout={layout}/"
    descriptor: StorageDescriptorOutputTypeDef = {**storage, "Location": there}
    return {"Values": [date, layout], "StorageDescriptor": descriptor}


def _fingerprints(objects: list[s3.S3Object]) -> dict[str, str]:
    """Return, by source table, what identifies its raw files."""
    by_table: dict[str, list[str]] = defaultdict(list)
    for item in objects:
        by_table["/".join(item.key.split("/")[:3])].append(f"{item.key} {item.etag}")
    return {path: fingerprint(*sorted(keys)) for path, keys in by_table.items()}
