"""Workgroups, saved queries and tags; the same by CloudFormation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from athena_help import Asker, QueryFailed
from botocore.exceptions import ClientError


@pytest.fixture
def asker(localaws: Any) -> Asker:
    return Asker.create(localaws)


def message(error: pytest.ExceptionInfo[ClientError]) -> str:
    text: str = error.value.response["Error"]["Message"]
    return text


def test_primary_is_always_there(asker: Asker) -> None:
    group = asker.athena.get_work_group(WorkGroup="primary")["WorkGroup"]
    assert group["State"] == "ENABLED"
    assert group["Configuration"] == {
        "ResultConfiguration": {},
        "EnforceWorkGroupConfiguration": False,
        "PublishCloudWatchMetricsEnabled": False,
        "RequesterPaysEnabled": False,
        "EnableMinimumEncryptionConfiguration": False,
        "EngineVersion": {
            "SelectedEngineVersion": "AUTO",
            "EffectiveEngineVersion": "Athena engine version 3",
        },
    }
    with pytest.raises(ClientError) as caught:
        asker.athena.delete_work_group(WorkGroup="primary")
    assert caught.value.response["Error"]["Code"] == "InvalidRequestException"
    versions = asker.athena.list_engine_versions()["EngineVersions"]
    assert [v["SelectedEngineVersion"] for v in versions] == ["AUTO", "Athena engine version 3"]


def test_settings_are_enforced_unless_it_says_otherwise(asker: Asker) -> None:
    inside = f"s3://{asker.bucket}/inside/"
    asker.athena.create_work_group(
        Name="team",
        Description="a team",
        Configuration={"ResultConfiguration": {"OutputLocation": inside}},
        Tags=[{"Key": "cost", "Value": "1"}],
    )
    execution = asker.run("SELECT 1", WorkGroup="team")
    assert execution["ResultConfiguration"]["OutputLocation"].startswith(inside)
    with pytest.raises(ClientError) as caught:
        asker.run(
            f"CREATE TABLE t WITH (external_location = 's3://{asker.bucket}/x/') AS SELECT 1 AS n",
            WorkGroup="team",
        )
    assert "enforces a centralized output location" in message(caught)
    asker.athena.update_work_group(
        WorkGroup="team", ConfigurationUpdates={"EnforceWorkGroupConfiguration": False}
    )
    execution = asker.run("SELECT 1", WorkGroup="team")
    assert execution["ResultConfiguration"]["OutputLocation"].startswith(asker.output)
    execution = asker.run("SELECT 1", WorkGroup="team", ResultConfiguration={})
    assert execution["ResultConfiguration"]["OutputLocation"].startswith(inside)
    assert len(asker.athena.list_query_executions(WorkGroup="team")["QueryExecutionIds"]) == 3
    assert asker.athena.list_query_executions()["QueryExecutionIds"] == []


def test_life_of_a_workgroup(asker: Asker, localaws: Any) -> None:
    athena = asker.athena
    for name in ("b", "a", "c"):
        athena.create_work_group(Name=name)
    with pytest.raises(ClientError) as caught:
        athena.create_work_group(Name="a")
    assert message(caught) == "WorkGroup is already created"
    first = athena.list_work_groups(MaxResults=3)
    rest = athena.list_work_groups(NextToken=first["NextToken"])
    assert [g["Name"] for g in first["WorkGroups"] + rest["WorkGroups"]] == [
        "a",
        "b",
        "c",
        "primary",
    ]
    athena.update_work_group(WorkGroup="a", State="DISABLED", Description="off")
    with pytest.raises(ClientError) as caught:
        asker.start("SELECT 1", WorkGroup="a")
    assert message(caught) == "WorkGroup a is disabled."
    athena.update_work_group(WorkGroup="a", State="ENABLED")
    asker.run("SELECT 1", WorkGroup="a")
    with pytest.raises(ClientError) as caught:
        athena.delete_work_group(WorkGroup="a")
    assert message(caught) == "WorkGroup a is not empty"
    athena.delete_work_group(WorkGroup="a", RecursiveDeleteOption=True)
    with pytest.raises(ClientError) as caught:
        athena.get_work_group(WorkGroup="a")
    assert message(caught) == "WorkGroup is not found."
    arn = f"arn:aws:athena:{localaws.region}:{localaws.account}:workgroup/b"
    athena.tag_resource(ResourceARN=arn, Tags=[{"Key": "x", "Value": "1"}, {"Key": "y"}])
    athena.untag_resource(ResourceARN=arn, TagKeys=["y"])
    assert athena.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "x", "Value": "1"}]


def test_what_is_not_honoured_is_refused(asker: Asker) -> None:
    create = asker.athena.create_work_group
    for configuration in (
        {"ManagedQueryResultsConfiguration": {"Enabled": True}},
        {"ExecutionRole": "arn:aws:iam::123456789012:role/spark"},
        {
            "ResultConfiguration": {
                "EncryptionConfiguration": {"EncryptionOption": "CSE_KMS", "KmsKey": "k"}
            }
        },
    ):
        with pytest.raises(ClientError) as caught:
            create(Name="g", Configuration=configuration)
        assert caught.value.response["Error"]["Code"] == "NotImplementedException"
    with pytest.raises(ClientError) as caught:
        create(Name="g", Configuration={"ResultConfiguration": {"OutputLocation": "nowhere"}})
    assert message(caught) == "outputLocation is not a valid S3 path."


def test_the_cutoff_stops_a_query(asker: Asker) -> None:
    row = ("x" * 99 + "\n").encode()
    asker.put("big/data.csv", row * 120_000)
    asker.run("CREATE DATABASE db")
    asker.run(f"CREATE EXTERNAL TABLE db.big (s string) LOCATION 's3://{asker.bucket}/big/'")
    asker.athena.create_work_group(
        Name="small",
        Configuration={
            "EnforceWorkGroupConfiguration": False,
            "BytesScannedCutoffPerQuery": 10_000_000,
        },
    )
    count = "SELECT count(*) FROM db.big WHERE s <> 'y'"
    assert asker.rows(count) == [("120000",)]
    with pytest.raises(QueryFailed, match="Bytes scanned limit was exceeded"):
        asker.run(count, WorkGroup="small")


def test_saved_queries(asker: Asker) -> None:
    athena = asker.athena
    ids = [
        athena.create_named_query(
            Name=f"q{n}", Database="db", QueryString=f"SELECT {n}", Description="d"
        )["NamedQueryId"]
        for n in range(3)
    ]
    listed: list[str] = []
    pages = athena.get_paginator("list_named_queries").paginate(PaginationConfig={"PageSize": 2})
    for page in pages:
        listed += page["NamedQueryIds"]
    assert sorted(listed) == sorted(ids)
    athena.update_named_query(NamedQueryId=ids[0], Name="new", QueryString="SELECT 9")
    query = athena.get_named_query(NamedQueryId=ids[0])["NamedQuery"]
    assert (query["Name"], query["QueryString"], query["Description"]) == ("new", "SELECT 9", "d")
    athena.delete_named_query(NamedQueryId=ids[1])
    batch = athena.batch_get_named_query(NamedQueryIds=ids)
    assert [item["NamedQueryId"] for item in batch["NamedQueries"]] == [ids[0], ids[2]]
    assert [item["NamedQueryId"] for item in batch["UnprocessedNamedQueryIds"]] == [ids[1]]


def test_cloudformation_makes_workgroup_and_saved_query(asker: Asker, localaws: Any) -> None:
    def template(cutoff: int | None, description: str) -> str:
        configuration: dict[str, Any] = {
            "ResultConfiguration": {"OutputLocation": asker.output},
            "EnforceWorkGroupConfiguration": "true",
        }
        if cutoff:
            configuration["BytesScannedCutoffPerQuery"] = cutoff
        return json.dumps(
            {
                "Resources": {
                    "Group": {
                        "Type": "AWS::Athena::WorkGroup",
                        "Properties": {
                            "Name": "from-stack",
                            "Description": description,
                            "RecursiveDeleteOption": True,
                            "WorkGroupConfiguration": configuration,
                            "Tags": [{"Key": "team", "Value": "a"}],
                        },
                    },
                    "Saved": {
                        "Type": "AWS::Athena::NamedQuery",
                        "Properties": {
                            "Database": "db",
                            "Name": "saved",
                            "QueryString": "SELECT 1",
                            "WorkGroup": {"Ref": "Group"},
                        },
                    },
                },
                "Outputs": {"Query": {"Value": {"Fn::GetAtt": ["Saved", "NamedQueryId"]}}},
            }
        )

    stacks = localaws.client("cloudformation")
    wait = {"Delay": 0.1, "MaxAttempts": 300}
    stacks.create_stack(StackName="s", TemplateBody=template(20_000_000, "first"))
    stacks.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig=wait)
    group = asker.athena.get_work_group(WorkGroup="from-stack")["WorkGroup"]
    assert group["Configuration"]["BytesScannedCutoffPerQuery"] == 20_000_000
    outputs = stacks.describe_stacks(StackName="s")["Stacks"][0]["Outputs"]
    query = asker.athena.get_named_query(NamedQueryId=outputs[0]["OutputValue"])["NamedQuery"]
    assert (query["Name"], query["WorkGroup"]) == ("saved", "from-stack")
    asker.run("SELECT 1", WorkGroup="from-stack")
    stacks.update_stack(StackName="s", TemplateBody=template(None, "second"))
    stacks.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig=wait)
    group = asker.athena.get_work_group(WorkGroup="from-stack")["WorkGroup"]
    assert group["Description"] == "second"
    assert "BytesScannedCutoffPerQuery" not in group["Configuration"]
    stacks.delete_stack(StackName="s")
    stacks.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig=wait)
    names = [g["Name"] for g in asker.athena.list_work_groups()["WorkGroups"]]
    assert names == ["primary"]
