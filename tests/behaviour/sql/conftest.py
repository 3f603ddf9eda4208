"""Whole platforms, asked through Athena's API: the embedded one, and one whose engine is Trino.

Trino is that of the containers, and the one that `localaws install trino` brings (`installed`).
Each test has accounts of its own.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from containers import compose_environment, containers
from localaws.launch import launch
from localaws.settings import Settings

sys.path.append(str(Path(__file__).parents[2] / "localaws" / "aws"))

from athena_help import Asker

ADAPTERS = [
    "duckdb",
    *containers("trino"),
    pytest.param("installed", marks=pytest.mark.installed),
]
ENGINES = {"duckdb": "duckdb", "installed": "trino"}


@pytest.fixture(scope="session", params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def endpoint(adapter: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if adapter == "trino":
        yield compose_environment()["AWS_ENDPOINT_URL"]
        return
    home = tmp_path_factory.mktemp("platform") / "home"
    settings = Settings.from_environment(home=home, port=0, sql=ENGINES[adapter], durability="none")
    launched = launch(settings, tied=True)
    try:
        yield launched.record.url
    finally:
        launched.stop()


class Account:
    """One account of a platform, for the help of Athena's own tests."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.account = str(100000000000 + uuid.uuid4().int % 800000000000)

    def client(self, service: str) -> Any:
        return boto3.session.Session().client(
            service,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.account,
            aws_secret_access_key="secret",
            region_name="us-east-1",
        )


@pytest.fixture
def make_asker(endpoint: str) -> Iterator[Callable[[], Asker]]:
    """Make askers of new accounts, each with a database ``bank``."""
    made: list[Asker] = []

    def make() -> Asker:
        asker = Asker.create(Account(endpoint))
        made.append(asker)
        asker.glue.create_database(DatabaseInput={"Name": "bank"})
        return asker

    yield make
    for asker in made:
        keys = asker.keys("")
        for start in range(0, len(keys), 1000):
            chunk = [{"Key": key} for key in keys[start : start + 1000]]
            asker.s3.delete_objects(Bucket=asker.bucket, Delete={"Objects": chunk})
        asker.s3.delete_bucket(Bucket=asker.bucket)
        asker.glue.delete_database(Name="bank")


@pytest.fixture
def ask(make_asker: Callable[[], Asker]) -> Asker:
    return make_asker()
