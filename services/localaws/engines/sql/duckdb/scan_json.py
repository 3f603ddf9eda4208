"""Scans of JSON, one object a line: the OpenX SerDe and Hive's.

https://docs.aws.amazon.com/athena/latest/ug/json-serde.html

Keys match columns and struct fields without regard to case. Two keys that differ in case only, or
not at all, fail the query, as the OpenX SerDe does; a key that is not there is null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from localaws.engines.sql.duckdb.lines import LINE, line_sources
from localaws.engines.sql.duckdb.scan import (
    FILE,
    Relation,
    Scan,
    column_type,
    empty_relation,
    projection,
    serde_parameters,
    with_keys,
)
from localaws.engines.sql.duckdb.text import literal, name
from localaws.engines.sql.duckdb.types import Type
from localaws.engines.sql.duckdb.values import (
    NUMBER,
    boolean,
    date,
    decimal,
    failure,
    floating,
    text_value,
    timestamp,
    unsupported,
)

BAD_DATA = "HIVE_BAD_DATA"
ROW = "r"
_INVALID = "Row is not a valid JSON Object: {}"
_NUMBERS = "('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE')"


def scan_openx_json(scan: Scan) -> Relation:
    """Return the relation of a table read by ``org.openx.data.jsonserde.JsonSerDe``.

    Raises:
        SqlError: an option or a type that cannot be honoured.
    """
    parameters = serde_parameters(scan)
    if parameters.get("dots.in.keys", "").lower() == "true":
        raise unsupported("dots.in.keys")
    if parameters.get("case.insensitive", "").lower() == "false":
        raise unsupported("case.insensitive = false")
    ignore = parameters.get("ignore.malformed.json", "").lower() == "true"
    keys = {
        option.removeprefix("mapping."): key
        for option, key in parameters.items()
        if option.startswith("mapping.")
    }
    return _scan(scan, parameters, _Json(openx=True, ignore_malformed=ignore), keys)


def scan_hive_json(scan: Scan) -> Relation:
    """Return the relation of a table read by Hive's JsonSerDe.

    Raises:
        SqlError: an option or a type that cannot be honoured.
    """
    parameters = serde_parameters(scan)
    ignore = parameters.get("ignore.malformed.json", "").lower() == "true"
    return _scan(scan, parameters, _Json(openx=False, ignore_malformed=ignore), {})


def _scan(
    scan: Scan, parameters: Mapping[str, str], format_: _Json, keys: Mapping[str, str]
) -> Relation:
    if parameters.get("timestamp.formats"):
        raise unsupported("timestamp.formats")
    if not scan.files:
        return Relation((), empty_relation(scan))
    wanted = {c.name: keys.get(c.name, c.name).lower() for c in scan.data_columns}
    expressions = {
        column.name: format_.value(
            f"{ROW}.{name(wanted[column.name])}",
            column_type(scan.table, column),
            wanted[column.name],
        )
        for column in scan.data_columns
    }
    select = projection(scan.without_keys(), expressions)
    parsed = format_.row(sorted(set(wanted.values())))
    # A query that needs no column still reads each line, and fails on one that is malformed.
    checked = "" if wanted else f" WHERE ({parsed}) IS NULL"
    row = parsed if wanted else "NULL"
    return with_keys(
        scan,
        [
            f"SELECT {select}, {name(FILE)} FROM"
            f" (SELECT {row} AS {ROW}, {LINE}, {name(FILE)} FROM {source}{checked})"
            for source in line_sources(scan, parameters)
        ],
    )


@dataclass(frozen=True)
class _Json:
    """What the two SerDes do differently."""

    openx: bool
    ignore_malformed: bool

    def row(self, keys: Sequence[str]) -> str:
        """Return SQL for the struct of a line's values, each still JSON; null for a null row."""
        invalid = (
            "NULL"
            if self.ignore_malformed
            else failure("HIVE_CURSOR_ERROR", _INVALID, f"left({LINE}, 200)")
        )
        # the OpenX SerDe returns nulls for a line that does not even start like JSON
        skipped = f"WHEN NOT regexp_matches({LINE}, '^\\s*[{{\\[]') THEN NULL" if self.openx else ""
        return (
            f"CASE {skipped} WHEN NOT json_valid({LINE}) THEN {invalid}"
            f" WHEN json_type({LINE}) <> 'OBJECT' THEN {invalid}"
            f" ELSE {_fields(LINE, keys, invalid) if keys else 'NULL'} END"
        )

    def value(self, text: str, type_: Type, key: str | None) -> str:
        """Return SQL for a JSON value; `key` is its key in the line, None for a nested value."""
        if type_.args:
            parse = {"array": self._array, "map": self._map, "row": self._row}[type_.name]
            return f"CASE WHEN json_type({text}) <> 'NULL' THEN {parse(text, type_)} END"
        plain = f"json_extract_string({text}, '$')"
        if type_.name in ("varchar", "char"):
            shown = f"if(json_type({text}) = 'DOUBLE', {self._digits(text, key)}, {plain})"
            value = text_value(shown, type_)
            if self.openx:  # an object or an array is its text
                return value
        else:
            value = self._scalar(text, plain, type_, key)
        nested = failure(BAD_DATA, f"{{}} can not be coerced to {type_}", text)
        return f"CASE WHEN json_type({text}) IN ('OBJECT', 'ARRAY') THEN {nested} ELSE {value} END"

    def _scalar(self, text: str, plain: str, type_: Type, key: str | None) -> str:
        if type_.name == "boolean":
            return f"CASE WHEN {plain} IS NOT NULL THEN coalesce({boolean(plain)}, false) END"
        if type_.name == "decimal":
            digits = f"if(json_type({text}) = 'DOUBLE', {self._digits(text, key)}, {plain})"
            return decimal(digits, type_)
        if type_.is_integral:
            return self._integer(text, plain, type_)
        if type_.is_floating:
            return self._strict(floating(plain, type_), text, plain, type_, number=True)
        if type_.name == "date":
            value = date(plain)
            if self.openx:
                days = f"CAST(DATE '1970-01-01' + TRY_CAST({plain} AS INTEGER) AS DATE)"
                value = f"coalesce({value}, {days})"
            return self._strict(value, text, plain, type_)
        if type_.name == "timestamp":
            value = _openx_timestamp(plain) if self.openx else timestamp(plain)
            return self._strict(value, text, plain, type_)
        raise unsupported(f"Type {type_} in a JSON file")

    def _strict(
        self, value: str, text: str, plain: str, type_: Type, *, number: bool = False
    ) -> str:
        """Let what is not a value of the type fail (Hive) or be null (OpenX)."""
        if self.openx:
            return value
        valid = f"json_type({text}) IN {_NUMBERS}" if number else "true"
        message = failure(BAD_DATA, f"Failed to parse value: {{}} is not a valid {type_}", plain)
        return (
            f"CASE WHEN {plain} IS NOT NULL THEN"
            f" coalesce(CASE WHEN {valid} THEN {value} END, {message}) END"
        )

    def _integer(self, text: str, plain: str, type_: Type) -> str:
        """Return an integer; fractions are cut off."""
        target = type_.duckdb
        odd = failure("NOT_SUPPORTED", "Octal or hexadecimal number in JSON: {}", plain)
        cut = f"TRY_CAST(trunc(TRY_CAST({plain} AS DECIMAL(38, 10))) AS {target})"
        value = (
            f"CASE WHEN CAST(TRY_CAST({plain} AS {target}) AS VARCHAR) = {plain}"
            f" THEN TRY_CAST({plain} AS {target})"
            f" WHEN regexp_matches({plain}, '^0([0-8]|[xX][0-9a-fA-F])') THEN {odd}"
            f" WHEN regexp_full_match({plain}, '{NUMBER}') THEN {cut} END"
        )
        return self._strict(value, text, plain, type_, number=True)

    def _digits(self, text: str, key: str | None) -> str:
        """Return SQL for a number as it is written: the parser keeps 17 digits and no zeros.

        The line is searched for it; a number that is not found for certain fails the query.
        """
        plain = f"json_extract_string({text}, '$')"
        message = "The digits of number {} in a nested JSON value cannot be kept"
        if key is None:
            return failure("NOT_SUPPORTED", message, plain)
        quoted = "".join(c if c.isalnum() or c == "_" else f"\\x{{{ord(c):x}}}" for c in key)
        pattern = rf'(?i)"{quoted}"\s*:\s*(-?[0-9][-+0-9.eE]*)'
        found = f"regexp_extract_all({LINE}, {literal(pattern)}, 1)"
        same = f"len({found}) = 1 AND TRY_CAST({found}[1] AS DOUBLE) = TRY_CAST({plain} AS DOUBLE)"
        # OpenX writes BigDecimal's text, which differs where there is an exponent
        plainly = f" AND NOT regexp_matches({found}[1], '[eE]')" if self.openx else ""
        missing = failure("NOT_SUPPORTED", "The digits of JSON number {} cannot be kept", plain)
        return f"CASE WHEN {same}{plainly} THEN {found}[1] ELSE {missing} END"

    def _array(self, text: str, type_: Type) -> str:
        x = _variable(text)
        item = self.value(x, type_.args[0], None)
        items = f"list_transform(CAST({text} AS JSON[]), lambda {x}: {item})"
        if self.openx:
            plain = f"json_extract_string({text}, '$')"
            single = f"[{self.value(text, type_.args[0], None)}]"
            return (
                f"CASE WHEN json_type({text}) = 'ARRAY' THEN {items}"
                f" WHEN {plain} = '' THEN NULL ELSE {single} END"
            )
        return self._of_kind(text, "ARRAY", items, type_)

    def _map(self, text: str, type_: Type) -> str:
        x = _variable(text)
        key = self.value(f"to_json({x}.key)", type_.args[0], None)
        item = self.value(f"{x}.value", type_.args[1], None)
        entries = f"map_entries(CAST({text} AS MAP(VARCHAR, JSON)))"
        made = f"list_transform({entries}, lambda {x}: {{'key': {key}, 'value': {item}}})"
        return self._of_kind(text, "OBJECT", f"map_from_entries({made})", type_)

    def _row(self, text: str, type_: Type) -> str:
        keys = [field.lower() for field in type_.struct_fields]
        duplicate = failure("HIVE_CURSOR_ERROR", _INVALID, f"left({text}, 200)")
        items = ", ".join(
            f"{name(field)} := {self.value(_field(text, key, duplicate), part, None)}"
            for field, key, part in zip(type_.struct_fields, keys, type_.args, strict=True)
        )
        return self._of_kind(text, "OBJECT", f"struct_pack({items})", type_)

    def _of_kind(self, text: str, kind: str, value: str, type_: Type) -> str:
        blank = f"WHEN trim(json_extract_string({text}, '$')) = '' THEN NULL" if self.openx else ""
        wrong = failure(BAD_DATA, f"{{}} can not be coerced to {type_}", text)
        return f"CASE WHEN json_type({text}) = '{kind}' THEN {value} {blank} ELSE {wrong} END"


