"""The gateway and its database are killed under load: what was acknowledged is there, whole."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from localaws.pytest_plugin import LocalAwsSession

WRITES = 1000
WRITERS = 16


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[LocalAwsSession]:
    """Return a platform of its own, with the default durability."""
    session = LocalAwsSession(tmp_path / "home", durability="power")
    session.start()
    yield session
    session.stop()


def client(platform: LocalAwsSession, service: str, **options: Any) -> Any:
    return boto3.session.Session().client(
        service,
        endpoint_url=platform.endpoint,
        aws_access_key_id="111122223333",
        aws_secret_access_key="test",
        region_name="us-east-1",
        config=Config(max_pool_connections=WRITERS, **options),
    )


def body_of(number: int) -> bytes:
    seed = hashlib.sha256(str(number).encode()).digest()
    return seed * (1 + number % 300)


def test_every_acknowledged_write_survives_the_kill_of_the_gateway(
    platform: LocalAwsSession,
) -> None:
    s3 = client(platform, "s3", retries={"max_attempts": 0}, read_timeout=20)
    glue = client(platform, "glue", retries={"max_attempts": 0}, read_timeout=20)
    s3.create_bucket(Bucket="faults")
    glue.create_database(DatabaseInput={"Name": "faults"})
    acknowledged: list[int] = []
    tables: list[int] = []
    enough = threading.Event()

    def write(number: int) -> None:
        try:
            if number % 10 == 0:
                glue.create_table(
                    DatabaseName="faults",
                    TableInput={"Name": f"t{number}", "Description": str(number)},
                )
                tables.append(number)
            else:
                s3.put_object(Bucket="faults", Key=f"k/{number}", Body=body_of(number))
                acknowledged.append(number)
        except (BotoCoreError, ClientError):
            return
        if len(acknowledged) > WRITES // 3:
            enough.set()

    with ThreadPoolExecutor(WRITERS) as pool:
        writes = [pool.submit(write, number) for number in range(WRITES)]
        assert enough.wait(60)
        platform.kill()
        for item in writes:
            item.result()
    assert WRITES // 3 < len(acknowledged) < WRITES
    platform.start()

    s3 = client(platform, "s3")
    listed = {
        item["Key"]: item["Size"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket="faults")
        for item in page.get("Contents", [])
    }
    for number in acknowledged:
        assert s3.get_object(Bucket="faults", Key=f"k/{number}")["Body"].read() == body_of(number)
    for key, size in listed.items():
        # A write that was under way may have been committed, but then it is whole.
        body = s3.get_object(Bucket="faults", Key=key)["Body"].read()
        assert body == body_of(int(key[2:]))
        assert len(body) == size
    unacknowledged = set(listed) - {f"k/{number}" for number in acknowledged}
    assert len(unacknowledged) <= WRITERS
    glue = client(platform, "glue")
    kept = {
        table["Name"]: table["Description"]
        for page in glue.get_paginator("get_tables").paginate(DatabaseName="faults")
        for table in page["TableList"]
    }
    assert {f"t{number}" for number in tables} <= set(kept)
    assert all(name == f"t{description}" for name, description in kept.items())
    s3.close()
    glue.close()


def test_a_killed_database_comes_back_and_nothing_is_lost(platform: LocalAwsSession) -> None:
    s3 = client(platform, "s3", retries={"max_attempts": 10, "mode": "standard"})
    s3.create_bucket(Bucket="killed-db")
    for number in range(50):
        s3.put_object(Bucket="killed-db", Key=str(number), Body=body_of(number))
    servers = [
        child
        for child in psutil.Process(platform.pid).children(recursive=True)
        if child.name() == "postgres" and child.parent().pid == platform.pid  # type: ignore[union-attr]
    ]
    assert len(servers) == 1
    servers[0].kill()
    statuses = []
    for _ in range(200):
        try:
            s3.put_object(Bucket="killed-db", Key="after", Body=b"after")
            break
        except ClientError as error:
            statuses.append(error.response["ResponseMetadata"]["HTTPStatusCode"])
            time.sleep(0.1)
    assert set(statuses) <= {503}  # a clear, retryable AWS error until it is back
    assert s3.get_object(Bucket="killed-db", Key="after")["Body"].read() == b"after"
    for number in range(50):
        assert s3.get_object(Bucket="killed-db", Key=str(number))["Body"].read() == body_of(number)
    s3.close()


def test_a_killed_gateway_leaves_no_process(platform: LocalAwsSession) -> None:
    family = psutil.Process(platform.pid).children(recursive=True)
    assert family
    platform.kill()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    platform.start()
