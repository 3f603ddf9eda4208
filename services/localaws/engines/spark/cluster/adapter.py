"""The ``spark`` port over a standalone cluster: a job is a driver, started by the REST server."""

from __future__ import annotations

import json
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import aiohttp

from localaws.core.errors import AwsError
from localaws.engines.spark.base import (
    JobState,
    JobStatus,
    SparkEngine,
    SparkHealth,
    SparkJob,
)
from localaws.engines.spark.cluster.documents import job_state, log_lines, outcome, submission
from localaws.engines.spark.cluster.shape import Worker, resources

_UI_PORT = 8080
_BYTES_PER_LINE = 500
_MOST_BYTES = 4 * 1024 * 1024


class ClusterSpark(SparkEngine):
    """Jobs on a cluster.

    Args:
        url: the master's REST submission server, e.g. ``http://spark-master:6066``.
        ui_url: the master's web pages, which know the workers and hand on their logs; empty: port
            8080 of the same host.
        seconds: how long one call may wait for the cluster.
    """

    def __init__(self, url: str, ui_url: str = "", seconds: float = 20.0) -> None:
        self._url = url.rstrip("/")
        self._ui_url = ui_url.rstrip("/") or f"http://{urlsplit(url).hostname}:{_UI_PORT}"
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open a session for requests."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._seconds, connect=min(5.0, self._seconds))
        )

    async def stop(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def healthy(self) -> SparkHealth:
        """Count the workers that the master sees alive."""
        workers = await self._workers()
        return SparkHealth(
            len(workers),
            sum(worker.cores for worker in workers),
            sum(worker.memory_mb for worker in workers),
        )

    async def submit(self, job: SparkJob) -> str:
        """Create a submission of the launcher with the job."""
        request = submission(job, resources(job.conf, await self._workers()))
        answer = await self._ask("POST", "create", request)
        if not answer.get("success"):
            raise self._unavailable(f"it refused job {job.name}: {answer.get('message')}")
        return str(answer["submissionId"])

    async def status(self, job_id: str) -> JobStatus:
        """Ask for the driver, and where it failed for its reason."""
        driver = await self._driver(job_id)
        state = job_state(driver["driverState"])
        if state is JobState.SUCCEEDED:
            return JobStatus(job_id, state, exit_code=0)
        if state is JobState.STOPPED:
            return JobStatus(job_id, state, "The job was cancelled")
        if state is not JobState.FAILED:
            return JobStatus(job_id, state)
        if driver["driverState"] == "ERROR":
            said = _exception(driver) or "its worker was lost"
            return JobStatus(job_id, state, f"The driver could not be run to its end: {said}")
        try:
            code, reason = outcome(await self._page(job_id, driver, "stderr", 64 * 1024))
        except AwsError as error:
            return JobStatus(job_id, state, f"The driver failed. {error.message}")
        return JobStatus(job_id, state, reason, code)

    async def cancel(self, job_id: str) -> None:
        """Ask the master to kill the driver."""
        answer = await self._ask("POST", f"kill/{quote(job_id, safe='')}")
        if not answer.get("success"):
            await self._driver(job_id)  # it has ended, or is not known

    async def log(
        self, job_id: str, lines: int = 100, source: Literal["output", "engine"] = "output"
    ) -> str:
        """Fetch the end of the driver's log from its worker, by the master."""
        driver = await self._driver(job_id)
        if driver.get("workerId") is None:
            return ""  # it waits
        name = {"output": "stdout", "engine": "stderr"}[source]
        size = min(_MOST_BYTES, max(64 * 1024, lines * _BYTES_PER_LINE))
        return log_lines(await self._page(job_id, driver, name, size), lines)

    async def _driver(self, job_id: str) -> dict[str, Any]:
        answer = await self._ask("GET", f"status/{quote(job_id, safe='')}")
        if not answer.get("success") and answer.get("message"):
            # A master that has just come back knows nothing until it has heard its workers.
            raise self._unavailable(_exception(answer))
        if not answer.get("success"):
            raise AwsError(
                "ResourceNotFoundException",
                f"Spark job {job_id} is not known to the cluster at {self._url}, which forgets its "
                "jobs when spark-master is restarted: start the job again",
            )
        return answer

    async def _workers(self) -> list[Worker]:
        page = await self._fetch("GET", f"{self._ui_url}/json/")
        try:
            workers = [
                Worker(int(worker["cores"]), int(worker["memory"]))
                for worker in json.loads(page)["workers"]
                if worker["state"] == "ALIVE"
            ]
        except (ValueError, KeyError) as error:
            raise self._unavailable(f"{self._ui_url}/json/ is not its state: {error}") from error
        if not workers:
            raise self._unavailable("none of its workers is alive")
        return workers

    async def _page(self, job_id: str, driver: dict[str, Any], name: str, size: int) -> str:
        worker = driver.get("workerId")
        query = f"driverId={quote(job_id)}&logType={name}&byteLength={size}"
        try:
            return await self._fetch("GET", f"{self._ui_url}/proxy/{worker}/log/?{query}")
        except AwsError as error:
            raise AwsError(
                "ResourceNotFoundException",
                f"The log of Spark job {job_id} cannot be read from {worker}: {error.message}",
            ) from error

    async def _ask(
        self, method: str, path: str, document: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        text = await self._fetch(method, f"{self._url}/v1/submissions/{path}", document)
        try:
            answer = json.loads(text)
        except ValueError as error:
            raise self._unavailable(f"{self._url} does not speak its protocol") from error
        if answer.get("action") == "ErrorResponse":
            raise self._unavailable(str(answer.get("message")).splitlines()[0])
        return dict(answer)

    async def _fetch(self, method: str, url: str, document: dict[str, Any] | None = None) -> str:
        assert self._session is not None, "start() comes first"
        try:
            async with self._session.request(method, url, json=document) as response:
                text = await response.text(errors="replace")
                if response.status >= 400 and "ErrorResponse" not in text:
                    raise self._unavailable(f"{url} answered {response.status} {response.reason}")
                return text
        except TimeoutError:
            raise self._unavailable(f"no answer in {self._seconds:g} s") from None
        except aiohttp.ClientError as error:
            raise self._unavailable(str(error)) from error

    def _unavailable(self, reason: str) -> AwsError:
        return AwsError(
            "ServiceUnavailable",
            f"The Spark cluster at {self._url} cannot be used ({reason}). "
            "Start it with `docker compose up --wait spark-master spark-worker`, then try again.",
            503,
        )


def _exception(answer: dict[str, Any]) -> str:
    """Return the first line of an exception, which comes with its trace behind a heading."""
    return "".join(str(answer.get("message") or "").splitlines()[1:2])
