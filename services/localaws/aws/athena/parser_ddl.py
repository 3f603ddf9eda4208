"""Hive DDL and the statements that show what is there.

https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
"""

from __future__ import annotations

from localaws.aws.athena.cursor import Parser
from localaws.aws.athena.errors import malformed_query
from localaws.aws.athena.parser_tables import read_columns, read_properties, read_table
from localaws.aws.athena.statements import (
    AddColumns,
    AddPartitions,
    CreateDatabase,
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
        return read_table(parser, external)
    raise parser.wrong("'DATABASE', 'EXTERNAL', 'OR', 'SCHEMA', 'TABLE', 'VIEW'")


def _create_database(parser: Parser) -> Statement:
    if_not_exists = parser.if_not_exists()
    name = parser.identifier()
    comment = parser.string() if parser.take("COMMENT") else None
    location = parser.string() if parser.take("LOCATION") else None
    properties: dict[str, str] = {}
    if parser.take("WITH"):
        parser.expect("DBPROPERTIES")
        properties = read_properties(parser)
    return CreateDatabase(name, if_not_exists, comment, location, properties)


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
        return SetDatabaseProperties(database, read_properties(parser))
    parser.expect("TABLE")
    name = parser.name()
    if parser.take("ADD"):
        if parser.take("COLUMNS"):
            return AddColumns(name, read_columns(parser))
        return _add_partitions(parser, name)
    if parser.take("REPLACE", "COLUMNS"):
        return ReplaceColumns(name, read_columns(parser))
    if parser.word() == "DROP" and parser.word(1) in ("PARTITION", "IF"):
        parser.at += 1
        return _drop_partitions(parser, name)
    if parser.take("SET", "TBLPROPERTIES"):
        return SetTableProperties(name, read_properties(parser))
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
