"""The statement parser: what it reads, and that it never fails but by refusing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.aws.athena.lexer import tokenize
from localaws.aws.athena.parser import parse
from localaws.aws.athena.statements import (
    AddPartitions,
    CreateTable,
    CreateTableAs,
    CreateView,
    Describe,
    DropPartitions,
    Execute,
    Insert,
    Name,
    PartitionCondition,
    Query,
    ShowTables,
)
from localaws.core.errors import AwsError
from localaws.engines.sql.types import hive_to_trino, trino_to_hive


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "select 1;",
        "-- a comment\n  /* and\n another */ SELECT 1 -- end",
        "(SELECT 1)",
        "WITH a AS (SELECT 1 AS n) SELECT * FROM a",
        "VALUES (1, 'a'), (2, 'b')",
        "TABLE t",
        "SELECT split(x) FROM t",
        "SELECT * FROM a JOIN b USING (id) WHERE x IN (SELECT y FROM c)",
        'SELECT transform(a, x -> x + 1), b[1], m[\'k\'], "q""uoted" FROM t',
    ],
)
def test_queries(sql: str) -> None:
    statement = parse(sql)
    assert isinstance(statement, Query)
    assert (statement.type, statement.substatement) == ("DML", "SELECT")


def test_a_query_inside_a_statement_keeps_its_positions() -> None:
    sql = "CREATE TABLE t\nWITH (format = 'PARQUET') AS\n  SELECT x FROM y WITH NO DATA"
    statement = parse(sql)
    assert isinstance(statement, CreateTableAs)
    assert statement.properties == {"format": "PARQUET"}
    assert not statement.with_data
    assert statement.sql.splitlines()[2] == "  SELECT x FROM y"
    assert statement.sql.index("SELECT") == sql.index("SELECT")


def test_statements_around_queries() -> None:
    assert parse('INSERT INTO db.t (a, "B") VALUES (1, 2)') == Insert(
        Name("t", "db"), ("a", "b"), " " * 26 + "VALUES (1, 2)"
    )
    statement = parse("insert into t (select 1)")
    assert isinstance(statement, Insert)
    assert statement.columns == ()
    view = parse('CREATE OR REPLACE VIEW "db"."V" AS SELECT 1 AS a')
    assert isinstance(view, CreateView)
    assert (view.name, view.sql, view.replace) == (Name("v", "db"), "SELECT 1 AS a", True)
    assert parse("EXECUTE p USING 1, 'a, b', ARRAY[1, 2], f(3, 4)") == Execute(
        "p", ("1", "'a, b'", "ARRAY[1, 2]", "f(3, 4)")
    )


def test_hive_ddl() -> None:
    assert parse(
        "ALTER TABLE `db`.`t` ADD IF NOT EXISTS PARTITION (a='1', b=-2) LOCATION 's3://x' "
        "PARTITION (a='it\\'s', b=3)"
    ) == AddPartitions(
        Name("t", "db"),
        (((("a", "1"), ("b", "-2")), "s3://x"), ((("a", "it's"), ("b", "3")), None)),
        True,
    )
    assert parse("ALTER TABLE t DROP IF EXISTS PARTITION (a >= '1', b <> 2)") == DropPartitions(
        Name("t"),
        ((PartitionCondition("a", ">=", "1"), PartitionCondition("b", "<>", "2")),),
        True,
    )
    assert parse("SHOW TABLES IN db 'a*'") == ShowTables("db", "a*")
    assert parse("DESCRIBE FORMATTED db.t") == Describe(Name("t", "db"), "FORMATTED")
    assert parse("DESCRIBE formatted") == Describe(Name("formatted"))
    table = parse(
        "CREATE EXTERNAL TABLE t (a INTEGER, b struct<`x`: int COMMENT 'c', y: map<string, "
        "decimal>>) CLUSTERED BY (a) INTO 4 BUCKETS STORED AS INPUTFORMAT 'i' OUTPUTFORMAT 'o' "
        "LOCATION 's3://b/t'"
    )
    assert isinstance(table, CreateTable)
    assert [c.type for c in table.columns] == [
        "int",
        "struct<x:int,y:map<string,decimal(10,0)>>",
    ]
    assert (table.bucket_columns, table.buckets, table.stored_as) == (("a",), 4, ("i", "o"))


WORDS = st.sampled_from(
    """
    SELECT FROM WHERE CREATE EXTERNAL TABLE VIEW DATABASE DROP ALTER ADD PARTITION SHOW TABLES IN
    DESCRIBE FORMATTED INSERT INTO VALUES WITH AS IF NOT EXISTS LOCATION COMMENT t `a` "b" 'c'
    1 -2 3.5 ( ) , . ; = * < > [ ] int string array<int> struct<a:int> -- /* */ ' " ` EXPLAIN
    UNLOAD TO EXECUTE USING PREPARE MSCK REPAIR TBLPROPERTIES STORED ROW FORMAT DELIMITED
    """.split()  # noqa: SIM905 - a list of words reads better as text
)


@given(st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=40))
def test_any_text_is_read_or_refused(sql: str) -> None:
    refusal: AwsError | None = None
    try:
        parse(sql)
    except AwsError as error:
        refusal = error
    if refusal is not None:
        assert refusal.code == "InvalidRequestException"
        assert refusal.members["AthenaErrorCode"] == "MALFORMED_QUERY"


@given(st.text())
def test_tokens_cover_the_statement_in_order(sql: str) -> None:
    try:
        tokens = tokenize(sql)
    except AwsError:
        return
    assert tokens[-1].kind == "end"
    for before, after in itertools.pairwise(tokens):
        assert before.start < before.end <= after.start


@given(st.text())
def test_string_literals_come_back(text: str) -> None:
    literal = "'" + text.replace("'", "''") + "'"
    assert [(t.kind, t.value) for t in tokenize(literal)[:-1]] == [("string", text)]
    hive = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    assert [(t.kind, t.value) for t in tokenize(hive, backslashes=True)[:-1]] == [("string", text)]


PRIMITIVES = st.sampled_from(
    """
    boolean tinyint smallint int bigint float double string binary date timestamp decimal(10,2)
    decimal(38,0) char(3) varchar(20)
    """.split()  # noqa: SIM905
)
HIVE_TYPES = st.recursive(
    PRIMITIVES,
    lambda inner: st.one_of(
        inner.map(lambda t: f"array<{t}>"),
        st.tuples(PRIMITIVES, inner).map(lambda p: f"map<{p[0]},{p[1]}>"),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda types: "struct<" + ",".join(f"f{n}:{t}" for n, t in enumerate(types)) + ">"
        ),
    ),
    max_leaves=8,
)


@given(HIVE_TYPES)
def test_types_survive_the_way_to_sql_and_back(text: str) -> None:
    assert trino_to_hive(hive_to_trino(text)) == text
