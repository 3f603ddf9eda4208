"""A query's life as boto3 sees it: states, statistics, result files, typed pages, errors."""

from __future__ import annotations

import concurrent.futures
import time
import uuid
from typing import Any

import psutil
import pytest
from athena_help import Asker, QueryFailed, cells
from botocore.exceptions import ClientError

ENDLESS = (
    "SELECT count(*) FROM UNNEST(sequence(1, 10000)) AS a(x) "
    "CROSS JOIN UNNEST(sequence(1, 10000)) AS b(y) "
    "CROSS JOIN UNNEST(sequence(1, 10000)) AS c(z) WHERE x * y + z = -1"
)


@pytest.fixture
def asker(localaws: Any) -> Asker:
    return Asker.create(localaws)


def refusal(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str, str]:
    response = error.value.response
    details = response["Error"]
    return details["Code"], response.get("AthenaErrorCode", ""), details["Message"]


def test_a_query_succeeds_with_what_it_did(asker: Asker) -> None:
    execution = asker.run("SELECT 1 AS one, 'x' AS letter", WorkGroup="primary")
    id = execution["QueryExecutionId"]
    assert execution["StatementType"] == "DML"
    assert execution["SubstatementType"] == "SELECT"
    assert execution["WorkGroup"] == "primary"
    assert execution["EngineVersion"]["EffectiveEngineVersion"] == "Athena engine version 3"
    assert execution["ResultConfiguration"]["OutputLocation"] == f"{asker.output}{id}.csv"
    statistics = execution["Statistics"]
    assert statistics["DataScannedInBytes"] == 0
    assert statistics["TotalExecutionTimeInMillis"] >= statistics["EngineExecutionTimeInMillis"]
    status = execution["Status"]
    assert status["CompletionDateTime"] >= status["SubmissionDateTime"]
    assert asker.body(f"results/{id}.csv") == b'"one","letter"\n"1","x"\n'
    metadata = asker.body(f"results/{id}.csv.metadata")
    assert metadata.startswith(b"\x0a\x24" + id.encode())
    assert b"integer" in metadata
    timeline = asker.athena.get_query_runtime_statistics(QueryExecutionId=id)
    assert timeline["QueryRuntimeStatistics"]["Rows"]["OutputRows"] == 1


def test_result_pages_are_typed_and_complete(asker: Asker) -> None:
    id = asker.run(
        "SELECT n, CASE WHEN n % 3 = 0 THEN NULL WHEN n % 3 = 1 THEN '' "
        "ELSE 'a \"quoted\", line' || chr(10) || cast(n AS varchar) END AS text, "
        "CAST(n AS decimal(10,2)) AS d "
        "FROM UNNEST(sequence(1, 50)) AS t(n) ORDER BY n"
    )["QueryExecutionId"]
    first = asker.page(id, MaxResults=7)
    assert first["UpdateCount"] == 0
    info = first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [(c["Name"], c["Type"], c["Precision"], c["Scale"]) for c in info] == [
        ("n", "bigint", 19, 0),
        ("text", "varchar", 2147483647, 0),
        ("d", "decimal", 10, 2),
    ]
    assert {(c["CatalogName"], c["Nullable"]) for c in info} == {("hive", "UNKNOWN")}
    assert [c["CaseSensitive"] for c in info] == [False, True, False]
    rows = [cells(row) for row in first["ResultSet"]["Rows"]]
    page = first
    while token := page.get("NextToken"):
        page = asker.page(id, MaxResults=7, NextToken=token)
        assert 0 < len(page["ResultSet"]["Rows"]) <= 7
        rows += [cells(row) for row in page["ResultSet"]["Rows"]]
    texts = (None, "", 'a "quoted", line\n')
    assert rows == [("n", "text", "d")] + [
        (str(n), texts[n % 3] + str(n) if n % 3 == 2 else texts[n % 3], f"{n}.00")
        for n in range(1, 51)
    ]


