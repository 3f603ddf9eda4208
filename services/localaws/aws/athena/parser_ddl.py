"""Hive DDL and the statements that show what is there.

https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
"""

from __future__ import annotations

from localaws.aws.athena.errors import malformed_query
from localaws.aws.athena.parser import Parser
from localaws.aws.athena.statements import (
    AddColumns,
    AddPartitions,
    ColumnDefinition,
    CreateDatabase,
    CreateTable,
    Describe,
    DropDatabase,
    DropPartitions,
    DropTable,
    Name,
    PartitionCondition,
    PartitionSpec,
    RenamePartition,
    RepairTable,
    ReplaceColumns,
    RowFormat,
    SetDatabaseProperties,
    SetLocation,
    SetTableProperties,
    ShowColumns,
    ShowCreateTable,
    ShowDatabases,
    ShowPartitions,
    ShowTableProperties,
    ShowTables,
    ShowViews,
    Statement,
)
from localaws.engines.sql.types import TypeTextError, parse_hive_type

_DELIMITERS = {
    "FIELDS": "field.delim",
    "COLLECTION": "colelction.delim",  # Hive's own spelling
    "MAP": "mapkey.delim",
    "LINES": "line.delim",
}


def parse_ddl(sql: str, first: str) -> Statement | None:
    """Read a DDL or utility statement by its first word, or return None where it is none.

    Raises:
        AwsError: MALFORMED_QUERY.
    """
    readers = {
        "CREATE": _create,
        "DROP": _drop,
        "ALTER": _alter,
        "SHOW": _show,
        "DESCRIBE": _describe,
        "DESC": _describe,
        "MSCK": _repair,
    }
    reader = readers.get(first)
    if reader is None:
        return None
    parser = Parser(sql, backslashes=True)
    parser.at = 1
    statement = reader(parser)
    parser.end()
    return statement


def _create(parser: Parser) -> Statement:
    if parser.take("DATABASE") or parser.take("SCHEMA"):
        return _create_database(parser)
    external = parser.take("EXTERNAL")
    if parser.take("TABLE"):
        return _create_table(parser, external)
    raise parser.wrong("'DATABASE', 'EXTERNAL', 'OR', 'SCHEMA', 'TABLE', 'VIEW'")


def _create_database(parser: Parser) -> Statement:
    if_not_exists = parser.if_not_exists()
    name = parser.identifier()
    comment = parser.string() if parser.take("COMMENT") else None
    location = parser.string() if parser.take("LOCATION") else None
    properties: dict[str, str] = {}
    if parser.take("WITH"):
        parser.expect("DBPROPERTIES")
        properties = _string_properties(parser)
    return CreateDatabase(name, if_not_exists, comment, location, properties)


def _create_table(parser: Parser, external: bool) -> Statement:
    if_not_exists = parser.if_not_exists()
    name = parser.name()
    columns = _columns(parser) if parser.token.value == "(" else ()
    comment = parser.string() if parser.take("COMMENT") else None
    partition_keys: tuple[ColumnDefinition, ...] = ()
    if parser.take("PARTITIONED", "BY"):
        partition_keys = _columns(parser)
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
        row_format = RowFormat(None, _string_properties(parser))
    location = parser.string() if parser.take("LOCATION") else None
    properties = _string_properties(parser) if parser.take("TBLPROPERTIES") else {}
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
            properties = _string_properties(parser)
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


def _columns(parser: Parser) -> tuple[ColumnDefinition, ...]:
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


def _string_properties(parser: Parser) -> dict[str, str]:
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


def _drop(parser: Parser) -> Statement:
    if parser.take("DATABASE") or parser.take("SCHEMA"):
        if_exists = parser.if_exists()
        name = parser.identifier()
        cascade = parser.take("CASCADE")
        if not cascade:
            parser.take("RESTRICT")
        return DropDatabase(name, if_exists, cascade)
    parser.expect("TABLE")
    if_exists = parser.if_exists()
    return DropTable(parser.name(), if_exists)


def _alter(parser: Parser) -> Statement:
    if parser.take("DATABASE") or parser.take("SCHEMA"):
        database = parser.identifier()
        parser.expect("SET", "DBPROPERTIES")
        return SetDatabaseProperties(database, _string_properties(parser))
    parser.expect("TABLE")
    name = parser.name()
    if parser.take("ADD"):
        if parser.take("COLUMNS"):
            return AddColumns(name, _columns(parser))
        return _add_partitions(parser, name)
    if parser.take("REPLACE", "COLUMNS"):
        return ReplaceColumns(name, _columns(parser))
    if parser.word() == "DROP" and parser.word(1) in ("PARTITION", "IF"):
        parser.at += 1
        return _drop_partitions(parser, name)
    if parser.take("SET", "TBLPROPERTIES"):
        return SetTableProperties(name, _string_properties(parser))
    if parser.take("SET", "LOCATION"):
        return SetLocation(name, parser.string())
    if parser.word() == "PARTITION":
        spec = _partition_spec(parser)
        if parser.take("RENAME", "TO"):
            return RenamePartition(name, spec, _partition_spec(parser))
        parser.expect("SET", "LOCATION")
        return SetLocation(name, parser.string(), spec)
    raise parser.wrong("'.', 'ADD', 'DROP', 'EXECUTE', 'RENAME', 'SET'")


