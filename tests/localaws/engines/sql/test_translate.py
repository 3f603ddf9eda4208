"""The translation's interface: scans, pruning, views, parameters, targets, types, failures."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.engines.sql.base import (
    Column,
    Session,
    SqlError,
    SqlRefused,
    TableSchema,
    ViewSchema,
)
from localaws.engines.sql.duckdb.translate import (
    Translation,
    coerce,
    function_table,
    map_runtime_error,
    parse,
    table_references,
    translate,
    view_references,
)
from localaws.engines.sql.duckdb.types import parse_type
from localaws.engines.sql.types import hive_to_trino, trino_to_hive

SESSION = Session("q", "000000000000", "us-east-1", database="lake")
SALES = TableSchema(
    "awsdatacatalog",
    "lake",
    "sales",
    (Column("id", "bigint"), Column("amount", "decimal(10,2)"), Column("note", "varchar")),
    (Column("dt", "varchar"), Column("hour", "integer"), Column("day", "date")),
    "s3://lake/sales/",
    "",
    "",
)
TOTALS = ViewSchema(
    "awsdatacatalog",
    "lake",
    "totals",
    (Column("dt", "varchar"), Column("total", "decimal(38,2)")),
    "SELECT dt, sum(amount) total FROM sales GROUP BY dt",
)
RELATIONS = {
    ("awsdatacatalog", "lake", "sales"): SALES,
    ("awsdatacatalog", "lake", "totals"): TOTALS,
}


def translated(sql: str, *parameters: str) -> Translation:
    return translate(parse(sql), SESSION, RELATIONS, parameters)


def rows(translation: Translation, sql: str | None = None) -> list[tuple[object, ...]]:
    data = (
        "SELECT * FROM (VALUES (1::BIGINT, 1.50::DECIMAL(10,2), 'a', '2024-01-01', 1, "
        "DATE '2024-01-01'), (2, 2.25, NULL, '2024-01-02', 2, DATE '2024-01-02')) "
        "AS v(id, amount, note, dt, hour, day)"
    )
    scans = ", ".join(f"{scan.alias} AS ({data})" for scan in translation.scans)
    body = sql or translation.result_sql
    with duckdb.connect() as connection:
        return connection.execute(f"WITH {scans} {body}" if scans else body).fetchall()


def test_references_leave_common_tables_out() -> None:
    tree = parse(
        "WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a, b, X.Y, c.d.e "
        "WHERE EXISTS (SELECT 1 FROM a, f)"
    )
    assert table_references(tree) == [
        (None, None, "b"),
        (None, "x", "y"),
        ("c", "d", "e"),
        (None, None, "f"),
    ]
    assert view_references(TOTALS) == [("awsdatacatalog", "lake", "sales")]


def test_scans_name_the_columns_read() -> None:
    found = translated("SELECT s.ID, upper(s.note) FROM sales s JOIN sales AS b ON s.id = b.id")
    assert [scan.columns for scan in found.scans] == [("id", "note"), ("id",)]
    assert len({scan.alias for scan in found.scans}) == 2
    assert translated("SELECT count(*) FROM sales").scans[0].columns == ()


@pytest.mark.parametrize(
    ("condition", "expression"),
    [
        ("dt = '2024-01-01'", "dt = '2024-01-01'"),
        ("'2024' <= dt AND amount > 1", "dt >= '2024'"),
        (
            "dt IN ('a', 'it''s') AND hour BETWEEN 1 AND 3",
            "dt IN ('a', 'it''s') AND hour BETWEEN 1 AND 3",
        ),
        ("(dt = 'a' OR dt = 'b') AND hour > -1", "(dt = 'a' OR dt = 'b') AND hour > -1"),
        ("day >= DATE '2024-01-01'", "day >= '2024-01-01'"),
        ("dt = 'a' OR amount > 1", None),
        ("dt = note", None),
        ("NOT dt = 'a'", None),
        ("hour = 1.5", None),
        ("upper(dt) = 'A'", None),
    ],
)
def test_partition_expressions_keep_every_partition_needed(
    condition: str, expression: str | None
) -> None:
    (scan,) = translated(f"SELECT id FROM sales WHERE {condition}").scans
    assert scan.partition_expression == expression


def test_views_are_expanded() -> None:
    found = translated("SELECT t.total, t.dt FROM totals t ORDER BY dt")
    assert found.columns == (Column("total", "decimal(38,2)"), Column("dt", "varchar"))
    assert rows(found) == [("1.50", "2024-01-01"), ("2.25", "2024-01-02")]
    assert [scan.table.name for scan in found.scans] == ["sales"]


def test_parameters_stand_in_the_order_of_the_text() -> None:
    found = translated(
        "SELECT ? FROM sales WHERE note = ? OR id = ? LIMIT ?", "'x'", "'a'", "9", "1"
    )
    assert rows(found) == [("x",)]
    with pytest.raises(SqlError, match="INVALID_PARAMETER_USAGE"):
        translated("SELECT ?")
    with pytest.raises(SqlError, match="INVALID_PARAMETER_USAGE"):
        translated("SELECT ?", "id")


def test_now_is_one_moment() -> None:
    moment = datetime(2024, 2, 29, 1, 2, 3, 456_789, UTC)
    tree = parse("SELECT now(), current_date, localtimestamp")
    found = translate(tree, SESSION, {}, now=moment)
    assert rows(found) == [("2024-02-29 01:02:03.456 UTC", "2024-02-29", "2024-02-29 01:02:03.456")]


def test_targets_take_what_trino_lets_them() -> None:
    found = translated("SELECT id, hour, note FROM sales")
    targets = (Column("a", "decimal(19,0)"), Column("b", "double"), Column("c", "varchar(1)"))
    assert rows(found, coerce(found, targets) + " ORDER BY a")[0][1:] == (1.0, "a")
    for wrong in ("integer", "varchar", "date"):
        with pytest.raises(SqlError, match="TYPE_MISMATCH"):
            coerce(found, (Column("a", wrong), Column("b", "integer"), Column("c", "varchar")))
    with pytest.raises(SqlError, match="TYPE_MISMATCH"):
        coerce(found, targets[:2])
    long = translated("SELECT 'too long' AS c")
    with pytest.raises(duckdb.Error) as failure:
        rows(long, coerce(long, (Column("c", "varchar(3)"),)))
    assert map_runtime_error(str(failure.value)).name == "INVALID_CAST_ARGUMENT"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT x FROM sales", "line 1:8: Column 'x' cannot be resolved"),
        ("SELECT 1\nFROM nope", "line 2:6: Table 'awsdatacatalog.lake.nope' does not exist"),
        (
            "SELECT id FROM sales WHERE note > 5",
            "line 1:33: Cannot apply operator: varchar > integer",
        ),
        (
            "SELECT note, sum(id) FROM sales",
            "line 1:8: 'note' must be an aggregate expression or appear in GROUP BY clause",
        ),
        ("SELECT nope(1)", "line 1:8: Function 'nope' not registered"),
    ],
)
def test_errors_speak_as_trino(sql: str, message: str) -> None:
    with pytest.raises(SqlError) as failure:
        translated(sql)
    assert failure.value.message == message


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT approx_percentile(id, 0.5) FROM sales",
        'SELECT "$path" FROM sales',
        "SELECT * FROM sales TABLESAMPLE BERNOULLI (1)",
        "SELECT regexp_like(note, '(a)\\1') FROM sales",
        "WITH RECURSIVE r(n) AS (SELECT 1) SELECT * FROM r",
        "SELECT CAST('x' AS char(3))",
        "SELECT timestamp '2024-01-01 00:00:00 Europe/Paris'",
        "SELECT json_parse('[1]')",
        "SELECT * FROM sales MATCH_RECOGNIZE (PATTERN (A) DEFINE A AS true)",
    ],
)
def test_the_unproven_is_refused(sql: str) -> None:
    with pytest.raises((SqlRefused, SqlError)) as failure:
        translated(sql)
    assert failure.value.name in ("NOT_SUPPORTED", "SYNTAX_ERROR")


def test_runtime_failures_have_trino_names() -> None:
    for sql, name in {
        "SELECT id / (id - id) FROM sales": "DIVISION_BY_ZERO",
        "SELECT id * 9223372036854775807 FROM sales": "NUMERIC_VALUE_OUT_OF_RANGE",
        "SELECT CAST(note AS integer) FROM sales": "INVALID_CAST_ARGUMENT",
        "SELECT ARRAY[id][2] FROM sales": "INVALID_FUNCTION_ARGUMENT",
        "SELECT (SELECT id FROM sales)": "SUBQUERY_MULTIPLE_ROWS",
    }.items():
        with pytest.raises(duckdb.Error) as failure:
            rows(translated(sql))
        assert map_runtime_error(str(failure.value)).name == name
    assert map_runtime_error("IO Error: disk").user is False


def test_function_table_tells_every_treatment() -> None:
    table = {row.name: row.treatment for row in function_table()}
    assert table["upper"] == "rewritten"
    assert table["approx_distinct"] == "approximate"
    assert table["approx_percentile"] == "refused"
    assert table["st_point" if "st_point" in table else "json_parse"] == "refused"
    assert set(table.values()) == {"same", "rewritten", "approximate", "refused"}


_names = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True).filter(
    lambda name: name not in ("with", "precision")
)
_scalars = st.sampled_from(
    ["boolean", "tinyint", "int", "bigint", "float", "double", "string", "date", "timestamp"]
) | st.builds("decimal({},{})".format, st.integers(19, 38), st.integers(0, 18))
_hive = st.recursive(
    _scalars,
    lambda inner: (
        st.builds("array<{}>".format, inner)
        | st.builds("map<string,{}>".format, inner)
        | st.dictionaries(_names, inner, min_size=1, max_size=3).map(
            lambda fields: f"struct<{','.join(f'{k}:{v}' for k, v in fields.items())}>"
        )
    ),
    max_leaves=6,
)


@given(_hive)
def test_hive_types_round_trip(text: str) -> None:
    trino = hive_to_trino(text)
    assert str(parse_type(trino)) == trino
    assert trino_to_hive(trino) == text


@given(st.text(max_size=40))
def test_any_text_parses_or_is_a_syntax_error(text: str) -> None:
    failure = None
    try:
        parse(text)
    except SqlError as error:
        failure = error
    assert failure is None or failure.name == "SYNTAX_ERROR"


@given(st.text(max_size=20))
def test_string_literals_arrive_unchanged(value: str) -> None:
    literal = value.replace("'", "''")
    try:
        found = translate(parse(f"SELECT '{literal}'"), SESSION, {})
    except SqlError:
        assert "\x00" in value
        return
    with duckdb.connect() as connection:
        assert connection.execute(found.result_sql).fetchall() == [(value,)]
