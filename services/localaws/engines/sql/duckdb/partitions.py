"""Partition pruning: the conjuncts of WHERE that a Glue partition expression can hold.

https://docs.aws.amazon.com/glue/latest/webapi/API_GetPartitions.html. Only tests that reject NULL
are taken, so leaving out other partitions changes no answer, whatever joins there are.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from localaws.engines.sql.base import SqlError
from localaws.engines.sql.duckdb.context import Context, ScanUse
from localaws.engines.sql.duckdb.scope import Scope
from localaws.engines.sql.duckdb.types import Type, parse_type

_OPERATORS: dict[type[exp.Expr], tuple[str, str]] = {
    exp.EQ: ("=", "="),
    exp.NEQ: ("<>", "<>"),
    exp.LT: ("<", ">"),
    exp.LTE: ("<=", ">="),
    exp.GT: (">", "<"),
    exp.GTE: (">=", "<="),
}


def conjuncts(
    condition: exp.Expression, scope: Scope, context: Context
) -> Iterator[tuple[ScanUse, str]]:
    """Yield each conjunct on one scan's partition keys as Glue expression text."""
    parts = condition.flatten() if isinstance(condition, exp.And) else [condition]
    for part in parts:
        found = _test(part, scope, context)
        if found is not None:
            yield found


def _test(node: exp.Expr, scope: Scope, context: Context) -> tuple[ScanUse, str] | None:
    while isinstance(node, exp.Paren):
        node = node.this
    if type(node) in _OPERATORS:
        operator, flipped = _OPERATORS[type(node)]
        for column, other, word in (
            (node.this, node.expression, operator),
            (node.expression, node.this, flipped),
        ):
            key = _key(column, scope, context)
            value = _value(other, key[2]) if key is not None else None
            if key is not None and value is not None:
                return key[0], f"{key[1]} {word} {value}"
        return None
    if isinstance(node, exp.Between) and not node.args.get("symmetric"):
        key = _key(node.this, scope, context)
        if key is None:
            return None
        low, high = (_value(node.args[k], key[2]) for k in ("low", "high"))
        return (
            None if low is None or high is None else (key[0], f"{key[1]} BETWEEN {low} AND {high}")
        )
    if isinstance(node, exp.In) and node.expressions:
        key = _key(node.this, scope, context)
        if key is None:
            return None
        values = [_value(item, key[2]) for item in node.expressions]
        known = [value for value in values if value is not None]
        return (key[0], f"{key[1]} IN ({', '.join(known)})") if len(known) == len(values) else None
    if isinstance(node, exp.Or):
        tests = [_test(part, scope, context) for part in node.flatten()]
        first = tests[0]
        if first is None or any(t is None or t[0] is not first[0] for t in tests):
            return None
        return first[0], f"({' OR '.join(t[1] for t in tests if t is not None)})"
    return None


def _key(node: exp.Expression, scope: Scope, context: Context) -> tuple[ScanUse, str, Type] | None:
    if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
        return None
    try:
        found = scope.find([part.name.lower() for part in node.parts])
    except SqlError:
        return None
    if found is None or found[1] is not scope or found[2] != len(node.parts):
        return None
    for use in context.scans:
        for key in use.table.partition_keys:
            if found[0].sql == f'{use.alias}."{key.name}"':
                return use, key.name, parse_type(key.type)
    return None


def _value(node: exp.Expression, type: Type) -> str | None:
    """Return a literal comparable with a key of this type as Glue writes it, or None."""
    negative = isinstance(node, exp.Neg)
    literal = node.this if negative else node
    if isinstance(literal, exp.Literal):
        if literal.is_string:
            return _quoted(literal.name) if type.is_text and not negative else None
        if type.is_integral and literal.name.isdigit():
            return f"-{literal.name}" if negative else literal.name
        return None
    if isinstance(literal, exp.Cast) and type.name == "date" and not negative:
        inner, to = literal.this, literal.args["to"]
        if isinstance(inner, exp.Literal) and inner.is_string and to.this == exp.DType.DATE:
            return _quoted(inner.name)
    return None


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
