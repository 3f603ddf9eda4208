from __future__ import annotations

import io
import json
from typing import Any

import pyarrow.parquet
import pytest
from spark_help import Jobs

from localaws.core.errors import AwsError
from localaws.engines.spark.base import JobState, JobStatus, SparkEngine, SparkJob

pytestmark = pytest.mark.gap(
    "embedded", reason="local drivers come with the Spark issue", raises=AwsError
)

TOTALS = """
import os
import sys

from pyspark.sql import SparkSession

source, target = sys.argv[1:]
spark = SparkSession.builder.getOrCreate()
rows = spark.read.option("header", True).csv(source)
totals = rows.groupBy("city").agg({"amount": "sum"}).withColumnRenamed("sum(amount)", "total")
totals.coalesce(1).write.parquet(target)
print("greeting:", os.environ["GREETING"], spark.conf.get("spark.sql.shuffle.partitions"))
print("partitions:", spark.range(10).repartition(4).rdd.getNumPartitions())
"""


async def test_the_engine_tells_its_capacity(spark: SparkEngine) -> None:
    health = await spark.healthy()
    assert health.workers >= 1
    assert health.cores >= 3 * health.workers
    assert health.memory_mb >= 1024 * health.workers


async def test_a_job_reads_and_writes_the_object_store(jobs: Jobs, store: Any, bucket: str) -> None:
    store.put_object(Bucket=bucket, Key="code/totals of cities.py", Body=TOTALS.encode())
    store.put_object(
        Bucket=bucket, Key="in/sales.csv", Body=b"city,amount\nRome,1.5\nOslo,2\nRome,4\n"
    )
    job_id = await jobs.engine.submit(
        SparkJob(
            name="totals",
            script_uri=f"s3://{bucket}/code/totals of cities.py",
            arguments=(f"s3://{bucket}/in/", f"s3://{bucket}/out/"),
            conf={"spark.sql.shuffle.partitions": "3"},
            environment={"GREETING": "good day"},
        )
    )
    assert await jobs.until(job_id) == JobStatus(job_id, JobState.SUCCEEDED, "", 0)
    keys = [item["Key"] for item in store.list_objects_v2(Bucket=bucket, Prefix="out/")["Contents"]]
    files = [key for key in keys if key.endswith(".parquet")]
    assert len(files) == 1
    assert "out/_SUCCESS" in keys
    body = store.get_object(Bucket=bucket, Key=files[0])["Body"].read()
    rows = pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist()
    assert sorted((row["city"], row["total"]) for row in rows) == [("Oslo", 2.0), ("Rome", 5.5)]
    assert await jobs.engine.log(job_id) == "greeting: good day 3\npartitions: 4\n"


@pytest.mark.parametrize(
    ("script", "reason", "exit_code", "last_line"),
    [
        ('print("begun")\nraise ValueError("no such thing")', "ValueError: no such thing", 1, None),
        ('print("bye")\nimport sys\nsys.exit(3)', "SystemExit: 3", 3, "bye"),
        (
            "import nothing_like_it",
            "ModuleNotFoundError: No module named 'nothing_like_it'",
            1,
            None,
        ),
        (
            'import os\nprint("hm", flush=True)\nos.kill(os.getpid(), 9)',
            "The script was ended by SIGKILL; the worker may be out of memory",
            137,
            "hm",
        ),
        (
            "from pyspark.sql import SparkSession\n"
            "spark = SparkSession.builder.getOrCreate()\n"
            'spark.sql("SELECT * FROM range(3) WHERE id > nowhere")',
            "pyspark.errors.exceptions.captured.AnalysisException: "
            "[UNRESOLVED_COLUMN.WITH_SUGGESTION]",
            1,
            None,
        ),
    ],
    ids=["exception", "exit", "import", "killed", "spark"],
)
async def test_a_script_that_does_not_end_well_fails_its_job(
    jobs: Jobs, script: str, reason: str, exit_code: int, last_line: str | None
) -> None:
    status = await jobs.run(SparkJob("bad", script=script))
    assert status.state is JobState.FAILED
    assert status.reason.startswith(reason)
    assert status.exit_code == exit_code
    log = await jobs.engine.log(status.job_id)
    # A traceback begins in the script: what is above is not the user's.
    if last_line is None:
        assert "run_job.py" not in log
        assert "script.py" in log
        assert reason in log
    else:
        assert log.splitlines()[-1] == last_line


