"""Scans of delimited text: LazySimpleSerDe and OpenCSVSerde.

- https://docs.aws.amazon.com/athena/latest/ug/lazy-simple-serde.html
- https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from localaws.engines.sql.base import Column
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
from localaws.engines.sql.duckdb.values import failure, scalar, text_value, unsupported

FIELDS = "s"


def scan_lazy_simple(scan: Scan) -> Relation:
    """Return the relation of a table whose fields are separated by one character.

    Quotes are data. A missing field is null, a surplus one is ignored, a value that is not of its
    type is null.

    Raises:
        SqlError: an option that cannot be honoured.
    """
    parameters = serde_parameters(scan)
    if not scan.files:
        return Relation((), empty_relation(scan))
    format_ = _Delimited.of(parameters)
    expressions = {
        column.name: format_.value(f"{FIELDS}[{_ordinal(scan, column)}]", type_, 0)
        for column in scan.data_columns
        for type_ in [column_type(scan.table, column)]
    }
    select = projection(scan.without_keys(), expressions)
    return with_keys(
        scan,
        [
            f"SELECT {select}, {name(FILE)} FROM"
            f" (SELECT {format_.fields(LINE)} AS {FIELDS}, {name(FILE)} FROM {source})"
            for source in line_sources(scan, parameters)
        ],
    )


def _ordinal(scan: Scan, column: Column) -> int:
    return scan.table.columns.index(column) + 1


@dataclass(frozen=True)
class _Delimited:
    """LazySimpleSerDe's options."""

    separators: tuple[str, ...]
    null: str
    escape: str | None

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> _Delimited:
        if parameters.get("serialization.last.column.takes.rest", "").lower() == "true":
            raise unsupported("serialization.last.column.takes.rest")
        if parameters.get("timestamp.formats"):
            raise unsupported("timestamp.formats")
        field = parameters.get("field.delim") or parameters.get("serialization.format")
        # Hive 1 misspelled it: https://issues.apache.org/jira/browse/HIVE-16922
        items = parameters.get("collection.delim") or parameters.get("colelction.delim")
        keys = parameters.get("mapkey.delim")
        escape = parameters.get("escape.delim")
        given = [_character(field, "\x01"), _character(items, "\x02"), _character(keys, "\x03")]
        return cls(
            (*given, *map(chr, range(4, 9))),
            parameters.get("serialization.null.format", "\\N"),
            None if escape is None else _character(escape, "\\"),
        )

    def fields(self, line: str) -> str:
        """Return SQL for the list of a line's fields."""
        separator = self.separators[0]
        split = f"string_split({line}, {literal(separator)})"
        if self.escape is None:
            return split
        e, s = re.escape(self.escape), re.escape(separator)
        pattern = rf"((?:[^{e}{s}]|{e}(?s:.))*){s}"
        return (
            f"CASE WHEN NOT contains({line}, {literal(self.escape)}) THEN {split}"
            f" WHEN regexp_full_match({line}, {literal(f'(?:[^{e}]|{e}(?s:.))*')})"
            f" THEN regexp_extract_all({line} || {literal(separator)}, {literal(pattern)}, 1)"
            f" ELSE {failure('HIVE_BAD_DATA', 'Line ends in an escape character: {}', line)} END"
        )

    def value(self, text: str, type_: Type, depth: int) -> str:
        """Return SQL for a field or, `depth` levels down, a part of one."""
        if not type_.args:
            plain = f"nullif({text}, {literal(self.null)})"
            if self.escape is not None and type_.name in ("varchar", "char"):
                pattern = literal(re.escape(self.escape) + "((?s:.))")
                plain = f"regexp_replace({plain}, {pattern}, '\\1', 'g')"
            return scalar(plain, type_)
        if self.escape is not None:
            raise unsupported("escape.delim with arrays, maps and structs")
        if depth + 2 >= len(self.separators):
            raise unsupported(f"Nesting of more than {len(self.separators)} levels")
        parse = {"array": self._array, "map": self._map, "row": self._row}[type_.name]
        return f"CASE WHEN {text} <> {literal(self.null)} THEN {parse(text, type_, depth)} END"

    def _array(self, text: str, type_: Type, depth: int) -> str:
        item = self.value("x" * (depth + 1), type_.args[0], depth + 1)
        parts = f"string_split({text}, {literal(self.separators[depth + 1])})"
        items = f"list_transform({parts}, lambda {'x' * (depth + 1)}: {item})"
        return f"if({text} = '', CAST([] AS {type_.duckdb}), {items})"

    def _map(self, text: str, type_: Type, depth: int) -> str:
        x, separator = "x" * (depth + 1), literal(self.separators[depth + 2])
        key = self.value(f"split_part({x}, {separator}, 1)", type_.args[0], depth + 2)
        rest = f"if(contains({x}, {separator}), substr({x}, strpos({x}, {separator}) + 1), NULL)"
        item = self.value(rest, type_.args[1], depth + 2)
        parts = f"string_split({text}, {literal(self.separators[depth + 1])})"
        entries = f"list_transform({parts}, lambda {x}: {{'key': {key}, 'value': {item}}})"
        keys = f"list_transform({parts}, lambda {x}: {key})"
        # of equal keys the first one counts
        first = f"list_filter({entries}, lambda e, i: list_position({keys}, e.key) = i)"
        return f"if({text} = '', CAST(MAP {{}} AS {type_.duckdb}), map_from_entries({first}))"

    def _row(self, text: str, type_: Type, depth: int) -> str:
        parts = f"string_split({text}, {literal(self.separators[depth + 1])})"
        items = ", ".join(
            f"{name(field)} := {self.value(f'{parts}[{i}]', part, depth + 1)}"
            for i, (field, part) in enumerate(
                zip(type_.struct_fields, type_.args, strict=True), start=1
            )
        )
        return f"struct_pack({items})"


