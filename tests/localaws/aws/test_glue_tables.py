"""Glue tables, versions, indexes, statistics and search as boto3 sees them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.pytest_plugin import LocalAws

COLUMNS = [{"Name": "id", "Type": "bigint"}, {"Name": "note", "Type": "string", "Comment": "free"}]
PARQUET = "org.apache.hadoop.hive.ql.io.parquet"
DESCRIPTOR = {
    "Columns": COLUMNS,
    "Location": "s3://lake/orders/",
    "InputFormat": f"{PARQUET}.MapredParquetInputFormat",
    "OutputFormat": f"{PARQUET}.MapredParquetOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": f"{PARQUET}.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    },
}


def table(name: str = "orders", **members: Any) -> dict[str, Any]:
    return {"Name": name, "StorageDescriptor": DESCRIPTOR, **members}


@pytest.fixture
def glue(localaws: LocalAws) -> Any:
    client = localaws.client("glue")
    client.create_database(DatabaseInput={"Name": "lake"})
    return client


def test_a_table_is_given_back(glue: Any, localaws: LocalAws) -> None:
    accessed = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    glue.create_table(
        DatabaseName="Lake",
        TableInput=table(
            "Orders",
            Description="d",
            Owner="o",
            LastAccessTime=accessed,
            TableType="EXTERNAL_TABLE",
            Parameters={"classification": "parquet"},
            PartitionKeys=[{"Name": "day", "Type": "date"}],
        ),
    )
    found = glue.get_table(DatabaseName="lake", Name="ORDERS")["Table"]
    assert found.pop("CreateTime") == found.pop("UpdateTime")
    assert found.pop("LastAccessTime") == accessed
    assert found == {
        "Name": "orders",
        "DatabaseName": "lake",
        "Description": "d",
        "Owner": "o",
        "Retention": 0,
        "StorageDescriptor": {
            **DESCRIPTOR,
            "Compressed": False,
            "NumberOfBuckets": 0,
            "BucketColumns": [],
            "SortColumns": [],
            "StoredAsSubDirectories": False,
        },
        "PartitionKeys": [{"Name": "day", "Type": "date"}],
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "parquet"},
        "CreatedBy": f"arn:aws:iam::{localaws.account}:root",
        "IsRegisteredWithLakeFormation": False,
        "CatalogId": localaws.account,
        "VersionId": "0",
    }


def test_errors_are_worded_as_glue_words_them(glue: Any) -> None:
    glue.create_table(DatabaseName="lake", TableInput=table())
    cases = [
        (
            lambda: glue.create_table(DatabaseName="lake", TableInput=table("ORDERS")),
            ("AlreadyExistsException", "Table already exists."),
        ),
        (
            lambda: glue.create_table(DatabaseName="nowhere", TableInput=table()),
            ("EntityNotFoundException", "Database nowhere not found."),
        ),
        (
            lambda: glue.get_table(DatabaseName="lake", Name="gone"),
            ("EntityNotFoundException", "Table gone not found."),
        ),
        (
            lambda: glue.delete_table(DatabaseName="lake", Name="gone"),
            ("EntityNotFoundException", "Table gone not found."),
        ),
        (
            lambda: glue.update_table(DatabaseName="lake", TableInput=table("gone")),
            ("EntityNotFoundException", "Table gone not found."),
        ),
        (
            lambda: glue.create_table(
                DatabaseName="lake",
                TableInput=table(
                    "t", PartitionKeys=[{"Name": "k", "Type": "int", "Parameters": {"a": "b"}}]
                ),
            ),
            ("InvalidInputException", "Parameters not supported for partition columns"),
        ),
    ]
    for call, expected in cases:
        with pytest.raises(ClientError) as caught:
            call()
        error = caught.value.response["Error"]
        assert (error["Code"], error["Message"]) == expected


def test_tables_are_listed_and_deleted_in_batches(glue: Any) -> None:
    for name in ("a1", "a2", "b1"):
        glue.create_table(DatabaseName="lake", TableInput=table(name, TableType="EXTERNAL_TABLE"))
    pages = list(
        glue.get_paginator("get_tables").paginate(
            DatabaseName="lake", Expression="a.*", PaginationConfig={"PageSize": 1}
        )
    )
    assert [[each["Name"] for each in page["TableList"]] for page in pages] == [["a1"], ["a2"]]
    short = glue.get_tables(DatabaseName="lake", AttributesToGet=["NAME", "TABLE_TYPE"])
    assert short["TableList"][0] == {"Name": "a1", "TableType": "EXTERNAL_TABLE"}
    answer = glue.batch_delete_table(DatabaseName="lake", TablesToDelete=["a1", "x", "b1"])
    assert answer["Errors"] == [
        {
            "TableName": "x",
            "ErrorDetail": {
                "ErrorCode": "EntityNotFoundException",
                "ErrorMessage": "Table x not found.",
            },
        }
    ]
    assert [each["Name"] for each in glue.get_tables(DatabaseName="lake")["TableList"]] == ["a2"]


def test_versions(glue: Any) -> None:
    glue.create_table(DatabaseName="lake", TableInput=table(Owner="v0"))
    for number in range(1, 4):
        glue.update_table(DatabaseName="lake", TableInput=table(Owner=f"v{number}"))
    where = {"DatabaseName": "lake", "TableName": "orders"}
    pages = list(
        glue.get_paginator("get_table_versions").paginate(**where, PaginationConfig={"PageSize": 3})
    )
    assert [[each["VersionId"] for each in page["TableVersions"]] for page in pages] == [
        ["3", "2", "1"],
        ["0"],
    ]
    assert glue.get_table_version(**where)["TableVersion"]["VersionId"] == "3"
    old = glue.get_table_version(**where, VersionId="1")["TableVersion"]
    assert (old["Table"]["Owner"], old["Table"]["VersionId"]) == ("v1", "1")
    glue.delete_table_version(**where, VersionId="1")
    for version, code in (("1", "EntityNotFoundException"), ("one", "InvalidInputException")):
        with pytest.raises(ClientError) as caught:
            glue.get_table_version(**where, VersionId=version)
        assert caught.value.response["Error"]["Code"] == code
    errors = glue.batch_delete_table_version(**where, VersionIds=["0", "1"])["Errors"]
    assert [(each["VersionId"], each["ErrorDetail"]["ErrorMessage"]) for each in errors] == [
        ("1", "Version not found.")
    ]
    with pytest.raises(ClientError) as caught:
        glue.delete_table_version(**where, VersionId="3")
    assert caught.value.response["Error"]["Code"] == "InvalidInputException"


def test_one_of_twenty_clients_updates_a_version(glue: Any, localaws: LocalAws) -> None:
    glue.create_table(DatabaseName="lake", TableInput=table())

    def update(number: int) -> str:
        try:
            glue.update_table(
                DatabaseName="lake", TableInput=table(Owner=f"u{number}"), VersionId="0"
            )
        except glue.exceptions.ConcurrentModificationException as error:
            return str(error.response["Error"]["Message"])
        return f"u{number}"

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(update, range(20)))
    stale = "Update table failed due to concurrent modifications."
    assert outcomes.count(stale) == 19
    found = glue.get_table(DatabaseName="lake", Name="orders")["Table"]
    assert found["VersionId"] == "1"
    assert [found["Owner"]] == [each for each in outcomes if each != stale]


def test_partition_indexes(glue: Any) -> None:
    keys = [{"Name": "year", "Type": "int"}, {"Name": "month", "Type": "string"}]
    glue.create_table(
        DatabaseName="lake",
        TableInput=table(PartitionKeys=keys),
        PartitionIndexes=[{"IndexName": "by_year", "Keys": ["year"]}],
    )
    where = {"DatabaseName": "lake", "TableName": "orders"}
    glue.create_partition_index(
        **where, PartitionIndex={"IndexName": "both", "Keys": ["year", "month"]}
    )
    glue.delete_partition_index(**where, IndexName="by_year")
    assert glue.get_partition_indexes(**where)["PartitionIndexDescriptorList"] == [
        {"IndexName": "both", "Keys": keys, "IndexStatus": "ACTIVE"}
    ]


def test_column_statistics(glue: Any) -> None:
    glue.create_table(
        DatabaseName="lake", TableInput=table(PartitionKeys=[{"Name": "k", "Type": "int"}])
    )
    glue.create_partition(DatabaseName="lake", TableName="orders", PartitionInput={"Values": ["1"]})
    where = {"DatabaseName": "lake", "TableName": "orders"}
    statistics = {
        "ColumnName": "id",
        "ColumnType": "bigint",
        "AnalyzedTime": datetime(2024, 1, 1, tzinfo=UTC),
        "StatisticsData": {
            "Type": "DECIMAL",
            "DecimalColumnStatisticsData": {
                "MinimumValue": {"UnscaledValue": b"\x00\xff", "Scale": 2},
                "NumberOfNulls": 1,
                "NumberOfDistinctValues": 7,
            },
        },
    }
    glue.update_column_statistics_for_table(**where, ColumnStatisticsList=[statistics])
    answer = glue.get_column_statistics_for_table(**where, ColumnNames=["id", "note"])
    assert answer["ColumnStatisticsList"] == [statistics]
    assert [each["ColumnName"] for each in answer["Errors"]] == ["note"]
    of_partition = {**where, "PartitionValues": ["1"]}
    glue.update_column_statistics_for_partition(**of_partition, ColumnStatisticsList=[statistics])
    glue.delete_column_statistics_for_table(**where, ColumnName="id")
    answer = glue.get_column_statistics_for_table(**where, ColumnNames=["id"])
    assert answer["ColumnStatisticsList"] == []
    answer = glue.get_column_statistics_for_partition(**of_partition, ColumnNames=["id"])
    assert answer["ColumnStatisticsList"] == [statistics]
    glue.delete_column_statistics_for_partition(**of_partition, ColumnName="id")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.delete_column_statistics_for_partition(**of_partition, ColumnName="id")


def test_search(glue: Any) -> None:
    glue.create_database(DatabaseInput={"Name": "other"})
    glue.create_table(DatabaseName="lake", TableInput=table("orders", Owner="ann"))
    glue.create_table(DatabaseName="other", TableInput=table("order_lines", Owner="bob"))
    glue.create_table(
        DatabaseName="other", TableInput={"Name": "x", "Parameters": {"classification": "csv"}}
    )

    def names(**parameters: Any) -> list[str]:
        return [each["Name"] for each in glue.search_tables(**parameters)["TableList"]]

    assert names() == ["orders", "order_lines", "x"]
    assert names(SearchText="order") == ["orders", "order_lines"]
    assert names(SearchText="NOTE") == ["orders", "order_lines"]
    assert names(Filters=[{"Key": "DatabaseName", "Value": "other"}]) == ["order_lines", "x"]
    assert names(Filters=[{"Key": "classification", "Value": "csv"}]) == ["x"]
    assert (
        names(Filters=[{"Key": "UpdateTime", "Value": "2020-01-01", "Comparator": "LESS_THAN"}])
        == []
    )
    assert names(SortCriteria=[{"FieldName": "Name", "Sort": "DESC"}]) == [
        "x",
        "orders",
        "order_lines",
    ]
    first = glue.search_tables(MaxResults=2)
    rest = glue.search_tables(MaxResults=2, NextToken=first["NextToken"])
    assert [each["Name"] for each in first["TableList"] + rest["TableList"]] == names()
    assert "NextToken" not in rest
