"""Glue partitions as boto3 sees them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.pytest_plugin import LocalAws

WHERE = {"DatabaseName": "lake", "TableName": "visits"}
DESCRIPTOR = {"Columns": [{"Name": "id", "Type": "bigint"}], "Location": "s3://lake/visits/"}


def partition(*values: str) -> dict[str, Any]:
    return {
        "Values": list(values),
        "StorageDescriptor": {**DESCRIPTOR, "Location": f"s3://lake/visits/{'/'.join(values)}/"},
    }


@pytest.fixture
def glue(localaws: LocalAws) -> Any:
    client = localaws.client("glue")
    client.create_database(DatabaseInput={"Name": "lake"})
    client.create_table(
        DatabaseName="lake",
        TableInput={
            "Name": "visits",
            "StorageDescriptor": DESCRIPTOR,
            "PartitionKeys": [
                {"Name": "year", "Type": "int"},
                {"Name": "region", "Type": "string"},
            ],
        },
    )
    return client


def error_of(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_partition_from_creation_to_deletion(glue: Any) -> None:
    one = {**WHERE, "PartitionValues": ["2024", "eu"]}
    glue.create_partition(**WHERE, PartitionInput=partition("2024", "eu"))
    found = glue.get_partition(**one)["Partition"]
    assert found["Values"] == ["2024", "eu"]
    assert (found["DatabaseName"], found["TableName"]) == ("lake", "visits")
    assert found["StorageDescriptor"] == partition("2024", "eu")["StorageDescriptor"]
    with pytest.raises(ClientError) as caught:
        glue.create_partition(**WHERE, PartitionInput=partition("2024", "eu"))
    assert error_of(caught) == ("AlreadyExistsException", "Partition already exists.")
    glue.update_partition(
        **WHERE,
        PartitionValueList=["2024", "eu"],
        PartitionInput={**partition("2024", "eu"), "Parameters": {"rows": "3"}},
    )
    assert glue.get_partition(**one)["Partition"]["Parameters"] == {"rows": "3"}
    glue.delete_partition(**one)
    for call in (
        lambda: glue.get_partition(**one),
        lambda: glue.delete_partition(**one),
        lambda: glue.update_partition(
            **WHERE, PartitionValueList=["2024", "eu"], PartitionInput=partition("2024", "eu")
        ),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        assert error_of(caught) == ("EntityNotFoundException", "Cannot find partition.")


def test_batches_answer_what_failed(glue: Any) -> None:
    exists = {"ErrorCode": "AlreadyExistsException", "ErrorMessage": "Partition already exists."}
    missing = {"ErrorCode": "EntityNotFoundException", "ErrorMessage": "Cannot find partition."}
    many = [partition(str(year), "eu") for year in range(1900, 2000)]
    assert glue.batch_create_partition(**WHERE, PartitionInputList=many)["Errors"] == []
    answer = glue.batch_create_partition(
        **WHERE, PartitionInputList=[partition("1999", "eu"), partition("2000", "eu")]
    )
    assert answer["Errors"] == [{"PartitionValues": ["1999", "eu"], "ErrorDetail": exists}]
    answer = glue.batch_get_partition(
        **WHERE, PartitionsToGet=[{"Values": ["2000", "eu"]}, {"Values": ["2001", "eu"]}]
    )
    assert [each["Values"] for each in answer["Partitions"]] == [["2000", "eu"]]
    answer = glue.batch_update_partition(
        **WHERE,
        Entries=[
            {
                "PartitionValueList": [year, "eu"],
                "PartitionInput": {"Values": [year, "eu"], "Parameters": {"a": "b"}},
            }
            for year in ("2000", "2001")
        ],
    )
    assert answer["Errors"] == [{"PartitionValueList": ["2001", "eu"], "ErrorDetail": missing}]
    answer = glue.batch_delete_partition(
        **WHERE, PartitionsToDelete=[{"Values": ["2000", "eu"]}, {"Values": ["2001", "eu"]}]
    )
    assert answer["Errors"] == [{"PartitionValues": ["2001", "eu"], "ErrorDetail": missing}]
    assert len(glue.get_partitions(**WHERE)["Partitions"]) == 100


@pytest.mark.parametrize(
    ("operation", "member", "item", "limit"),
    [
        ("batch_create_partition", "PartitionInputList", partition("1", "x"), 100),
        ("batch_get_partition", "PartitionsToGet", {"Values": ["1", "x"]}, 1000),
        ("batch_delete_partition", "PartitionsToDelete", {"Values": ["1", "x"]}, 25),
    ],
)
def test_batches_have_limits(
    glue: Any, operation: str, member: str, item: dict[str, Any], limit: int
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(glue, operation)(**WHERE, **{member: [item] * (limit + 1)})
    assert f"less than or equal to {limit}" in error_of(caught)[1]


def test_partitions_are_filtered_and_paged(glue: Any) -> None:
    inputs = [partition(str(2000 + n), region) for n in range(30) for region in ("eu", "us")]
    glue.batch_create_partition(**WHERE, PartitionInputList=inputs)
    pages = glue.get_paginator("get_partitions").paginate(
        **WHERE,
        Expression="year >= 2010 AND region = 'us'",
        ExcludeColumnSchema=True,
        PaginationConfig={"PageSize": 7},
    )
    found = [each for page in pages for each in page["Partitions"]]
    assert [each["Values"] for each in found] == [[str(2010 + n), "us"] for n in range(20)]
    assert found[0]["StorageDescriptor"] == {"Location": "s3://lake/visits/2010/us/"}
    segments = [
        each["Values"]
        for number in range(3)
        for each in glue.get_partitions(
            **WHERE, Segment={"SegmentNumber": number, "TotalSegments": 3}
        )["Partitions"]
    ]
    assert sorted(segments) == sorted(each["Values"] for each in inputs)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Expression": "city = 'x'"}, "Invalid partition expression!"),
        ({"Expression": "year ="}, "Unsupported expression 'year ='"),
        ({"Expression": "year = 'x'"}, 'For input string: "x" is not an integer.'),
        ({"NextToken": "?"}, "The NextToken is not valid."),
        (
            {"Segment": {"SegmentNumber": 2, "TotalSegments": 2}},
            "SegmentNumber must be smaller than TotalSegments.",
        ),
    ],
)
def test_bad_input_is_refused(glue: Any, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(glue.exceptions.InvalidInputException) as caught:
        glue.get_partitions(**WHERE, **parameters)
    assert error_of(caught)[1] == message


def test_values_must_pair_with_keys(glue: Any) -> None:
    with pytest.raises(glue.exceptions.InvalidInputException) as caught:
        glue.batch_create_partition(
            **WHERE, PartitionInputList=[partition("2024", "eu"), partition("2024")]
        )
    assert error_of(caught)[1] == (
        "The number of partition keys do not match the number of partition values"
    )
    assert glue.get_partitions(**WHERE)["Partitions"] == []