def _variable(text: str) -> str:
    """Return a lambda parameter that `text` does not use."""
    depth = 0
    while f"x{depth}" in text:
        depth += 1
    return f"x{depth}"


def _fields(text: str, keys: Sequence[str], duplicate: str) -> str:
    """Return SQL for the struct of an object's values by lower-case key."""
    found = f"json_keys({text})"
    joined = f"array_to_string({found}, chr(10))"
    shape = json.dumps(dict.fromkeys(keys, "JSON"), ensure_ascii=False)
    slow = ", ".join(f"{name(key)} := {_field(text, key, duplicate)}" for key in keys)
    return (
        f"CASE WHEN {joined} = lower({joined}) AND list_unique({found}) = len({found})"
        f" THEN json_transform({text}, {literal(shape)}) ELSE struct_pack({slow}) END"
    )


def _field(text: str, key: str, duplicate: str) -> str:
    """Return SQL for one value of an object, its key in any case."""
    found = f"list_filter(json_keys({text}), lambda k: lower(k) = {literal(key)})"
    pointer = f"'/' || replace(replace({found}[1], '~', '~0'), '/', '~1')"
    return (
        f"CASE len({found}) WHEN 0 THEN NULL WHEN 1 THEN json_extract({text}, {pointer})"
        f" ELSE {duplicate} END"
    )