@pytest.mark.parametrize(
    ("sql", "reason", "error_type"),
    [
        ("SELECT x", "COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved", 1006),
        (
            "SELECT * FROM nope",
            "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.default.nope' does not exist",
            1301,
        ),
        ("SELECT 1/0", "DIVISION_BY_ZERO: Division by zero", 1001),
    ],
)
def test_a_failed_query_says_why(asker: Asker, sql: str, reason: str, error_type: int) -> None:
    asker.glue.create_database(DatabaseInput={"Name": "default"})
    with pytest.raises(QueryFailed) as caught:
        asker.run(sql)
    assert caught.value.reason == reason
    assert caught.value.error == {
        "ErrorCategory": 2,
        "ErrorType": error_type,
        "Retryable": False,
        "ErrorMessage": reason,
    }
    id = caught.value.execution["QueryExecutionId"]
    assert asker.keys(f"results/{id}") == []
    with pytest.raises(ClientError) as results:
        asker.page(id)
    assert refusal(results) == (
        "InvalidRequestException",
        "INVALID_QUERY_EXECUTION_STATE",
        "Query did not finish successfully. Final query state: FAILED",
    )


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELEC 1", "line 1:1: mismatched input 'SELEC'. Expecting: 'ALTER',"),
        ("SELECT a FROM t WHERE", "line 1:"),
        ("SELECT FROM", "line 1:8: mismatched input 'FROM'"),
        ("SELECT 'open", "line 1:8: mismatched input"),
        ("\n  DROP TABLE", "line 2:13: mismatched input '<EOF>'"),
        ("ALTER TABLE t DROP COLUMN x", "line 1:15: mismatched input 'DROP'"),
        ("CREATE EXTERNAL TABLE t (a blob) LOCATION 's3://b/'", "line 1:28: mismatched input"),
        ("CREATE EXTERNAL TABLE t (a int)", "No location was specified for table"),
        ("SELECT 1; SELECT 2", "Only one sql statement is allowed"),
        ("USE db", "Queries of this type are not supported"),
        ("DESCRIBE nothing", "Entity Not Found"),
        ("SELECT " + "(" * 3000 + "1" + ")" * 3000, "statement is too large"),
    ],
)
def test_what_does_not_parse_is_refused_at_the_start(asker: Asker, sql: str, message: str) -> None:
    with pytest.raises(ClientError) as caught:
        asker.start(sql)
    code, athena_code, text = refusal(caught)
    assert code == "InvalidRequestException"
    assert athena_code in ("MALFORMED_QUERY", "INVALID_INPUT")
    assert text.startswith(message)
    assert asker.athena.list_query_executions()["QueryExecutionIds"] == []


def test_the_output_location_is_required_and_checked(asker: Asker) -> None:
    for location, message in [
        (None, "No output location provided. An output location is required either through the "),
        ("results", "outputLocation is not a valid S3 path."),
        ("s3://no-such-bucket-anywhere/x", "Unable to verify/create output bucket"),
    ]:
        configuration = {} if location is None else {"OutputLocation": location}
        with pytest.raises(ClientError) as caught:
            asker.start("SELECT 1", ResultConfiguration=configuration)
        assert refusal(caught)[0] == "InvalidRequestException"
        assert refusal(caught)[2].startswith(message)
    with pytest.raises(ClientError) as caught:
        asker.start(
            "SELECT 1",
            ResultConfiguration={
                "OutputLocation": asker.output,
                "EncryptionConfiguration": {"EncryptionOption": "SSE_KMS", "KmsKey": "k"},
            },
        )
    assert refusal(caught)[0] == "NotImplementedException"


def test_a_token_makes_one_execution(asker: Asker) -> None:
    token = uuid.uuid4().hex
    first = asker.start("SELECT 1", ClientRequestToken=token)
    assert asker.start("SELECT 1", ClientRequestToken=token) == first
    asker.finish(first)
    assert asker.start("SELECT 1", ClientRequestToken=token) == first
    with pytest.raises(ClientError) as caught:
        asker.start("SELECT 2", ClientRequestToken=token)
    assert refusal(caught)[1:] == (
        "IDEMPOTENT_PARAMETER_MISMATCH",
        "Idempotent parameters do not match",
    )
    assert asker.start("SELECT 1") != first


def test_executions_are_listed_newest_first(asker: Asker) -> None:
    ids = [asker.start(f"SELECT {n}") for n in range(5)]
    first = asker.athena.list_query_executions(MaxResults=3)
    rest = asker.athena.list_query_executions(MaxResults=3, NextToken=first["NextToken"])
    assert first["QueryExecutionIds"] + rest["QueryExecutionIds"] == ids[::-1]
    assert "NextToken" not in rest
    unknown = str(uuid.uuid4())
    batch = asker.athena.batch_get_query_execution(QueryExecutionIds=[ids[1], unknown])
    assert [item["Query"] for item in batch["QueryExecutions"]] == ["SELECT 1"]
    assert [item["QueryExecutionId"] for item in batch["UnprocessedQueryExecutionIds"]] == [unknown]


def test_parameters_fill_question_marks(asker: Asker) -> None:
    assert asker.rows("SELECT ? + 1, upper(?)", ExecutionParameters=["41", "'it''s'"]) == [
        ("42", "IT'S")
    ]


