"""Between Glue's documents and the metastore's structures, both ways.

What the metastore cannot hold is left out or replaced on the way there: the whole document is kept
beside it. On the way back come Glue's filled-in documents, without what the metastore adds itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pymetastore.hive_metastore.ttypes import (
    Database,
    FieldSchema,
    Order,
    Partition,
    PrincipalType,
    SerDeInfo,
    SkewedInfo,
    StorageDescriptor,
    Table,
)

from localaws.engines.catalog.base import Shape
from localaws.engines.catalog.hive.names import (
    METASTORE_DEFAULT,
    NO_LOCATION,
    from_metastore,
    to_metastore,
)
from localaws.engines.sql.trino.names import CATALOG as ENGINE_CATALOG
from localaws.engines.sql.views import for_clients, for_engine

EXTERNAL = "EXTERNAL_TABLE"
_VIEWS = ("VIRTUAL_VIEW", "MATERIALIZED_VIEW")
CHANGED_AT = "transient_lastDdlTime"
METADATA_LOCATION = "metadata_location"

BOOKKEEPING = frozenset(
    {
        CHANGED_AT,
        "EXTERNAL",
        "bucketing_version",
        "numFilesErasureCoded",
        "COLUMN_STATS_ACCURATE",
        "TRANSLATED_TO_EXTERNAL",
    }
)
"""Parameters that the metastore writes by itself; no client sees them that did not set them."""

STATISTICS = frozenset({"numFiles", "numRows", "rawDataSize", "totalSize", "numPartitions"})
"""Parameters that do not change what a table is: engines rewrite them as data come."""

_SIMPLE = ("void", "boolean", "string", "varchar", "char", "binary")
_NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal")
_TIMES = ("date", "datetime", "timestamp", "interval_year_month", "interval_day_time")
_NESTED = ("array", "map", "struct", "uniontype")
_TYPES = frozenset((*_SIMPLE, *_NUMBERS, *_TIMES, *_NESTED))
_FIRST_WORD = re.compile(r"\w+", re.ASCII)
_LOCATION = re.compile(r"s3a?://[a-z0-9][a-z0-9.-]+[a-z0-9]/+[^/].*")
_DOTS = re.compile(r"/\.\.?(/|$)")
_SLASHES = re.compile("/{2,}")
_KEY_LIMIT = 256
_DATABASE_KEY_LIMIT = 180
_TEXT_LIMIT = 4000
_SMALLEST, _LARGEST = -(2**31), 2**31 - 1


def to_database(catalog: str, name: str, body: Shape) -> Database:
    """Return the metastore's database of a Database."""
    parameters = {
        key: value
        for key, value in body.get("Parameters", {}).items()
        if len(key) <= _DATABASE_KEY_LIMIT and len(value) <= _TEXT_LIMIT
    }
    return Database(
        name=name,
        description=body.get("Description", "")[:_TEXT_LIMIT],
        locationUri=_location(body.get("LocationUri")),
        parameters=parameters,
        catalogName=catalog,
    )


def from_database(database: Database) -> Shape:
    """Return the Database of a metastore's database, without times and catalog."""
    return _without_none(
        {
            "Name": from_metastore(database.name),
            "Description": database.description or None,
            "LocationUri": _given(database.locationUri),
            "Parameters": dict(database.parameters or {}) or None,
        }
    )


