"""Values as Athena prints them in result files, as DuckDB SQL.

https://docs.aws.amazon.com/athena/latest/ug/querying.html: doubles as Java prints them, timestamps
with their digits, arrays ``[a, b]``, maps ``{k=v}``, rows ``{a=1, b=x}`` with ``field0`` … for
anonymous fields, binary as hexadecimal pairs, NULL inside a container as ``null``.
"""

from __future__ import annotations

from localaws.engines.sql.base import SqlRefused
from localaws.engines.sql.duckdb import numbers_text, temporal_text
from localaws.engines.sql.duckdb.casts import field
from localaws.engines.sql.duckdb.typed import Expr, text
from localaws.engines.sql.duckdb.types import Type


def rendered(value: str, type: Type, depth: int = 0) -> str:
    """Return SQL for the text of a value; NULL stays NULL.

    Args:
        value: SQL that may be repeated (a column or lambda parameter).
        type: its Trino type.
        depth: how many containers it is in.
    """
    if type.is_integral or type.name in ("boolean", "date"):
        return f"CAST({value} AS VARCHAR)"
    if type.name == "decimal":
        return numbers_text.decimal(value, *type.params)
    if type.name in ("varchar", "char", "json"):
        return value
    if type.is_floating:
        return numbers_text.plain(value)
    if type.name == "unknown":
        return "CAST(NULL AS VARCHAR)"
    if type.name == "timestamp":
        return temporal_text.timestamp(value, max(type.params[0], 3))
    if type.name == "timestamp with time zone":
        return f"{temporal_text.timestamp(value, max(type.params[0], 3))} || ' UTC'"
    if type.name == "interval day to second":
        return temporal_text.day_to_second(value)
    if type.name == "interval year to month":
        return temporal_text.year_to_month(value)
    if type.name == "varbinary":
        return f"rtrim(regexp_replace(lower(hex({value})), '(..)', '\\1 ', 'g'))"
    if type.name == "array":
        variable = f"x{depth}"
        items = (
            f"list_transform({value}, lambda {variable}: {_inner(variable, type.element, depth)})"
        )
        return f"('[' || array_to_string({items}, ', ') || ']')"
    if type.name == "map":
        variable = f"x{depth}"
        key = rendered(f"{variable}.key", type.args[0], depth + 1)
        item = _inner(f"{variable}.value", type.args[1], depth)
        pairs = f"list_transform(map_entries({value}), lambda {variable}: {key} || '=' || {item})"
        listed = f"'{{' || array_to_string({pairs}, ', ') || '}}'"
        return f"CASE WHEN {value} IS NULL THEN NULL ELSE {listed} END"
    if type.name == "row":
        whole = Expr(value, type)
        parts = []
        for index, (label, arg) in enumerate(zip(type.fields, type.args, strict=True)):
            shown = _inner(field(whole, index).sql, arg, depth)
            prefix = text(f"{label or f'field{index}'}=")
            parts.append(f"{prefix} || {shown}")
        body = " || ', ' || ".join(parts)
        return f"CASE WHEN {value} IS NULL THEN NULL ELSE '{{' || {body} || '}}' END"
    raise SqlRefused(f"Results of type {type} are not supported here")


def _inner(value: str, type: Type, depth: int) -> str:
    return f"coalesce({rendered(value, type, depth + 1)}, 'null')"
