"""How much of the cluster a job gets, so that every job that is let in can go on to its end.

The cluster starts drivers before executors and knows nothing of the executors a driver will need:
drivers alone could fill it and wait for ever. So a driver counts for more than half of a worker's
cores: a worker runs one driver at a time and keeps the rest, and the memory that goes with it, for
an executor. (Cores here are what workers are told to offer, not what the machine has.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from localaws.core.errors import AwsError

_MEMORY = re.compile(r"(\d+)([kmgt]?)b?", re.IGNORECASE)
_MEBIBYTES = {"k": 1 / 1024, "": 1, "m": 1, "g": 1024, "t": 1024 * 1024}
_LEAST_MB = 472
"""Spark refuses a smaller heap."""

DRIVER_MEMORY = "512m"
EXECUTOR_MEMORY = "512m"


@dataclass(frozen=True)
class Worker:
    """What a worker offers in all, used or not."""

    cores: int
    memory_mb: int


def memory_mb(name: str, value: str) -> int:
    """Return a memory property in MiB; a number alone is MiB."""
    found = _MEMORY.fullmatch(value.strip())
    if found is None:
        raise AwsError("InvalidArgumentException", f"{name}={value} is not an amount of memory")
    size = int(int(found[1]) * _MEBIBYTES[found[2].lower()])
    if size < _LEAST_MB:
        raise AwsError(
            "InvalidArgumentException", f"{name}={value} is too small: Spark needs {_LEAST_MB}m"
        )
    return size


def _count(conf: Mapping[str, str], name: str, default: int) -> int:
    value = conf.get(name, str(default))
    if not value.isdecimal() or int(value) < 1:
        raise AwsError("InvalidArgumentException", f"{name}={value} is not a positive number")
    return int(value)


def resources(conf: Mapping[str, str], workers: Sequence[Worker]) -> dict[str, str]:
    """Return the properties of a job's size on these workers, of which there is at least one.

    Raises:
        AwsError: InvalidArgumentException where the job would wait for ever.
    """
    driver = conf.get("spark.driver.memory", DRIVER_MEMORY)
    executor = conf.get("spark.executor.memory", EXECUTOR_MEMORY)
    need = memory_mb("spark.driver.memory", driver) + memory_mb("spark.executor.memory", executor)
    fitting = [worker for worker in workers if worker.memory_mb >= need and worker.cores >= 3]
    if not fitting:
        largest = max(workers, key=lambda worker: worker.memory_mb)
        raise AwsError(
            "InvalidArgumentException",
            f"The job's driver ({driver}) and executor ({executor}) do not fit into a worker of "
            f"the cluster: the largest offers {largest.memory_mb} MB and {largest.cores} cores "
            f"(a job needs {need} MB and 3 cores). Ask for less, or raise SPARK_WORKER_MEMORY and "
            "SPARK_WORKER_CORES.",
        )
    cores = min(worker.cores for worker in fitting)
    largest_cores = max(worker.cores for worker in workers)
    driver_cores = largest_cores // 2 + 1
    spare = cores - driver_cores
    if spare < 1:
        raise AwsError(
            "InvalidArgumentException",
            f"The cluster's workers are too unlike ({cores} and {largest_cores} cores): give them "
            "the same SPARK_WORKER_CORES.",
        )
    each = _count(conf, "spark.executor.cores", spare)
    if each > spare:
        raise AwsError(
            "InvalidArgumentException",
            f"spark.executor.cores={each} is more than the {spare} that a worker of {cores} cores "
            "keeps for executors. Ask for less, or raise SPARK_WORKER_CORES.",
        )
    executors = _count(conf, "spark.executor.instances", 1)
    return {
        "spark.driver.cores": str(driver_cores),
        "spark.driver.memory": driver,
        "spark.executor.memory": executor,
        "spark.executor.cores": str(each),
        "spark.cores.max": str(_count(conf, "spark.cores.max", each * executors)),
    }
