"""Types of columns and the text of their values."""

from __future__ import annotations

import pytest
from athena_help import Asker, QueryFailed

VALUES: list[tuple[str, str, str | None]] = [
    ("true", "boolean", "true"),
    ("CAST(-12 AS tinyint)", "tinyint", "-12"),
    ("CAST(300 AS smallint)", "smallint", "300"),
    ("2147483647", "integer", "2147483647"),
    ("CAST(-9223372036854775807 AS bigint)", "bigint", "-9223372036854775807"),
    ("CAST(1.5 AS real)", "float", "1.5"),
    ("CAST(0.1 AS double)", "double", "0.1"),
    ("1e10", "double", "1.0E10"),
    ("1e-7", "double", "1.0E-7"),
    ("4.9e-324", "double", "4.9E-324"),
    ("nan()", "double", "NaN"),
    ("-infinity()", "double", "-Infinity"),
    ("DECIMAL '123.450'", "decimal", "123.450"),
    ("DECIMAL '-0.05'", "decimal", "-0.05"),
    ("'plain'", "varchar", "plain"),
    ("'say \"hi\", you'", "varchar", 'say "hi", you'),
    ("'line' || chr(10) || 'two'", "varchar", "line\ntwo"),
    ("'grün 😀'", "varchar", "grün 😀"),
    ("X'00ff10'", "varbinary", "00 ff 10"),
    ("DATE '2024-02-29'", "date", "2024-02-29"),
    ("TIMESTAMP '2024-02-29 13:14:15'", "timestamp", "2024-02-29 13:14:15.000"),
    ("TIMESTAMP '2024-02-29 13:14:15.123'", "timestamp", "2024-02-29 13:14:15.123"),
    (
        "TIMESTAMP '2024-02-29 13:14:15.5 UTC'",
        "timestamp with time zone",
        "2024-02-29 13:14:15.500 UTC",
    ),
    ("INTERVAL '3' DAY", "interval day to second", "3 00:00:00.000"),
    ("INTERVAL '14' MONTH", "interval year to month", "1-2"),
    ("ARRAY[1, NULL, 3]", "array", "[1, null, 3]"),
    ("ARRAY[ARRAY['a'], ARRAY[]]", "array", "[[a], []]"),
    ("MAP(ARRAY['k'], ARRAY[1.5])", "map", "{k=1.5}"),
    ("CAST(ROW(1, 'x') AS ROW(a integer, b varchar))", "row", "{a=1, b=x}"),
    ("ROW(1, NULL)", "row", "{field0=1, field1=null}"),
    ("CAST(NULL AS integer)", "integer", None),
    ("CAST(NULL AS array(integer))", "array", None),
]
RARE: list[tuple[str, str, str | None]] = [
    ("CAST('ab' AS char(4))", "char", "ab  "),
    ("TIME '01:02:03.456'", "time", "01:02:03.456"),
    ("TIMESTAMP '2024-02-29 13:14:15.123456'", "timestamp", "2024-02-29 13:14:15.123456"),
    (
        "TIMESTAMP '2024-07-01 13:14:15 Europe/Paris'",
        "timestamp with time zone",
        "2024-07-01 13:14:15.000 Europe/Paris",
    ),
    ("UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59'", "uuid", "12151fd2-7586-11e9-8f9e-2a86e4085a59"),
    ("IPADDRESS '10.0.0.1'", "ipaddress", "10.0.0.1"),
    ('json_parse(\'{"b": 1, "a": [true]}\')', "json", '{"a":[true],"b":1}'),
    ("MAP(ARRAY[ROW(1, 'a')], ARRAY[TRUE])", "map", "{[1, a]=true}"),
]


def test_every_type_has_its_name_and_text(ask: Asker) -> None:
    check(ask, VALUES)


@pytest.mark.gap(
    "duckdb", reason="types whose values are not proven to print as Trino's", raises=QueryFailed
)
def test_rare_types_have_their_name_and_text(ask: Asker) -> None:
    check(ask, RARE)


def check(ask: Asker, values: list[tuple[str, str, str | None]]) -> None:
    selected = ", ".join(f"{sql} AS c{number}" for number, (sql, _, _) in enumerate(values))
    execution = ask.run(f"SELECT {selected}")
    page = ask.page(execution["QueryExecutionId"])
    info = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [column["Type"] for column in info] == [type for _, type, _ in values]
    found = [cell.get("VarCharValue") for cell in page["ResultSet"]["Rows"][1]["Data"]]
    assert found == [text for _, _, text in values]


def test_the_result_file_quotes_what_is_there_and_nothing_else(ask: Asker) -> None:
    execution = ask.run(
        "SELECT * FROM (VALUES (1, 'say \"hi\"', CAST(NULL AS varchar)), (2, '', 'x'))"
        ' AS t(Id, "a ""b""", c) ORDER BY 1'
    )
    key = execution["ResultConfiguration"]["OutputLocation"].removeprefix(f"s3://{ask.bucket}/")
    assert ask.body(key) == b'"id","a ""b""","c"\n"1","say ""hi""",\n"2","","x"\n'


def test_an_empty_result_has_its_header(ask: Asker) -> None:
    assert ask.all("SELECT 1 AS one, 'x' AS text WHERE false") == [("one", "text")]


def test_precision_and_scale_are_told(ask: Asker) -> None:
    id = ask.run("SELECT DECIMAL '123.45' AS d, 1 AS i, 'abc' AS v")["QueryExecutionId"]
    info = ask.page(id)["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [(column["Precision"], column["Scale"]) for column in info][:2] == [(5, 2), (10, 0)]


@pytest.mark.parametrize(
    ("sql", "parameters", "expected"),
    [
        ("SELECT ? + 1", ["41"], "42"),
        ("SELECT 'it''s ' || ?", ["'o''clock'"], "it's o'clock"),
        ("SELECT count(*) FROM (VALUES 1, 2, 3) AS t(x) WHERE x >= ? AND x < ?", ["2", "9"], "2"),
    ],
)
def test_parameters(ask: Asker, sql: str, parameters: list[str], expected: str) -> None:
    assert ask.rows(sql, ExecutionParameters=parameters) == [(expected,)]