async def test_a_script_that_is_not_there_fails_its_job(jobs: Jobs, bucket: str) -> None:
    status = await jobs.run(SparkJob("lost", script_uri=f"s3://{bucket}/lost.py"))
    assert status.state is JobState.FAILED
    assert f"s3://{bucket}/lost.py" in status.reason


async def test_a_script_succeeds_only_at_its_end(jobs: Jobs) -> None:
    script = "import sys, threading\nthreading.Event()\nprint(sys.argv[1:])\nsys.exit()"
    status = await jobs.run(SparkJob("early", script=script, arguments=("--x", "{{USER_JAR}}", "")))
    assert (status.state, status.exit_code) == (JobState.SUCCEEDED, 0)
    assert await jobs.engine.log(status.job_id) == "['--x', '{{USER_JAR}}', '']\n"


async def test_a_long_job_shows_its_log_and_can_be_cancelled(jobs: Jobs) -> None:
    script = 'import time\nfor n in range(5): print("line", n, flush=True)\ntime.sleep(600)'
    job_id = await jobs.engine.submit(SparkJob("long", script=script))
    assert (await jobs.until(job_id, "RUNNING")).state is JobState.RUNNING
    log = ""
    while "line 4" not in log:
        log = await jobs.engine.log(job_id, lines=2)
    assert log == "line 3\nline 4\n"
    await jobs.engine.cancel(job_id)
    status = await jobs.until(job_id)
    assert status == JobStatus(job_id, JobState.STOPPED, "The job was cancelled")
    await jobs.engine.cancel(job_id)  # once more changes nothing
    assert await jobs.engine.status(job_id) == status


async def test_jobs_at_once_all_come_to_their_end(jobs: Jobs, store: Any, bucket: str) -> None:
    script = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
n = int(sys.argv[1])
total = spark.range(n).repartition(3).selectExpr("sum(id) AS total").first().total
spark.createDataFrame([(n, total)], "n int, total long").coalesce(1).write.json(sys.argv[2])
"""
    sizes = (10, 100)
    started = [
        await jobs.engine.submit(
            SparkJob(f"sum-{n}", script=script, arguments=(str(n), f"s3://{bucket}/{n}/"))
        )
        for n in sizes
    ]
    for job_id in started:
        status = await jobs.until(job_id)
        assert status.state is JobState.SUCCEEDED, status.reason
    for n in sizes:
        found = store.list_objects_v2(Bucket=bucket, Prefix=f"{n}/part-")["Contents"]
        body = store.get_object(Bucket=bucket, Key=found[0]["Key"])["Body"].read()
        assert json.loads(body) == {"n": n, "total": n * (n - 1) // 2}


async def test_a_waiting_job_can_be_cancelled(jobs: Jobs) -> None:
    workers = (await jobs.engine.healthy()).workers
    script = "import time\ntime.sleep(600)"
    blocking = [
        await jobs.engine.submit(SparkJob(f"block-{n}", script=script)) for n in range(workers)
    ]
    waiting = await jobs.engine.submit(SparkJob("waiting", script=script))
    assert (await jobs.engine.status(waiting)).state is JobState.QUEUED
    assert await jobs.engine.log(waiting) == ""
    for job_id in (waiting, *blocking):
        await jobs.engine.cancel(job_id)
    for job_id in (waiting, *blocking):
        assert (await jobs.until(job_id)).state is JobState.STOPPED


async def test_what_can_never_run_is_refused(spark: SparkEngine) -> None:
    for conf in ({"spark.executor.memory": "500g"}, {"spark.executor.cores": "512"}):
        with pytest.raises(AwsError, match="SPARK_WORKER_") as refused:
            await spark.submit(SparkJob("huge", script="pass", conf=conf))
        assert refused.value.code == "InvalidArgumentException"


async def test_an_unknown_job_is_not_found(spark: SparkEngine) -> None:
    for call in (spark.status, spark.cancel, spark.log):
        with pytest.raises(AwsError, match="driver-1-0000 is not known") as missing:
            await call("driver-1-0000")
        assert missing.value.code == "ResourceNotFoundException"
