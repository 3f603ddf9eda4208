"""The ``spark`` port: jobs, each a Python script in a driver process of its own.

A job succeeds only when its script ran to its end: an exception or another exit code fails it, with
the reason. Errors are AWS's: ``ResourceNotFoundException`` for a job that the engine does not know
(any more), ``InvalidArgumentException`` for one that can never run, ``ServiceUnavailable`` where
the engine does not answer in time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from localaws.core.errors import AwsError


class JobState(StrEnum):
    """Where a job stands; the last three are final."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    STOPPED = "STOPPED"

    @property
    def final(self) -> bool:
        """Whether the job has ended."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True)
class SparkJob:
    """A job to run.

    Attributes:
        name: what the engine shows for it.
        script: the text of the script; or
        script_uri: where the script lies, ``s3://bucket/key``.
        arguments: what the script finds behind its name in ``sys.argv``.
        conf: Spark properties, over the engine's own; memory and cores too.
        environment: variables of the driver; never shown.
    """

    name: str
    script: str = field(default="", repr=False)
    script_uri: str = ""
    arguments: tuple[str, ...] = ()
    conf: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if bool(self.script) == bool(self.script_uri):
            raise AwsError(
                "InvalidArgumentException",
                f"Spark job {self.name} needs either the text of its script or the script's URI",
            )
        if self.script_uri and not self.script_uri.startswith("s3://"):
            raise AwsError(
                "InvalidArgumentException",
                f"Spark job {self.name}: its script {self.script_uri} is not an s3:// URI",
            )


@dataclass(frozen=True)
class JobStatus:
    """Where a job stands, and once it has ended why and with which exit code (if it had one)."""

    job_id: str
    state: JobState
    reason: str = ""
    exit_code: int | None = None


@dataclass(frozen=True)
class SparkHealth:
    """What the engine has to run jobs: workers that are alive, their cores and memory."""

    workers: int
    cores: int
    memory_mb: int


class SparkEngine(ABC):
    """Runs jobs; those beyond its capacity wait in order."""

    @abstractmethod
    async def start(self) -> None:
        """Make the engine ready to be asked; does not wait for it."""

    @abstractmethod
    async def stop(self) -> None:
        """Close the connections; jobs go on."""

    @abstractmethod
    async def healthy(self) -> SparkHealth:
        """Return the engine's capacity.

        Raises:
            AwsError: ServiceUnavailable, saying what does not answer and the cure.
        """

    @abstractmethod
    async def submit(self, job: SparkJob) -> str:
        """Hand a job to the engine and return its id.

        Raises:
            AwsError: InvalidArgumentException where no worker is large enough for it.
        """

    @abstractmethod
    async def status(self, job_id: str) -> JobStatus:
        """Return where a job stands; ResourceNotFoundException."""

    @abstractmethod
    async def cancel(self, job_id: str) -> None:
        """Stop a job, waiting or running; one that has ended stays as it is.

        Returns when the engine has taken the request: the state follows within seconds.
        """

    @abstractmethod
    async def log(
        self, job_id: str, lines: int = 100, source: Literal["output", "engine"] = "output"
    ) -> str:
        """Return the last lines of what a job wrote so far, or of what the engine wrote for it.

        Raises:
            AwsError: ResourceNotFoundException: no such job, or its log is lost with its worker.
        """
