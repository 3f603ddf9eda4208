from __future__ import annotations

import base64
import json
import random
import socket
import zlib
from typing import Any

import pytest

from localaws.core.errors import AwsError
from localaws.engines.spark.base import JobState, SparkEngine, SparkJob
from localaws.engines.spark.cluster.adapter import ClusterSpark
from localaws.engines.spark.cluster.documents import job_state, log_lines, outcome, submission
from localaws.engines.spark.cluster.shape import Worker, memory_mb, resources

SMALL = Worker(5, 1280)


def handed_over(document: dict[str, Any]) -> dict[str, Any]:
    """Return the job as the launcher takes it from its environment."""
    variables = document["environmentVariables"]
    count = sum(name.startswith("LOCALAWS_JOB_") for name in variables)
    pieces = [variables[f"LOCALAWS_JOB_{number}"] for number in range(count)]
    assert all(len(piece) < 128 * 1024 for piece in pieces)
    job: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode("".join(pieces))))
    return job


def test_a_submission_says_what_to_run_and_how() -> None:
    job = SparkJob(
        "nightly",
        script_uri="s3://code/jobs/totals.py",
        arguments=("--day", "2026-01-01", "{{USER_JAR}}"),
        conf={
            "spark.sql.shuffle.partitions": "8",
            "spark.driver.extraJavaOptions": "-Dmine=1",
            "spark.master": "local[*]",
        },
        environment={"TOKEN": "hush"},
    )
    document = submission(job, resources(job.conf, [SMALL]))
    assert document["action"] == "CreateSubmissionRequest"
    properties = document["sparkProperties"]
    assert properties["spark.app.name"] == "nightly"
    assert properties["spark.sql.shuffle.partitions"] == "8"
    assert properties["spark.driver.memory"] == "512m"
    assert properties["spark.driver.extraJavaOptions"].endswith(" -Dmine=1")
    assert "spark.master" not in properties  # the cluster is the engine's to choose
    assert document["environmentVariables"]["TOKEN"] == "hush"
    assert handed_over(document) == {
        "name": "totals.py",
        "script_uri": "s3://code/jobs/totals.py",
        "arguments": ["--day", "2026-01-01", "{{USER_JAR}}"],
    }
    assert "hush" not in repr(job)


def test_a_long_script_is_handed_over_in_pieces() -> None:
    script = "# " + random.Random(1).randbytes(150_000).hex()
    document = submission(SparkJob("long", script=script), {})
    assert handed_over(document)["script"] == script
    with pytest.raises(AwsError, match="give the script's s3:// URI"):
        submission(SparkJob("longer", script=script * 20), {})


@pytest.mark.parametrize(
    "script", [{}, {"script": "pass", "script_uri": "s3://b/k"}, {"script_uri": "/tmp/k"}]
)
def test_a_job_has_one_script(script: dict[str, str]) -> None:
    with pytest.raises(AwsError, match="InvalidArgumentException"):
        SparkJob("j", **script)  # type: ignore[arg-type]


@pytest.mark.parametrize("cores", [3, 4, 5, 8, 10, 16, 17, 64])
def test_drivers_never_starve_executors(cores: int) -> None:
    size = resources({}, [Worker(cores, 1280), Worker(cores, 4096)])
    driver, executor = int(size["spark.driver.cores"]), int(size["spark.executor.cores"])
    drivers = cores // driver  # as many as the cluster would start before any executor
    assert drivers == 1
    assert 1 <= executor <= cores - drivers * driver


def test_a_job_may_ask_for_its_size() -> None:
    asked = {
        "spark.driver.memory": "1g",
        "spark.executor.memory": "2048",
        "spark.executor.cores": "2",
        "spark.executor.instances": "3",
    }
    assert resources(asked, [SMALL, Worker(9, 4096)]) == {
        "spark.driver.memory": "1g",
        "spark.executor.memory": "2048",
        "spark.driver.cores": "5",
        "spark.executor.cores": "2",
        "spark.cores.max": "6",
    }


@pytest.mark.parametrize(
    ("conf", "workers", "problem"),
    [
        ({"spark.executor.memory": "2g"}, [SMALL], "the largest offers 1280 MB and 5 cores"),
        ({"spark.executor.cores": "3"}, [SMALL], "more than the 2 that a worker of 5 cores"),
        ({}, [Worker(2, 4096)], "a job needs 1024 MB and 3 cores"),
        ({}, [Worker(4, 4096), Worker(8, 4096)], "too unlike"),
        ({"spark.driver.memory": "64m"}, [SMALL], "too small"),
        ({"spark.driver.memory": "much"}, [SMALL], "not an amount of memory"),
        ({"spark.executor.instances": "0"}, [SMALL], "not a positive number"),
    ],
)
def test_a_job_that_could_never_run_is_refused(
    conf: dict[str, str], workers: list[Worker], problem: str
) -> None:
    with pytest.raises(AwsError, match=problem) as refused:
        resources(conf, workers)
    assert refused.value.code == "InvalidArgumentException"


@pytest.mark.parametrize(
    ("text", "size"), [("512m", 512), ("1g", 1024), ("1T", 2**20), ("600", 600), ("524288kb", 512)]
)
def test_amounts_of_memory(text: str, size: int) -> None:
    assert memory_mb("spark.driver.memory", text) == size


def test_states() -> None:
    assert job_state("SUBMITTED") is JobState.QUEUED
    assert job_state("FINISHED") is JobState.SUCCEEDED
    assert [job_state(name).final for name in ("RUNNING", "KILLED", "FAILED", "ERROR")] == [
        False,
        True,
        True,
        True,
    ]


def test_the_outcome_is_the_launchers_last_word() -> None:
    told = 'WARN x\n\nlocalaws-outcome {"exit_code": 3, "reason": "SystemExit: 3"}\n'
    assert outcome('localaws-outcome {"exit_code": 1, "reason": "no"}\n' + told) == (
        3,
        "SystemExit: 3",
    )
    code, reason = outcome("header\nTerminating due to java.lang.OutOfMemoryError: heap\nbye\n")
    assert code is None
    assert reason.endswith(
        "before the script ended: Terminating due to java.lang.OutOfMemoryError: heap"
    )
    assert outcome("") == (None, "The driver process died before the script ended")


def test_the_last_lines_of_a_log() -> None:
    assert log_lines("==== Bytes 0-8 of 8 of /w/stdout ====\na\nb\nc\n", 2) == "b\nc\n"
    assert log_lines("==== Bytes 0-3 of 3 of /w/stdout ====\na\nb", 9) == "a\nb"
    assert log_lines("==== Bytes 7-12 of 12 of /w/stdout ====\nf\nb\nc\n", 9) == "b\nc\n"
    assert log_lines("==== Bytes 0-0 of 0 of /w/stdout ====\n", 9) == ""


async def test_a_cluster_that_does_not_answer_is_named_with_the_cure() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    engine: SparkEngine = ClusterSpark(url, url, seconds=2)
    await engine.start()
    for call in (
        engine.healthy(),
        engine.submit(SparkJob("j", script="pass")),
        engine.status("driver-1"),
        engine.cancel("driver-1"),
        engine.log("driver-1"),
    ):
        with pytest.raises(AwsError, match=f"The Spark cluster at {url} cannot") as failed:
            await call
        assert (failed.value.code, failed.value.status) == ("ServiceUnavailable", 503)
        assert "docker compose up" in failed.value.message
    await engine.stop()
