"""Deploy a CloudFormation stack: create, update or nothing to do, with its events as they happen.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from greatfin import s3
from greatfin.errors import StackFailed

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import ParameterTypeDef, StackTypeDef

    from greatfin.target import Clients

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 3.0
NOTHING_TO_DO = "No updates are to be performed"
BROKEN = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}
"""States that allow nothing but deletion."""


def deploy(
    client: CloudFormationClient,
    name: str,
    template: str,
    parameters: Mapping[str, str],
    on_event: Callable[[str], None],
) -> tuple[dict[str, str], bool]:
    """Bring a stack to what its template says.

    Returns:
        Its outputs, and whether anything changed.

    Raises:
        StackFailed: CloudFormation rolled back; the message has the first reason.
    """
    given: list[ParameterTypeDef] = [
        {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
    ]
    stack = describe(client, name)
    if stack is not None and stack["StackStatus"].endswith("_IN_PROGRESS"):
        wait(client, stack["StackId"], on_event, set())
        stack = describe(client, name)
    if stack is not None and stack["StackStatus"] in BROKEN:
        destroy(client, name, on_event)
        stack = None
    seen: set[str] = set()
    if stack is None:
        identity = client.create_stack(
            StackName=name,
            TemplateBody=template,
            Parameters=given,
            Capabilities=["CAPABILITY_IAM"],
            Tags=[{"Key": "project", "Value": "greatfin"}],
        )["StackId"]
    else:
        seen = {event["EventId"] for event in _events(client, stack["StackId"])}
        try:
            identity = client.update_stack(
                StackName=name,
                TemplateBody=template,
                Parameters=given,
                Capabilities=["CAPABILITY_IAM"],
            )["StackId"]
        except ClientError as error:
            if NOTHING_TO_DO in str(error):
                return outputs(stack), False
            raise
    done = wait(client, identity, on_event, seen)
    if done["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise StackFailed(
            f"Stack {name} ended as {done['StackStatus']}: {_first_failure(client, identity)}",
            actions=(f"aws cloudformation describe-stack-events --stack-name {name}",),
        )
    return outputs(done), True


def destroy(client: CloudFormationClient, name: str, on_event: Callable[[str], None]) -> bool:
    """Delete a stack; return whether there was one.

    Raises:
        StackFailed: a resource could not be deleted.
    """
    stack = describe(client, name)
    if stack is None:
        return False
    identity = stack["StackId"]
    seen = {event["EventId"] for event in _events(client, identity)}
    client.delete_stack(StackName=name)
    done = wait(client, identity, on_event, seen)
    if done["StackStatus"] != "DELETE_COMPLETE":
        raise StackFailed(
            f"Stack {name} ended as {done['StackStatus']}: {_first_failure(client, identity)}"
        )
    return True


def empty_buckets(clients: Clients, name: str) -> int:
    """Delete every object in a stack's buckets, so that it can be deleted; return how many."""
    if describe(clients.cloudformation, name) is None:
        return 0
    pages = clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    buckets = [
        item["PhysicalResourceId"]
        for page in pages
        for item in page["StackResourceSummaries"]
        if item["ResourceType"] == "AWS::S3::Bucket" and item.get("PhysicalResourceId")
    ]
    return sum(
        s3.clear(clients.s3, bucket) for bucket in buckets if s3.bucket_exists(clients.s3, bucket)
    )


def describe(client: CloudFormationClient, name: str) -> StackTypeDef | None:
    """Return the live stack called `name` (or the one with that id), or None."""
    try:
        stack = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    if stack["StackStatus"] == "DELETE_COMPLETE" and not name.startswith("arn:"):
        return None
    return stack


def outputs(stack: StackTypeDef) -> dict[str, str]:
    """Return a stack's outputs by key."""
    return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}


def wait(
    client: CloudFormationClient,
    identity: str,
    on_event: Callable[[str], None],
    seen: set[str],
) -> StackTypeDef:
    """Poll a stack, by id, until it rests; pass each new event on once."""
    pause = FIRST_PAUSE
    while True:
        stack = client.describe_stacks(StackName=identity)["Stacks"][0]
        for event in reversed(_events(client, identity)):
            if event["EventId"] not in seen:
                seen.add(event["EventId"])
                on_event(
                    f"{event.get('ResourceStatus', '')} {event.get('ResourceType', '')} "
                    f"{event.get('LogicalResourceId', '')}"
                )
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _events(client: CloudFormationClient, identity: str) -> list[dict[str, str]]:
    pages = client.get_paginator("describe_stack_events").paginate(StackName=identity)
    return [
        {key: str(value) for key, value in event.items()}
        for page in pages
        for event in page["StackEvents"]
    ]


def _first_failure(client: CloudFormationClient, identity: str) -> str:
    for event in reversed(_events(client, identity)):
        if event.get("ResourceStatus", "").endswith("_FAILED"):
            reason = event.get("ResourceStatusReason", "no reason given")
            if "cancelled" not in reason.lower():
                return f"{event['LogicalResourceId']}: {reason}"
    return "no event says why"