def _openx_timestamp(plain: str) -> str:
    """Return a timestamp from text, with or without a zone, or from seconds or milliseconds."""
    zone = rf"regexp_full_match({plain}, '.+([zZ]|[+-][0-9]{{2}}:?[0-9]{{2}})')"
    zoned = f"{zone} AND contains({plain}, 'T')"
    instant = f"TRY_CAST(TRY_CAST({plain} AS TIMESTAMPTZ) AS TIMESTAMP)"
    millis = f"date_trunc('milliseconds', {instant} + INTERVAL 500 MICROSECONDS)"
    number = f"TRY_CAST({plain} AS BIGINT)"
    seconds = f"CAST(trunc(TRY_CAST({plain} AS DECIMAL(38, 9)) * 1000) AS BIGINT)"
    return (
        f"CASE WHEN contains({plain}, ':') THEN"
        f" CASE WHEN {zoned} THEN {millis} ELSE {timestamp(plain)} END"
        rf" WHEN regexp_full_match({plain}, '[-+]?[0-9]+') THEN"
        f" make_timestamp({number} * if(length({plain}) >= 13, 1000, 1000000))"
        rf" WHEN regexp_full_match({plain}, '[-+]?[0-9]*\.[0-9]*') THEN"
        f" make_timestamp({seconds} * 1000) END"
    )
