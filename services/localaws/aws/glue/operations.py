"""Glue: the API, one function per operation, in one module per kind of resource.

https://docs.aws.amazon.com/glue/latest/webapi/API_Operations.html
"""

from __future__ import annotations

from localaws.aws.glue import (
    databases,
    indexes,
    partitions,
    search,
    statistics,
    tables,
    tags,
    versions,
)
from localaws.aws.glue.service import service

__all__ = [
    "databases",
    "indexes",
    "partitions",
    "search",
    "service",
    "statistics",
    "tables",
    "tags",
    "versions",
]
