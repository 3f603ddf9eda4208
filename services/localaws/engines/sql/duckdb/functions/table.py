"""The function table as rows, for documentation and tests."""

from __future__ import annotations

from dataclasses import dataclass

from localaws.engines.sql.duckdb.functions.aggregates import AGGREGATES
from localaws.engines.sql.duckdb.functions.catalog import SCALARS
from localaws.engines.sql.duckdb.functions.known import KNOWN
from localaws.engines.sql.duckdb.functions.registry import REFUSED, REWRITTEN
from localaws.engines.sql.duckdb.functions.windows import WINDOWS


@dataclass(frozen=True, order=True)
class FunctionRow:
    """How one function is treated: ``same``, ``rewritten``, ``approximate`` or ``refused``."""

    name: str
    treatment: str
    note: str


def function_table() -> list[FunctionRow]:
    """Return every known function of Athena engine version 3, by name."""
    rows = {name: FunctionRow(name, REFUSED, "") for name in KNOWN}
    rows["try"] = FunctionRow("try", REWRITTEN, "")
    rows["row"] = FunctionRow("row", REWRITTEN, "")
    for table in (SCALARS, WINDOWS, AGGREGATES):
        for name, function in table.items():
            rows[name] = FunctionRow(name, function.treatment, function.note)
    return sorted(rows.values())