def _character(text: str | None, default: str) -> str:
    """Read a delimiter: a number is a character code, else the first character counts."""
    if not text:
        return default
    if re.fullmatch(r"-?\d{1,3}", text) and -128 <= int(text) <= 127:
        if int(text) < 0:
            raise unsupported(f"Delimiter {text}")
        return chr(int(text))
    named = {"\\t": "\t", "\\n": "\n", "\\\\": "\\"}
    return named.get(text, text[0])


def scan_open_csv(scan: Scan) -> Relation:
    """Return the relation of a table whose fields may be quoted.

    An empty line is a row of nulls. A value that is not of its type fails the query, or is null
    with ``use.null.for.invalid.data``. A line whose quotes do not match fails the query: this
    SerDe knows no line breaks inside quotes and would return its parts as rows.

    Raises:
        SqlError: an option or a type that cannot be honoured.
    """
    parameters = serde_parameters(scan)
    if not scan.files:
        return Relation((), empty_relation(scan))
    options = {**scan.table.parameters, **parameters}
    null_for_invalid = options.get("use.null.for.invalid.data", "").lower() == "true"
    format_ = _Quoted(
        _character(parameters.get("separatorChar"), ","),
        _character(parameters.get("quoteChar"), '"'),
        _character(parameters.get("escapeChar"), "\\"),
    )
    expressions = {
        column.name: _csv_value(
            f"{FIELDS}[{_ordinal(scan, column)}]",
            column_type(scan.table, column),
            _ordinal(scan, column) - 1,
            null_for_invalid,
        )
        for column in scan.data_columns
    }
    select = projection(scan.without_keys(), expressions)
    return with_keys(
        scan,
        [
            f"SELECT {select}, {name(FILE)} FROM"
            f" (SELECT {format_.fields(LINE)} AS {FIELDS}, {name(FILE)} FROM {source})"
            for source in line_sources(scan, parameters)
        ],
    )


