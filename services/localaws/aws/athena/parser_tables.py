"""The table part of Hive DDL: columns with their types, row formats, properties."""

from __future__ import annotations

from localaws.aws.athena.cursor import Parser
from localaws.aws.athena.errors import malformed_query
from localaws.aws.athena.statements import ColumnDefinition, CreateTable, RowFormat
from localaws.engines.sql.types import TypeTextError, parse_hive_type

_DELIMITERS = {
    "FIELDS": "field.delim",
    "COLLECTION": "colelction.delim",  # Hive's own spelling
    "MAP": "mapkey.delim",
    "LINES": "line.delim",
}


def read_table(parser: Parser, external: bool) -> CreateTable:
    """Read CREATE TABLE from its name on."""
    if_not_exists = parser.if_not_exists()
    name = parser.name()
    columns = read_columns(parser) if parser.token.value == "(" else ()
    comment = parser.string() if parser.take("COMMENT") else None
    partition_keys: tuple[ColumnDefinition, ...] = ()
    if parser.take("PARTITIONED", "BY"):
        partition_keys = read_columns(parser)
    bucket_columns: tuple[str, ...] = ()
    buckets = 0
    if parser.take("CLUSTERED", "BY"):
        bucket_columns = _identifiers(parser)
        parser.expect("INTO")
        buckets = _integer(parser)
        parser.expect("BUCKETS")
    row_format = _row_format(parser) if parser.take("ROW", "FORMAT") else None
    stored_as: str | tuple[str, str] | None = None
    if parser.take("STORED", "AS"):
        if parser.take("INPUTFORMAT"):
            input_format = parser.string()
            parser.expect("OUTPUTFORMAT")
            stored_as = (input_format, parser.string())
        else:
            stored_as = parser.identifier().upper()
    if row_format is None and parser.take("WITH", "SERDEPROPERTIES"):
        row_format = RowFormat(None, read_properties(parser))
    location = parser.string() if parser.take("LOCATION") else None
    properties = read_properties(parser) if parser.take("TBLPROPERTIES") else {}
    return CreateTable(
        name=name,
        columns=columns,
        partition_keys=partition_keys,
        external=external,
        if_not_exists=if_not_exists,
        comment=comment,
        bucket_columns=bucket_columns,
        buckets=buckets,
        row_format=row_format,
        stored_as=stored_as,
        location=location,
        properties=properties,
    )


def _row_format(parser: Parser) -> RowFormat:
    if parser.take("SERDE"):
        serde = parser.string()
        properties: dict[str, str] = {}
        if parser.take("WITH", "SERDEPROPERTIES"):
            properties = read_properties(parser)
        return RowFormat(serde, properties)
    parser.expect("DELIMITED")
    properties = {}
    while True:
        if parser.take("NULL", "DEFINED", "AS"):
            properties["serialization.null.format"] = parser.string()
            continue
        word = parser.word()
        if word not in _DELIMITERS:
            break
        parser.at += 1
        if word == "COLLECTION":
            parser.expect("ITEMS")
        elif word == "MAP":
            parser.expect("KEYS")
        parser.expect("TERMINATED", "BY")
        properties[_DELIMITERS[word]] = parser.string()
        if word == "FIELDS":
            properties["serialization.format"] = properties["field.delim"]
            if parser.take("ESCAPED", "BY"):
                properties["escape.delim"] = parser.string()
    return RowFormat(None, properties)


def read_columns(parser: Parser) -> tuple[ColumnDefinition, ...]:
    """Read a list of columns in parentheses."""
    parser.expect_symbol("(")
    columns: list[ColumnDefinition] = []
    while True:
        name = parser.identifier()
        start = parser.token
        type_text = _type(parser)
        try:
            parse_hive_type(type_text)
        except TypeTextError as error:
            parser.at = parser.tokens.index(start)
            raise parser.wrong("<type>") from error
        comment = parser.string() if parser.take("COMMENT") else None
        if any(column.name == name for column in columns):
            raise malformed_query(f"Duplicate column name: {name}")
        columns.append(ColumnDefinition(name, type_text, comment))
        if not parser.symbol(","):
            break
    parser.expect_symbol(")")
    return tuple(columns)


def _type(parser: Parser) -> str:
    """Return the text of the type that must be next, without blanks and comments of its fields."""
    name = parser.identifier()
    if name == "integer":
        name = "int"
    if parser.symbol("("):
        numbers = [str(_integer(parser))]
        while parser.symbol(","):
            numbers.append(str(_integer(parser)))
        parser.expect_symbol(")")
        return f"{name}({','.join(numbers)})"
    if name == "decimal":
        return "decimal(10,0)"
    if not parser.symbol("<"):
        return name
    parts: list[str] = []
    while True:
        if name == "struct":
            field_name = parser.identifier()
            parser.expect_symbol(":")
            parts.append(f"{field_name}:{_type(parser)}")
            if parser.take("COMMENT"):
                parser.string()
        else:
            parts.append(_type(parser))
        if not parser.symbol(","):
            break
    parser.expect_symbol(">")
    return f"{name}<{','.join(parts)}>"


def _identifiers(parser: Parser) -> tuple[str, ...]:
    parser.expect_symbol("(")
    names = [parser.identifier()]
    while parser.symbol(","):
        names.append(parser.identifier())
    parser.expect_symbol(")")
    return tuple(names)


def _integer(parser: Parser) -> int:
    if parser.token.kind != "number" or not parser.token.value.isdigit():
        raise parser.wrong("<integer>")
    parser.at += 1
    return int(parser.tokens[parser.at - 1].value)


def read_properties(parser: Parser) -> dict[str, str]:
    """Read ``('key' = 'value', …)``."""
    parser.expect_symbol("(")
    properties: dict[str, str] = {}
    while True:
        key = parser.string()
        parser.expect_symbol("=")
        properties[key] = parser.string()
        if not parser.symbol(","):
            break
    parser.expect_symbol(")")
    return properties
