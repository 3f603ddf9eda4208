"""Stacks as boto3 meets them: IAM resources, waiters, templates in S3, and a kill in between."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "glue.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}

TEMPLATE = """
AWSTemplateFormatVersion: 2010-09-09
Description: A role for jobs
Parameters:
  Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}
  Secret: {Type: String, Default: hush, NoEcho: true}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      Description: !Sub "jobs of ${Stage}"
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - {Effect: Allow, Principal: {Service: glue.amazonaws.com}, Action: sts:AssumeRole}
      Policies:
        - PolicyName: read
          PolicyDocument:
            Version: 2012-10-17
            Statement:
              - Effect: Allow
                Action: s3:GetObject
                Resource: !Sub "arn:${AWS::Partition}:s3:::b-${Stage}/*"
  Write:
    Type: AWS::IAM::Policy
    Condition: IsProd
    Properties:
      PolicyName: write
      Roles: [!Ref Role]
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Action: s3:PutObject, Resource: "*"}]
  Managed:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Roles: [!Ref Role]
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Action: "glue:*", Resource: "*"}]
  Profile:
    Type: AWS::IAM::InstanceProfile
    Properties: {Roles: [!Ref Role]}
Outputs:
  Arn:
    Value: !GetAtt Role.Arn
    Export: {Name: !Sub "${AWS::StackName}-arn"}
  Name: {Value: !Ref Role}
  Policy: {Value: !Ref Managed}
