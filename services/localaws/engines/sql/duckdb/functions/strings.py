"""String and binary functions: https://trino.io/docs/476/functions/string.html and binary.html."""

from __future__ import annotations

from localaws.engines.sql.base import SqlRefused
from localaws.engines.sql.duckdb.functions.registry import SAME, Call, scalar
from localaws.engines.sql.duckdb.operators import concatenate
from localaws.engines.sql.duckdb.typed import Expr, build, fail, refuse_at_run_time, text
from localaws.engines.sql.duckdb.types import (
    BIGINT,
    BOOLEAN,
    INTEGER,
    VARBINARY,
    VARCHAR,
    Type,
    array,
    varchar,
)

INVALID = "INVALID_FUNCTION_ARGUMENT"
# letters whose other case is younger than the Unicode tables of one of the two sides
_NEW_LOWER = r"[\x{19B}\x{264}\x{1C8A}\x{A7CD}\x{A7DB}\x{10D70}-\x{10D85}\x{16EA0}-\x{16EDF}]"
_NEW_UPPER = r"[\x{1C89}\x{A7CB}\x{A7CC}\x{A7DA}\x{A7DC}\x{10D50}-\x{10D65}\x{16EA0}-\x{16EDF}]"
_BLANK_POINTS = (
    *range(9, 14),
    *range(28, 33),
    5760,
    *(point for point in range(8192, 8203) if point != 8199),
    *(8232, 8233, 8287, 12288),
)
BLANKS = f"({' || '.join(f'chr({point})' for point in _BLANK_POINTS)})"


@scalar("length")
def _length(call: Call) -> Expr:
    call.arity(1)
    value = call.any(0)
    if value.type.name == "varbinary":
        return build(f"octet_length({value.sql})", BIGINT, value)
    value = call.text(0)
    return build(f"length({value.sql})", BIGINT, value)


def _ascii_or(value: Expr, exact: str, refusal: str) -> str:
    return f"CASE WHEN length({value.sql}) = strlen({value.sql}) THEN {exact} ELSE {refusal} END"


@scalar("upper", note="ß stays ß")
def _upper(call: Call) -> Expr:
    call.arity(1)
    value = call.text(0)
    parts = f"list_transform(string_split({value.sql}, 'ß'), lambda p: upper(p))"
    other = f"CASE WHEN regexp_matches({value.sql}, '{_NEW_LOWER}') THEN "
    other += refuse_at_run_time("upper of this character is not supported here", value)
    other += f" ELSE array_to_string({parts}, 'ß') END"
    sql = _ascii_or(value, f"upper({value.sql})", other)
    return build(sql, value.type, value, refusing=True)


@scalar("lower")
def _lower(call: Call) -> Expr:
    call.arity(1)
    value = call.text(0)
    other = f"CASE WHEN regexp_matches({value.sql}, '{_NEW_UPPER}') THEN "
    other += refuse_at_run_time("lower of this character is not supported here", value)
    other += f" ELSE lower({value.sql}) END"
    return build(_ascii_or(value, f"lower({value.sql})", other), value.type, value, refusing=True)


@scalar("reverse")
def _reverse(call: Call) -> Expr:
    call.arity(1)
    value = call.any(0)
    if value.type.name == "array":
        return build(f"list_reverse({value.sql})", value.type, value)
    value = call.text(0)
    points = f"array_to_string(list_reverse(string_split({value.sql}, '')), '')"
    return build(_ascii_or(value, f"reverse({value.sql})", points), value.type, value)


@scalar("substr", "substring")
def _substr(call: Call) -> Expr:
    call.arity(2, 3)
    value, start = call.text(0), call.bigint(1)
    size = f"length({value.sql})"
    begin = f"CASE WHEN {start.sql} < 0 THEN {size} + {start.sql} + 1 ELSE {start.sql} END"
    parts = [value, start]
    if len(call) == 3:
        length = call.bigint(2)
        parts.append(length)
        cut = f"substring({value.sql}, {begin}, {length.sql})"
        empty = (
            f"{start.sql} = 0 OR {length.sql} <= 0 OR {start.sql} < -{size} OR {start.sql} > {size}"
        )
    else:
        cut = f"substring({value.sql}, {begin})"
        empty = f"{start.sql} = 0 OR {start.sql} < -{size} OR {start.sql} > {size}"
    nulls = " OR ".join(f"{part.sql} IS NULL" for part in parts)
    sql = f"CASE WHEN {nulls} THEN NULL WHEN {empty} THEN '' ELSE {cut} END"
    return build(sql, value.type, *parts)


