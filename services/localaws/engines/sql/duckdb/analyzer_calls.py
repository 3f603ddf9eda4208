"""Calls: scalar functions, aggregates with DISTINCT, ORDER BY and FILTER, window functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from localaws.engines.sql.base import SqlError, SqlRefused
from localaws.engines.sql.duckdb.functions.aggregates import AGGREGATES, Aggregate
from localaws.engines.sql.duckdb.functions.catalog import SCALARS
from localaws.engines.sql.duckdb.functions.known import KNOWN
from localaws.engines.sql.duckdb.functions.registry import Call, LambdaCompiler
from localaws.engines.sql.duckdb.functions.windows import WINDOWS, WindowCall
from localaws.engines.sql.duckdb.parser import location
from localaws.engines.sql.duckdb.scope import Field, Scope, nested
from localaws.engines.sql.duckdb.typed import Expr, build, within_try
from localaws.engines.sql.duckdb.types import Type

if TYPE_CHECKING:
    from localaws.engines.sql.duckdb.analyzer import Expressions

_QUERY = (exp.Select, exp.SetOperation, exp.Subquery)


class Calls:
    """Compiles function calls for `Expressions`."""

    def __init__(self, expressions: Expressions) -> None:
        self.expressions = expressions
        self._aggregates: dict[int, bool] = {}

    def compile(self, node: exp.Expression, scope: Scope) -> Expr | None:
        """Return a call's typed SQL, or None where the node is no call."""
        if isinstance(node, exp.Window):
            return self._window(node, scope)
        if isinstance(node, (exp.Filter, exp.GroupConcat, exp.WithinGroup)):
            return self._aggregate(node, scope)
        if isinstance(node, exp.Anonymous):
            return self._named(node, scope)
        compiled = self.expressions.compile
        if isinstance(node, exp.Extract):
            field = node.this.name.lower()
            names = {"day_of_week": "dow", "day_of_year": "doy", "year_of_week": "yow"}
            return self.call(
                {"dow": "day_of_week", "doy": "day_of_year", "yow": "year_of_week"}.get(
                    names.get(field, field), field
                ),
                [compiled(node.expression, scope)],
            )
        if isinstance(node, exp.StrPosition) and not node.args.get("position"):
            pair = [compiled(node.this, scope), compiled(node.args["substr"], scope)]
            return self.call("strpos", pair)
        if isinstance(node, exp.Substring):
            keys = ("this", "start", "length")
            found = [compiled(node.args[k], scope) for k in keys if node.args.get(k) is not None]
            return self.call("substr", found)
        if isinstance(node, exp.Trim) and not node.args.get("collation"):
            name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(
                str(node.args.get("position") or "").upper(), "trim"
            )
            found = [compiled(node.this, scope)]
            if node.expression is not None:
                found.append(compiled(node.expression, scope))
            return self.call(name, found)
        return None

    def call(self, name: str, arguments: Sequence[Expr | LambdaCompiler]) -> Expr:
        """Call a scalar function by name.

        Raises:
            SqlError: ``FUNCTION_NOT_FOUND`` and type errors.
            SqlRefused: the function is not answered here.
        """
        function = SCALARS.get(name)
        if function is None:
            raise SqlRefused(f"The function {name} is not supported here")
        now = self.expressions.context.now
        return function.build(Call(name, arguments, f"{now:%Y-%m-%d %H:%M:%S.%f}"[:-3]))

    def has_aggregate(self, node: exp.Expression) -> bool:
        """Return whether the node computes an aggregate of its own query."""
        key = id(node)
        if key not in self._aggregates:
            self._aggregates[key] = self._search(node)
        return self._aggregates[key]

    def _search(self, node: exp.Expression) -> bool:
        if isinstance(node, _QUERY) and not isinstance(node, exp.Window):
            return False
        if isinstance(node, exp.Window):
            function = node.this
            while isinstance(function, (exp.Filter, exp.IgnoreNulls, exp.RespectNulls)):
                function = function.this
            parts = [*function.args.values(), *(v for k, v in node.args.items() if k != "this")]
            return any(self._search_all(part) for part in parts)
        if isinstance(node, (exp.GroupConcat, exp.WithinGroup)):
            return True
        if isinstance(node, exp.Anonymous) and node.name.lower() in AGGREGATES:
            return True
        return any(self._search_all(child) for child in node.args.values())

    def has_window(self, node: exp.Expression) -> bool:
        """Return whether the node computes a window function of its own query."""
        if isinstance(node, exp.Window):
            return True
        if isinstance(node, _QUERY):
            return False
        for child in node.args.values():
            for item in child if isinstance(child, list) else [child]:
                if isinstance(item, exp.Expression) and self.has_window(item):
                    return True
        return False

    def _search_all(self, child: object) -> bool:
        items = child if isinstance(child, list) else [child]
        return any(isinstance(i, exp.Expression) and self.has_aggregate(i) for i in items)

    # -- scalar --------------------------------------------------------------------------------

    def _named(self, node: exp.Anonymous, scope: Scope) -> Expr:
        name = node.name.lower()
        if name in AGGREGATES:
            return self._aggregate(node, scope)
        if name in WINDOWS:
            raise SqlError("MISSING_OVER", f"Window function {name} requires an OVER clause")
        if name == "try":
            return self._try(node, scope)
        if name == "row":
            items = [self.expressions.compile(item, scope) for item in node.expressions]
            return self.expressions.row(items)
        if name not in SCALARS and name not in KNOWN:
            message = f"{location(self.expressions.source, node)}Function '{name}' not registered"
            raise SqlError("FUNCTION_NOT_FOUND", message)
        return self.call(name, [self._argument(item, scope) for item in node.expressions])

    def _argument(self, node: exp.Expression, scope: Scope) -> Expr | LambdaCompiler:
        if not isinstance(node, exp.Lambda):
            return self.expressions.compile(node, scope)

        def compile_lambda(types: Sequence[Type]) -> tuple[list[str], Expr]:
            names = [parameter.name.lower() for parameter in node.expressions]
            if len(names) != len(types):
                message = f"Expected a lambda that takes {len(types)} argument(s)"
                raise SqlError("INVALID_PARAMETER_USAGE", message)
            # by depth, so that equal lambdas have equal SQL (grouping keys are found by it)
            variables = [f"v{scope.lambdas}_{index}" for index in range(len(names))]
            fields = [Field(n, t, v) for n, t, v in zip(names, types, variables, strict=True)]
            body = self.expressions.compile(node.this, nested(scope, fields))
            if "(SELECT" in body.sql:
                raise SqlRefused("A subquery in a lambda is not supported here")
            if body.volatile:
                raise SqlRefused("A volatile function in a lambda is not supported here")
            return variables, body

        return compile_lambda

    def _try(self, node: exp.Anonymous, scope: Scope) -> Expr:
        if len(node.expressions) != 1:
            raise SqlError("SYNTAX_ERROR", "TRY takes one argument")
        body = self.expressions.compile(node.expressions[0], scope)
        if body.volatile or "(SELECT" in body.sql:
            raise SqlRefused("TRY around this expression is not supported here")
        return build(f"TRY({within_try(body)})", body.type, body)

    # -- aggregates ----------------------------------------------------------------------------

    def _aggregate(self, node: exp.Expression, scope: Scope) -> Expr:
        if scope.group is None:
            message = "Aggregations, window functions and grouping operations are not allowed here"
            raise SqlError("EXPRESSION_NOT_SCALAR", message)
        group, scope.group = scope.group, None
        try:
            call = self._aggregate_call(node, scope, over="")
            found = AGGREGATES[call.name].build(call)
        finally:
            scope.group = group
        return group.aggregate(found)

    def _aggregate_call(self, node: exp.Expression, scope: Scope, over: str) -> Aggregate:
        condition = ""
        if isinstance(node, exp.Filter):
            found = self.expressions.boolean(node.expression.this, scope, "FILTER clause")
            condition, node = f" FILTER (WHERE {found.sql})", node.this
        if isinstance(node, exp.GroupConcat):
            name, operands = "listagg", [node.this]
            if node.args.get("separator") is not None:
                operands.append(node.args["separator"])
            if node.args.get("on_overflow"):
                raise SqlRefused("LISTAGG ON OVERFLOW is not supported here")
        elif isinstance(node, exp.Anonymous) and node.name.lower() in AGGREGATES:
            name, operands = node.name.lower(), list(node.expressions)
        else:
            raise SqlRefused("This aggregate is not supported here")
        order, distinct = "", False
        if operands and isinstance(operands[-1], exp.Order):
            order = self.order(operands[-1].expressions, scope)
            operands[-1] = operands[-1].this
        elif operands and isinstance(operands[0], exp.Order):
            order = self.order(operands[0].expressions, scope)
            operands[0] = operands[0].this
        if operands and isinstance(operands[0], exp.Distinct):
            distinct = True
            operands = [*operands[0].expressions, *operands[1:]]
        star = len(operands) == 1 and isinstance(operands[0], exp.Star)
        values = [] if star else [self._operand(o, scope) for o in operands]
        return Aggregate(name, tuple(values), star, distinct, order, condition + over)

    def _operand(self, node: exp.Expression, scope: Scope) -> Expr:
        if isinstance(node, exp.Lambda):
            raise SqlRefused("Aggregates with lambdas are not supported here")
        if self.has_aggregate(node) and scope.group is None:
            message = "Cannot nest aggregations inside aggregation"
            raise SqlError("NESTED_AGGREGATION", message)
        return self.expressions.compile(node, scope)

    # -- windows -------------------------------------------------------------------------------

    def _window(self, node: exp.Window, scope: Scope) -> Expr:
        function, nulls = node.this, ""
        if isinstance(function, (exp.IgnoreNulls, exp.RespectNulls)):
            nulls = " IGNORE NULLS" if isinstance(function, exp.IgnoreNulls) else ""
            function = function.this
        over = self._over(node, scope)
        name = function.name.lower() if isinstance(function, exp.Anonymous) else ""
        if isinstance(function, exp.Filter):
            raise SqlRefused("FILTER is not yet supported for window functions")
        if name in WINDOWS:
            values = [self.expressions.compile(item, scope) for item in function.expressions]
            found = WINDOWS[name].build(WindowCall(name, tuple(values), nulls, over))
        else:
            call = self._aggregate_call(function, scope, over=f" OVER ({over})")
            if nulls or call.distinct or call.order:
                raise SqlRefused(f"{name} over a window is not supported here in this form")
            found = AGGREGATES[call.name].build(call)
        return Expr(found.sql, found.type, refusing=True)

    def _over(self, node: exp.Window, scope: Scope) -> str:
        if node.args.get("first") is not None:
            raise SqlRefused("This window is not supported here")
        partition, order, spec = (node.args.get(k) for k in ("partition_by", "order", "spec"))
        alias = node.args.get("alias")
        if alias is not None:
            named = scope.windows.get(alias.name.lower())
            if named is None:
                raise SqlError(
                    "INVALID_WINDOW_REFERENCE", f"Cannot resolve WINDOW name {alias.name}"
                )
            if named.args.get("alias") is not None:
                raise SqlRefused("A window that refers to another is not supported here")
            partition = partition or named.args.get("partition_by")
            order = order or named.args.get("order")
            spec = spec or named.args.get("spec")
        parts = []
        if partition:
            keys = [self.expressions.compile(item, scope) for item in partition]
            parts.append(f"PARTITION BY {', '.join(key.sql for key in keys)}")
        if order is not None:
            parts.append(self.order(order.expressions, scope).strip())
        if spec is not None:
            parts.append(_frame(spec, ordered=order is not None))
        return " ".join(parts)

    def order(self, items: Sequence[exp.Expression], scope: Scope) -> str:
        """Return `` ORDER BY …`` of sort items; NULLs go last unless told otherwise."""
        parts = []
        for item in items:
            value = self.expressions.compile(item.this, scope)
            parts.append(sort_key(value.sql, value.type, item))
        return f" ORDER BY {', '.join(parts)}"


