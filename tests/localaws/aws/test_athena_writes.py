"""CTAS, INSERT INTO, UNLOAD and prepared statements: rows, files, and what stays unseen."""

from __future__ import annotations

import io
from typing import Any

import pyarrow.parquet as pq
import pytest
from athena_help import Asker, QueryFailed, cells


@pytest.fixture
def asker(localaws: Any) -> Asker:
    asker = Asker.create(localaws)
    asker.run("CREATE DATABASE db")
    return asker


def reason(asker: Asker, sql: str) -> str:
    with pytest.raises(QueryFailed) as caught:
        asker.run(sql, "db")
    return caught.value.reason


def test_ctas_writes_a_table_of_its_own(asker: Asker) -> None:
    execution = asker.run(
        "CREATE TABLE t AS SELECT 1 AS n, CAST('a' AS varchar) AS s, DECIMAL '1.50' AS d, "
        "ARRAY[1, 2] AS list",
        "db",
    )
    id = execution["QueryExecutionId"]
    assert execution["SubstatementType"] == "CREATE_TABLE_AS_SELECT"
    location = execution["ResultConfiguration"]["OutputLocation"]
    assert location == f"{asker.output}tables/{id}"
    page = asker.page(id)
    assert page["UpdateCount"] == 1
    assert page["ResultSet"]["Rows"] == []
    table = asker.glue.get_table(DatabaseName="db", Name="t")["Table"]
    assert table["StorageDescriptor"]["Location"] == f"{location}/"
    assert [c["Type"] for c in table["StorageDescriptor"]["Columns"]] == [
        "int",
        "string",
        "decimal(3,2)",
        "array<int>",
    ]
    assert table["Parameters"]["has_encrypted_data"] == "false"
    manifest = execution["Statistics"]["DataManifestLocation"]
    assert manifest == f"{location}-manifest.csv"
    files = asker.body(f"results/tables/{id}-manifest.csv").decode().split()
    assert files == [f"s3://{asker.bucket}/{key}" for key in asker.keys(f"results/tables/{id}/")]
    data = asker.body(files[0].partition(asker.bucket + "/")[2])
    assert pq.read_table(io.BytesIO(data)).column("n").to_pylist() == [1]
    assert asker.rows("SELECT * FROM t", "db") == [("1", "a", "1.50", "[1, 2]")]
    assert "Destination table 'awsdatacatalog.db.t' already exists" in reason(
        asker, "CREATE TABLE t AS SELECT 1 AS n"
    )
    asker.run("CREATE TABLE IF NOT EXISTS t AS SELECT 2 AS n", "db")
    assert asker.rows("SELECT n FROM t", "db") == [("1",)]


@pytest.mark.parametrize("file_format", ["PARQUET", "TEXTFILE", "JSON"])
def test_partitioned_tables_in_each_format(asker: Asker, file_format: str) -> None:
    asker.run(
        f"""CREATE TABLE t WITH (
            format = '{file_format}', write_compression = 'GZIP', partitioned_by = ARRAY['p', 'q'],
            external_location = 's3://{asker.bucket}/t/') AS
        SELECT * FROM (VALUES (1, 'a', 'x', 1), (2, NULL, 'x', 2), (3, 'c', NULL, 1),
                              (4, 'd', 'a/b', 1)) AS v(n, s, p, q)""",
        "db",
    )
    assert {key.rpartition("/")[0] for key in asker.keys("t/")} == {
        "t/p=x/q=1",
        "t/p=x/q=2",
        "t/p=__HIVE_DEFAULT_PARTITION__/q=1",
        "t/p=a%2Fb/q=1",
    }
    everything = "SELECT n, s, p, q FROM t ORDER BY n"
    assert asker.rows(everything, "db") == [
        ("1", "a", "x", "1"),
        ("2", None, "x", "2"),
        ("3", "c", None, "1"),
        ("4", "d", "a/b", "1"),
    ]
    execution = asker.run("INSERT INTO t VALUES (5, 'e', 'x', 1), (6, 'f', 'new', 7)", "db")
    id = execution["QueryExecutionId"]
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DML", "INSERT")
    assert execution["ResultConfiguration"]["OutputLocation"] == asker.output + id
    assert asker.page(id)["UpdateCount"] == 2
    assert asker.rows("SELECT n FROM t WHERE p = 'x' AND q = 1 ORDER BY n", "db") == [
        ("1",),
        ("5",),
    ]
    assert "p=new/q=7" in asker.lines("SHOW PARTITIONS t", "db")
    asker.run("INSERT INTO t (q, p, n) SELECT 8, 'y', 7", "db")
    assert asker.rows("SELECT n, s, p, q FROM t WHERE n = 7", "db") == [("7", None, "y", "8")]


