"""Names as the metastore keeps them: of catalogs, databases and tables, and of partitions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

from localaws.engines.catalog.conditions import NULL_PARTITION

DEFAULT_CATALOG = "000000000000/us-east-1"
METASTORE_DEFAULT = "hive"
NO_LOCATION = "s3://localaws-no-location/"
"""Where things without a location are for the metastore, which wants one of everything."""

DATABASE_NAME_LIMIT = 128
TABLE_NAME_LIMIT = 256
VALUE_LIMIT = 256
PARTITION_NAME_LIMIT = 767

_REFUSED = re.compile(
    r"""[^\w "#%&'()*+,\-./;<=>?@\[\]|{}$^!~`]|%(?=[0-9a-fA-F]{2})|^ +| +$""", re.ASCII
)
_ENCODED = re.compile(r"(?:%[0-9a-f]{2})+")
_ESCAPED = re.compile(r"""[\x01-\x1f\x7f"#%'*/:=?\\{\[\]^]""")


def catalog_name(catalog: str, default: str = DEFAULT_CATALOG) -> str:
    """Return the metastore's catalog of ``<account>/<region>``."""
    if catalog == default:
        return METASTORE_DEFAULT
    return "a" + re.sub("[^a-z0-9]", "_", catalog.lower())


def to_metastore(name: str) -> str:
    """Return a database's or table's name as the metastore takes it.

    What it refuses, or trims, stands as ``%hh`` of its UTF-8 bytes.
    """
    return _REFUSED.sub(
        lambda match: "".join(f"%{byte:02x}" for byte in match[0].encode()), name.lower()
    )


def from_metastore(name: str) -> str:
    """Return the name that `to_metastore` encoded."""
    return _ENCODED.sub(lambda match: unquote(match[0]), name)


def partition_name(keys: Sequence[str], values: Sequence[str]) -> str:
    """Return the metastore's name of a partition: ``year=2024/day=01``, escaped as a path."""
    return "/".join(
        f"{_escape(key.lower())}={_escape(value)}" for key, value in zip(keys, values, strict=True)
    )


def partition_values(name: str) -> tuple[str, ...]:
    """Return the values in a partition's name; an empty one reads as the null partition's."""
    return tuple(unquote(piece.partition("=")[2]) for piece in name.split("/"))


def is_ambiguous(name: str) -> bool:
    """Return whether a partition's name may stand for an empty value or for NULL."""
    return NULL_PARTITION in name


def _escape(text: str) -> str:
    if not text:
        return NULL_PARTITION
    return _ESCAPED.sub(lambda match: f"%{ord(match[0]):02X}", text)
