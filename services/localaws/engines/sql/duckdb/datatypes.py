"""Trino types from sqlglot's DataType nodes (the targets of CAST and typed literals)."""

from __future__ import annotations

from sqlglot import exp

from localaws.engines.sql.base import SqlError, SqlRefused
from localaws.engines.sql.duckdb.types import Type, row

_NAMES = {
    exp.DType.BOOLEAN: "boolean",
    exp.DType.TINYINT: "tinyint",
    exp.DType.SMALLINT: "smallint",
    exp.DType.INT: "integer",
    exp.DType.BIGINT: "bigint",
    exp.DType.FLOAT: "real",
    exp.DType.DOUBLE: "double",
    exp.DType.DECIMAL: "decimal",
    exp.DType.VARCHAR: "varchar",
    exp.DType.CHAR: "char",
    exp.DType.VARBINARY: "varbinary",
    exp.DType.JSON: "json",
    exp.DType.DATE: "date",
    exp.DType.TIME: "time",
    exp.DType.TIMESTAMP: "timestamp",
    exp.DType.TIMESTAMPTZ: "timestamp with time zone",
}
_MAX_TIMESTAMP = 6


def data_type(node: exp.Expression) -> Type:
    """Return the type a node names.

    Raises:
        SqlError: ``TYPE_MISMATCH`` or bad parameters.
        SqlRefused: a type not answered here.
    """
    if not isinstance(node, exp.DataType):
        raise SqlRefused("This type is not supported here")
    kind = node.this
    if kind == exp.DType.ARRAY and len(node.expressions) == 1:
        return Type("array", args=(data_type(node.expressions[0]),))
    if kind == exp.DType.MAP and len(node.expressions) == 2:
        return Type("map", args=tuple(data_type(e) for e in node.expressions))
    if kind == exp.DType.STRUCT:
        return _row(node)
    name = _NAMES.get(kind)
    if name is None:
        shown = node.sql(dialect="trino").lower()
        raise SqlError("TYPE_MISMATCH", f"Unknown type: {shown}")
    params = tuple(int(e.this.name) for e in node.expressions if isinstance(e, exp.DataTypeParam))
    return _scalar(name, params)


def _scalar(name: str, params: tuple[int, ...]) -> Type:
    if name == "decimal":
        precision, scale = (*(params or (38,)), 0)[:2]
        if not 1 <= precision <= 38 or not 0 <= scale <= precision:
            message = f"DECIMAL precision must be in range [1, 38]: {precision}"
            raise SqlError("INVALID_FUNCTION_ARGUMENT", message)
        return Type(name, (precision, scale))
    if name == "char":
        raise SqlRefused("The type char is not supported here")
    if name in ("time", "json"):
        raise SqlRefused(f"The type {name} is not supported here")
    if name.startswith("timestamp"):
        precision = params[0] if params else 3
        if precision > _MAX_TIMESTAMP:
            raise SqlRefused(f"{name} of more than 6 digits is not supported here")
        return Type(name, (precision,))
    if params and name != "varchar":
        raise SqlError("TYPE_MISMATCH", f"Unknown type: {name}({params[0]})")
    return Type(name, params)


def _row(node: exp.DataType) -> Type:
    args: list[Type] = []
    fields: list[str | None] = []
    for item in node.expressions:
        if isinstance(item, exp.ColumnDef):
            kind = item.args.get("kind")
            if kind is None:
                raise SqlRefused("This row type is not supported here")
            args.append(data_type(kind))
            fields.append(item.name.lower())
        else:
            args.append(data_type(item))
            fields.append(None)
    return row(tuple(args), tuple(fields))