def _trim(call: Call) -> Expr:
    call.arity(1, 2)
    value = call.text(0)
    if len(call) == 1:
        return build(f"{call.name}({value.sql}, {BLANKS})", value.type, value)
    characters = call.text(1)
    return build(f"{call.name}({value.sql}, {characters.sql})", value.type, value, characters)


for _name in ("trim", "ltrim", "rtrim"):
    scalar(_name)(_trim)


def _pad(call: Call) -> Expr:
    call.arity(3)
    value, size, padding = call.text(0), call.bigint(1), call.literal(2)
    if not padding:
        raise SqlRefused(f"{call.name} with empty padding is not supported here")
    limit = 2**31 - 1
    failure = fail(INVALID, "Target length must be in the range [0..2147483647]", size)
    bad = f"{size.sql} < 0 OR {size.sql} > {limit}"
    if isinstance(size.value, int) and 0 <= size.value <= limit:
        bad = "false"
    padded = f"{call.name}({value.sql}, CAST({size.sql} AS INTEGER), {text(padding)})"
    sql = (
        f"CASE WHEN {value.sql} IS NULL OR {size.sql} IS NULL THEN NULL "
        f"WHEN {bad} THEN {failure} ELSE {padded} END"
    )
    if bad == "false":
        sql = padded
    return build(sql, VARCHAR, value, size)


scalar("lpad")(_pad)
scalar("rpad")(_pad)


@scalar("concat")
def _concat(call: Call) -> Expr:
    if len(call) < 2:
        raise call.mismatch()
    found = call.any(0)
    for index in range(1, len(call)):
        found = concatenate(found, call.any(index))
    return found


@scalar("concat_ws")
def _concat_ws(call: Call) -> Expr:
    if len(call) < 2:
        raise call.mismatch()
    values = [call.text(i) for i in range(len(call))]
    separator, *rest = values
    listed = ", ".join(value.sql for value in rest)
    sql = (
        f"CASE WHEN {separator.sql} IS NULL THEN NULL ELSE concat_ws({separator.sql}, {listed}) END"
    )
    return build(sql, VARCHAR, *values)


@scalar("replace")
def _replace(call: Call) -> Expr:
    call.arity(2, 3)
    value, search = call.text(0), call.text(1)
    by = call.text(2) if len(call) == 3 else Expr("''", varchar(0), "", constant=True)
    replaced = f"replace({value.sql}, {search.sql}, {by.sql})"
    type = VARCHAR if len(call) == 3 else value.type
    if isinstance(search.value, str) and search.value:
        return build(replaced, type, value, search, by)
    refusal = refuse_at_run_time("replace of an empty string is not supported here", value)
    sql = f"CASE WHEN {search.sql} = '' THEN {refusal} ELSE {replaced} END"
    return build(sql, type, value, search, by, refusing=True)


@scalar("strpos")
def _strpos(call: Call) -> Expr:
    call.arity(2, 3)
    if len(call) == 3:
        raise SqlRefused("strpos with an instance is not supported here")
    value, search = call.text(0), call.text(1)
    return build(f"strpos({value.sql}, {search.sql})", BIGINT, value, search)


@scalar("starts_with", treatment=SAME)
def _starts_with(call: Call) -> Expr:
    call.arity(2)
    value, prefix = call.text(0), call.text(1)
    return build(f"starts_with({value.sql}, {prefix.sql})", BOOLEAN, value, prefix)


@scalar("chr")
def _chr(call: Call) -> Expr:
    call.arity(1)
    point = call.bigint(0)
    valid = f"({point.sql} BETWEEN 1 AND 55295 OR {point.sql} BETWEEN 57344 AND 1114111)"
    failure = fail(INVALID, "Not a valid Unicode code point: ", point, show=True)
    refusal = refuse_at_run_time("chr(0) is not supported here", point)
    sql = (
        f"CASE WHEN {point.sql} IS NULL THEN NULL "
        f"WHEN {valid} THEN chr(CAST({point.sql} AS INTEGER)) "
        f"WHEN {point.sql} = 0 THEN {refusal} ELSE {failure} END"
    )
    return build(sql, varchar(1), point, refusing=True)


