"""Window functions: https://trino.io/docs/476/functions/window.html."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from localaws.engines.sql.base import SqlError, SqlRefused
from localaws.engines.sql.duckdb.casts import coerce
from localaws.engines.sql.duckdb.functions.registry import SAME, mismatch
from localaws.engines.sql.duckdb.typed import Expr, build
from localaws.engines.sql.duckdb.types import BIGINT, DOUBLE, Type, common_type


@dataclass(frozen=True)
class WindowCall:
    """A window function call: its arguments, `` IGNORE NULLS`` or nothing, its window."""

    name: str
    values: tuple[Expr, ...]
    nulls: str
    over: str

    def run(self, *arguments: str) -> str:
        """Return the DuckDB call."""
        return f"{self.name}({', '.join(arguments)}{self.nulls}) OVER ({self.over})"

    def arity(self, least: int, most: int | None = None) -> None:
        """Check the number of arguments."""
        if not least <= len(self.values) <= (least if most is None else most):
            raise self.mismatch()

    def mismatch(self) -> SqlError:
        """Return the error for arguments that fit no signature."""
        shown = ", ".join(str(value.type) for value in self.values)
        return mismatch(self.name, shown)


@dataclass(frozen=True)
class WindowFunction:
    """One row of the function table."""

    name: str
    treatment: str
    note: str
    build: Callable[[WindowCall], Expr]


WINDOWS: dict[str, WindowFunction] = {}


def _register(name: str, function: Callable[[WindowCall], Expr]) -> None:
    WINDOWS[name] = WindowFunction(name, SAME, "", function)


def _ranking(type: Type) -> Callable[[WindowCall], Expr]:
    def build_ranking(call: WindowCall) -> Expr:
        call.arity(0)
        if call.nulls:
            raise call.mismatch()
        return Expr(f"CAST({call.run()} AS {type.duckdb})", type)

    return build_ranking


for _name in ("row_number", "rank", "dense_rank"):
    _register(_name, _ranking(BIGINT))
for _name in ("percent_rank", "cume_dist"):
    _register(_name, _ranking(DOUBLE))


def _ntile(call: WindowCall) -> Expr:
    call.arity(1)
    (buckets,) = call.values
    if not isinstance(buckets.value, int) or buckets.value < 1 or call.nulls:
        raise SqlRefused("ntile is supported here with a positive literal")
    return Expr(f"CAST({call.run(buckets.sql)} AS BIGINT)", BIGINT)


_register("ntile", _ntile)


def _shift(call: WindowCall) -> Expr:
    call.arity(1, 3)
    value, *rest = call.values
    arguments = [value.sql]
    if rest:
        if not isinstance(rest[0].value, int) or rest[0].value < 0:
            raise SqlRefused(f"{call.name} is supported here with a literal offset")
        arguments.append(f"CAST({rest[0].value} AS BIGINT)")
    if len(rest) == 2:
        shared = common_type(value.type, rest[1].type)
        if shared != value.type and not (shared and value.type.is_text):
            raise call.mismatch()
        arguments.append(coerce(rest[1], value.type).sql)
        if call.nulls:
            raise SqlRefused(f"{call.name} IGNORE NULLS with a default is not supported here")
    return build(call.run(*arguments), value.type, value)


_register("lag", _shift)
_register("lead", _shift)


def _value(call: WindowCall) -> Expr:
    call.arity(2 if call.name == "nth_value" else 1)
    value, *rest = call.values
    arguments = [value.sql]
    if rest:
        if not isinstance(rest[0].value, int) or rest[0].value < 1:
            raise SqlRefused("nth_value is supported here with a positive literal")
        arguments.append(f"CAST({rest[0].value} AS BIGINT)")
    return build(call.run(*arguments), value.type, value)


for _name in ("first_value", "last_value", "nth_value"):
    _register(_name, _value)
