"""Catalog entries of Hive tables, as Athena writes them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from localaws.aws.athena.formats import FileFormat
from localaws.core.service import Shape

_TABLE_INPUT = frozenset(
    [
        "Name",
        "Description",
        "Owner",
        "LastAccessTime",
        "LastAnalyzedTime",
        "Retention",
        "StorageDescriptor",
        "PartitionKeys",
        "ViewOriginalText",
        "ViewExpandedText",
        "TableType",
        "Parameters",
        "TargetTable",
    ]
)


def storage_descriptor(
    file_format: FileFormat,
    location: str,
    columns: Sequence[Shape],
    serde_properties: Mapping[str, str] | None = None,
    *,
    serde: str | None = None,
    bucket_columns: Sequence[str] = (),
    buckets: int = -1,
) -> Shape:
    """Return the StorageDescriptor of a table in a format."""
    return {
        "Columns": list(columns),
        "Location": location,
        "InputFormat": file_format.input_format,
        "OutputFormat": file_format.output_format,
        "Compressed": False,
        "NumberOfBuckets": buckets,
        "SerdeInfo": {
            "SerializationLibrary": serde or file_format.serde,
            "Parameters": {"serialization.format": "1", **(serde_properties or {})},
        },
        "BucketColumns": list(bucket_columns),
        "SortColumns": [],
        "Parameters": {},
        "SkewedInfo": {
            "SkewedColumnNames": [],
            "SkewedColumnValues": [],
            "SkewedColumnValueLocationMaps": {},
        },
        "StoredAsSubDirectories": False,
    }


def table_input(
    name: str,
    storage: Shape,
    partition_keys: Sequence[Shape],
    parameters: Mapping[str, str],
    table_type: str = "EXTERNAL_TABLE",
) -> Shape:
    """Return the TableInput of a new table."""
    return {
        "Name": name,
        "Owner": "hadoop",
        "Retention": 0,
        "StorageDescriptor": storage,
        "PartitionKeys": list(partition_keys),
        "TableType": table_type,
        "Parameters": {**parameters, "transient_lastDdlTime": str(int(time.time()))},
    }


def input_of(entry: Shape) -> Shape:
    """Return the TableInput that a catalog entry is made of."""
    return {name: value for name, value in entry.items() if name in _TABLE_INPUT}
