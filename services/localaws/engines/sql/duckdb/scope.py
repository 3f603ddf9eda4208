"""Scopes: which names a query part sees, and what DuckDB SQL each of them stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from localaws.engines.sql.base import SqlError
from localaws.engines.sql.duckdb.typed import Expr
from localaws.engines.sql.duckdb.types import Type


@dataclass(frozen=True)
class Field:
    """A column of a relation.

    Attributes:
        name: its name in lower case; None where it has none and cannot be referred to.
        type: its Trino type.
        sql: the DuckDB SQL that reads it.
        qualifier: catalog, database and relation name (or the alias alone), in lower case.
        used: called when the field is read, so that scans know their columns.
    """

    name: str | None
    type: Type
    sql: str
    qualifier: tuple[str, ...] = ()
    used: Callable[[], None] | None = None

    def matches(self, qualifier: Sequence[str]) -> bool:
        """Return whether ``qualifier.name`` may mean this field."""
        return not qualifier or self.qualifier[-len(qualifier) :] == tuple(qualifier)

    def read(self) -> Expr:
        """Return the expression that reads the field."""
        if self.used is not None:
            self.used()
        return Expr(self.sql, self.type)

    def renamed(self, name: str | None, qualifier: tuple[str, ...]) -> Field:
        """Return the field under another name."""
        return replace(self, name=name, qualifier=qualifier)


@dataclass
class Group:
    """The grouping of a query: outside aggregates, only its keys can be read.

    Attributes:
        keys: DuckDB SQL over the ungrouped rows → expression over the grouped rows.
        aggregates: DuckDB SQL of aggregates over the ungrouped rows → column and type.
    """

    keys: dict[str, Expr]
    alias: str
    aggregates: dict[str, Expr] = field(default_factory=dict)

    def aggregate(self, call: Expr) -> Expr:
        """Return the expression that reads an aggregate's result."""
        if call.sql not in self.aggregates:
            column = f"{self.alias}.a{len(self.aggregates)}"
            self.aggregates[call.sql] = Expr(column, call.type, refusing=call.refusing)
        return self.aggregates[call.sql]


@dataclass
class Scope:
    """The fields visible to an expression, and the scope around it for correlated names."""

    fields: list[Field]
    parent: Scope | None = None
    group: Group | None = None
    windows: dict[str, exp.Window] = field(default_factory=dict)
    lambdas: int = 0

    def find(self, parts: Sequence[str]) -> tuple[Field, Scope, int] | None:
        """Return the field a dotted name begins with, its scope, and how many parts it took.

        Raises:
            SqlError: ``AMBIGUOUS_NAME``.
        """
        scope: Scope | None = self
        while scope is not None:
            for taken in range(min(len(parts), 4), 0, -1):
                qualifier, column = parts[: taken - 1], parts[taken - 1]
                found = [f for f in scope.fields if f.name == column and f.matches(qualifier)]
                if len(found) > 1:
                    shown = ".".join(parts[:taken])
                    raise SqlError("AMBIGUOUS_NAME", f"Column '{shown}' is ambiguous")
                if found:
                    return found[0], scope, taken
            scope = scope.parent
        return None

    def of(self, qualifier: Sequence[str]) -> list[Field]:
        """Return the fields ``qualifier.*`` stands for."""
        return [f for f in self.fields if f.matches(qualifier)]


def nested(parent: Scope, fields: Iterable[Field]) -> Scope:
    """Return a scope of lambda parameters inside `parent`."""
    return Scope(list(fields), parent, lambdas=parent.lambdas + 1)
