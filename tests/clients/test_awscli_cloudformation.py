"""The command `aws cloudformation deploy`: create, nothing to do, update, delete."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Purpose: {Type: String, Default: first}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      Description: !Ref Purpose
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - {Effect: Allow, Principal: {Service: glue.amazonaws.com}, Action: sts:AssumeRole}
Outputs:
  Role: {Value: !Ref Role}
"""


def aws(localaws: Any, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the AWS CLI against the endpoint."""
    program = Path(sys.executable).parent / "aws"
    environment = {**os.environ, **localaws.environment, "HOME": str(home), "AWS_PAGER": ""}
    return subprocess.run(
        [sys.executable, str(program), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def next_second() -> None:
    """Wait: the command names its change sets by the second."""
    time.sleep(1 - time.time() % 1)


def test_deploy_creates_updates_and_notices_that_nothing_changed(
    localaws: Any, tmp_path: Path
) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE)
    bucket = f"artefacts-{localaws.account}"
    localaws.client("s3").create_bucket(Bucket=bucket)
    deploy = (
        "cloudformation",
        "deploy",
        *("--stack-name", "jobs", "--template-file", str(path)),
        *("--capabilities", "CAPABILITY_IAM", "--tags", "team=lake"),
    )
    first = aws(localaws, tmp_path, *deploy, "--s3-bucket", bucket)
    assert first.returncode == 0, first.stderr
    assert "Successfully created/updated stack - jobs" in first.stdout

    next_second()
    again = aws(localaws, tmp_path, *deploy, "--no-fail-on-empty-changeset")
    assert again.returncode == 0, again.stderr
    assert "No changes to deploy. Stack jobs is up to date" in again.stdout + again.stderr

    next_second()
    changed = aws(localaws, tmp_path, *deploy, "--parameter-overrides", "Purpose=second")
    assert changed.returncode == 0, changed.stderr

    described = aws(localaws, tmp_path, "cloudformation", "describe-stacks", "--stack-name", "jobs")
    stack = json.loads(described.stdout)["Stacks"][0]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    role = localaws.client("iam").get_role(RoleName=stack["Outputs"][0]["OutputValue"])["Role"]
    assert role["Description"] == "second"

    deleted = aws(localaws, tmp_path, "cloudformation", "delete-stack", "--stack-name", "jobs")
    assert deleted.returncode == 0, deleted.stderr
    gone = aws(localaws, tmp_path, "cloudformation", "describe-stacks", "--stack-name", "jobs")
    assert gone.returncode != 0
    assert "Stack with id jobs does not exist" in gone.stderr