"""


def outputs(client: Any, name: str) -> dict[str, str]:
    stack = client.describe_stacks(StackName=name)["Stacks"][0]
    return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}


def refusal(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    answer = error.value.response["Error"]
    return str(answer["Code"]), str(answer["Message"])


def test_a_stack_lives_from_creation_to_deletion(localaws: Any) -> None:
    client, iam = localaws.client("cloudformation"), localaws.client("iam")
    begun = time.monotonic()
    id = client.create_stack(
        StackName="jobs",
        TemplateBody=TEMPLATE,
        Capabilities=["CAPABILITY_IAM"],
        Tags=[{"Key": "team", "Value": "lake"}],
    )["StackId"]
    client.get_waiter("stack_create_complete").wait(StackName="jobs")
    assert time.monotonic() - begun < 15, "the waiter slept"
    assert id.startswith(f"arn:aws:cloudformation:us-east-1:{localaws.account}:stack/jobs/")
    stack = client.describe_stacks(StackName=id)["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {item["ParameterKey"]: item["ParameterValue"] for item in stack["Parameters"]} == {
        "Stage": "dev",
        "Secret": "****",
    }
    assert stack["Tags"] == [{"Key": "team", "Value": "lake"}]
    found = outputs(client, "jobs")
    role = iam.get_role(RoleName=found["Name"])["Role"]
    assert role["Arn"] == found["Arn"]
    assert role["Description"] == "jobs of dev"
    assert role["AssumeRolePolicyDocument"] == TRUST
    assert {"Key": "team", "Value": "lake"} in role["Tags"]
    assert iam.list_role_policies(RoleName=found["Name"])["PolicyNames"] == ["read"]
    attached = iam.list_attached_role_policies(RoleName=found["Name"])["AttachedPolicies"]
    assert [item["PolicyArn"] for item in attached] == [found["Policy"]]
    resources = client.describe_stack_resources(StackName="jobs")["StackResources"]
    assert {item["LogicalResourceId"] for item in resources} == {"Role", "Managed", "Profile"}

    client.update_stack(
        StackName="jobs",
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": "Stage", "ParameterValue": "prod"},
            {"ParameterKey": "Secret", "UsePreviousValue": True},
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    client.get_waiter("stack_update_complete").wait(StackName="jobs")
    assert iam.get_role(RoleName=found["Name"])["Role"]["Description"] == "jobs of prod"
    names = iam.list_role_policies(RoleName=found["Name"])["PolicyNames"]
    assert sorted(names) == ["read", "write"]

    client.delete_stack(StackName="jobs")
    client.get_waiter("stack_delete_complete").wait(StackName="jobs")
    with pytest.raises(ClientError):
        iam.get_role(RoleName=found["Name"])
    assert client.describe_stacks(StackName=id)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError) as caught:
        client.describe_stacks(StackName="jobs")
    assert refusal(caught) == ("ValidationError", "Stack with id jobs does not exist")


def test_what_is_wrong_is_refused_in_awss_words(localaws: Any) -> None:
    client = localaws.client("cloudformation")
    cases: list[tuple[dict[str, Any], tuple[str, str]]] = [
        (
            {"TemplateBody": TEMPLATE},
            ("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]"),
        ),
        (
            {"TemplateBody": json.dumps({"Resources": {"A": {"Type": "AWS::Foo::Bar"}}})},
            (
                "ValidationError",
                "Template format error: Unrecognized resource types: \
[AWS::Foo::Bar]",
            ),
        ),
        (
            {
                "TemplateBody": TEMPLATE,
                "Capabilities": ["CAPABILITY_NAMED_IAM"],
                "Parameters": [{"ParameterKey": "Stage", "ParameterValue": "test"}],
            },
            ("ValidationError", "Parameter 'Stage' must be one of AllowedValues"),
        ),
        (
            {
                "TemplateBody": TEMPLATE,
                "Capabilities": ["CAPABILITY_IAM"],
                "Parameters": [{"ParameterKey": "Nope", "ParameterValue": "1"}],
            },
            ("ValidationError", "Parameters: [Nope] do not exist in the template"),
        ),
        ({}, ("ValidationError", "Either Template URL or Template Body must be specified.")),
    ]
    for parameters, expected in cases:
        with pytest.raises(ClientError) as caught:
            client.create_stack(StackName="bad", **parameters)
        assert refusal(caught) == expected
    with pytest.raises(ClientError) as caught:
        client.update_stack(StackName="nobody", TemplateBody=TEMPLATE)
    assert refusal(caught) == ("ValidationError", "Stack with id nobody does not exist")
    assert client.list_stacks()["StackSummaries"] == []


def test_a_template_is_described_without_a_stack(localaws: Any) -> None:
    client = localaws.client("cloudformation")
    shape = client.validate_template(TemplateBody=TEMPLATE)
    assert shape["Description"] == "A role for jobs"
    assert shape["Capabilities"] == ["CAPABILITY_IAM"]
    assert {item["ParameterKey"] for item in shape["Parameters"]} == {"Stage", "Secret"}
    summary = client.get_template_summary(TemplateBody=TEMPLATE)
    assert summary["ResourceTypes"] == [
        "AWS::IAM::Role",
        "AWS::IAM::Policy",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::InstanceProfile",
    ]
    stage = next(item for item in summary["Parameters"] if item["ParameterKey"] == "Stage")
    assert stage["ParameterConstraints"] == {"AllowedValues": ["dev", "prod"]}


def test_a_template_may_be_an_object_in_s3(localaws: Any) -> None:
    client, s3 = localaws.client("cloudformation"), localaws.client("s3")
    bucket = f"templates-{localaws.account}"
    s3.create_bucket(Bucket=bucket)
    body = json.dumps({"Resources": {"H": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})
    s3.put_object(Bucket=bucket, Key="a b/t.json", Body=body.encode())
    for number, url in enumerate(
        (
            f"{localaws.endpoint}/{bucket}/a%20b/t.json",
            f"https://s3.us-east-1.amazonaws.com/{bucket}/a%20b/t.json",
            f"https://{bucket}.s3.amazonaws.com/a%20b/t.json",
        )
    ):
        client.create_stack(StackName=f"s{number}", TemplateURL=url)
        client.get_waiter("stack_create_complete").wait(StackName=f"s{number}")
    assert client.get_template(StackName="s0")["TemplateBody"] == json.loads(body)
    with pytest.raises(ClientError) as caught:
        client.create_stack(StackName="x", TemplateURL=f"{localaws.endpoint}/{bucket}/none")
    assert refusal(caught) == ("ValidationError", "S3 error: The specified key does not exist.")


def test_deletion_can_be_forbidden(localaws: Any) -> None:
    client = localaws.client("cloudformation")
    body = json.dumps({"Resources": {"H": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})
    client.create_stack(StackName="s", TemplateBody=body, EnableTerminationProtection=True)
    with pytest.raises(ClientError) as caught:
        client.delete_stack(StackName="s")
    assert refusal(caught) == (
        "ValidationError",
        "Stack [s] cannot be deleted while TerminationProtection is enabled",
    )
    client.update_termination_protection(StackName="s", EnableTerminationProtection=False)
    client.delete_stack(StackName="s")
    client.get_waiter("stack_delete_complete").wait(StackName="s")


def test_twelve_resources_take_well_under_a_second(localaws: Any) -> None:
    client = localaws.client("cloudformation")
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
    body = json.dumps({"Resources": {f"Role{number}": role for number in range(12)}})
    client.list_stacks()
    localaws.client("iam").list_roles()
    begun = time.monotonic()
    client.create_stack(StackName="s", TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    stack = client.describe_stacks(StackName="s")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert time.monotonic() - begun < 2, "on an idle machine it takes about 0.3 s"
    pages = client.get_paginator("describe_stack_events").paginate(StackName="s")
    assert sum(len(page["StackEvents"]) for page in pages) == 2 + 12 * 3


def test_a_stack_survives_the_kill_of_the_platform(localaws_session: Any, localaws: Any) -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
    body = json.dumps({"Resources": {f"Role{number}": role for number in range(30)}})
    client = localaws.client("cloudformation", config=Config(retries={"total_max_attempts": 1}))
    localaws.client("iam").list_roles()

    def create() -> None:
        with contextlib.suppress(BotoCoreError, ClientError):
            client.create_stack(StackName="s", TemplateBody=body, Capabilities=["CAPABILITY_IAM"])

    creation = threading.Thread(target=create)
    creation.start()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(ClientError):
            if len(client.describe_stack_resources(StackName="s")["StackResources"]) >= 5:
                break
    localaws_session.kill()
    creation.join()
    localaws_session.start()
    deadline = time.monotonic() + 30
    status = ""
    while status != "CREATE_COMPLETE" and time.monotonic() < deadline:
        status = client.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"]
        time.sleep(0.05)
    assert status == "CREATE_COMPLETE"
    roles = {item["RoleName"] for item in localaws.client("iam").list_roles()["Roles"]}
    made = client.describe_stack_resources(StackName="s")["StackResources"]
    assert {item["PhysicalResourceId"] for item in made} == roles
    assert len(roles) == 30
