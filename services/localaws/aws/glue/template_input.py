"""Glue's inputs as a template writes them: known members only, everything of its right type.

The API's own path is checked by the service's model; a template's values come as text as often as
not (``Compressed: "true"``, ``Retention: 0``), and an unknown member must fail the resource.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from localaws.core.errors import AwsError
from localaws.core.resources import boolean, integer, unsupported_property
from localaws.core.service import Shape

Convert = Callable[[str, str, Any], Any]
"""Takes the resource type, the path of a property and its value."""


def database_input(type_name: str, value: Any) -> Shape:
    """Return a DatabaseInput; its Name may be missing."""
    converted: Shape = _DATABASE(type_name, "DatabaseInput", value)
    return converted


def table_input(type_name: str, value: Any) -> Shape:
    """Return a TableInput; its Name may be missing."""
    converted: Shape = _TABLE(type_name, "TableInput", value)
    return converted


def partition_input(type_name: str, value: Any) -> Shape:
    """Return a PartitionInput."""
    converted: Shape = _PARTITION(type_name, "PartitionInput", value)
    return converted


def _text(type_name: str, path: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise _wrong(path, "a string")


def _integer(type_name: str, path: str, value: Any) -> int:
    return integer(value)


def _boolean(type_name: str, path: str, value: Any) -> bool:
    return boolean(value)


def _structure(members: Mapping[str, Convert]) -> Convert:
    def convert(type_name: str, path: str, value: Any) -> Shape:
        if not isinstance(value, dict):
            raise _wrong(path, "an object")
        converted = {}
        for name, item in value.items():
            if name not in members:
                raise unsupported_property(type_name, f"{path}.{name}")
            converted[name] = members[name](type_name, f"{path}.{name}", item)
        return converted

    return convert


def _list(element: Convert) -> Convert:
    def convert(type_name: str, path: str, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong(path, "a list")
        return [element(type_name, f"{path}.{place}", item) for place, item in enumerate(value)]

    return convert


def _text_map(type_name: str, path: str, value: Any) -> dict[str, str]:
    if isinstance(value, str):  # the type is Json, which may be given as text
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise _wrong(path, "an object") from error
    if not isinstance(value, dict):
        raise _wrong(path, "an object")
    return {name: _text(type_name, f"{path}.{name}", item) for name, item in value.items()}


def _wrong(path: str, what: str) -> AwsError:
    return AwsError("ValidationError", f"Value of property {path} must be {what}")


_COLUMN = _structure({"Name": _text, "Type": _text, "Comment": _text})
_DESCRIPTOR = _structure(
    {
        "Columns": _list(_COLUMN),
        "Location": _text,
        "InputFormat": _text,
        "OutputFormat": _text,
        "Compressed": _boolean,
        "NumberOfBuckets": _integer,
        "SerdeInfo": _structure(
            {"Name": _text, "SerializationLibrary": _text, "Parameters": _text_map}
        ),
        "BucketColumns": _list(_text),
        "SortColumns": _list(_structure({"Column": _text, "SortOrder": _integer})),
        "Parameters": _text_map,
        "SkewedInfo": _structure(
            {
                "SkewedColumnNames": _list(_text),
                "SkewedColumnValues": _list(_text),
                "SkewedColumnValueLocationMaps": _text_map,
            }
        ),
        "StoredAsSubDirectories": _boolean,
    }
)
_DATABASE = _structure(
    {
        "Name": _text,
        "Description": _text,
        "LocationUri": _text,
        "Parameters": _text_map,
        "CreateTableDefaultPermissions": _list(
            _structure(
                {
                    "Principal": _structure({"DataLakePrincipalIdentifier": _text}),
                    "Permissions": _list(_text),
                }
            )
        ),
    }
)
_TABLE = _structure(
    {
        "Name": _text,
        "Description": _text,
        "Owner": _text,
        "Retention": _integer,
        "StorageDescriptor": _DESCRIPTOR,
        "PartitionKeys": _list(_COLUMN),
        "ViewOriginalText": _text,
        "ViewExpandedText": _text,
        "TableType": _text,
        "Parameters": _text_map,
    }
)
_PARTITION = _structure(
    {"Values": _list(_text), "StorageDescriptor": _DESCRIPTOR, "Parameters": _text_map}
)
