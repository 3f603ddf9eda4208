"""Containers are killed while a use case runs: it resumes, or says which service failed."""

from __future__ import annotations

import re
from pathlib import Path

import boto3
import pytest
from stack import Run, compose, kill, wait_well

from containers import compose_environment

pytestmark = [pytest.mark.compose, pytest.mark.faults, pytest.mark.timeout(600)]

NAMES = {
    "postgres": "database",
    "object-store": "object store",
    "hive-metastore": "catalog",
    "trino": "SQL engine",
    "gateway": "endpoint|gateway",
    "kafka": "stream",
    "spark-master": "Spark",
    "spark-worker": "Spark",
}
"""How the message of a failed run names each service: a pattern."""


@pytest.mark.parametrize("service", NAMES)
def test_a_service_is_killed_while_the_use_case_runs(service: str, tmp_path: Path) -> None:
    environment = compose_environment()
    wait_well()
    first = Run(environment, tmp_path, scale=0.1)
    first.wait_for("archive")
    kill(service)
    code, envelope = first.end()
    if code != 0:
        message = envelope["error"]["message"]
        assert re.search(NAMES[service], message, re.IGNORECASE), message
    wait_well()
    code, envelope = Run(environment, tmp_path, scale=0.1).end()
    assert code == 0, envelope
    assert len(envelope["data"]["checks"]) == 7
    assert all(check["passed"] for check in envelope["data"]["checks"])


def test_a_restart_of_everything_keeps_all_data(tmp_path: Path) -> None:
    environment = compose_environment()
    wait_well()
    code, before = Run(environment, tmp_path, scale=0.1).end()
    assert code == 0, before
    compose("down")
    compose("up", "--detach", "--wait")
    session = boto3.Session(
        environment["AWS_ACCESS_KEY_ID"], "test", region_name=environment["AWS_REGION"]
    )
    glue = session.client("glue", endpoint_url=environment["AWS_ENDPOINT_URL"])
    names = {
        table["Name"] for table in glue.get_tables(DatabaseName="greatfin_marketing")["TableList"]
    }
    assert {"leads", "top_leads_by_region"} <= names
    code, after = Run(environment, tmp_path, scale=0.1).end()
    assert code == 0, after
    assert after["data"]["top_leads"] == before["data"]["top_leads"]
