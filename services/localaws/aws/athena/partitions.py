"""Partition DDL: ADD, DROP, RENAME, and MSCK REPAIR TABLE.

A partition is what the catalog says; a folder no one registered has no rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from localaws.aws.athena.errors import StatementError, ddl_failed, semantic_error
from localaws.aws.athena.locations import Location, is_hidden, parse_location
from localaws.aws.athena.partition_paths import parse_part, partition_path
from localaws.aws.athena.run import Answer, QualifiedName, Run
from localaws.aws.athena.statements import (
    AddPartitions,
    DropPartitions,
    PartitionCondition,
    PartitionSpec,
    RenamePartition,
    RepairTable,
)
from localaws.core.errors import AwsError
from localaws.core.service import Shape

_BATCH = 100
_QUOTED_TYPES = ("string", "char", "varchar", "date", "timestamp")


def partition_keys(name: QualifiedName, entry: Shape) -> list[str]:
    """Return the partition keys of a table, which must have some.

    Raises:
        StatementError: it has none.
    """
    keys = [key["Name"] for key in entry.get("PartitionKeys") or []]
    if not keys:
        raise ddl_failed(f"Table {name} is not a partitioned table")
    return keys


def _values(name: QualifiedName, entry: Shape, spec: PartitionSpec) -> list[str]:
    keys = partition_keys(name, entry)
    given = dict(spec)
    for key in given:
        if key not in keys:
            raise semantic_error(10098, f"Non-Partition column appears in the partition spec {key}")
    if len(given) < len(keys):
        shown = ", ".join(f"{key}={value}" for key, value in spec)
        raise semantic_error(
            10006, f"partition spec {{{shown}}} doesn't contain all ({len(keys)}) partition columns"
        )
    return [given[key] for key in keys]


def _partition_input(entry: Shape, values: Sequence[str], location: str) -> Shape:
    return {
        "Values": list(values),
        "StorageDescriptor": entry["StorageDescriptor"] | {"Location": location},
    }


def _default_location(entry: Shape, keys: Sequence[str], values: Sequence[str]) -> str:
    root = parse_location(entry["StorageDescriptor"].get("Location") or "")
    if root is None:
        raise ddl_failed("MetaException(message:The table has no S3 location)")
    return root.child(partition_path(keys, values)).uri


async def add_partitions(run: Run, statement: AddPartitions) -> Answer:
    """Register partitions, all or none of them."""
    name = run.resolve(statement.name)
    entry = await run.existing(name)
    keys = partition_keys(name, entry)
    wanted: dict[tuple[str, ...], str] = {}
    for spec, location in statement.partitions:
        values = _values(name, entry, spec)
        if location is not None and parse_location(location) is None:
            raise ddl_failed(f"MetaException(message:{location} is not an S3 location)")
        wanted[tuple(values)] = location or _default_location(entry, keys, values)
    there = {
        tuple(partition["Values"])
        for partition in await run.catalog.get_partitions_by_values(
            run.catalog_id, name.database, name.table, list(wanted)
        )
    }
    if there and not statement.if_not_exists:
        raise ddl_failed("AlreadyExistsException(message:Partition already exists.)")
    missing = [
        _partition_input(entry, values, location)
        for values, location in wanted.items()
        if values not in there
    ]
    await _create(run, name, missing, if_not_exists=statement.if_not_exists)
    return Answer(text="")


async def _create(
    run: Run, name: QualifiedName, partitions: Sequence[Shape], *, if_not_exists: bool
) -> None:
    for start in range(0, len(partitions), _BATCH):
        errors = await run.catalog.create_partitions(
            run.catalog_id, name.database, name.table, partitions[start : start + _BATCH]
        )
        for error in errors:
            if error.code != "AlreadyExistsException" or not if_not_exists:
                raise ddl_failed(f"{error.code}(message:{error.message})")


async def drop_partitions(run: Run, statement: DropPartitions) -> Answer:
    """Take partitions out of the catalog; their data stays."""
    name = run.resolve(statement.name)
    entry = await run.existing(name)
    partition_keys(name, entry)
    types = {key["Name"]: key["Type"].lower() for key in entry["PartitionKeys"]}
    for conditions in statement.partitions:
        for condition in conditions:
            if condition.key not in types:
                raise semantic_error(
                    10098, f"Non-Partition column appears in the partition spec {condition.key}"
                )
        expression = " AND ".join(_condition(types, condition) for condition in conditions)
        found = await run.catalog.get_partitions(
            run.catalog_id, name.database, name.table, expression
        )
        if not found and not statement.if_exists:
            shown = ", ".join(f"{c.key} {c.operator} '{c.value}'" for c in conditions)
            raise semantic_error(10006, f"Partition not found ({shown})")
        await run.catalog.delete_partitions(
            run.catalog_id,
            name.database,
            name.table,
            [partition["Values"] for partition in found],
        )
    return Answer(text="")


def _condition(types: dict[str, str], condition: PartitionCondition) -> str:
    value = condition.value
    if types[condition.key].startswith(_QUOTED_TYPES):
        value = "'" + value.replace("'", "''") + "'"
    operator = "<>" if condition.operator == "!=" else condition.operator
    return f"{condition.key} {operator} {value}"


async def rename_partition(run: Run, statement: RenamePartition) -> Answer:
    """Give a partition other values; its data stays where it is.

    The new partition is there before the old one goes, so that no row is ever missing.
    """
    name = run.resolve(statement.name)
    entry = await run.existing(name)
    old = _values(name, entry, statement.old)
    new = _values(name, entry, statement.new)
    partition = await _partition(run, name, old)
    await _create(run, name, [partition | {"Values": new}], if_not_exists=False)
    await run.catalog.delete_partitions(run.catalog_id, name.database, name.table, [old])
    return Answer(text="")


async def set_partition_location(
    run: Run, name: QualifiedName, entry: Shape, spec: PartitionSpec, location: str
) -> None:
    """Point a partition at another folder."""
    values = _values(name, entry, spec)
    partition = await _partition(run, name, values)
    storage = partition["StorageDescriptor"] | {"Location": location}
    await _update(run, name, values, partition | {"StorageDescriptor": storage})


async def _partition(run: Run, name: QualifiedName, values: list[str]) -> Shape:
    found = await run.catalog.get_partitions_by_values(
        run.catalog_id, name.database, name.table, [values]
    )
    if not found:
        raise semantic_error(10006, f"Partition not found {values}")
    kept = ("Values", "StorageDescriptor", "Parameters", "LastAccessTime")
    return {key: found[0][key] for key in kept if key in found[0]}


async def _update(run: Run, name: QualifiedName, values: list[str], partition: Shape) -> None:
    errors = await run.catalog.update_partitions(
        run.catalog_id, name.database, name.table, [(values, partition)]
    )
    for error in errors:
        raise ddl_failed(f"{error.code}(message:{error.message})")


async def repair_table(run: Run, statement: RepairTable) -> Answer:
    """Register every ``key=value`` folder below the table's location that is not registered.

    https://docs.aws.amazon.com/athena/latest/ug/msck-repair-table.html
    """
    name = run.resolve(statement.name)
    entry = await run.existing(name)
    keys = partition_keys(name, entry)
    root = parse_location(entry["StorageDescriptor"].get("Location") or "")
    if root is None:
        raise ddl_failed("MetaException(message:The table has no S3 location)")
    registered = {
        tuple(partition["Values"])
        for partition in await run.catalog.get_partitions(run.catalog_id, name.database, name.table)
    }
    missing = {
        values: folder
        for values, folder in (await _folders(run, root, keys)).items()
        if values not in registered
    }
    await _create(
        run,
        name,
        [_partition_input(entry, values, folder.uri) for values, folder in missing.items()],
        if_not_exists=True,
    )
    names = [f"{name.table}:{partition_path(keys, values)}" for values in missing]
    output: list[str] = []
    if names:
        output.append("Partitions not in metastore:\t" + "\t".join(names))
        output += [f"Repair: Added partition to metastore {item}" for item in names]
    return Answer(text="\n".join(output))


async def _folders(
    run: Run, root: Location, keys: Sequence[str]
) -> dict[tuple[str, ...], Location]:
    """Return the folders whose path names a value for every key, in order of path."""
    level: dict[tuple[str, ...], Location] = {(): Location(root.bucket, root.folder)}
    for key in keys:
        below: dict[tuple[str, ...], Location] = {}
        for values, folder in level.items():
            for prefix in await _subfolders(run, folder):
                part = parse_part(prefix[len(folder.key) : -1])
                if part is not None and part[0] == key:
                    below.setdefault((*values, part[1]), Location(root.bucket, prefix))
        level = below
    return level


async def _subfolders(run: Run, folder: Location) -> list[str]:
    prefixes: list[str] = []
    after = ""
    while True:
        try:
            page = await run.objects.page(folder.bucket, folder.key, "/", after)
        except AwsError as error:
            raise StatementError(
                f"FAILED: Execution Error, return code 1 from "
                f"org.apache.hadoop.hive.ql.exec.DDLTask. {error.message}",
                written=True,
            ) from error
        prefixes += [p for p in page.prefixes if not is_hidden(p[len(folder.key) : -1])]
        if not page.truncated:
            return prefixes
        after = page.next_key