def _add_partitions(parser: Parser, name: Name) -> Statement:
    if_not_exists = parser.if_not_exists()
    partitions: list[tuple[PartitionSpec, str | None]] = []
    while parser.word() == "PARTITION":
        spec = _partition_spec(parser)
        partitions.append((spec, parser.string() if parser.take("LOCATION") else None))
    if not partitions:
        raise parser.wrong("'COLUMNS', 'IF', 'PARTITION'")
    return AddPartitions(name, tuple(partitions), if_not_exists)


def _drop_partitions(parser: Parser, name: Name) -> Statement:
    if_exists = parser.if_exists()
    partitions: list[tuple[PartitionCondition, ...]] = []
    while True:
        parser.expect("PARTITION")
        parser.expect_symbol("(")
        conditions: list[PartitionCondition] = []
        while True:
            key = parser.identifier()
            operator = parser.token.value
            if operator not in ("=", "<>", "!=", "<", ">", "<=", ">="):
                raise parser.wrong("'=', '<>', '<', '<=', '>', '>='")
            parser.at += 1
            conditions.append(PartitionCondition(key, operator, _partition_value(parser)))
            if not parser.symbol(","):
                break
        parser.expect_symbol(")")
        partitions.append(tuple(conditions))
        if not parser.symbol(","):
            break
    return DropPartitions(name, tuple(partitions), if_exists)


def _partition_spec(parser: Parser) -> PartitionSpec:
    parser.expect("PARTITION")
    parser.expect_symbol("(")
    spec: list[tuple[str, str]] = []
    while True:
        key = parser.identifier()
        parser.expect_symbol("=")
        spec.append((key, _partition_value(parser)))
        if not parser.symbol(","):
            break
    parser.expect_symbol(")")
    return tuple(spec)


def _partition_value(parser: Parser) -> str:
    if parser.token.kind == "string":
        return parser.string()
    sign = "-" if parser.symbol("-") else ""
    if parser.token.kind != "number":
        raise parser.wrong("<string>, <number>")
    parser.at += 1
    return sign + parser.tokens[parser.at - 1].value


def _show(parser: Parser) -> Statement:
    if parser.take("DATABASES") or parser.take("SCHEMAS"):
        parser.take("LIKE")
        return ShowDatabases(parser.string() if parser.token.kind == "string" else None)
    for word, statement in (("TABLES", ShowTables), ("VIEWS", ShowViews)):
        if parser.take(word):
            database = _in_database(parser)
            parser.take("LIKE")
            pattern = parser.string() if parser.token.kind == "string" else None
            return statement(database, pattern)
    if parser.take("PARTITIONS"):
        return ShowPartitions(parser.name())
    if parser.take("COLUMNS"):
        if not (parser.take("IN") or parser.take("FROM")):
            raise parser.wrong("'FROM', 'IN'")
        name = parser.name()
        if database := _in_database(parser):
            name = Name(name.table, database, name.catalog)
        return ShowColumns(name)
    if parser.take("CREATE", "TABLE"):
        return ShowCreateTable(parser.name())
    if parser.take("TBLPROPERTIES"):
        name = parser.name()
        key = None
        if parser.symbol("("):
            key = parser.string()
            parser.expect_symbol(")")
        return ShowTableProperties(name, key)
    if parser.word() == "FUNCTIONS":
        raise malformed_query("NOT_SUPPORTED: SHOW FUNCTIONS is not implemented here")
    raise parser.wrong(
        "'COLUMNS', 'CREATE', 'DATABASES', 'FUNCTIONS', 'PARTITIONS', 'SCHEMAS', 'TABLES', "
        "'TBLPROPERTIES', 'VIEWS'"
    )


def _in_database(parser: Parser) -> str | None:
    if not (parser.take("IN") or parser.take("FROM")):
        return None
    name = parser.name()
    return name.table


def _describe(parser: Parser) -> Statement:
    if _names_follow(parser):
        parser.take("VIEW")
    for detail in ("EXTENDED", "FORMATTED"):
        if parser.word() == detail and _names_follow(parser):
            parser.at += 1
            return Describe(parser.name(), detail)
    return Describe(parser.name())


def _names_follow(parser: Parser) -> bool:
    """Return whether a name comes behind the next token, so that this one is a keyword."""
    following = parser.tokens[min(parser.at + 1, len(parser.tokens) - 1)]
    return following.kind in ("word", "backquoted")


def _repair(parser: Parser) -> Statement:
    parser.expect("REPAIR", "TABLE")
    return RepairTable(parser.name())
