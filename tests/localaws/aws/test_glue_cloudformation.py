"""Glue's resource types in stacks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from localaws.pytest_plugin import LocalAws

TEMPLATE: dict[str, Any] = {
    "Parameters": {"Owner": {"Type": "String", "Default": "ann"}},
    "Resources": {
        "Lake": {
            "Type": "AWS::Glue::Database",
            "Properties": {
                "CatalogId": {"Ref": "AWS::AccountId"},
                "DatabaseInput": {"Name": "Lake", "Description": "all layers"},
            },
        },
        "Orders": {
            "Type": "AWS::Glue::Table",
            "Properties": {
                "CatalogId": {"Ref": "AWS::AccountId"},
                "DatabaseName": {"Ref": "Lake"},
                "TableInput": {
                    "Name": "orders",
                    "Owner": {"Ref": "Owner"},
                    "TableType": "EXTERNAL_TABLE",
                    "Retention": "7",
                    "Parameters": {"EXTERNAL": True, "skip.header.line.count": 1},
                    "PartitionKeys": [{"Name": "year", "Type": "int"}],
                    "StorageDescriptor": {
                        "Location": "s3://lake/orders/",
                        "Compressed": "false",
                        "Columns": [{"Name": "id", "Type": "bigint"}],
                        "SerdeInfo": {"SerializationLibrary": "s", "Parameters": {"f": 1}},
                    },
                },
            },
        },
        "Year": {
            "Type": "AWS::Glue::Partition",
            "Properties": {
                "CatalogId": {"Ref": "AWS::AccountId"},
                "DatabaseName": {"Ref": "Lake"},
                "TableName": {"Ref": "Orders"},
                "PartitionInput": {
                    "Values": ["2024"],
                    "StorageDescriptor": {"Location": "s3://lake/orders/2024/"},
                },
            },
        },
    },
    "Outputs": {"Table": {"Value": {"Ref": "Orders"}}},
}


def with_table(**changes: Any) -> str:
    template = json.loads(json.dumps(TEMPLATE))
    template["Resources"]["Orders"]["Properties"]["TableInput"].update(changes)
    return json.dumps(template)


def wait(cloudformation: Any, state: str) -> None:
    waiter = cloudformation.get_waiter(state)
    waiter.wait(StackName="lake", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})


def test_a_catalog_is_deployed_updated_and_deleted(localaws: LocalAws) -> None:
    cloudformation, glue = localaws.client("cloudformation"), localaws.client("glue")
    cloudformation.create_stack(StackName="lake", TemplateBody=json.dumps(TEMPLATE))
    wait(cloudformation, "stack_create_complete")
    table = glue.get_table(DatabaseName="lake", Name="orders")["Table"]
    assert (table["Owner"], table["Retention"]) == ("ann", 7)
    assert table["Parameters"] == {"EXTERNAL": "true", "skip.header.line.count": "1"}
    assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"] == {"f": "1"}
    where = {"DatabaseName": "lake", "TableName": "orders"}
    (partition,) = glue.get_partitions(**where)["Partitions"]
    assert partition["Values"] == ["2024"]
    stack = cloudformation.describe_stacks(StackName="lake")["Stacks"][0]
    assert stack["Outputs"][0]["OutputValue"] == "orders"

    cloudformation.update_stack(StackName="lake", TemplateBody=with_table(Description="new"))
    wait(cloudformation, "stack_update_complete")
    table = glue.get_table(DatabaseName="lake", Name="orders")["Table"]
    assert (table["Description"], table["VersionId"]) == ("new", "1")
    assert len(glue.get_partitions(**where)["Partitions"]) == 1

    cloudformation.update_stack(StackName="lake", TemplateBody=with_table(Name="sales"))
    wait(cloudformation, "stack_update_complete")
    names = [each["Name"] for each in glue.get_tables(DatabaseName="lake")["TableList"]]
    assert names == ["sales"]
    assert len(glue.get_partitions(DatabaseName="lake", TableName="sales")["Partitions"]) == 1

    cloudformation.delete_stack(StackName="lake")
    wait(cloudformation, "stack_delete_complete")
    assert glue.get_databases()["DatabaseList"] == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ViewDefinition": {}}, "TableInput.ViewDefinition"),
        ({"Retention": "soon"}, "must be an integer"),
        ({"PartitionKeys": {"Name": "year"}}, "TableInput.PartitionKeys must be a list"),
    ],
)
def test_what_is_not_honoured_fails_the_stack(
    localaws: LocalAws, change: dict[str, Any], reason: str
) -> None:
    cloudformation, glue = localaws.client("cloudformation"), localaws.client("glue")
    cloudformation.create_stack(StackName="lake", TemplateBody=with_table(**change))
    with pytest.raises(WaiterError, match="ROLLBACK_COMPLETE"):
        wait(cloudformation, "stack_create_complete")
    events = cloudformation.describe_stack_events(StackName="lake")["StackEvents"]
    assert any(reason in each.get("ResourceStatusReason", "") for each in events)
    assert glue.get_databases()["DatabaseList"] == []
