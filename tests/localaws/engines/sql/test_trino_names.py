"""An account's catalog is put into a statement, and no other one is let through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.engines.sql.base import SqlError
from localaws.engines.sql.trino.names import (
    CATALOG,
    Rewritten,
    catalog_name,
    qualify,
    require_query,
)
from localaws.engines.sql.views import decode, encode, for_clients, for_engine

OWN = "awsdatacatalog_111111111111_us_east_1"
HOME = ("000000000000", "us-east-1")


def exists(name: str) -> bool:
    return name in ("system", "memory") or name.startswith("awsdatacatalog_")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT * FROM t", "SELECT * FROM t"),
        ("SELECT * FROM bank.t", "SELECT * FROM bank.t"),
        ("SELECT * FROM awsdatacatalog.bank.t", f'SELECT * FROM "{OWN}".bank.t'),
        ('SELECT * FROM "AwsDataCatalog" . "b".t', f'SELECT * FROM "{OWN}" . "b".t'),
        (
            "SELECT awsdatacatalog.b.t.x FROM awsdatacatalog.b.t",
            f'SELECT "{OWN}".b.t.x FROM "{OWN}".b.t',
        ),
        ("SELECT 'awsdatacatalog.b.t'", "SELECT 'awsdatacatalog.b.t'"),
        ("SELECT 'it''s awsdatacatalog.b.t'", "SELECT 'it''s awsdatacatalog.b.t'"),
        ("SELECT 1 -- awsdatacatalog.b.t", "SELECT 1 -- awsdatacatalog.b.t"),
        ("SELECT 1 /* awsdatacatalog.b.t */", "SELECT 1 /* awsdatacatalog.b.t */"),
        ('SELECT "awsdatacatalog.b.t"', 'SELECT "awsdatacatalog.b.t"'),
        ("SELECT 1.5, 1e5, .5 FROM a.b.c", "SELECT 1.5, 1e5, .5 FROM a.b.c"),
        ("SELECT system.x FROM t AS system", "SELECT system.x FROM t AS system"),
    ],
)
def test_the_accounts_catalog_is_put_in(sql: str, expected: str) -> None:
    assert qualify(sql, OWN, exists).sql == expected


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("SELECT * FROM system.runtime.nodes", "1:15"),
        ('SELECT *\n  FROM "SYSTEM".runtime.nodes', "2:8"),
        ("SELECT * FROM system/* x */./* y */runtime.nodes", "1:15"),
        ("SELECT * FROM system -- x\n . runtime . nodes", "1:15"),
        # comments do not nest, as in Trino: this one has ended
        ("/* /* */ SELECT * FROM system.runtime.nodes -- */", "1:24"),
        # a backslash is no escape, as in Trino: the text has ended
        (r"SELECT '\' , x FROM system.runtime.nodes -- '", "1:21"),
        ("SELECT 1.FROM memory.a.b", "1:15"),
        ("SELECT * FROM awsdatacatalog_222222222222_us_east_1.bank.t", "1:15"),
        ("SELECT awsdatacatalog_222222222222_us_east_1.bank.t.x", "1:8"),
    ],
)
def test_no_other_catalog_is_let_through(sql: str, place: str) -> None:
    with pytest.raises(SqlError) as refusal:
        qualify(sql, OWN, exists)
    assert refusal.value.name == "CATALOG_NOT_FOUND"
    assert refusal.value.message.startswith(f"line {place}: Catalog '")


@given(st.text(alphabet="ab.\"'-/* \n", max_size=60))
def test_what_names_no_catalog_stays_as_it_is(sql: str) -> None:
    assert qualify(sql, OWN, exists) == Rewritten(sql)


def test_messages_tell_places_and_names_of_the_text_that_was_sent() -> None:
    sql = "SELECT a.x,\n b.y FROM awsdatacatalog.bank.t AS b WHERE nope"
    query = qualify(sql, OWN, exists)
    query = Rewritten(query.sql, query.splices, {OWN: CATALOG, f"{OWN}_iceberg": CATALOG})
    column = query.sql.splitlines()[1].index("nope") + 1
    message = f"line 2:{column}: Column 'nope' of {OWN}.bank.t ({OWN}_iceberg) cannot be resolved"
    assert query.restore(message) == (
        "line 2:44: Column 'nope' of awsdatacatalog.bank.t (awsdatacatalog) cannot be resolved"
    )
    inserted = query.within("INSERT INTO staging.t ")
    assert inserted.restore("line 1:30: Column 'a.x'") == "line 1:8: Column 'a.x'"
    assert inserted.restore("line 1:1: mismatched") == "line 1:1: mismatched"
    prepared = query.with_parameters(["1", "'x'"])
    assert prepared.sql.startswith("EXECUTE IMMEDIATE 'SELECT a.x,")
    assert prepared.sql.endswith("' USING 1, 'x'")
    assert prepared.restore("line 1:8: Column 'a.x'") == "line 1:8: Column 'a.x'"


@pytest.mark.parametrize("sql", ["DROP TABLE t", "CALL x()", "", "-- SELECT", "SHOW CATALOGS"])
def test_only_queries_are_sent(sql: str) -> None:
    with pytest.raises(SqlError, match="SYNTAX_ERROR"):
        require_query(sql)
    require_query(" /* x */ (SELECT 1)")
    require_query("with a as (select 1) select * from a")


def test_a_view_names_the_catalog_of_its_account() -> None:
    text = encode(
        {
            "originalSql": "SELECT * FROM awsdatacatalog.bank.t",
            "catalog": "awsdatacatalog",
            "schema": "bank",
            "columns": [],
        }
    )
    seen = for_engine(text, OWN)
    assert decode(seen) == {
        "originalSql": f'SELECT * FROM "{OWN}".bank.t',
        "catalog": OWN,
        "schema": "bank",
        "columns": [],
    }
    assert catalog_name("111111111111", "us-east-1", HOME) == OWN
    assert decode(for_clients(seen)) == decode(text)
    assert decode(for_engine(text, CATALOG)) == decode(text)
    assert for_engine("CREATE VIEW x", OWN) == "CREATE VIEW x"


def test_a_view_cannot_name_the_catalog_of_another() -> None:
    text = encode({"originalSql": "SELECT * FROM system.runtime.queries", "catalog": "system"})
    seen = decode(for_engine(text, OWN))
    assert seen is not None
    assert seen["catalog"] == OWN
    assert seen["originalSql"] == "SELECT fail('line 1:15: Catalog ''system'' not found')"
