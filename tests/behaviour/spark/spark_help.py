"""What the tests of the ``spark`` port share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from localaws.engines.spark.base import JobStatus, SparkEngine, SparkJob


@dataclass
class Jobs:
    """An engine, and what tests do with its jobs."""

    engine: SparkEngine

    async def until(self, job_id: str, *states: str, seconds: float = 180) -> JobStatus:
        """Wait until a job is in one of the states, or has ended."""
        async with asyncio.timeout(seconds):
            while True:
                status = await self.engine.status(job_id)
                if status.state in states or status.state.final:
                    return status
                await asyncio.sleep(0.2)

    async def run(self, job: SparkJob) -> JobStatus:
        """Run a job to its end."""
        return await self.until(await self.engine.submit(job))
