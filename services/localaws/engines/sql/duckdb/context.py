"""What the analysis of one statement shares: names, tables, scans, parameters, the clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from sqlglot import exp

from localaws.engines.sql.base import Session, TableSchema, ViewSchema

Relations = Mapping[tuple[str, str, str], TableSchema | ViewSchema]


@dataclass
class ScanUse:
    """One reference to a base table and what the query reads of it."""

    alias: str
    table: TableSchema
    columns: dict[str, None] = field(default_factory=dict)
    conjuncts: list[str] = field(default_factory=list)


@dataclass
class Context:
    """State shared by the parts of one analysis.

    Attributes:
        session: gives the default catalog and database.
        relations: tables and views by (catalog, database, name), in lower case.
        now: the start of the query, UTC, without zone: every ``now()`` in it.
        parameters: parsed literals for ``?``.
    """

    session: Session
    relations: Relations
    now: datetime
    parameters: Sequence[exp.Expression]
    scans: list[ScanUse] = field(default_factory=list)
    _names: count[int] = field(default_factory=count)

    def fresh(self, prefix: str) -> str:
        """Return an identifier not used before in this statement."""
        return f"{prefix}{next(self._names)}"
