"""The result files of a statement: written beside each other in one step."""

from __future__ import annotations

import uuid

from localaws.aws.athena.columns import metadata_file
from localaws.aws.athena.errors import RESULT_WRITE_ERROR, StatementError
from localaws.aws.athena.locations import Location, parse_location
from localaws.aws.athena.run import Answer, Run
from localaws.core.errors import AwsError
from localaws.engines.object_store.base import Adoption, Attributes

_OCTETS = Attributes(headers={"ContentType": "application/octet-stream"})
_BINARY = Attributes(headers={"ContentType": "binary/octet-stream"})


async def publish(run: Run, answer: Answer) -> None:
    """Write the result, its ``.metadata`` and its manifest.

    Raises:
        StatementError: the result bucket cannot be written.
    """
    execution = run.execution
    where = result_location(run)
    plain = answer.text is not None and (answer.update_count == 0 or not answer.text)
    attributes = _BINARY if plain else _OCTETS
    files: list[Adoption] = []
    if answer.file is not None:
        execution.statistics.output_bytes = answer.file.stat().st_size
        files.append(Adoption(where.key, answer.file, _OCTETS))
    elif answer.text is not None:
        execution.has_text = True
        files.append(_written(run, where.key, answer.text.encode(), attributes))
    execution.has_result = bool(files)
    if answer.has_metadata:
        content = metadata_file(
            execution.id, answer.columns, answer.update_type, answer.update_count
        )
        files.append(_written(run, where.key + ".metadata", content, attributes))
    if answer.manifest is not None:
        key = where.key + "-manifest.csv"
        body = "".join(f"{uri}\n" for uri in answer.manifest)
        files.append(_written(run, key, body.encode(), _OCTETS))
        execution.statistics.manifest = f"s3://{where.bucket}/{key}"
    await _adopt(run, where, files)


async def publish_failure(run: Run, reason: str) -> None:
    """Write the reason as the result, as Athena does for DDL that failed."""
    where = result_location(run)
    run.execution.has_text = run.execution.has_result = True
    await _adopt(run, where, [_written(run, where.key, reason.encode(), _OCTETS)])


async def withdraw(run: Run) -> None:
    """Remove the result of a statement that was cancelled while it was being published."""
    where = result_location(run)
    await run.objects.delete(
        where.bucket, [where.key + suffix for suffix in ("", ".metadata", "-manifest.csv")]
    )


def result_location(run: Run) -> Location:
    """Return where the result goes."""
    where = parse_location(run.execution.location)
    if where is None:
        raise StatementError("outputLocation is not a valid S3 path.")
    return where


def _written(run: Run, key: str, content: bytes, attributes: Attributes) -> Adoption:
    path = run.staging.folder / f"result-{uuid.uuid4().hex}"
    path.write_bytes(content)
    return Adoption(key, path, attributes)


async def _adopt(run: Run, where: Location, files: list[Adoption]) -> None:
    if not files:
        return
    try:
        await run.objects.adopt(where.bucket, files)
    except AwsError as error:
        raise StatementError(
            f"Failed to write query results to {run.execution.location}: {error.message}",
            RESULT_WRITE_ERROR,
        ) from error
