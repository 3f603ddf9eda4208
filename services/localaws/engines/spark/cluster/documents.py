"""What is said to the cluster and what it answers: submissions, states, logs, the launcher's job.

The cluster's own client refuses Python in this mode, but its server runs any main class: Spark's
Python runner with the launcher (`services/spark/run_job.py`) runs a script on a worker.
"""

from __future__ import annotations

import base64
import json
import posixpath
import re
import zlib
from collections.abc import Mapping
from typing import Any

from localaws.core.errors import AwsError
from localaws.engines.spark.base import JobState, SparkJob

LAUNCHER = "file:///opt/spark/launcher/run_job.py"
_MAIN_CLASS = "org.apache.spark.deploy.PythonRunner"
_JOB_VARIABLE = "LOCALAWS_JOB_"
_OUTCOME = re.compile(r"^localaws-outcome (\{.*\})$", re.MULTILINE)
_PIECE = 100_000
"""The kernel takes 128 KiB for one variable …"""
_MOST = 1_000_000
"""… and 2 MiB for all of them with the arguments."""

_JAVA_OPTIONS = " ".join(
    [
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:+IgnoreUnrecognizedVMOptions",
        # What Spark's own launcher opens for it; a driver started by a worker comes without.
        *(
            f"--add-opens=java.base/{package}=ALL-UNNAMED"
            for package in (
                "java.lang",
                "java.lang.invoke",
                "java.lang.reflect",
                "java.io",
                "java.net",
                "java.nio",
                "java.util",
                "java.util.concurrent",
                "java.util.concurrent.atomic",
                "jdk.internal.ref",
                "sun.nio.ch",
                "sun.nio.cs",
                "sun.security.action",
                "sun.util.calendar",
            )
        ),
        "-Djdk.reflect.useDirectMethodHandle=false",
        "-Dio.netty.tryReflectionSetAccessible=true",
    ]
)
_STATES = {
    "SUBMITTED": JobState.QUEUED,
    "RELAUNCHING": JobState.QUEUED,
    "RUNNING": JobState.RUNNING,
    "UNKNOWN": JobState.RUNNING,  # the master has restarted and waits for the worker's word
    "FINISHED": JobState.SUCCEEDED,
    "KILLED": JobState.STOPPED,
    "FAILED": JobState.FAILED,
    "ERROR": JobState.FAILED,
}


def submission(job: SparkJob, size: Mapping[str, str], launcher: str = LAUNCHER) -> dict[str, Any]:
    """Return the request that starts a job of a size."""
    conf = {name: value for name, value in job.conf.items() if name not in ("spark.master",)}
    options = "spark.driver.extraJavaOptions"
    return {
        "action": "CreateSubmissionRequest",
        "clientSparkVersion": "3.5",
        "appResource": launcher,
        "mainClass": _MAIN_CLASS,
        # The worker's copy of the launcher, and no further Python files.
        "appArgs": ["{{USER_JAR}}", ""],
        "sparkProperties": {
            **conf,
            **size,
            "spark.app.name": job.name,
            "spark.driver.supervise": "false",
            options: f"{_JAVA_OPTIONS} {conf.get(options, '')}".strip(),
        },
        "environmentVariables": {**job.environment, **_job_variables(job)},
    }


def _job_variables(job: SparkJob) -> dict[str, str]:
    name = posixpath.basename(job.script_uri) or "script.py"
    document: dict[str, Any] = {"name": name, "arguments": job.arguments}
    if job.script:
        document["script"] = job.script
    else:
        document["script_uri"] = job.script_uri
    text = base64.b64encode(zlib.compress(json.dumps(document).encode())).decode()
    if len(text) > _MOST:
        raise AwsError(
            "InvalidArgumentException",
            f"The script and arguments of Spark job {job.name} are too large to be handed over; "
            "put them into the object store and give the script's s3:// URI",
        )
    pieces = range(0, len(text), _PIECE)
    return {
        f"{_JOB_VARIABLE}{number}": text[start : start + _PIECE]
        for number, start in enumerate(pieces)
    }


def job_state(driver_state: str) -> JobState:
    """Return a job's state from its driver's."""
    return _STATES[driver_state]


def outcome(engine_log: str) -> tuple[int | None, str]:
    """Return exit code and reason of a job that failed, from the end of its engine's log."""
    told = _OUTCOME.findall(engine_log)
    if told:
        document = json.loads(told[-1])
        return int(document["exit_code"]), str(document["reason"])
    lines = [line for line in engine_log.splitlines() if line.strip()]
    wrong = [line for line in lines if "OutOfMemoryError" in line] or lines[-1:]
    said = f": {wrong[0].strip()}" if wrong else ""
    return None, f"The driver process died before the script ended{said}"


def log_lines(page: str, lines: int) -> str:
    """Return the last lines of a page of a worker's log, which begins with a heading."""
    heading, _, text = page.partition("\n")
    place = re.match(r"==== Bytes (\d+)-", heading)
    kept = text.splitlines(keepends=True)
    if place is not None and place[1] != "0":
        kept = kept[1:]  # it begins within a line
    return "".join(kept[-lines:])