def _csv_value(text: str, type_: Type, field: int, null_for_invalid: bool) -> str:
    if type_.name in ("varchar", "char"):
        return text_value(text, type_)
    if type_.name == "timestamp":  # milliseconds since 1970
        value = f"make_timestamp(TRY_CAST({text} AS BIGINT) * 1000)"
        valid = r"-?[0-9]{1,15}"
    elif type_.name == "date":  # days since 1970
        value = f"CAST(DATE '1970-01-01' + TRY_CAST({text} AS INTEGER) AS DATE)"
        valid = r"-?[0-9]{1,7}"
    elif type_.is_integral:
        value, valid = f"TRY_CAST(ltrim({text}, '+') AS {type_.duckdb})", r"[+-]?[0-9]+"
    elif type_.name == "boolean" or type_.is_floating:
        value, valid = scalar(text, type_), "(?s:.*)"
    else:
        raise unsupported(f"Type {type_} with OpenCSVSerde")
    message = f"Error parsing field value '{{}}' for field {field}: For input string: \"{{}}\""
    invalid = "NULL" if null_for_invalid else failure("HIVE_BAD_DATA", message, text, text)
    parsed = f"CASE WHEN regexp_full_match({text}, {literal(valid)}) THEN {value} END"
    return f"CASE WHEN {text} IS NOT NULL THEN coalesce({parsed}, {invalid}) END"


@dataclass(frozen=True)
class _Quoted:
    """OpenCSVSerde's options and its grammar, as far as every reader of it agrees."""

    separator: str
    quote: str
    escape: str

    def __post_init__(self) -> None:
        if len({self.separator, self.quote, self.escape}) != 3:
            raise unsupported("OpenCSVSerde with equal separator, quote or escape characters")

    def fields(self, line: str) -> str:
        """Return SQL for the list of a line's fields, quotes removed."""
        q, s = literal(self.quote), literal(self.separator)
        inner = f"substr({line}, 2, greatest(length({line}) - 2, 0))"
        between = literal(self.quote + self.separator + self.quote)
        all_quoted = (
            f"starts_with({line}, {q}) AND ends_with({line}, {q}) AND length({line}) > 1"
            f" AND NOT contains(replace({inner}, {between}, ''), {q})"
        )
        fields = f"regexp_extract_all({s} || {line}, {self._pattern()}, 1)"
        return (
            f"CASE WHEN {line} = '' THEN CAST([] AS VARCHAR[])"
            f" WHEN NOT contains({line}, {literal(self.escape)}) AND NOT contains({line}, {q})"
            f" THEN string_split({line}, {s})"
            f" WHEN NOT contains({line}, {literal(self.escape)}) AND {all_quoted}"
            f" THEN string_split({inner}, {between})"
            f" WHEN regexp_full_match({line}, {self._grammar()})"
            f" THEN list_transform({fields}, lambda x: {self._unquoted('x')})"
            f" ELSE {failure('HIVE_BAD_DATA', 'Quotes do not match in line: {}', line)} END"
        )

    def _field(self) -> str:
        q, e, s = map(re.escape, (self.quote, self.escape, self.separator))
        quoted = rf"{q}(?:[^{q}{e}]|{q}{q}|{e}(?s:.))*{q}"
        plain = rf"(?:[^{q}{e}{s}](?:[^{q}{e}{s}]|{e}[^{s}])*)?"
        return f"{quoted}|{plain}"

    def _grammar(self) -> str:
        s = re.escape(self.separator)
        return literal(f"(?:{self._field()})(?:{s}(?:{self._field()}))*")

    def _pattern(self) -> str:
        return literal(f"{re.escape(self.separator)}({self._field()})")

    def _unquoted(self, x: str) -> str:
        q, e = re.escape(self.quote), re.escape(self.escape)
        inner = f"substr({x}, 2, length({x}) - 2)"
        both, one = literal(f"[{q}{e}]((?s:.))"), literal(f"{e}((?s:.))")
        return (
            f"if(starts_with({x}, {literal(self.quote)}),"
            f" regexp_replace({inner}, {both}, '\\1', 'g'),"
            f" regexp_replace({x}, {one}, '\\1', 'g'))"
        )
