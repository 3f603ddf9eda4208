"""JSON functions: https://trino.io/docs/476/functions/json.html.

Only scalars are read, by literal paths of members and subscripts. DuckDB normalises numbers
(``1.10`` → ``1.1``) where Trino returns the text as written, so numbers that are not plain integers
are quoted first, by a tokenising replacement that leaves strings alone.
"""

from __future__ import annotations

import re

from localaws.engines.sql.base import SqlRefused
from localaws.engines.sql.duckdb.functions.registry import Call, scalar
from localaws.engines.sql.duckdb.typed import Expr, build, refuse_at_run_time, text
from localaws.engines.sql.duckdb.types import BIGINT

_STEP = re.compile(r'\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]|\["([^"\\\]\'*$]+)"\]')
_QUOTE = "\ue000"
_NUMBERS = r'("(?:[^"\\]|\\.)*")|(-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)'


def _path(call: Call, index: int) -> str:
    """Return DuckDB's path for a literal Trino path."""
    path = call.literal(index)
    if not path.startswith("$"):
        raise SqlRefused(f"The JSON path '{path}' is not supported here")
    at, out = 1, ["$"]
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise SqlRefused(f"The JSON path '{path}' is not supported here")
        member = match[1] or match[3]
        out.append(f'."{member}"' if member else f"[{match[2]}]")
        at = match.end()
    return "".join(out)


@scalar("json_extract_scalar", note="literal paths of members and subscripts; valid documents")
def _extract_scalar(call: Call) -> Expr:
    call.arity(2)
    value, steps = call.kind(0, "varchar"), _path(call, 1)
    path = text(steps)
    kind = f"json_type({value.sql}, {path})"
    plain = f"json_extract_string({value.sql}, {path})"
    marked = f"regexp_replace({value.sql}, {text(_NUMBERS)}, '\\1{_QUOTE}\\2{_QUOTE}', 'g')"
    quoted = f"replace(replace({marked}, '{_QUOTE * 2}', ''), '{_QUOTE}', '\"')"
    raw = f"json_extract_string({quoted}, {path})"
    refusal = refuse_at_run_time(
        "json_extract_scalar of this document is not supported here", value
    )
    # Trino's [0] also finds the member "0" of an object
    prefixes = [steps[: m.start()] for m in re.finditer(r"\[\d+\]", steps)]
    objects = "".join(
        f" OR json_type({value.sql}, {text(prefix)}) = 'OBJECT'" for prefix in prefixes
    )
    sql = (
        f"CASE WHEN {value.sql} IS NULL THEN NULL "
        f"WHEN NOT json_valid({value.sql}){objects} OR contains({value.sql}, '{_QUOTE}') "
        f"THEN {refusal} "
        f"WHEN {kind} IN ('VARCHAR', 'BOOLEAN') THEN {plain} "
        f"WHEN {kind} IN ('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE') THEN {raw} END"
    )
    return build(sql, value.type, value, refusing=True)


@scalar("json_array_length", note="valid documents")
def _array_length(call: Call) -> Expr:
    call.arity(1)
    value = call.text(0)
    refusal = refuse_at_run_time("json_array_length of this document is not supported here", value)
    sql = (
        f"CASE WHEN {value.sql} IS NULL THEN NULL WHEN NOT json_valid({value.sql}) THEN {refusal} "
        f"WHEN json_type({value.sql}) = 'ARRAY' "
        f"THEN CAST(json_array_length({value.sql}) AS BIGINT) END"
    )
    return build(sql, BIGINT, value, refusing=True)
