"""Wrong queries fail with Trino's error and the place in the text that was sent."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from athena_help import Asker, QueryFailed
from botocore.exceptions import ClientError

ERRORS = [
    ("SELECT nope FROM t", "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"),
    (
        "SELECT *\nFROM missing",
        "TABLE_NOT_FOUND: line 2:6: Table 'awsdatacatalog.bank.missing' does not exist",
    ),
    ("SELECT * FROM no.t", "SCHEMA_NOT_FOUND: line 1:15: Schema 'no' does not exist"),
    ("SELECT * FROM other.bank.t", "CATALOG_NOT_FOUND: Catalog 'other' not found"),
    ("SELECT 1 / 0", "DIVISION_BY_ZERO: Division by zero"),
    ("SELECT CAST('x' AS integer)", "INVALID_CAST_ARGUMENT: Cannot cast "),
    (
        "SELECT 1 + 'x'",
        "TYPE_MISMATCH: line 1:10: Cannot apply operator: integer + varchar(1)",
    ),
    ("SELECT CAST(300 AS tinyint)", "NUMERIC_VALUE_OUT_OF_RANGE: "),
    (
        "SELECT awsdatacatalog.bank.t.nope FROM awsdatacatalog.bank.t",
        "COLUMN_NOT_FOUND: line 1:8: Column 'awsdatacatalog.bank.t.nope' cannot be resolved",
    ),
    (
        "SELECT id FROM awsdatacatalog.bank.t WHERE nope",
        "COLUMN_NOT_FOUND: line 1:44: Column 'nope' cannot be resolved",
    ),
]


@pytest.fixture
def table(ask: Asker) -> Asker:
    ask.run("CREATE TABLE t WITH (format = 'PARQUET') AS SELECT 1 AS id, 'a' AS name", "bank")
    return ask


def test_errors_have_name_and_message(table: Asker) -> None:
    for sql, expected in ERRORS:
        with pytest.raises(QueryFailed) as failure:
            table.run(sql, "bank")
        reason = failure.value.reason
        if reason.startswith("CATALOG_NOT_FOUND"):  # one engine tells the place, the other does not
            reason = reason.replace("line 1:15: ", "")
        assert reason.startswith(expected), sql
        assert failure.value.error["ErrorCategory"] == 2, sql


def test_a_failed_query_leaves_no_result(ask: Asker) -> None:
    with pytest.raises(QueryFailed):
        ask.run("SELECT 1 / x FROM (VALUES 1, 0) AS t(x)")
    assert ask.keys("results/") == []


def test_syntax_is_refused_at_once(ask: Asker) -> None:
    with pytest.raises(ClientError) as refusal:
        ask.start("SELECT FROM WHERE")
    assert refusal.value.response["Error"]["Code"] == "InvalidRequestException"
    assert "line 1:13" in refusal.value.response["Error"]["Message"]


def test_another_accounts_data_is_not_there(make_asker: Callable[[], Asker]) -> None:
    ours, theirs = make_asker(), make_asker()
    theirs.run("CREATE TABLE secret WITH (format = 'PARQUET') AS SELECT 42 AS n", "bank")
    assert theirs.rows("SELECT n FROM secret", "bank") == [("42",)]
    account = theirs.localaws.account
    for name in (
        "bank.secret",
        "awsdatacatalog.bank.secret",
        f"awsdatacatalog_{account}_us_east_1.bank.secret",
        f'"awsdatacatalog_{account}_us_east_1"/**/./**/bank.secret',
        "system.runtime.queries",
        "/* /* */ system.runtime.nodes",
    ):
        with pytest.raises(QueryFailed) as failure:
            ours.run(f"SELECT * FROM {name}", "bank")
        assert failure.value.reason.startswith(("TABLE_NOT_FOUND", "CATALOG_NOT_FOUND")), name


@pytest.mark.gap(
    "trino",
    reason="the containers' SQL engine reads the object store as its root: a table that is said to "
    "lie in another account's bucket is read",
    raises=pytest.fail.Exception,
)
def test_a_table_in_another_accounts_bucket_is_not_read(
    make_asker: Callable[[], Asker],
) -> None:
    ours, theirs = make_asker(), make_asker()
    theirs.put("secret/a.csv", "1\n")
    location = f"s3://{theirs.bucket}/secret/"
    ours.run(f"CREATE EXTERNAL TABLE stolen (id int) LOCATION '{location}'", "bank")
    with pytest.raises(QueryFailed) as failure:
        ours.run("SELECT * FROM stolen", "bank")
    assert theirs.bucket in failure.value.reason


def test_a_running_query_is_stopped(ask: Asker) -> None:
    numbers = "UNNEST(sequence(1, 10000))"
    id = ask.start(
        f"SELECT sum(a.x * b.y + c.z) FROM {numbers} AS a(x) CROSS JOIN {numbers} AS b(y)"
        f" CROSS JOIN {numbers} AS c(z)"
    )
    deadline = time.monotonic() + 30
    while state(ask, id) == "QUEUED":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert state(ask, id) == "RUNNING"
    ask.athena.stop_query_execution(QueryExecutionId=id)
    assert ask.finish(id)["Status"]["State"] == "CANCELLED"
    assert ask.rows("SELECT 1") == [("1",)]


def state(ask: Asker, id: str) -> str:
    execution = ask.athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]
    found: str = execution["Status"]["State"]
    return found


def test_a_query_that_scans_too_much_is_cut_off(ask: Asker) -> None:
    ask.athena.create_work_group(
        Name="frugal",
        Configuration={
            "BytesScannedCutoffPerQuery": 10_000_000,
            "ResultConfiguration": {"OutputLocation": ask.output},
        },
    )
    ask.put("wide/a.csv", "1,xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n" * 250_000)
    ask.run(
        "CREATE EXTERNAL TABLE wide (id int, text string) ROW FORMAT DELIMITED"
        f" FIELDS TERMINATED BY ',' LOCATION 's3://{ask.bucket}/wide/'",
        "bank",
    )
    with pytest.raises(QueryFailed) as failure:
        ask.run("SELECT count(*), max(text) FROM wide", "bank", WorkGroup="frugal")
    assert "Bytes scanned limit was exceeded" in failure.value.reason
    assert ask.rows("SELECT count(*) FROM wide", "bank") == [("250000",)]
    ask.athena.delete_work_group(WorkGroup="frugal", RecursiveDeleteOption=True)
