from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import WaiterError
from s3_help import code_of

from localaws.pytest_plugin import LocalAws

POLL = {"Delay": 0.1, "MaxAttempts": 600}

TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Lake": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "Tags": [{"Key": "team", "Value": "cards"}],
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": "true",
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                    ]
                },
                "LifecycleConfiguration": {
                    "Rules": [{"Id": "old", "Status": "Enabled", "ExpirationInDays": "30"}]
                },
            },
        },
        "Policy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "Lake"},
                "PolicyDocument": {"Version": "2012-10-17", "Statement": []},
            },
        },
    },
    "Outputs": {
        "Name": {"Value": {"Ref": "Lake"}},
        "Arn": {"Value": {"Fn::GetAtt": ["Lake", "Arn"]}},
        "Domain": {"Value": {"Fn::GetAtt": ["Lake", "RegionalDomainName"]}},
    },
}


def test_a_bucket_of_a_stack(localaws: LocalAws) -> None:
    s3 = localaws.client("s3")
    cloudformation = localaws.client("cloudformation")
    stack = f"lake-{localaws.account}"

    def deploy(operation: str, template: Any) -> dict[str, str]:
        getattr(cloudformation, f"{operation}_stack")(
            StackName=stack, TemplateBody=json.dumps(template)
        )
        cloudformation.get_waiter(f"stack_{operation}_complete").wait(
            StackName=stack, WaiterConfig=POLL
        )
        described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        return {item["OutputKey"]: item["OutputValue"] for item in described["Outputs"]}

    outputs = deploy("create", TEMPLATE)
    name = outputs["Name"]
    assert name.startswith(f"{stack}-lake-")
    assert outputs["Arn"] == f"arn:aws:s3:::{name}"
    assert outputs["Domain"] == f"{name}.s3.us-east-1.amazonaws.com"
    tags = s3.get_bucket_tagging(Bucket=name)["TagSet"]
    assert {"Key": "team", "Value": "cards"} in tags
    block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert all(block.values())
    rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert rules[0]["Expiration"] == {"Days": 30}
    assert json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"] == []

    changed = json.loads(json.dumps(TEMPLATE))
    del changed["Resources"]["Policy"]
    del changed["Resources"]["Lake"]["Properties"]["LifecycleConfiguration"]
    assert deploy("update", changed)["Name"] == name
    assert code_of(s3.get_bucket_policy, Bucket=name) == "NoSuchBucketPolicy"
    assert code_of(s3.get_bucket_lifecycle_configuration, Bucket=name) == (
        "NoSuchLifecycleConfiguration"
    )
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig=POLL)
    assert code_of(s3.head_bucket, Bucket=name) == "404"


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"VersioningConfiguration": {"Status": "Enabled"}}, "versions are not kept"),
        ({"WebsiteConfiguration": {"IndexDocument": "i"}}, "WebsiteConfiguration"),
    ],
)
def test_a_property_that_would_have_no_effect_fails_the_stack(
    localaws: LocalAws, properties: dict[str, Any], reason: str
) -> None:
    cloudformation = localaws.client("cloudformation")
    stack = f"bad-{localaws.account}"
    template = {"Resources": {"Lake": {"Type": "AWS::S3::Bucket", "Properties": properties}}}
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    waiter = cloudformation.get_waiter("stack_create_complete")
    with pytest.raises(WaiterError, match="ROLLBACK_COMPLETE"):
        waiter.wait(StackName=stack, WaiterConfig=POLL)
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    assert any(reason in event.get("ResourceStatusReason", "") for event in events)
    assert localaws.client("s3").list_buckets()["Buckets"] == []
