"""Run one job's Python script as a driver of the cluster; the program behind every driver.

A worker starts Spark's Python runner, which starts this with a gateway to its own JVM. The job is
a document in the environment (`LOCALAWS_JOB_0` …: zlib, base64, cut into pieces): `script` (text)
or `script_uri`, `name`, `arguments`. Output goes to the file ``stdout`` in the driver's folder; how
it ended is one line at the end of ``stderr``, which the script does not write to:
``localaws-outcome {"exit_code": 3, "reason": "SystemExit: 3"}``.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import json
import os
import runpy
import signal
import sys
import traceback
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any

VARIABLE = "LOCALAWS_JOB_"
OUTCOME = "localaws-outcome "
_SET_DEATH_SIGNAL = 1


def main() -> int:
    """Run the job in a child process, record how it ended, end the JVM; return the exit code."""
    die_with_parent()
    job = take_job()
    append_to("stdout", 1, 2)
    done, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(done)
        code = run(job, told)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    os.close(told)
    with os.fdopen(done, "rb") as pipe:
        reason = pipe.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        name = signal.Signals(-code).name
        memory = "; the worker may be out of memory" if name == "SIGKILL" else ""
        reason, code = f"The script was ended by {name}{memory}", 128 - code
    elif code and not reason:
        reason = f"The script ended with exit code {code}"
    outcome = json.dumps({"exit_code": code, "reason": reason if code else ""})
    line = f"\n{OUTCOME}{outcome}\n".encode()
    with Path("stderr").open("ab", buffering=0) as log:
        log.write(line)
    end_jvm(code)
    return code


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the JVM dies."""
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)


def take_job() -> dict[str, Any]:
    """Return the job and remove it from the environment, which the script inherits."""
    pieces: list[str] = []
    while (piece := os.environ.pop(f"{VARIABLE}{len(pieces)}", None)) is not None:
        pieces.append(piece)
    job: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode("".join(pieces))))
    return job


def append_to(name: str, *descriptors: int) -> None:
    """Let descriptors write to a file: what comes by the JVM is lost when it ends."""
    log = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for descriptor in descriptors:
        os.dup2(log, descriptor)
    os.close(log)


def run(job: dict[str, Any], told: int) -> int:
    """Run the script; tell the reason of a failure through a pipe and return the exit code."""
    die_with_parent()
    reason = ""
    code = 0
    try:
        set_defaults()
        script = place_script(job)
        sys.argv = [str(script), *job["arguments"]]
        sys.path[0] = str(script.parent)
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as ending:
        if isinstance(ending.code, int):
            code = ending.code & 0xFF
        elif ending.code is not None:
            sys.stderr.write(f"{ending.code}\n")
            code = 1
        reason = f"SystemExit: {ending.code}"
    except BaseException as error:
        traceback.print_exception(error.with_traceback(own_part(error.__traceback__)))
        reason = "".join(traceback.format_exception_only(error)).strip()
        code = 1
    if code:
        os.write(told, reason.encode()[-4000:])
    return code


def own_part(trace: TracebackType | None) -> TracebackType | None:
    """Return a trace without the frames that lead to the script, or all of one that has none."""
    part = trace
    while part is not None and "/script/" not in part.tb_frame.f_code.co_filename:
        part = part.tb_next
    return part or trace


def set_defaults() -> None:
    """Set the image's Spark defaults in the JVM where the job has not set its own.

    A driver that a worker starts gets the job's conf and nothing else.
    """
    defaults = Path(os.environ["SPARK_CONF_DIR"], "spark-defaults.conf")
    properties = jvm().java.lang.System.getProperties()
    for line in defaults.read_text().splitlines():
        name, _, value = line.strip().partition(" ")
        if name and not name.startswith("#"):
            properties.putIfAbsent(name, value.strip())


def place_script(job: dict[str, Any]) -> Path:
    """Return the script as a file of its own name, fetched from the store where it lies there."""
    path = Path("script", job["name"]).absolute()
    path.parent.mkdir()
    if "script" in job:
        path.write_text(job["script"])
        return path
    spark = jvm().org.apache.spark
    hadoop = jvm().org.apache.hadoop.fs
    conf = spark.deploy.SparkHadoopUtil.get().newConfiguration(spark.SparkConf())
    source = hadoop.Path(job["script_uri"])
    target = hadoop.Path(f"file:{path}")  # as it is: a URI would be taken with its escapes
    source.getFileSystem(conf).copyToLocalFile(False, source, target, True)
    return path


def jvm() -> Any:
    """Return the view of the driver's JVM."""
    from pyspark import SparkContext

    SparkContext._ensure_initialized()
    return SparkContext._jvm


def end_jvm(code: int) -> None:
    """End the JVM with the job's exit code: some library's thread could keep it for ever."""
    from py4j.protocol import Py4JError

    with contextlib.suppress(Py4JError, OSError):  # it ends before it can answer
        jvm().java.lang.System.exit(code)


if __name__ == "__main__":
    sys.exit(main())