def test_ctas_refuses_before_it_writes(asker: Asker) -> None:
    asker.put("full/a", "x")
    full = f"external_location = 's3://{asker.bucket}/full/'"
    for sql, message in [
        (f"CREATE TABLE t WITH ({full}) AS SELECT 1 AS n", "HIVE_PATH_ALREADY_EXISTS: Target"),
        ("CREATE TABLE nodb.t AS SELECT 1 AS n", "SCHEMA_NOT_FOUND: line 1:1: Schema 'nodb'"),
        ("CREATE TABLE t AS SELECT 1, 2", "COLUMN_NAME_NOT_SPECIFIED: "),
        ("CREATE TABLE t AS SELECT 1 AS n, 2 AS n", "DUPLICATE_COLUMN_NAME: "),
        ("CREATE TABLE t AS SELECT nope", "COLUMN_NOT_FOUND: line 1:26: "),
        ("CREATE TABLE t AS SELECT TIME '01:02:03' AS n", "NOT_SUPPORTED: "),
        ("CREATE TABLE t WITH (colour = 'red') AS SELECT 1 AS n", "INVALID_TABLE_PROPERTY: "),
        ("CREATE TABLE t WITH (format = 'ORC') AS SELECT 1 AS n", "NOT_SUPPORTED: "),
        ("CREATE TABLE t WITH (table_type = 'ICEBERG') AS SELECT 1 AS n", "NOT_SUPPORTED: "),
        (
            "CREATE TABLE t WITH (bucketed_by = ARRAY['n'], bucket_count = 2) AS SELECT 1 AS n",
            "NOT_SUPPORTED: ",
        ),
        (
            "CREATE TABLE t WITH (partitioned_by = ARRAY['a']) AS SELECT 1 AS a, 2 AS b",
            "HIVE_COLUMN_ORDER_MISMATCH: ",
        ),
        (
            "CREATE TABLE t WITH (partitioned_by = ARRAY['p']) AS "
            "SELECT n, n AS p FROM UNNEST(sequence(1, 101)) AS t(n)",
            "HIVE_TOO_MANY_OPEN_PARTITIONS: ",
        ),
        (
            "CREATE TABLE t AS SELECT 1 / (n - 5) AS x FROM UNNEST(sequence(1, 9)) AS t(n)",
            "DIVISION_BY_ZERO: ",
        ),
    ]:
        assert reason(asker, sql).startswith(message), sql
    assert asker.lines("SHOW TABLES IN db") == []
    assert asker.keys("full/") == ["full/a"]
    assert asker.keys("results/tables/") == []


def test_ctas_with_no_data(asker: Asker) -> None:
    asker.run("CREATE TABLE t AS SELECT 1 AS n, 'a' AS s WITH NO DATA", "db")
    assert asker.rows("SELECT * FROM t", "db") == []
    asker.run("INSERT INTO t SELECT 5, 'b'", "db")
    assert asker.rows("SELECT * FROM t", "db") == [("5", "b")]


def test_insert_refuses_what_does_not_fit(asker: Asker) -> None:
    asker.run("CREATE TABLE t AS SELECT 1 AS n, 'a' AS s", "db")
    asker.run("CREATE VIEW v AS SELECT 1 AS n", "db")
    for sql, message in [
        ("INSERT INTO nope SELECT 1", "TABLE_NOT_FOUND: line 1:1: Table 'awsdatacatalog.db.nope'"),
        ("INSERT INTO v SELECT 1", "NOT_SUPPORTED: "),
        ("INSERT INTO t SELECT 1", "TYPE_MISMATCH: "),
        ("INSERT INTO t SELECT 'x', 'y'", "TYPE_MISMATCH: "),
        ("INSERT INTO t (nope) SELECT 1", "COLUMN_NOT_FOUND: "),
        ("INSERT INTO t (n, n) SELECT 1, 2", "DUPLICATE_COLUMN_NAME: "),
        ("INSERT INTO t (n) SELECT 1, 2", "TYPE_MISMATCH: "),
    ]:
        assert reason(asker, sql).startswith(message), sql
    assert asker.rows("SELECT * FROM t", "db") == [("1", "a")]
    none = asker.run("INSERT INTO t SELECT 1, 'x' WHERE 1 = 0", "db")
    assert asker.page(none["QueryExecutionId"])["UpdateCount"] == 0
    assert "DataManifestLocation" not in none["Statistics"]


def test_unload(asker: Asker) -> None:
    target = f"s3://{asker.bucket}/unloaded/"
    execution = asker.run(
        f"UNLOAD (SELECT n FROM UNNEST(sequence(1, 3)) AS t(n)) TO '{target}' "
        "WITH (format = 'TEXTFILE', compression = 'NONE')"
    )
    keys = asker.keys("unloaded/")
    assert b"".join(asker.body(key) for key in keys) == b"1\n2\n3\n"
    assert execution["Statistics"]["DataManifestLocation"].endswith("-manifest.csv")
    again = f"UNLOAD (SELECT 1 AS n) TO '{target}' WITH (format = 'JSON')"
    assert reason(asker, again).startswith("HIVE_PATH_ALREADY_EXISTS: ")


def test_prepared_statements(asker: Asker) -> None:
    asker.run("PREPARE plus FROM SELECT ? + ? AS total")
    assert asker.all("EXECUTE plus USING 40, 2") == [("total",), ("42",)]
    assert asker.all("EXECUTE plus", ExecutionParameters=["1", "2"]) == [("total",), ("3",)]
    listed = asker.athena.list_prepared_statements(WorkGroup="primary")["PreparedStatements"]
    assert [item["StatementName"] for item in listed] == ["plus"]
    asker.athena.update_prepared_statement(
        StatementName="plus", WorkGroup="primary", QueryStatement="SELECT ? AS only"
    )
    execution = asker.run("EXECUTE plus USING 'x'")
    assert execution["Query"] == "EXECUTE plus USING 'x'"
    assert cells(asker.page(execution["QueryExecutionId"])["ResultSet"]["Rows"][1]) == ("x",)
    asker.run("DEALLOCATE PREPARE plus")
    with pytest.raises(asker.athena.exceptions.ResourceNotFoundException):
        asker.athena.get_prepared_statement(StatementName="plus", WorkGroup="primary")
