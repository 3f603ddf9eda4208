"""The pytest plugin, as a project that depends on it uses it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import boto3
import psutil
import pytest
from botocore.exceptions import ClientError

from localaws.pytest_plugin import ENDPOINT_VARIABLE, LocalAws, LocalAwsSession


def run_pytest(folder: Path, tests: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(tests)
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:asyncio",
            "-W",
            "error",
            folder,
        ],
        env={
            **{name: value for name, value in os.environ.items() if name != ENDPOINT_VARIABLE},
            **environment,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def platforms_in(folder: Path) -> list[psutil.Process]:
    """Return the gateways whose home is in a folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if "localaws.bootstrap" in (process.info["cmdline"] or ()):
            try:
                if process.environ().get("LOCALAWS_HOME", "").startswith(str(folder)):
                    found.append(process)
            except psutil.Error:
                continue
    return found


def test_an_unrelated_test_run_imports_nothing() -> None:
    program = (
        "import sys, pytest; before = set(sys.modules); import localaws.pytest_plugin;"
        "print(sorted(name for name in set(sys.modules) - before if '.' not in name))"
    )
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    imported = set(eval(result.stdout))
    assert not imported & {"boto3", "botocore", "asyncio", "asyncpg", "psutil", "uvicorn"}


def test_each_test_has_an_account_of_its_own(localaws: LocalAws, tmp_path: Path) -> None:
    tests = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_alone(localaws, number):
    glue = localaws.client("glue")
    assert glue.get_databases()["DatabaseList"] == []
    glue.create_database(DatabaseInput={"Name": "sales"})
    (database,) = glue.get_databases()["DatabaseList"]
    assert database["CatalogId"] == localaws.account
"""
    result = run_pytest(tmp_path, tests, **{ENDPOINT_VARIABLE: localaws.endpoint})
    assert "3 passed" in result.stdout, result.stdout


def test_the_process_and_its_home_are_gone_afterwards(tmp_path: Path) -> None:
    homes = tmp_path / "tmp"
    homes.mkdir()
    tests = """
def test_passes(localaws):
    assert localaws.client("s3").list_buckets()["Buckets"] == []

def test_fails(localaws, localaws_session):
    localaws_session.kill()
    assert False
"""
    result = run_pytest(tmp_path, tests, TMPDIR=str(homes))
    assert "1 failed, 1 passed" in result.stdout, result.stdout
    assert platforms_in(homes) == []
    assert list(homes.glob("localaws*")) == []


def test_nothing_runs_on_after_a_killed_test_run(tmp_path: Path) -> None:
    homes = tmp_path / "tmp"
    homes.mkdir()
    tests = """
import os, signal

def test_killed(localaws):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run_pytest(tmp_path, tests, TMPDIR=str(homes)).returncode == -9
    deadline = time.monotonic() + 15
    while platforms_in(homes) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(homes.glob("localaws*")) == []
    assert platforms_in(homes) == []


def test_environment_session_and_resource_lead_to_the_account(localaws: LocalAws) -> None:
    assert len(localaws.account) == 12
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    result = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | localaws.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == localaws.account
    session = localaws.session()
    assert isinstance(session, boto3.Session)
    assert session.client("sts").get_caller_identity()["Account"] == localaws.account
    name = f"by-resource-{localaws.account}"
    session.resource("s3").create_bucket(Bucket=name)
    assert [item["Name"] for item in localaws.client("s3").list_buckets()["Buckets"]] == [name]


def test_a_killed_platform_comes_back_with_its_data(
    localaws: LocalAws, localaws_session: LocalAwsSession
) -> None:
    bucket = f"kept-{localaws.account}"
    s3 = localaws.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a", Body=b"before")
    pid, endpoint = localaws_session.pid, localaws_session.endpoint
    localaws_session.kill()
    localaws_session.start()
    assert (localaws_session.pid != pid, localaws_session.endpoint) == (True, endpoint)
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"before"
    localaws_session.restart()
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"before"
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="b")
