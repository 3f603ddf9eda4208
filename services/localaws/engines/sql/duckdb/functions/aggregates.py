"""Aggregate functions: https://trino.io/docs/476/functions/aggregate.html."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from localaws.engines.sql.base import SqlError, SqlRefused
from localaws.engines.sql.duckdb.casts import coerce
from localaws.engines.sql.duckdb.functions.registry import APPROXIMATE, REWRITTEN, SAME, mismatch
from localaws.engines.sql.duckdb.operators import divide
from localaws.engines.sql.duckdb.typed import Expr, build
from localaws.engines.sql.duckdb.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INTEGER,
    VARCHAR,
    array,
    decimal,
    map_of,
)


@dataclass(frozen=True)
class Aggregate:
    """An aggregate call.

    Attributes:
        name: the function.
        values: its arguments.
        star: whether the argument is ``*``.
        distinct: whether DISTINCT is said.
        order: `` ORDER BY …`` inside the call, or nothing.
        tail: `` FILTER (…) OVER (…)``, or nothing.
    """

    name: str
    values: tuple[Expr, ...]
    star: bool
    distinct: bool
    order: str
    tail: str

    def run(self, function: str, *arguments: str, order: bool = False) -> str:
        """Return the DuckDB call with DISTINCT, FILTER and OVER applied."""
        if self.order and not order:
            raise SqlRefused(f"{self.name} with ORDER BY is not supported here")
        word = "DISTINCT " if self.distinct else ""
        return f"{function}({word}{', '.join(arguments)}{self.order}){self.tail}"

    def arity(self, count: int) -> None:
        """Check the number of arguments."""
        if len(self.values) != count or self.star:
            raise self.mismatch()

    def mismatch(self) -> SqlError:
        """Return the error for arguments that fit no signature."""
        shown = ", ".join(str(value.type) for value in self.values)
        return mismatch(self.name, shown)

    def plain(self) -> None:
        """Refuse DISTINCT, which this aggregate does not support here."""
        if self.distinct:
            raise SqlRefused(f"{self.name}(DISTINCT …) is not supported here")


@dataclass(frozen=True)
class AggregateFunction:
    """One row of the function table."""

    name: str
    treatment: str
    note: str
    build: Callable[[Aggregate], Expr]


AGGREGATES: dict[str, AggregateFunction] = {}
_Builder = Callable[[Aggregate], Expr]


def aggregate(
    *names: str, treatment: str = REWRITTEN, note: str = ""
) -> Callable[[_Builder], _Builder]:
    """Register an aggregate function under its names."""

    def register(function: _Builder) -> _Builder:
        for name in names:
            AGGREGATES[name] = AggregateFunction(name, treatment, note, function)
        return function

    return register


@aggregate("count", treatment=SAME)
def _count(call: Aggregate) -> Expr:
    if call.star or not call.values:
        return Expr(call.run("count", "*"), BIGINT)
    call.arity(1)
    (value,) = call.values
    if call.distinct and value.type.args:
        raise SqlRefused(f"count(DISTINCT {value.type}) is not supported here")
    return build(call.run("count", value.sql), BIGINT, value)


@aggregate("count_if", treatment=SAME)
def _count_if(call: Aggregate) -> Expr:
    call.arity(1)
    call.plain()
    value = coerce(call.values[0], BOOLEAN)
    if value.type != BOOLEAN:
        raise call.mismatch()
    return build(call.run("count", f"CASE WHEN {value.sql} THEN 1 END"), BIGINT, value)


@aggregate("sum")
def _sum(call: Aggregate) -> Expr:
    call.arity(1)
    (value,) = call.values
    if value.type.is_integral:
        return build(f"CAST({call.run('sum', value.sql)} AS BIGINT)", BIGINT, value)
    if value.type.name == "decimal":
        type = decimal(38, value.type.scale)
        return build(f"CAST({call.run('sum', value.sql)} AS {type.duckdb})", type, value)
    if value.type.name == "real":
        return build(f"CAST({call.run('sum', value.sql)} AS FLOAT)", value.type, value)
    if value.type.name == "double" or value.type.name.startswith("interval"):
        total = call.run("sum", value.sql)
        return build(f"CAST({total} AS {value.type.duckdb})", value.type, value)
    raise call.mismatch()


@aggregate("avg")
def _avg(call: Aggregate) -> Expr:
    call.arity(1)
    (value,) = call.values
    if value.type.name == "decimal":
        wide = decimal(38, value.type.scale)
        total = Expr(f"CAST({call.run('sum', value.sql)} AS {wide.duckdb})", wide)
        count = Expr(f"CAST({call.run('count', value.sql)} AS DECIMAL(19,0))", decimal(19, 0))
        quotient = divide(total, count, decimal(38, value.type.scale))
        safe = f"CASE WHEN {count.sql} > 0 THEN {quotient.sql} END"
        return build(
            f"CAST({safe} AS {value.type.duckdb})", value.type, value, refusing=quotient.refusing
        )
    if value.type.is_integral or value.type.name == "double":
        return build(call.run("avg", f"CAST({value.sql} AS DOUBLE)"), DOUBLE, value)
    if value.type.name == "real":
        sql = f"CAST({call.run('avg', f'CAST({value.sql} AS DOUBLE)')} AS FLOAT)"
        return build(sql, value.type, value)
    raise (
        call.mismatch()
        if not value.type.name.startswith("interval")
        else SqlRefused("avg of intervals is not supported here")
    )


def _extreme(call: Aggregate) -> Expr:
    if len(call.values) == 2:
        raise SqlRefused(f"{call.name} with a count is not supported here")
    call.arity(1)
    (value,) = call.values
    if not value.type.is_orderable:
        raise call.mismatch()
    if value.type.args:
        raise SqlRefused(f"{call.name} of {value.type} is not supported here")
    if value.type.is_floating:  # NaN only where there is nothing else
        number = f"CASE WHEN isnan({value.sql}) THEN NULL ELSE {value.sql} END"
        sql = f"coalesce({call.run(call.name, number)}, {call.run(call.name, value.sql)})"
        return build(sql, value.type, value)
    return build(call.run(call.name, value.sql), value.type, value)


aggregate("min", treatment=SAME)(_extreme)
aggregate("max", treatment=SAME)(_extreme)


def _by(call: Aggregate) -> Expr:
    if len(call.values) == 3:
        raise SqlRefused(f"{call.name} with a count is not supported here")
    call.arity(2)
    call.plain()
    value, key = call.values
    if not key.type.is_orderable:
        raise call.mismatch()
    if key.type.args or key.type.is_floating:
        raise SqlRefused(f"{call.name} by {key.type} is not supported here")
    function = "arg_min_null" if call.name == "min_by" else "arg_max_null"
    present = f"{key.sql} IS NOT NULL"
    tail = call.tail
    if " FILTER (WHERE " in tail:
        tail = tail.replace(" FILTER (WHERE ", f" FILTER (WHERE {present} AND ", 1)
    else:
        tail = f" FILTER (WHERE {present}){tail}"
    if call.order:
        raise SqlRefused(f"{call.name} with ORDER BY is not supported here")
    return build(f"{function}({value.sql}, {key.sql}){tail}", value.type, value, key)


aggregate("min_by")(_by)
aggregate("max_by")(_by)


def _logical(call: Aggregate) -> Expr:
    call.arity(1)
    value = coerce(call.values[0], BOOLEAN)
    if value.type != BOOLEAN:
        raise call.mismatch()
    function = "bool_or" if call.name == "bool_or" else "bool_and"
    return build(call.run(function, value.sql), BOOLEAN, value)


for _name in ("bool_and", "bool_or", "every"):
    aggregate(_name, treatment=SAME)(_logical)


@aggregate("arbitrary", "any_value", treatment=SAME, note="any non-null value")
def _arbitrary(call: Aggregate) -> Expr:
    call.arity(1)
    (value,) = call.values
    return build(call.run("any_value", value.sql), value.type, value)


@aggregate("array_agg", treatment=SAME)
def _array_agg(call: Aggregate) -> Expr:
    call.arity(1)
    (value,) = call.values
    return build(call.run("list", value.sql, order=True), array(value.type), value)


@aggregate("listagg")
def _listagg(call: Aggregate) -> Expr:
    if len(call.values) not in (1, 2) or not call.values[0].type.is_text:
        raise call.mismatch()
    separator = call.values[1].sql if len(call.values) == 2 else "''"
    if len(call.values) == 2 and not isinstance(call.values[1].value, str):
        raise SqlRefused("listagg is supported here with a literal separator")
    return build(
        call.run("string_agg", call.values[0].sql, separator, order=True), VARCHAR, *call.values
    )


@aggregate("approx_distinct", treatment=APPROXIMATE, note="exact here")
def _approx_distinct(call: Aggregate) -> Expr:
    if len(call.values) not in (1, 2):
        raise call.mismatch()
    value = call.values[0]
    if value.type.args:
        raise SqlRefused(f"approx_distinct of {value.type} is not supported here")
    sql = f"count(DISTINCT {value.sql}){call.tail}"
    return build(sql, BIGINT, value)


def _spread(call: Aggregate) -> Expr:
    call.arity(1)
    value = coerce(call.values[0], DOUBLE)
    if not call.values[0].type.is_numeric:
        raise call.mismatch()
    return build(call.run(_SPREAD[call.name], value.sql), DOUBLE, value)


_SPREAD = {
    "stddev": "stddev_samp",
    "stddev_samp": "stddev_samp",
    "stddev_pop": "stddev_pop",
    "variance": "var_samp",
    "var_samp": "var_samp",
    "var_pop": "var_pop",
}
for _name in _SPREAD:
    aggregate(_name, treatment=SAME, note="the last digits may differ, as between runs of Trino")(
        _spread
    )


def _pair(call: Aggregate) -> Expr:
    call.arity(2)
    call.plain()
    if not all(value.type.is_numeric for value in call.values):
        raise call.mismatch()
    if not all(value.type.name in ("double", "decimal") for value in call.values):
        raise SqlRefused(f"{call.name} is supported here for doubles")  # integers go to real
    y, x = (coerce(value, DOUBLE) for value in call.values)
    return build(call.run(call.name, y.sql, x.sql), DOUBLE, y, x)


for _name in ("corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept"):
    aggregate(_name, treatment=SAME, note="the last digits may differ, as between runs of Trino")(
        _pair
    )


@aggregate("map_agg", note="the order of keys is unspecified, as in Trino")
def _map_agg(call: Aggregate) -> Expr:
    call.arity(2)
    call.plain()
    key, value = call.values
    if key.type.args or key.type.is_floating or call.tail:
        raise SqlRefused("map_agg in this form is not supported here")
    pairs = call.run("list", f"struct_pack(k := {key.sql}, v := {value.sql})")
    first = (
        f"list_filter({pairs}, lambda p, i: p.k IS NOT NULL AND "
        f"list_position(list_transform({pairs}, lambda q: q.k), p.k) = i)"
    )
    return build(f"map_from_entries({first})", map_of(key.type, value.type), key, value)


@aggregate("histogram", note="the order of keys is unspecified, as in Trino")
def _histogram(call: Aggregate) -> Expr:
    call.arity(1)
    call.plain()
    (value,) = call.values
    if value.type.args or value.type.is_floating or call.tail:
        raise SqlRefused("histogram in this form is not supported here")
    type = map_of(value.type, BIGINT)
    counted = call.run("histogram", value.sql)
    return build(f"CAST({counted} AS {type.duckdb})", type, value)


def _bits(call: Aggregate) -> Expr:
    call.arity(1)
    call.plain()
    value = coerce(call.values[0], BIGINT)
    if not call.values[0].type.is_integral:
        raise call.mismatch()
    function = {"bitwise_and_agg": "bit_and", "bitwise_or_agg": "bit_or"}.get(call.name, "bit_xor")
    return build(call.run(function, value.sql), BIGINT, value)


for _name in ("bitwise_and_agg", "bitwise_or_agg"):
    aggregate(_name, treatment=SAME)(_bits)


@aggregate("grouping", treatment=SAME)
def _grouping(call: Aggregate) -> Expr:
    if not call.values or call.tail:
        raise call.mismatch()
    sql = f"CAST({call.run('GROUPING', *(v.sql for v in call.values))} AS INTEGER)"
    return build(sql, INTEGER, *call.values)


def _refuse(call: Aggregate) -> Expr:
    raise SqlRefused(f"The function {call.name} is not supported here")


for _name in (
    *("approx_percentile", "approx_most_frequent", "approx_set", "checksum", "geometric_mean"),
    *("map_union", "multimap_agg", "numeric_histogram", "reduce_agg", "skewness", "kurtosis"),
    *("entropy", "max_n", "min_n", "tdigest_agg", "qdigest_agg", "merge", "bitwise_xor_agg"),
):
    aggregate(_name, treatment="refused")(_refuse)
