"""After set-up nothing needs a network, and no secret reaches a log."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from localaws.pytest_plugin import LocalAwsSession

LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
    flags = struct.pack("16sh", b"lo", 0x1 | 0x40)  # IFF_UP | IFF_RUNNING
    fcntl.ioctl(probe, 0x8914, flags)  # SIOCSIFFLAGS
os.execv(sys.argv[1], sys.argv[1:])
"""

PIPELINE = """
import boto3, socket, time
with socket.socket() as probe:  # there is no way out of here
    probe.settimeout(2)
    assert probe.connect_ex(("192.0.2.1", 80)) != 0
s3, athena = boto3.client("s3"), boto3.client("athena")
s3.create_bucket(Bucket="offline")
boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
query = athena.start_query_execution(
    QueryString="SELECT date_trunc('month', DATE '2026-11-24'), sum(x) FROM (VALUES 1, 2) t (x)",
    ResultConfiguration={"OutputLocation": "s3://offline/"},
)["QueryExecutionId"]
while True:
    status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
    if status["State"] not in ("QUEUED", "RUNNING"):
        break
    time.sleep(0.02)
assert status["State"] == "SUCCEEDED", status
print(athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"][1])
"""


def without_network() -> list[str]:
    """Return the command that runs another one where there is no network but loopback."""
    command = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    probe = subprocess.run([*command, "true"], capture_output=True)
    if probe.returncode != 0:
        pytest.skip(f"network namespaces are not to be had: {probe.stderr.decode().strip()}")
    return [*command, sys.executable, "-c", LOOPBACK_UP]


def test_the_platform_works_without_a_network(tmp_path: Path) -> None:
    localaws = str(Path(sys.executable).parent / "localaws")
    done = subprocess.run(
        [*without_network(), localaws, "exec", "--", sys.executable, "-c", PIPELINE],
        env={key: item for key, item in os.environ.items() if not key.startswith("AWS_")}
        | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "2026-11-01" in done.stdout
    assert "'3'" in done.stdout


def test_no_secret_reaches_a_log(localaws: Any, localaws_session: LocalAwsSession) -> None:
    secret = "correct-horse-battery-staple"
    manager = localaws.client("secretsmanager", aws_secret_access_key=secret)
    manager.create_secret(Name="database", SecretString=secret)
    localaws.client("ssm").put_parameter(Name="p", Value=secret, Type="SecureString")
    with pytest.raises(manager.exceptions.ResourceExistsException):
        manager.create_secret(Name="database", SecretString=secret)
    logs = list((localaws_session.home / "logs").iterdir())
    assert logs
    for log in logs:
        assert secret not in log.read_text(errors="replace"), log