def to_table(catalog: str, body: Shape) -> Table:
    """Return the metastore's table of a Table."""
    kind = body.get("TableType") or EXTERNAL
    parameters = {
        key: value for key, value in body.get("Parameters", {}).items() if len(key) <= _KEY_LIMIT
    }
    parameters.pop("EXTERNAL", None)
    if kind == EXTERNAL:
        # Without it the metastore takes the table for a managed one.
        parameters["EXTERNAL"] = "TRUE"
    original, expanded = body.get("ViewOriginalText"), body.get("ViewExpandedText")
    if kind not in _VIEWS:
        # The metastore forgets them of anything else.
        original = expanded = None
    return Table(
        tableName=to_metastore(body["Name"]),
        dbName=to_metastore(body["DatabaseName"]),
        catName=catalog,
        owner=body.get("Owner"),
        ownerType=PrincipalType.USER,
        retention=_integer(body.get("Retention")),
        sd=_to_descriptor(body.get("StorageDescriptor", {})),
        partitionKeys=_to_columns(body.get("PartitionKeys", ())),
        parameters=parameters,
        viewOriginalText=for_engine(original or "", _engine(catalog)) or None,
        viewExpandedText=expanded,
        tableType=kind,
    )


def from_table(table: Table) -> Shape:
    """Return the Table of a metastore's table, without times, versions and catalog."""
    return _without_none(
        {
            "Name": from_metastore(table.tableName),
            "DatabaseName": from_metastore(table.dbName),
            "Owner": table.owner or None,
            "Retention": table.retention or 0,
            "StorageDescriptor": _from_descriptor(table.sd),
            "PartitionKeys": _from_columns(table.partitionKeys),
            "ViewOriginalText": for_clients(table.viewOriginalText or "") or None,
            "ViewExpandedText": table.viewExpandedText or None,
            "TableType": table.tableType,
            "Parameters": visible(table.parameters),
            "IsRegisteredWithLakeFormation": False,
        }
    )


def _engine(catalog: str) -> str:
    """Return the SQL engine's name of a metastore's catalog, which views in it name."""
    if catalog == METASTORE_DEFAULT:
        return ENGINE_CATALOG
    return f"{ENGINE_CATALOG}_{catalog.removeprefix('a')}"


def to_partition(body: Shape, table: Table, name: str) -> Partition:
    """Return the metastore's partition of a PartitionInput.

    What it does not say about its files is the table's, as readers of the metastore expect it.
    """
    given = body.get("StorageDescriptor", {})
    descriptor = _to_descriptor(given)
    if "Location" not in given and not (table.sd.location or "").startswith(NO_LOCATION):
        descriptor.location = f"{(table.sd.location or '').rstrip('/')}/{name}"
    if not descriptor.cols:
        descriptor.cols = table.sd.cols
    descriptor.inputFormat = descriptor.inputFormat or table.sd.inputFormat
    descriptor.outputFormat = descriptor.outputFormat or table.sd.outputFormat
    if "SerdeInfo" not in given:
        descriptor.serdeInfo = table.sd.serdeInfo
    parameters = {
        key: value for key, value in body.get("Parameters", {}).items() if len(key) <= _KEY_LIMIT
    }
    return Partition(
        values=list(body["Values"]),
        dbName=table.dbName,
        tableName=table.tableName,
        catName=table.catName,
        sd=descriptor,
        parameters=parameters,
    )


def from_partition(partition: Partition) -> Shape:
    """Return the Partition of a metastore's partition, without times and names."""
    return _without_none(
        {
            "Values": list(partition.values),
            "StorageDescriptor": _from_descriptor(partition.sd),
            "Parameters": visible(partition.parameters) or None,
        }
    )


def visible(parameters: dict[str, str] | None) -> dict[str, str]:
    """Return parameters without the metastore's own."""
    return {key: value for key, value in (parameters or {}).items() if key not in BOOKKEEPING}


def plain_location(location: str) -> str:
    """Return a location as Hadoop writes it: no slash twice, none at the end."""
    scheme, separator, path = location.partition("://")
    return f"{scheme}{separator}{_SLASHES.sub('/', path).rstrip('/')}"


def moment(seconds: int | str) -> datetime:
    """Return the time of the metastore's seconds."""
    return datetime.fromtimestamp(int(seconds), UTC)


