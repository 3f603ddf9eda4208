"""Tables that are read and written, views, and what the catalog tells in SQL."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor

import pytest
from athena_help import Asker, QueryFailed

ROWS = (
    "(VALUES (1, 'anna', 1.5e0, DECIMAL '10.25', DATE '2024-01-01',"
    " TIMESTAMP '2024-01-01 10:11:12.123', true),"
    " (2, 'bert', NULL, DECIMAL '-0.01', DATE '2024-01-02', NULL, false),"
    " (3, NULL, 4e10, NULL, NULL, TIMESTAMP '1969-12-31 23:59:59.999', NULL))"
    " AS v(id, name, amount, price, day, moment, flag)"
)
EXPECTED = [
    ("1", "anna", "1.5", "10.25", "2024-01-01", "2024-01-01 10:11:12.123", "true"),
    ("2", "bert", None, "-0.01", "2024-01-02", None, "false"),
    ("3", None, "4.0E10", None, None, "1969-12-31 23:59:59.999", None),
]
FORMATS = [
    "format = 'PARQUET'",
    "format = 'PARQUET', write_compression = 'SNAPPY'",
    "format = 'TEXTFILE', field_delimiter = '|', write_compression = 'NONE'",
    "format = 'TEXTFILE', write_compression = 'GZIP'",
    "format = 'JSON', write_compression = 'NONE'",
    "format = 'JSON', write_compression = 'GZIP'",
]


@pytest.mark.parametrize("properties", FORMATS)
def test_a_table_made_of_a_query_holds_its_rows(ask: Asker, properties: str) -> None:
    done = ask.run(f"CREATE TABLE made WITH ({properties}) AS SELECT * FROM {ROWS}", "bank")
    assert ask.rows("SELECT * FROM made ORDER BY id", "bank") == EXPECTED
    ask.run(f"INSERT INTO made SELECT * FROM {ROWS} WHERE id = 2", "bank")
    assert ask.rows("SELECT count(*), count(DISTINCT id) FROM made", "bank") == [("4", "3")]
    assert ask.page(done["QueryExecutionId"])["UpdateCount"] == 3


def test_text_is_written_as_the_serde_reads_it(ask: Asker) -> None:
    ask.run(
        "UNLOAD (SELECT id, name, amount, moment FROM"
        f" {ROWS} WHERE id < 3) TO 's3://{ask.bucket}/out/'"
        " WITH (format = 'TEXTFILE', field_delimiter = ',', compression = 'gzip')"
    )
    lines = b"".join(gzip.decompress(ask.body(key)) for key in ask.keys("out/")).splitlines()
    assert sorted(lines) == [
        b"1,anna,1.5,2024-01-01 10:11:12.123",
        rb"2,bert,\N,\N",
    ]


def test_partitions_are_folders_and_entries_of_the_catalog(ask: Asker) -> None:
    ask.run(
        f"CREATE TABLE parts WITH (external_location = 's3://{ask.bucket}/parts/',"
        " partitioned_by = ARRAY['name']) AS SELECT id, amount, coalesce(name, 'a/b c') AS name"
        f" FROM {ROWS}",
        "bank",
    )
    folders = {key.split("/")[1] for key in ask.keys("parts/")}
    assert folders == {"name=anna", "name=bert", "name=a%2Fb c"}
    values = ask.glue.get_partitions(DatabaseName="bank", TableName="parts")["Partitions"]
    assert sorted(item["Values"][0] for item in values) == ["a/b c", "anna", "bert"]
    assert ask.rows("SELECT id FROM parts WHERE name = 'a/b c'", "bank") == [("3",)]
    ask.run("INSERT INTO parts SELECT 9, 0e0, 'new'", "bank")
    ask.run("INSERT INTO parts SELECT 10, 0e0, CAST(NULL AS varchar)", "bank")
    assert ask.rows("SELECT name, id FROM parts WHERE id > 8 ORDER BY id", "bank") == [
        ("new", "9"),
        (None, "10"),
    ]


def test_partitions_are_what_the_catalog_says(ask: Asker) -> None:
    for day in ("1", "2"):
        ask.put(f"events/day={day}/a.csv", f"{day},x\n")
    ask.run(
        "CREATE EXTERNAL TABLE events (id int, text string) PARTITIONED BY (day string)"
        " ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"
        f" LOCATION 's3://{ask.bucket}/events/'",
        "bank",
    )
    assert ask.rows("SELECT count(*) FROM events", "bank") == [("0",)]
    ask.run("ALTER TABLE events ADD PARTITION (day = '1')", "bank")
    assert ask.rows("SELECT id, day FROM events", "bank") == [("1", "1")]
    ask.run("ALTER TABLE events ADD PARTITION (day = '3')", "bank")
    assert ask.rows("SELECT count(*) FROM events WHERE day = '3'", "bank") == [("0",)]


def test_too_many_partitions_are_refused(ask: Asker) -> None:
    with pytest.raises(QueryFailed) as failure:
        ask.run(
            "CREATE TABLE many WITH (partitioned_by = ARRAY['p']) AS"
            " SELECT x AS id, x AS p FROM UNNEST(sequence(1, 150)) AS t(x)",
            "bank",
        )
    assert failure.value.reason.startswith("HIVE_TOO_MANY_OPEN_PARTITIONS")
    assert ask.glue.get_tables(DatabaseName="bank")["TableList"] == []


def test_a_query_without_rows_writes_no_file(ask: Asker) -> None:
    ask.run(
        f"CREATE TABLE none WITH (external_location = 's3://{ask.bucket}/none/') AS"
        f" SELECT * FROM {ROWS} WHERE id > 99",
        "bank",
    )
    assert ask.keys("none/") == []
    assert ask.rows("SELECT count(*) FROM none", "bank") == [("0",)]


def test_an_insert_of_other_types_is_refused(ask: Asker) -> None:
    ask.run("CREATE TABLE typed WITH (format = 'PARQUET') AS SELECT 1 AS id", "bank")
    with pytest.raises(QueryFailed) as failure:
        ask.run("INSERT INTO typed SELECT 'x'", "bank")
    # the place is that of the statement, which one engine tells and the other does not
    assert failure.value.reason.replace("line 1:1: ", "").startswith(
        "TYPE_MISMATCH: Insert query has mismatched column types: Table: [integer], Query: "
    )


def test_views_resolve_in_their_own_database(ask: Asker) -> None:
    ask.glue.create_database(DatabaseInput={"Name": "other"})
    ask.run(f"CREATE TABLE base WITH (format = 'PARQUET') AS SELECT * FROM {ROWS}", "bank")
    ask.run("CREATE VIEW small AS SELECT id, name FROM base WHERE id < 3", "bank")
    ask.run("CREATE VIEW full_name AS SELECT max(id) AS top FROM awsdatacatalog.bank.small", "bank")
    assert ask.rows("SELECT * FROM small ORDER BY id", "bank") == [("1", "anna"), ("2", "bert")]
    assert ask.rows("SELECT s.name FROM bank.small AS s WHERE s.id = 2", "other") == [("bert",)]
    assert ask.rows("SELECT top FROM bank.full_name", "other") == [("2",)]
    assert "CREATE VIEW" in "\n".join(ask.lines("SHOW CREATE VIEW small", "bank"))
    ask.glue.delete_database(Name="other")


def test_names_are_found_however_they_are_written(ask: Asker) -> None:
    ask.run("CREATE TABLE named WITH (format = 'PARQUET') AS SELECT 7 AS \"order\"", "bank")
    for sql in (
        'SELECT "order" FROM named',
        'SELECT n."order" FROM BANK.Named AS n',
        'SELECT "order" FROM "awsdatacatalog"."bank"."named"',
        'SELECT "order" FROM AwsDataCatalog . bank . named -- awsdatacatalog.x.y',
        'SELECT bank.named."order" FROM bank.named',
    ):
        assert ask.rows(sql, "bank") == [("7",)], sql


def test_a_statement_may_be_long(ask: Asker) -> None:
    listed = ", ".join(f"'{number:09}'" for number in range(15_000))
    ask.run(
        "CREATE TABLE long WITH (format = 'PARQUET') AS"
        f" SELECT count(*) AS n FROM (VALUES '000000001', 'x') AS t(v) WHERE v IN ({listed})",
        "bank",
    )
    assert ask.rows("SELECT n FROM long", "bank") == [("1",)]


def test_many_queries_at_once(ask: Asker) -> None:
    ask.run(
        "CREATE TABLE n WITH (format = 'PARQUET') AS"
        " SELECT x AS id FROM UNNEST(sequence(1, 1000)) AS t(x)",
        "bank",
    )

    def count(number: int) -> list[tuple[str | None, ...]]:
        return ask.rows(f"SELECT count(*) FROM n WHERE id <= {number}", "bank")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(count, range(1, 25))) == [[(str(n),)] for n in range(1, 25)]


def test_a_result_of_a_million_cells(ask: Asker) -> None:
    execution = ask.run(
        "SELECT a.x * 1000 + b.y AS id, 'row' AS c1, a.x AS c2, b.y AS c3, 1.5e0 AS c4"
        " FROM UNNEST(sequence(0, 199)) AS a(x) CROSS JOIN UNNEST(sequence(0, 999)) AS b(y)"
    )
    key = execution["ResultConfiguration"]["OutputLocation"].removeprefix(f"s3://{ask.bucket}/")
    lines = ask.body(key).splitlines()
    assert lines[0] == b'"id","c1","c2","c3","c4"'
    assert len(lines) == 200_001
    assert len(set(lines)) == 200_001
    assert b'"199999","row","199","999","1.5"' in lines


@pytest.mark.gap(
    "duckdb",
    reason="information_schema is not answered: Trino gives it from its own catalogs",
    raises=QueryFailed,
)
def test_the_information_schema_tells_of_tables(ask: Asker) -> None:
    ask.run("CREATE TABLE told WITH (format = 'PARQUET') AS SELECT 1 AS id, 'x' AS text", "bank")
    assert ask.rows(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'bank' AND table_name = 'told' ORDER BY ordinal_position",
        "bank",
    ) == [("id", "integer"), ("text", "varchar(1)")]


@pytest.mark.gap(
    "duckdb",
    reason="functions that are not proven to answer as Trino's are refused",
    raises=QueryFailed,
)
def test_functions_of_trino_only(ask: Asker) -> None:
    assert ask.rows("SELECT levenshtein_distance('kitten', 'sitting'), soundex('Robert')") == [
        ("3", "R163")
    ]


def test_show_statements_are_the_platforms(ask: Asker) -> None:
    ask.run("CREATE TABLE shown WITH (format = 'PARQUET') AS SELECT 1 AS id", "bank")
    assert ask.lines("SHOW TABLES", "bank") == ["shown"]
    assert "bank" in ask.lines("SHOW DATABASES")
    assert [line.split()[:2] for line in ask.lines("DESCRIBE shown", "bank")] == [["id", "int"]]


def test_a_plan_is_shown(ask: Asker) -> None:
    plan = "\n".join(ask.lines("EXPLAIN SELECT 1 AS one", "bank"))
    assert plan.strip()
