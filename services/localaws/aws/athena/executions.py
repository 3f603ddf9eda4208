"""Query executions as clients see them: started, found, listed, stopped."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from datetime import datetime

from localaws.aws.athena.errors import execution_not_found, invalid_request
from localaws.aws.athena.locations import parse_location
from localaws.aws.athena.model import PRIMARY, QueryExecution, WorkGroup
from localaws.aws.athena.prepared import find_prepared
from localaws.aws.athena.run import check_catalog, context_database
from localaws.aws.athena.running import JOB, start_job
from localaws.aws.athena.start_checks import check_statement
from localaws.aws.athena.statements import (
    CreateTableAs,
    Execute,
    Explain,
    Insert,
    Query,
    Statement,
    Unload,
)
from localaws.aws.athena.store import Executions
from localaws.aws.athena.syntax import parse
from localaws.aws.athena.workgroups import decode_token, encode_token, find_workgroup
from localaws.core.errors import AwsError, not_implemented
from localaws.core.platform import Context
from localaws.core.service import Shape

MAX_QUERY_BYTES = 262_144

_LARGE_STATEMENT = 4096
_PAGE = 50
_WITH_PARAMETERS = (Query, Explain, Insert, CreateTableAs, Unload)
_CANCELLED = "Query cancelled by user"


async def start(
    ctx: Context,
    query: str,
    token: str | None,
    context: Shape,
    result_configuration: Shape,
    workgroup: str | None,
    parameters: list[str],
) -> str:
    """Begin an execution and return its id; a repeated token returns the id it gave before.

    The id is derived from the token, so a repetition meets the first execution's row.

    Raises:
        AwsError: InvalidRequestException.
    """
    platform = ctx.platform
    group = await find_workgroup(ctx, workgroup or PRIMARY)
    if group.state != "ENABLED":
        raise invalid_request(f"WorkGroup {group.name} is disabled.")
    prefix = await _result_prefix(ctx, group, result_configuration)
    if len(query.encode()) > MAX_QUERY_BYTES:
        raise invalid_request(
            "1 validation error detected: Value at 'queryString' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAX_QUERY_BYTES}"
        )
    if len(query) > _LARGE_STATEMENT:
        statement = await asyncio.to_thread(parse, query)
    else:
        statement = parse(query)
    check_catalog(context.get("Catalog"))
    await check_statement(ctx, statement, group, context_database(context.get("Database")))
    prepared = None
    if isinstance(statement, Execute):
        prepared = (await find_prepared(ctx, group.name, statement.name)).query
        parameters = list(statement.parameters) or parameters
        statement = parse(prepared)
    if parameters and not isinstance(statement, _WITH_PARAMETERS):
        raise invalid_request(
            f"Incorrect number of parameters: expected 0 but found {len(parameters)}"
        )
    id = _execution_id(ctx, token)
    execution = QueryExecution(
        id=id,
        account=ctx.account,
        region=ctx.region,
        workgroup=group.name,
        query=query,
        statement_type=statement.type,
        substatement=statement.substatement,
        location=_result_location(statement, prefix, id),
        prefix=prefix,
        submitted_at=platform.clock.now(),
        request=(
            query,
            context.get("Catalog"),
            context.get("Database"),
            result_configuration.get("OutputLocation"),
        ),
        catalog=context.get("Catalog"),
        database=context.get("Database"),
        prepared=prepared,
        parameters=parameters,
        result_configuration=_echoed(group, result_configuration),
        scan_limit=group.configuration.get("BytesScannedCutoffPerQuery"),
    )
    executions = Executions(platform.database, ctx.scope)
    async with platform.database.transaction() as connection:
        created = await executions.create(execution, connection)
        if created:
            await platform.jobs.submit(connection, JOB, ctx.scope, id)
    if created:
        start_job(platform, execution)
        return id
    before = await executions.get(id)
    if before is None or before.request != execution.request:
        raise invalid_request("Idempotent parameters do not match", "IDEMPOTENT_PARAMETER_MISMATCH")
    return id


def _execution_id(ctx: Context, token: str | None) -> str:
    if token is None:
        return str(uuid.uuid4())
    digest = hashlib.sha256(f"{ctx.account}/{ctx.region}/{token}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


async def _result_prefix(ctx: Context, group: WorkGroup, requested: Shape) -> str:
    """Return the folder results go to, by the rules of workgroup settings.

    https://docs.aws.amazon.com/athena/latest/ug/workgroups-settings-override.html
    """
    own = requested.get("OutputLocation")
    if own is not None and (parse_location(own) is None or not own.startswith("s3://")):
        raise invalid_request("outputLocation is not a valid S3 path.")
    settings = group.configuration.get("ResultConfiguration") or {}
    enforced = group.configuration.get("EnforceWorkGroupConfiguration", False)
    of_group = bool(settings.get("OutputLocation")) and (enforced or own is None)
    chosen = settings if of_group else requested
    uri = chosen.get("OutputLocation")
    where = parse_location(uri) if uri else None
    if where is None:
        raise invalid_request(
            "No output location provided. An output location is required either through the "
            "Workgroup result configuration setting or as an API input."
        )
    _refuse_encryption(chosen)
    try:
        bucket = await ctx.platform.object_store.bucket(where.bucket)
    except AwsError as error:
        raise invalid_request(f"Unable to verify/create output bucket {where.bucket}") from error
    owner = chosen.get("ExpectedBucketOwner")
    if owner is not None and bucket.account != owner:
        raise invalid_request(f"Unable to verify/create output bucket {where.bucket}")
    return f"s3://{where.bucket}/{where.folder}"


def _refuse_encryption(configuration: Shape) -> None:
    option = (configuration.get("EncryptionConfiguration") or {}).get("EncryptionOption")
    if option not in (None, "SSE_S3"):
        raise not_implemented(f"EncryptionOption {option}")


def _echoed(group: WorkGroup, requested: Shape) -> Shape:
    enforced = group.configuration.get("EnforceWorkGroupConfiguration", False)
    settings = group.configuration.get("ResultConfiguration") or {}
    chosen = settings if enforced else settings | requested
    return {name: value for name, value in chosen.items() if name != "OutputLocation"}


def _result_location(statement: Statement, prefix: str, id: str) -> str:
    if isinstance(statement, CreateTableAs):
        return f"{prefix}tables/{id}"
    if isinstance(statement, Insert | Unload):
        return prefix + id
    return f"{prefix}{id}.csv" if isinstance(statement, Query) else f"{prefix}{id}.txt"


async def get(ctx: Context, id: str) -> QueryExecution:
    """Return an execution; InvalidRequestException where there is none."""
    execution = await Executions(ctx.platform.database, ctx.scope).get(id)
    if execution is None:
        raise execution_not_found(id)
    return execution


async def page(
    ctx: Context, workgroup: str, next_token: str | None, max_results: int | None
) -> Shape:
    """Return a page of the ids of a workgroup's executions, newest first."""
    group = await find_workgroup(ctx, workgroup)
    limit = max_results or _PAGE
    before: tuple[datetime, str] | None = None
    if next_token is not None:
        time_text, _, id = decode_token(next_token).partition(" ")
        try:
            before = (datetime.fromisoformat(time_text), id)
        except ValueError as error:
            raise invalid_request(f"The nextPageToken is malformed: {next_token}") from error
    found = await Executions(ctx.platform.database, ctx.scope).page(group.name, before, limit + 1)
    answer: Shape = {"QueryExecutionIds": [id for id, _ in found[:limit]]}
    if len(found) > limit:
        id, submitted_at = found[limit - 1]
        answer["NextToken"] = encode_token(f"{submitted_at.isoformat()} {id}")
    return answer


async def stop(ctx: Context, id: str) -> None:
    """Cancel an execution; one that is over stays as it is."""
    execution = await get(ctx, id)
    if execution.final:
        return
    execution.reason = _CANCELLED
    execution.completed_at = ctx.platform.clock.now()
    execution.count_time()
    if await Executions(ctx.platform.database, ctx.scope).cancel(execution):
        await ctx.platform.sql.cancel(id)