@scalar("codepoint")
def _codepoint(call: Call) -> Expr:
    call.arity(1)
    value = call.text(0)
    if value.type != varchar(1):
        raise call.mismatch()
    failure = fail(INVALID, "Input string must be a single character string", value)
    sql = (
        f"CASE WHEN {value.sql} = '' THEN {failure} ELSE CAST(unicode({value.sql}) AS INTEGER) END"
    )
    return build(sql, INTEGER, value)


@scalar("translate", treatment=SAME)
def _translate(call: Call) -> Expr:
    call.arity(3)
    value, source, target = call.text(0), call.literal(1), call.literal(2)
    if len(set(source)) != len(source):
        raise SqlRefused("translate of repeated characters is not supported here")
    sql = f"translate({value.sql}, {text(source)}, {text(target)})"
    return build(sql, VARCHAR, value)


@scalar("split")
def _split(call: Call) -> Expr:
    call.arity(2, 3)
    if len(call) == 3:
        raise SqlRefused("split with a limit is not supported here")
    value, delimiter = call.text(0), call.text(1)
    type = array(value.type)
    parts = f"string_split({value.sql}, {delimiter.sql})"
    if isinstance(delimiter.value, str) and delimiter.value:
        return build(parts, type, value, delimiter)
    failure = fail(INVALID, "The delimiter may not be the empty string", value)
    sql = (
        f"CASE WHEN {value.sql} IS NULL OR {delimiter.sql} IS NULL THEN NULL "
        f"WHEN {delimiter.sql} = '' THEN {failure} ELSE {parts} END"
    )
    return build(sql, type, value, delimiter)


@scalar("split_part")
def _split_part(call: Call) -> Expr:
    call.arity(3)
    value, delimiter, index = call.text(0), call.literal(1), call.bigint(2)
    if not delimiter:
        raise SqlRefused("split_part by an empty delimiter is not supported here")
    part = f"string_split({value.sql}, {text(delimiter)})[{index.sql}]"
    if isinstance(index.value, int) and index.value > 0:
        return build(part, value.type, value, index)
    failure = fail(INVALID, "Index must be greater than zero", value if index.constant else index)
    sql = f"CASE WHEN {index.sql} <= 0 AND {value.sql} IS NOT NULL THEN {failure} ELSE {part} END"
    return build(sql, value.type, value, index)


# -- binary ------------------------------------------------------------------------------------


def _binary(name: str, template: str, source: Type, target: Type) -> None:
    def build_binary(call: Call) -> Expr:
        call.arity(1)
        value = call.text(0) if source is VARCHAR else call.kind(0, source.name)
        return build(template.format(x=value.sql), target, value)

    scalar(name)(build_binary)


_binary("to_utf8", "encode({x})", VARCHAR, VARBINARY)
_binary("md5", "unhex(md5({x}))", VARBINARY, VARBINARY)
_binary("sha1", "unhex(sha1({x}))", VARBINARY, VARBINARY)
_binary("sha256", "unhex(sha256({x}))", VARBINARY, VARBINARY)
_binary("to_hex", "upper(hex({x}))", VARBINARY, VARCHAR)
_binary("to_base64", "to_base64({x})", VARBINARY, VARCHAR)


@scalar("from_hex")
def _from_hex(call: Call) -> Expr:
    call.arity(1)
    value = call.text(0)
    failure = fail(INVALID, "Invalid hexadecimal text", value)
    sql = (
        f"CASE WHEN {value.sql} IS NULL THEN NULL "
        f"WHEN regexp_full_match({value.sql}, '([0-9A-Fa-f][0-9A-Fa-f])*') THEN unhex({value.sql}) "
        f"ELSE {failure} END"
    )
    return build(sql, VARBINARY, value)


@scalar("from_utf8")
def _from_utf8(call: Call) -> Expr:
    call.arity(1)
    value = call.kind(0, "varbinary")
    return build(f"decode({value.sql})", VARCHAR, value, refusing=True)


@scalar("url_encode")
def _url_encode(call: Call) -> Expr:
    call.arity(1)
    value = call.text(0)
    encoded = f"url_encode({value.sql})"
    for found, wanted in (("%20", "+"), ("~", "%7E"), ("%2A", "*")):
        encoded = f"replace({encoded}, '{found}', '{wanted}')"
    return build(encoded, VARCHAR, value)
