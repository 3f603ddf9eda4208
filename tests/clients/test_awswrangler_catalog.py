"""The catalog as awswrangler uses it."""

from __future__ import annotations

import pytest

wr = pytest.importorskip("awswrangler")

from localaws.pytest_plugin import LocalAws  # noqa: E402


@pytest.fixture
def session(localaws: LocalAws, monkeypatch: pytest.MonkeyPatch):
    for name, value in localaws.environment.items():
        monkeypatch.setenv(name, value)
    session = localaws.session()
    wr.catalog.create_database("lake", boto3_session=session)
    return session


def create(session, table: str = "orders") -> None:
    wr.catalog.create_parquet_table(
        database="lake",
        table=table,
        path=f"s3://lake/{table}/",
        columns_types={"id": "bigint", "amount": "decimal(10,2)"},
        partitions_types={"year": "int", "region": "string"},
        compression="snappy",
        description="orders of all regions",
        columns_comments={"id": "the key"},
        boto3_session=session,
    )


def test_tables(session) -> None:
    create(session)
    create(session, "returns")
    assert wr.catalog.does_table_exist("lake", "orders", boto3_session=session)
    assert not wr.catalog.does_table_exist("lake", "gone", boto3_session=session)
    assert wr.catalog.get_table_types("lake", "orders", boto3_session=session) == {
        "id": "bigint",
        "amount": "decimal(10,2)",
        "year": "int",
        "region": "string",
    }
    assert wr.catalog.get_table_location("lake", "orders", boto3_session=session) == (
        "s3://lake/orders/"
    )
    assert wr.catalog.get_columns_comments("lake", "orders", boto3_session=session)["id"] == (
        "the key"
    )
    listed = wr.catalog.tables(database="lake", boto3_session=session)
    assert list(listed["Table"]) == ["orders", "returns"]
    for options in ({"name_prefix": "ord"}, {"name_suffix": "ers"}, {"name_contains": "rde"}):
        found = list(wr.catalog.get_tables(database="lake", boto3_session=session, **options))
        assert [each["Name"] for each in found] == ["orders"]
    assert list(wr.catalog.databases(boto3_session=session)["Database"]) == ["lake"]
    found = list(wr.catalog.search_tables("returns", boto3_session=session))
    assert [each["Name"] for each in found] == ["returns"]
    assert wr.catalog.delete_table_if_exists("lake", "returns", boto3_session=session)
    assert not wr.catalog.delete_table_if_exists("lake", "returns", boto3_session=session)


def test_partitions(session) -> None:
    create(session)
    values = {
        f"s3://lake/orders/year={year}/region={region}/": [str(year), region]
        for year in range(2000, 2070)
        for region in ("eu", "us")
    }
    wr.catalog.add_parquet_partitions(
        database="lake", table="orders", partitions_values=values, boto3_session=session
    )
    # Registering what is there already is no error.
    wr.catalog.add_parquet_partitions(
        database="lake", table="orders", partitions_values=values, boto3_session=session
    )
    found = wr.catalog.get_partitions("lake", "orders", boto3_session=session)
    assert found == values
    some = wr.catalog.get_parquet_partitions(
        "lake", "orders", expression="year >= 2068 AND region = 'eu'", boto3_session=session
    )
    assert sorted(some.values()) == [["2068", "eu"], ["2069", "eu"]]
    wr.catalog.delete_partitions(
        database="lake", table="orders", partitions_values=[["2068", "eu"]], boto3_session=session
    )
    assert len(wr.catalog.get_partitions("lake", "orders", boto3_session=session)) == 139
    wr.catalog.delete_all_partitions(database="lake", table="orders", boto3_session=session)
    assert wr.catalog.get_partitions("lake", "orders", boto3_session=session) == {}


def test_versions_and_parameters(session) -> None:
    create(session)
    wr.catalog.upsert_table_parameters(
        {"stage": "raw"},
        database="lake",
        table="orders",
        catalog_versioning=True,
        boto3_session=session,
    )
    wr.catalog.add_column("lake", "orders", "note", "string", "free text", boto3_session=session)
    wr.catalog.delete_column("lake", "orders", "amount", boto3_session=session)
    parameters = wr.catalog.get_table_parameters("lake", "orders", boto3_session=session)
    assert parameters["stage"] == "raw"
    assert list(wr.catalog.get_table_types("lake", "orders", boto3_session=session)) == [
        "id",
        "note",
        "year",
        "region",
    ]
    versions = wr.catalog.get_table_number_of_versions("lake", "orders", boto3_session=session)
    assert versions == 4