def sort_key(sql: str, type: Type, item: exp.Expression) -> str:
    """Return one item of ORDER BY.

    Raises:
        SqlError: ``TYPE_MISMATCH``, the type has no order.
    """
    if item.args.get("with_fill"):
        raise SqlRefused("WITH FILL is not supported here")
    if not type.is_orderable:
        message = f"Type {type} is not orderable, and therefore cannot be used in ORDER BY"
        raise SqlError("TYPE_MISMATCH", message)
    if type.args:
        raise SqlRefused(f"ORDER BY {type} is not supported here")
    direction = "DESC" if item.args.get("desc") else "ASC"
    nulls = "FIRST" if item.args.get("nulls_first") else "LAST"
    return f"{sql} {direction} NULLS {nulls}"


def _frame(spec: exp.Expression, *, ordered: bool) -> str:
    kind = str(spec.args.get("kind") or "").upper()
    if kind not in ("ROWS", "RANGE", "GROUPS") or spec.args.get("exclude"):
        raise SqlRefused("This window frame is not supported here")

    def bound(key: str) -> str:
        value = spec.args.get(key)
        side = str(spec.args.get(f"{key}_side") or "").upper()
        if isinstance(value, str):
            value = value.upper()
            return value if value == "CURRENT ROW" else f"{value} {side}"
        if not isinstance(value, exp.Literal) or value.is_string or not value.name.isdigit():
            raise SqlRefused("A window frame is supported here with literal bounds")
        if kind == "RANGE":
            raise SqlRefused("RANGE frames with offsets are not supported here")
        return f"{value.name} {side}"

    if kind == "GROUPS" and not ordered:
        raise SqlRefused("GROUPS frames without ORDER BY are not supported here")
    start = bound("start")
    end = bound("end") if spec.args.get("end") is not None else "CURRENT ROW"
    return f"{kind} BETWEEN {start} AND {end}"