def test_a_stopped_query_is_cancelled_and_frees_its_worker(asker: Asker) -> None:
    ids = [asker.start(ENDLESS) for _ in range(3)]
    deadline = time.monotonic() + 20
    while (
        asker.athena.get_query_execution(QueryExecutionId=ids[0])["QueryExecution"]["Status"][
            "State"
        ]
        != "RUNNING"
    ):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with pytest.raises(ClientError) as caught:
        asker.page(ids[0])
    assert refusal(caught)[2] == "Query has not yet finished. Current state: RUNNING"
    for id in ids:
        asker.athena.stop_query_execution(QueryExecutionId=id)
        status = asker.athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]["Status"]
        assert status["State"] == "CANCELLED"
        assert status["StateChangeReason"] == "Query cancelled by user"
        assert "AthenaError" not in status
    began = time.monotonic()
    assert asker.rows("SELECT 1") == [("1",)]
    assert time.monotonic() - began < 10
    assert asker.keys(f"results/{ids[0]}") == []
    with pytest.raises(ClientError) as caught:
        asker.page(ids[0])
    assert refusal(caught)[1] == "RESULT_NOT_FOUND"


def test_the_death_of_a_worker_fails_its_query_only(asker: Asker, localaws_session: Any) -> None:
    id = asker.start(ENDLESS)
    gateway = psutil.Process(localaws_session.pid)
    deadline = time.monotonic() + 20
    while not (busy := [w for w in workers(gateway) if w.cpu_percent(0.1) > 20]):
        assert time.monotonic() < deadline
    for worker in busy:
        worker.kill()
    status = asker.finish(id)["Status"]
    assert status["State"] == "FAILED"
    assert status["AthenaError"]["ErrorCategory"] == 1
    assert status["AthenaError"]["Retryable"]
    assert asker.rows("SELECT 1") == [("1",)]


def workers(gateway: psutil.Process) -> list[psutil.Process]:
    """Return the SQL engine's processes: the gateway's Python children."""
    return [
        child
        for child in gateway.children(recursive=True)
        if any("engines.sql" in part or "worker" in part for part in child.cmdline())
        and not any("postgres" in part for part in child.cmdline()[:1])
    ]


def test_explain_gives_a_plan(asker: Asker) -> None:
    execution = asker.run("EXPLAIN SELECT 1 AS one")
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DML", "EXPLAIN")
    id = execution["QueryExecutionId"]
    rows = [cells(row) for row in asker.page(id)["ResultSet"]["Rows"]]
    assert rows[0] == ("Query Plan",)
    body = asker.body(f"results/{id}.txt").decode()
    assert [row[0] for row in rows[1:]] == body.split("\n")


def test_stopping_what_is_over_changes_nothing(asker: Asker) -> None:
    id = asker.run("SELECT 1")["QueryExecutionId"]
    asker.athena.stop_query_execution(QueryExecutionId=id)
    assert cells(asker.page(id)["ResultSet"]["Rows"][1]) == ("1",)
    with pytest.raises(ClientError) as caught:
        asker.athena.stop_query_execution(QueryExecutionId=str(uuid.uuid4()))
    assert refusal(caught)[1] == "QUERY_EXECUTION_NOT_FOUND"


def test_twenty_queries_at_once(asker: Asker) -> None:
    def ask(n: int) -> list[tuple[str | None, ...]]:
        return asker.rows(f"SELECT {n}, sum(x) FROM UNNEST(sequence(1, {n})) AS t(x)")

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(1, 21)))
    assert answers == [[(str(n), str(n * (n + 1) // 2))] for n in range(1, 21)]


def test_a_result_that_is_gone_is_said_to_be(asker: Asker) -> None:
    id = asker.run("SELECT 1")["QueryExecutionId"]
    asker.s3.delete_object(Bucket=asker.bucket, Key=f"results/{id}.csv")
    with pytest.raises(ClientError) as caught:
        asker.page(id)
    assert refusal(caught)[1:] == ("RESULT_NOT_FOUND", "Could not find results")


def test_paging_refuses_what_it_cannot_honour(asker: Asker) -> None:
    id = asker.run("SELECT 1")["QueryExecutionId"]
    with pytest.raises(ClientError) as caught:
        asker.page(id, NextToken="bad")
    assert refusal(caught)[1:] == ("INVALID_INPUT", "Malformed nextPageToken bad")
    with pytest.raises(ClientError) as caught:
        asker.page(str(uuid.uuid4()))
    assert refusal(caught)[1] == "QUERY_EXECUTION_NOT_FOUND"
