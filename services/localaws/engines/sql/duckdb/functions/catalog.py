"""All scalar functions: importing the modules fills the registry."""

from __future__ import annotations

from localaws.engines.sql.duckdb.functions import (
    arrays,
    conditionals,
    dates,
    documents,
    maps,
    mathematics,
    patterns,
    strings,
    subscripts,
)
from localaws.engines.sql.duckdb.functions.registry import SCALARS

_MODULES = (
    arrays,
    conditionals,
    dates,
    documents,
    maps,
    mathematics,
    patterns,
    strings,
    subscripts,
)

__all__ = ["SCALARS"]
