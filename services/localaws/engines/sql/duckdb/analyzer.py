"""Expressions: name resolution, Trino's type of every node, and the DuckDB SQL that computes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from localaws.engines.sql.base import SqlError, SqlRefused
from localaws.engines.sql.duckdb import literals
from localaws.engines.sql.duckdb.analyzer_calls import Calls
from localaws.engines.sql.duckdb.casts import cast, field, unify
from localaws.engines.sql.duckdb.datatypes import data_type
from localaws.engines.sql.duckdb.functions.subscripts import subscript
from localaws.engines.sql.duckdb.operators import (
    arithmetic,
    compare,
    concatenate,
    negate,
)
from localaws.engines.sql.duckdb.parser import location
from localaws.engines.sql.duckdb.scope import Scope
from localaws.engines.sql.duckdb.typed import Expr, build, text
from localaws.engines.sql.duckdb.types import BOOLEAN, UNKNOWN, VARBINARY, array, row

if TYPE_CHECKING:
    from localaws.engines.sql.duckdb.analyzer_query import Queries

_COMPARISONS: dict[type[exp.Expression], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
}
_ARITHMETIC: dict[type[exp.Expression], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}
_MAX_DEPTH = 180


class Expressions:
    """Compiles expression nodes in a scope."""

    def __init__(self, queries: Queries, source: str) -> None:
        self.queries = queries
        self.context = queries.context
        self.source = source
        self.calls = Calls(self)
        self.depth = 0

    def compile(self, node: exp.Expression, scope: Scope, *, filtering: bool = False) -> Expr:
        """Return the typed SQL of a node.

        Args:
            node: the expression.
            scope: what names mean.
            filtering: NULL and false are the same where the result is used.

        Raises:
            SqlError: the expression is wrong; the message begins with its place.
            SqlRefused: it is not proven to be answered as Trino would.
        """
        self.depth += 1
        try:
            if self.depth > _MAX_DEPTH:
                raise SqlRefused("The expression is nested too deeply")
            grouped = self._group_key(node, scope)
            return grouped if grouped is not None else self._dispatch(node, scope, filtering)
        except SqlRefused:
            raise
        except SqlError as error:
            if error.message.startswith("line "):
                raise
            binary = isinstance(node, (exp.Binary, exp.Between, exp.In))
            place = location(self.source, node, operator=binary)
            raise SqlError(error.name, place + error.message, user=error.user) from error
        finally:
            self.depth -= 1

    def boolean(self, node: exp.Expression, scope: Scope, clause: str) -> Expr:
        """Compile a condition, e.g. of ``WHERE``.

        Raises:
            SqlError: ``TYPE_MISMATCH``, the condition is not a boolean.
        """
        if self.calls.has_window(node):
            message = (
                f"{clause} cannot contain aggregations, window functions or grouping operations"
            )
            raise SqlError("EXPRESSION_NOT_SCALAR", location(self.source, node) + message)
        found = self.compile(node, scope, filtering=True)
        if found.type.name not in ("boolean", "unknown"):
            message = f"{clause} must evaluate to a boolean: actual type {found.type}"
            raise SqlError("TYPE_MISMATCH", location(self.source, node) + message)
        return found

    def _group_key(self, node: exp.Expression, scope: Scope) -> Expr | None:
        """Return the grouped column that holds this expression, where it is a grouping key."""
        if scope.group is None or not scope.group.keys or self.calls.has_aggregate(node):
            return None
        if isinstance(node, (exp.Literal, exp.Star, exp.Subquery, exp.Exists, exp.Lambda)):
            return None
        group, scope.group = scope.group, None
        try:
            candidate = self._dispatch(node, scope, False)
        except SqlError:
            return None
        finally:
            scope.group = group
        return group.keys.get(candidate.sql)

    def _dispatch(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        kind = type(node)
        if kind in _COMPARISONS:
            return self._comparison(node, scope, filtering)
        if kind in _ARITHMETIC:
            left, right = self.compile(node.this, scope), self.compile(node.expression, scope)
            return arithmetic(_ARITHMETIC[kind], left, right)
        handler = _HANDLERS.get(kind)
        if handler is not None:
            return handler(self, node, scope, filtering)
        called = self.calls.compile(node, scope)
        if called is not None:
            return called
        raise SqlRefused(f"{kind.__name__} expressions are not supported here")

    # -- names ---------------------------------------------------------------------------------

    def _parts(self, node: exp.Expression) -> list[exp.Identifier] | None:
        """Return the identifiers of a dotted name, or None where the node is something else."""
        if isinstance(node, exp.Identifier):
            return [node]
        if isinstance(node, exp.Column):
            parts = [part for part in node.parts if isinstance(part, exp.Identifier)]
            return parts if len(parts) == len(node.parts) else None
        if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
            before = self._parts(node.this)
            return None if before is None else [*before, node.expression]
        return None

    def _name(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        parts = self._parts(node)
        if parts is None:
            if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
                return self._member(self.compile(node.this, scope), node.expression.name)
            raise SqlRefused("This use of * is not supported here")
        names = [part.name.lower() for part in parts]
        found = scope.find(names)
        if found is None:
            shown = ".".join(part.name.lower() for part in parts)
            if names[-1].startswith("$"):
                raise SqlRefused(f'The hidden column "{names[-1]}" is not supported here')
            message = f"Column '{shown}' cannot be resolved"
            raise SqlError("COLUMN_NOT_FOUND", location(self.source, node) + message)
        column, owner, taken = found
        value = column.read()
        if owner.group is not None:
            key = owner.group.keys.get(column.sql)
            if key is None:
                shown = ".".join(names[:taken])
                message = f"'{shown}' must be an aggregate expression or appear in GROUP BY clause"
                raise SqlError("EXPRESSION_NOT_AGGREGATE", location(self.source, node) + message)
            value = key
        for name in names[taken:]:
            value = self._member(value, name)
        return value

    def _member(self, value: Expr, name: str) -> Expr:
        if value.type.name != "row":
            message = f"Expression is not of type ROW: {value.type}"
            raise SqlError("TYPE_MISMATCH", message)
        lowered = [(f or "").lower() for f in value.type.fields]
        if lowered.count(name.lower()) != 1:
            message = f"Column '{name}' cannot be resolved"
            raise SqlError("INVALID_COLUMN_REFERENCE", message)
        return field(value, lowered.index(name.lower()))

    # -- operators -----------------------------------------------------------------------------

    def _comparison(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        operator = _COMPARISONS[type(node)]
        quantified = self._quantified(node, operator, scope)
        if quantified is not None:
            return quantified
        left, right = self.compile(node.this, scope), self.compile(node.expression, scope)
        return compare(operator, left, right, filtering=filtering)

    def _quantified(self, node: exp.Expression, operator: str, scope: Scope) -> Expr | None:
        right = node.expression
        word = None
        if isinstance(right, exp.Any):
            word, inner = "ANY", right.this
        elif isinstance(right, exp.All):
            word, inner = "ALL", right.this
        elif isinstance(right, exp.Anonymous) and right.name.upper() in ("ALL", "ANY", "SOME"):
            word, inner = right.name.upper().replace("SOME", "ANY"), right.expressions[0]
        if word is None:
            return None
        left = self.compile(node.this, scope)
        query = self.queries.scalar_query(inner, scope)
        (column,) = query.columns
        if column.type != left.type or left.type.is_floating or left.type.args:
            raise SqlRefused(f"{operator} {word} of {left.type} and {column.type} is not supported")
        sql = f"({left.sql} {operator} {word} ({query.sql}))"
        return build(sql, BOOLEAN, left, Expr("", BOOLEAN))

    def _connector(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        word = "AND" if isinstance(node, exp.And) else "OR"
        operands = [
            self.compile(operand, scope, filtering=filtering)
            for operand in node.flatten()
            if isinstance(operand, exp.Expression)
        ]
        for operand in operands:
            self._require_boolean(operand, word)
        return build(f"({f' {word} '.join(o.sql for o in operands)})", BOOLEAN, *operands)

    def _require_boolean(self, value: Expr, word: str) -> None:
        if value.type.name not in ("boolean", "unknown"):
            message = f"Logical expression term must evaluate to a boolean (actual: {value.type})"
            raise SqlError("TYPE_MISMATCH", message)

    def _not(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        value = self.compile(node.this, scope)
        if value.type.name not in ("boolean", "unknown"):
            message = f"Value of logical NOT expression must evaluate to a boolean: {value.type}"
            raise SqlError("TYPE_MISMATCH", message)
        return build(f"(NOT {value.sql})", BOOLEAN, value)

    def _is(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        if not isinstance(node.expression, exp.Null):
            raise SqlError("SYNTAX_ERROR", "mismatched input after IS. Expecting: NULL, DISTINCT")
        value = self.compile(node.this, scope)
        return build(f"({value.sql} IS NULL)", BOOLEAN, value)

    def _between(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        if node.args.get("symmetric"):
            raise SqlRefused("BETWEEN SYMMETRIC is not supported here")
        value, low, high = (self.compile(node.args[key], scope) for key in ("this", "low", "high"))
        if unify([value, low, high]) is None:
            message = f"Cannot check if {value.type} is BETWEEN {low.type} and {high.type}"
            raise SqlError("TYPE_MISMATCH", message)
        (value, low, high), _ = unify([value, low, high]) or ([], UNKNOWN)
        if not value.volatile and not value.type.is_floating and not value.type.args:
            sql = f"({value.sql} BETWEEN {low.sql} AND {high.sql})"
            return build(sql, BOOLEAN, value, low, high)
        above = compare(">=", value, low, filtering=filtering)
        below = compare("<=", value, high, filtering=filtering)
        return build(f"({above.sql} AND {below.sql})", BOOLEAN, value, low, high)

    def _in(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        value = self.compile(node.this, scope)
        query = node.args.get("query")
        if query is not None:
            return self._in_query(value, query, scope)
        if node.args.get("unnest") or node.args.get("field") or not node.expressions:
            raise SqlRefused("This form of IN is not supported here")
        items = [self.compile(item, scope) for item in node.expressions]
        found = unify([value, *items])
        if found is None:
            message = "IN value and list items must be the same type or coercible to a common type"
            bad = next(item for item in items if unify([value, item]) is None)
            message = f"{message}. Cannot find common type between {value.type} and {bad.type}"
            raise SqlError("TYPE_MISMATCH", message)
        (value, *items), type = found
        if type.is_floating or type.args:
            tests = [compare("=", value, item) for item in items]
            return build(f"({' OR '.join(t.sql for t in tests)})", BOOLEAN, *tests)
        listed = ", ".join(item.sql for item in items)
        return build(f"({value.sql} IN ({listed}))", BOOLEAN, value, *items)

    def _in_query(self, value: Expr, node: exp.Expression, scope: Scope) -> Expr:
        query = self.queries.scalar_query(node, scope)
        (column,) = query.columns
        found = unify([value, Expr("q.c0", column.type)])
        if found is None:
            message = (
                "Value expression and result of subquery must be of the same type: "
                f"{value.type} vs {column.type}"
            )
            raise SqlError("TYPE_MISMATCH", message)
        (value, inner), type = found
        if type.is_floating or type.args:
            raise SqlRefused(f"IN a subquery of {type} is not supported here")
        source = query.sql if inner.sql == "q.c0" else f"SELECT {inner.sql} FROM ({query.sql}) q"
        return build(f"({value.sql} IN ({source}))", BOOLEAN, value, Expr("", BOOLEAN))

    def _like(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        escape = None
        if isinstance(node, exp.Escape):
            escape, node = self.compile(node.expression, scope), node.this
            if not isinstance(node, exp.Like):
                raise SqlRefused("ESCAPE is supported here with LIKE")
        value, pattern = self.compile(node.this, scope), self.compile(node.expression, scope)
        if not (value.type.is_text and pattern.type.is_text):
            if value.type.name in ("unknown", "char") or pattern.type.name in ("unknown", "char"):
                raise SqlRefused(f"{value.type} LIKE {pattern.type} is not supported here")
            message = f"Left side of LIKE expression must evaluate to a varchar: {value.type}"
            raise SqlError("TYPE_MISMATCH", message)
        suffix = ""
        if escape is not None:
            if not isinstance(escape.value, str) or len(escape.value) != 1:
                raise SqlRefused("ESCAPE is supported here with a literal character")
            if not isinstance(pattern.value, str) or not _escapes_well(pattern.value, escape.value):
                raise SqlRefused("This LIKE pattern with ESCAPE is not supported here")
            suffix = f" ESCAPE {escape.sql}"
        word = "NOT LIKE" if node.args.get("negate") else "LIKE"
        return build(f"({value.sql} {word} {pattern.sql}{suffix})", BOOLEAN, value, pattern)

    # -- values --------------------------------------------------------------------------------

    def _literal(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        if node.args.get("is_string"):
            return literals.string(node.name)
        return literals.number(node.name)

    def _cast(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        if node.args.get("format") or node.args.get("default") or node.args.get("action"):
            raise SqlRefused("CAST with FORMAT is not supported here")
        safe = isinstance(node, exp.TryCast)
        target = data_type(node.args["to"])
        inner = node.this
        if isinstance(inner, exp.Literal) and inner.is_string and not node.meta.get("call"):
            made = literals.typed_text(inner.name, target)
            if made is not None:
                return made
        return cast(self.compile(inner, scope), target, safe=safe)

    def _case(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        operand = self.compile(node.this, scope) if node.args.get("this") else None
        conditions: list[Expr] = []
        for branch in node.args["ifs"]:
            condition = self.compile(branch.this, scope, filtering=True)
            if operand is not None:
                condition = compare("=", operand, condition, filtering=True)
            elif condition.type.name not in ("boolean", "unknown"):
                message = f"CASE WHEN clause must evaluate to a boolean: {condition.type}"
                raise SqlError("TYPE_MISMATCH", message)
            conditions.append(condition)
        results = [self.compile(branch.args["true"], scope) for branch in node.args["ifs"]]
        default = node.args.get("default")
        results.append(self.compile(default, scope) if default else NULL)
        return conditional(conditions, results)

    def _if(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        condition = self.boolean(node.this, scope, "IF condition")
        results = [self.compile(node.args["true"], scope)]
        other = node.args.get("false")
        results.append(self.compile(other, scope) if other else NULL)
        return conditional([condition], results)

    def _array(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        items = [self.compile(item, scope) for item in node.expressions]
        if not items:
            return Expr("CAST([] AS BOOLEAN[])", array(UNKNOWN), constant=True)
        found = unify(items)
        if found is None:
            raise SqlError("TYPE_MISMATCH", "All ARRAY elements must be the same type")
        items, element = found
        return build(f"[{', '.join(item.sql for item in items)}]", array(element), *items)

    def row(self, items: Sequence[Expr]) -> Expr:
        """Return ``ROW(…)`` of values."""
        type = row(tuple(item.type for item in items))
        parts = (f"f{i} := {item.sql}" for i, item in enumerate(items, 1))
        return build(f"struct_pack({', '.join(parts)})", type, *items)

    def _tuple(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        return self.row([self.compile(item, scope) for item in node.expressions])

    def _bracket(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        if len(node.expressions) != 1 or node.args.get("safe") is True:
            raise SqlRefused("This subscript is not supported here")
        return subscript(self.compile(node.this, scope), self.compile(node.expressions[0], scope))

    def _subquery(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        query = self.queries.scalar_query(node, scope)
        return Expr(f"({query.sql})", query.columns[0].type, refusing=True)

    def _exists(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        query = self.queries.query(node.this, scope)
        return Expr(f"EXISTS ({query.sql})", BOOLEAN, refusing=True)

    def _placeholder(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        index = self.queries.placeholders.get(node.meta.get("start", -1))
        if node.args.get("this") or index is None or index >= len(self.context.parameters):
            message = "Incorrect number of parameters: expected more than were given"
            raise SqlError("INVALID_PARAMETER_USAGE", message)
        return self.compile(self.context.parameters[index], Scope([]))

    def _moment(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        names: dict[type[exp.Expression], str] = {
            exp.CurrentDate: "current_date",
            exp.CurrentTimestamp: "current_timestamp",
            exp.Localtimestamp: "localtimestamp",
        }
        if node.args.get("this"):
            raise SqlRefused("A precision for the current time is not supported here")
        return self.calls.call(names[type(node)], [])

    def _negative(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        inner = node.this
        if isinstance(inner, exp.Literal) and not inner.is_string:
            return literals.number(f"-{inner.name}")
        return negate(self.compile(inner, scope))

    def _hex(self, node: exp.Expression, scope: Scope, filtering: bool) -> Expr:
        digits = node.name.replace(" ", "")
        return Expr(f"unhex({text(digits)})", VARBINARY, constant=True)


NULL = Expr("NULL", UNKNOWN, constant=True)


def conditional(conditions: Sequence[Expr], results: Sequence[Expr]) -> Expr:
    """Return CASE WHEN … ELSE …; `results` has one more item than `conditions`.

    Raises:
        SqlError: ``TYPE_MISMATCH``.
    """
    found = unify(list(results))
    if found is None:
        first = results[0].type
        other = next(r.type for r in results if unify([results[0], r]) is None)
        message = "All CASE results must be the same type or coercible to a common type. "
        raise SqlError(
            "TYPE_MISMATCH", f"{message}Cannot find common type between {first} and {other}"
        )
    values, type = found
    whens = " ".join(f"WHEN {c.sql} THEN {v.sql}" for c, v in zip(conditions, values, strict=False))
    return build(f"CASE {whens} ELSE {values[-1].sql} END", type, *conditions, *values)


def _escapes_well(pattern: str, escape: str) -> bool:
    at = 0
    while at < len(pattern):
        if pattern[at] == escape:
            if at + 1 >= len(pattern) or pattern[at + 1] not in (escape, "%", "_"):
                return False
            at += 1
        at += 1
    return True


_Handler = Callable[[Expressions, Any, Scope, bool], Expr]
_HANDLERS: dict[type[exp.Expression], _Handler] = {
    exp.Column: Expressions._name,
    exp.Identifier: Expressions._name,
    exp.Dot: Expressions._name,
    exp.And: Expressions._connector,
    exp.Or: Expressions._connector,
    exp.Not: Expressions._not,
    exp.Is: Expressions._is,
    exp.Between: Expressions._between,
    exp.In: Expressions._in,
    exp.Like: Expressions._like,
    exp.Escape: Expressions._like,
    exp.Literal: Expressions._literal,
    exp.Null: lambda self, node, scope, filtering: NULL,
    exp.Boolean: lambda self, node, scope, filtering: Expr(
        "true" if node.this else "false", BOOLEAN, constant=True
    ),
    exp.Cast: Expressions._cast,
    exp.TryCast: Expressions._cast,
    exp.Case: Expressions._case,
    exp.If: Expressions._if,
    exp.Interval: lambda self, node, scope, filtering: literals.interval(node),
    exp.Neg: Expressions._negative,
    exp.Paren: lambda self, node, scope, filtering: self.compile(
        node.this, scope, filtering=filtering
    ),
    exp.DPipe: lambda self, node, scope, filtering: concatenate(
        self.compile(node.this, scope), self.compile(node.expression, scope)
    ),
    exp.Array: Expressions._array,
    exp.Tuple: Expressions._tuple,
    exp.Bracket: Expressions._bracket,
    exp.Subquery: Expressions._subquery,
    exp.Select: Expressions._subquery,
    exp.Exists: Expressions._exists,
    exp.Placeholder: Expressions._placeholder,
    exp.CurrentDate: Expressions._moment,
    exp.CurrentTimestamp: Expressions._moment,
    exp.Localtimestamp: Expressions._moment,
    exp.HexString: Expressions._hex,
}