def _to_descriptor(given: Shape) -> StorageDescriptor:
    serde = given.get("SerdeInfo", {})
    columns = _to_columns(given.get("Columns", ()))
    names = {column.name for column in columns}
    return StorageDescriptor(
        cols=columns,
        location=_location(given.get("Location")),
        inputFormat=given.get("InputFormat"),
        outputFormat=given.get("OutputFormat"),
        compressed=given.get("Compressed", False),
        numBuckets=_integer(given.get("NumberOfBuckets")),
        serdeInfo=SerDeInfo(
            name=serde.get("Name", "")[:128] or None,
            serializationLib=serde.get("SerializationLibrary"),
            parameters=_short_keys(serde.get("Parameters", {})),
        ),
        # Of columns that are not there the metastore takes neither.
        bucketCols=[
            name.lower() for name in given.get("BucketColumns", ()) if name.lower() in names
        ],
        sortCols=[
            Order(each["Column"].lower(), each.get("SortOrder", 1))
            for each in given.get("SortColumns", ())
            if each["Column"].lower() in names
        ],
        parameters=_short_keys(given.get("Parameters", {})),
        skewedInfo=SkewedInfo(skewedColNames=[], skewedColValues=[], skewedColValueLocationMaps={}),
        storedAsSubDirectories=given.get("StoredAsSubDirectories", False),
    )


def _from_descriptor(descriptor: StorageDescriptor | None) -> Shape:
    if descriptor is None:
        return {}
    serde = descriptor.serdeInfo or SerDeInfo()
    return _without_none(
        {
            "Columns": _from_columns(descriptor.cols),
            "Location": _given(descriptor.location),
            "InputFormat": descriptor.inputFormat or None,
            "OutputFormat": descriptor.outputFormat or None,
            "Compressed": bool(descriptor.compressed),
            "NumberOfBuckets": descriptor.numBuckets or 0,
            "SerdeInfo": _without_none(
                {
                    "Name": serde.name or None,
                    "SerializationLibrary": serde.serializationLib or None,
                    "Parameters": dict(serde.parameters or {}),
                }
            ),
            "BucketColumns": list(descriptor.bucketCols or ()),
            "SortColumns": [
                {"Column": each.col, "SortOrder": each.order} for each in descriptor.sortCols or ()
            ],
            "Parameters": dict(descriptor.parameters or {}),
            "StoredAsSubDirectories": bool(descriptor.storedAsSubDirectories),
        }
    )


def _to_columns(columns: Sequence[Shape]) -> list[FieldSchema]:
    """Return columns; the metastore folds names and takes each once."""
    fields: dict[str, FieldSchema] = {}
    for column in columns:
        name = column["Name"].lower()
        comment = column.get("Comment")
        fields.setdefault(name, FieldSchema(name, _type(column.get("Type", "")), comment))
    return list(fields.values())


def _from_columns(fields: Sequence[FieldSchema] | None) -> list[Shape]:
    return [
        _without_none({"Name": field.name, "Type": field.type, "Comment": field.comment or None})
        for field in fields or ()
    ]


def _type(text: str) -> str:
    """Return a type that the metastore takes; it looks at the first word only."""
    match = _FIRST_WORD.match(text)
    if match is None or match[0].lower() not in _TYPES:
        return "string"
    return match[0].lower() + text[match.end() :]


def _location(given: str | None) -> str:
    """Return a location as the metastore keeps it; what it cannot take is no location to it."""
    if given is None or not _LOCATION.fullmatch(given) or _DOTS.search(given):
        return f"{NO_LOCATION}none"  # the metastore takes no root of a bucket
    return plain_location(given)


def _given(location: str | None) -> str | None:
    return None if not location or location.startswith(NO_LOCATION) else location


def _short_keys(parameters: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in parameters.items() if len(key) <= _KEY_LIMIT}


def _integer(value: int | None) -> int:
    return min(max(value or 0, _SMALLEST), _LARGEST)


def _without_none(members: dict[str, Any]) -> Shape:
    return {name: value for name, value in members.items() if value is not None}
