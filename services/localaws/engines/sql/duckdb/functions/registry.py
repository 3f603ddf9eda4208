"""The function table: every Athena function that is answered, and how.

A function is *same* (DuckDB's function with Trino's result type), *rewritten* (other SQL with the
same answer), *approximate* (Trino's answer is an estimate; ours is within its error) or *refused*.
What is in no row is refused as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from localaws.engines.sql.base import SqlError, SqlRefused
from localaws.engines.sql.duckdb.casts import coerce, unify
from localaws.engines.sql.duckdb.typed import Expr
from localaws.engines.sql.duckdb.types import BIGINT, DOUBLE, VARCHAR, Type, coercible

SAME, REWRITTEN, APPROXIMATE, REFUSED = "same", "rewritten", "approximate", "refused"


class LambdaCompiler(Protocol):
    """Compiles a lambda argument once the types of its parameters are known."""

    def __call__(self, types: Sequence[Type]) -> tuple[list[str], Expr]:
        """Return the DuckDB names of the parameters, and the body."""


def mismatch(name: str, types: str) -> SqlError:
    """Return the error for arguments that fit no signature; a refusal for untyped NULLs."""
    message = f"Unexpected parameters ({types}) for function {name}"
    if "unknown" in types:
        return SqlRefused(f"{message}: an untyped NULL is not supported here")
    return SqlError("FUNCTION_NOT_FOUND", message)


@dataclass(frozen=True)
class Call:
    """A function call with its analysed arguments (lambdas are compiled on demand)."""

    name: str
    arguments: Sequence[Expr | LambdaCompiler]
    now: str = ""

    def __len__(self) -> int:
        return len(self.arguments)

    def mismatch(self) -> SqlError:
        """Return the error for arguments that fit no signature."""
        shown = ", ".join(
            str(arg.type) if isinstance(arg, Expr) else "function" for arg in self.arguments
        )
        return mismatch(self.name, shown)

    def arity(self, least: int, most: int | None = None) -> None:
        """Check the number of arguments."""
        if not least <= len(self.arguments) <= (least if most is None else most):
            raise self.mismatch()

    def any(self, index: int) -> Expr:
        """Return an argument of any type."""
        found = self.arguments[index] if index < len(self.arguments) else None
        if not isinstance(found, Expr):
            raise self.mismatch()
        return found

    def of(self, index: int, type: Type) -> Expr:
        """Return an argument coerced to a type."""
        found = self.any(index)
        if not coercible(found.type, type) and found.type != type:
            raise self.mismatch()
        return coerce(found, type)

    def text(self, index: int) -> Expr:
        """Return a varchar argument (its length bound kept)."""
        found = self.any(index)
        if found.type.is_text:
            return found
        if found.type.name == "char":
            raise SqlRefused(f"{self.name} of {found.type} is not supported here")
        return self.of(index, VARCHAR)

    def bigint(self, index: int) -> Expr:
        """Return an integral argument as bigint."""
        return self.of(index, BIGINT)

    def double(self, index: int) -> Expr:
        """Return a numeric argument as double."""
        return self.of(index, DOUBLE)

    def kind(self, index: int, *names: str) -> Expr:
        """Return an argument whose base type is one of `names`."""
        found = self.any(index)
        if found.type.name == "unknown":
            raise SqlRefused(f"{self.name} of an untyped NULL is not supported here")
        if found.type.name not in names:
            raise self.mismatch()
        return found

    def literal(self, index: int) -> str:
        """Return a varchar literal's value; anything else is refused."""
        found = self.any(index)
        if not (found.type.is_text and isinstance(found.value, str)):
            raise SqlRefused(f"{self.name} is supported here with a literal argument {index + 1}")
        return found.value

    def compiled(self, index: int, *types: Type) -> tuple[list[str], Expr]:
        """Compile a lambda argument for parameters of these types."""
        found = self.arguments[index] if index < len(self.arguments) else None
        if found is None or isinstance(found, Expr):
            raise self.mismatch()
        return found(types)

    def unified(self, start: int = 0, end: int | None = None) -> tuple[list[Expr], Type]:
        """Return arguments coerced to their common type."""
        values = [self.any(i) for i in range(start, len(self) if end is None else end)]
        found = unify(values) if values else None
        if found is None:
            raise self.mismatch()
        return found


Builder = Callable[[Call], Expr]


@dataclass(frozen=True)
class Function:
    """One row of the function table."""

    name: str
    treatment: str
    note: str
    build: Builder


SCALARS: dict[str, Function] = {}


def scalar(*names: str, treatment: str = REWRITTEN, note: str = "") -> Callable[[Builder], Builder]:
    """Register a scalar function under its names."""

    def register(build: Builder) -> Builder:
        for name in names:
            SCALARS[name] = Function(name, treatment, note, build)
        return build

    return register
