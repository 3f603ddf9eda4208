"""The adapters of the ``spark`` port; every test here runs on each of them that is at hand."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import pytest
from spark_help import Jobs

from containers import containers
from localaws.core.errors import AwsError
from localaws.engines.spark.base import SparkEngine
from localaws.engines.spark.cluster.adapter import ClusterSpark

URL = os.environ.get("LOCALAWS_TEST_SPARK_URL", "")
UI_URL = os.environ.get("LOCALAWS_TEST_SPARK_UI_URL", "http://127.0.0.1:48081")
STORE_URL = os.environ.get("LOCALAWS_TEST_OBJECT_STORE_URL", "http://127.0.0.1:49000")


@pytest.fixture(params=["embedded", *containers("cluster")])
async def spark(request: pytest.FixtureRequest) -> AsyncIterator[SparkEngine]:
    if request.param == "embedded":
        raise AwsError("NotImplementedException", "The spark port has no embedded adapter yet")
    engine = ClusterSpark(URL, UI_URL)
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
def jobs(spark: SparkEngine) -> Jobs:
    return Jobs(spark)


@pytest.fixture
def store() -> Any:
    """Return a client of the store behind the engine."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=STORE_URL,
        region_name="us-east-1",
        aws_access_key_id=os.environ.get("LOCALAWS_OBJECT_STORE_KEY", "localaws"),
        aws_secret_access_key=os.environ.get("LOCALAWS_OBJECT_STORE_SECRET", "localaws-secret"),
    )


@pytest.fixture
def bucket(store: Any) -> Iterator[str]:
    name = f"spark-{uuid.uuid4().hex}"
    store.create_bucket(Bucket=name)
    yield name
    for item in store.list_objects_v2(Bucket=name).get("Contents", []):
        store.delete_object(Bucket=name, Key=item["Key"])
    store.delete_bucket(Bucket=name)
