"""PyAthena, unchanged, against the endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pyathena
import pytest
from pyathena.cursor import DictCursor
from pyathena.error import DatabaseError, OperationalError
from pyathena.pandas.cursor import PandasCursor

TYPES = """
SELECT 1 AS i, BIGINT '9000000000' AS b, DECIMAL '12.30' AS d, 1.5E0 AS f, true AS t,
       'text' AS s, CAST(NULL AS varchar) AS n, DATE '2024-02-29' AS day,
       TIMESTAMP '2024-02-29 12:34:56.789' AS at
"""


@pytest.fixture
def connection(localaws: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in localaws.environment.items():
        monkeypatch.setenv(name, value)
    bucket = f"pyathena-{localaws.account}"
    localaws.client("s3").create_bucket(Bucket=bucket)
    with pyathena.connect(
        s3_staging_dir=f"s3://{bucket}/staging/", poll_interval=0.02
    ) as connection:
        yield connection


def test_cursor_gives_typed_rows(connection: Any) -> None:
    cursor = connection.cursor().execute(TYPES)
    assert cursor.fetchall() == [
        (
            1,
            9_000_000_000,
            Decimal("12.30"),
            1.5,
            True,
            "text",
            None,
            date(2024, 2, 29),
            datetime(2024, 2, 29, 12, 34, 56, 789000),
        )
    ]
    described = [(column[0], column[1], column[4], column[5]) for column in cursor.description]
    assert described == [
        ("i", "integer", 10, 0),
        ("b", "bigint", 19, 0),
        ("d", "decimal", 4, 2),
        ("f", "double", 17, 0),
        ("t", "boolean", 0, 0),
        ("s", "varchar", 4, 0),
        ("n", "varchar", 2147483647, 0),
        ("day", "date", 0, 0),
        ("at", "timestamp", 3, 0),
    ]
    assert cursor.state == "SUCCEEDED"
    assert cursor.statement_type == "DML"


def test_cursor_pages_through_many_rows(connection: Any) -> None:
    cursor = connection.cursor().execute(
        "SELECT n FROM UNNEST(sequence(1, 2500)) AS t(n) ORDER BY n"
    )
    assert [row[0] for row in cursor] == list(range(1, 2501))


def test_dict_and_pandas_cursors(connection: Any) -> None:
    cursor = connection.cursor(DictCursor).execute("SELECT 1 AS a, 'x' AS b")
    assert cursor.fetchall() == [{"a": 1, "b": "x"}]
    frame = connection.cursor(PandasCursor).execute(TYPES).as_pandas()
    assert list(frame["i"]) == [1]
    assert frame["at"][0] == pd.Timestamp("2024-02-29 12:34:56.789")
    assert frame["s"][0] == "text"


def test_ddl_and_insert_report_what_they_did(connection: Any, localaws: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("CREATE DATABASE py")
    cursor.execute("CREATE TABLE py.t AS SELECT 1 AS a, 'x' AS b")
    cursor.execute("INSERT INTO py.t VALUES (2, 'y'), (3, NULL)")
    assert cursor.rowcount == 2
    cursor.execute("SELECT * FROM py.t ORDER BY a")
    assert cursor.fetchall() == [(1, "x"), (2, "y"), (3, None)]
    cursor.execute("SHOW TABLES IN py")
    assert cursor.fetchall() == [("t",)]
    cursor.execute("DROP TABLE py.t")
    assert cursor.fetchall() == []


def test_parameters_and_metadata(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("CREATE DATABASE meta")
    cursor.execute("CREATE TABLE meta.t AS SELECT 1 AS a")
    cursor.execute("SELECT ? + a FROM meta.t", ["41"], paramstyle="qmark")
    assert cursor.fetchall() == [(42,)]
    table = cursor.get_table_metadata("t", schema_name="meta")
    assert [(column.name, column.type) for column in table.columns] == [("a", "int")]
    assert [item.name for item in cursor.list_table_metadata(schema_name="meta")] == ["t"]


def test_failures_raise(connection: Any) -> None:
    cursor = connection.cursor()
    with pytest.raises(OperationalError, match=r"line 1:8: Column 'x' cannot be resolved"):
        cursor.execute("SELECT x")
    with pytest.raises(DatabaseError, match=r"line 1:1: mismatched input 'SELEC'"):
        cursor.execute("SELEC 1")
