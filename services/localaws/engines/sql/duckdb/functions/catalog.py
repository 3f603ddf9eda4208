"""All scalar functions: importing the modules fills the registry."""

from __future__ import annotations

from localaws.engines.sql.duckdb.functions import (
    conditionals,
    mathematics,
    subscripts,
)
from localaws.engines.sql.duckdb.functions.registry import SCALARS

__all__ = ["SCALARS", "conditionals", "mathematics", "subscripts"]
