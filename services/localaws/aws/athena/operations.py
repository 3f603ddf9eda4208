"""Athena's API.

https://docs.aws.amazon.com/athena/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from collections.abc import Sequence

from localaws.aws.athena import (
    data_catalogs,
    executions,
    named_queries,
    prepared,
    running,
    workgroups,
)
from localaws.aws.athena.errors import invalid_request
from localaws.aws.athena.model import ENGINE_VERSION, PRIMARY
from localaws.aws.athena.results import MAX_ROWS
from localaws.aws.athena.results import get_query_results as results_page
from localaws.aws.athena.store import Executions
from localaws.core.errors import AwsError, not_implemented
from localaws.core.platform import Context
from localaws.core.service import Service, Shape

service = Service("athena")
service.job(running.JOB, on_lost=running.recover_execution)(running.run_execution)


# query executions


@service.operation("executed")
async def start_query_execution(
    ctx: Context,
    *,
    query_string: str,
    client_request_token: str | None = None,
    query_execution_context: Shape | None = None,
    result_configuration: Shape | None = None,
    work_group: str | None = None,
    execution_parameters: list[str] | None = None,
    result_reuse_configuration: Shape | None = None,
) -> Shape:
    """Begin to run a statement."""
    reuse = (result_reuse_configuration or {}).get("ResultReuseByAgeConfiguration") or {}
    if reuse.get("Enabled"):
        raise not_implemented("ResultReuseByAgeConfiguration.Enabled")
    id = await executions.start(
        ctx,
        query_string,
        client_request_token,
        query_execution_context or {},
        result_configuration or {},
        work_group,
        execution_parameters or [],
    )
    return {"QueryExecutionId": id}


@service.operation("executed")
async def get_query_execution(ctx: Context, *, query_execution_id: str) -> Shape:
    """Return the state and statistics of an execution."""
    return {"QueryExecution": (await executions.get(ctx, query_execution_id)).describe()}


@service.operation("executed")
async def batch_get_query_execution(ctx: Context, *, query_execution_ids: list[str]) -> Shape:
    """Return several executions, and which ids are unknown."""
    found = await Executions(ctx.platform.database, ctx.scope).get_many(query_execution_ids)
    return {
        "QueryExecutions": [found[id].describe() for id in query_execution_ids if id in found],
        "UnprocessedQueryExecutionIds": [
            {
                "QueryExecutionId": id,
                "ErrorCode": "INVALID_INPUT",
                "ErrorMessage": f"QueryExecution {id} was not found",
            }
            for id in query_execution_ids
            if id not in found
        ],
    }


@service.operation("executed")
async def list_query_executions(
    ctx: Context,
    *,
    next_token: str | None = None,
    max_results: int | None = None,
    work_group: str | None = None,
) -> Shape:
    """Return the ids of a workgroup's executions, newest first."""
    return await executions.page(ctx, work_group or PRIMARY, next_token, max_results)


@service.operation("executed")
async def stop_query_execution(ctx: Context, *, query_execution_id: str) -> Shape:
    """Stop an execution."""
    await executions.stop(ctx, query_execution_id)
    return {}


@service.operation("executed")
async def get_query_results(
    ctx: Context,
    *,
    query_execution_id: str,
    next_token: str | None = None,
    max_results: int | None = None,
    query_result_type: str | None = None,
) -> Shape:
    """Return a page of a result."""
    if query_result_type not in (None, "DATA_ROWS"):
        raise not_implemented(f"QueryResultType {query_result_type}")
    if max_results is not None and max_results > MAX_ROWS:
        await executions.get(ctx, query_execution_id)
        raise invalid_request(f"MaxResults is more than maximum allowed length {MAX_ROWS}")
    return await results_page(ctx, query_execution_id, next_token, max_results)


@service.operation("executed", "no output stage: the engine's stages are not Trino's")
async def get_query_runtime_statistics(ctx: Context, *, query_execution_id: str) -> Shape:
    """Return measured times, rows and bytes of an execution that is over."""
    execution = await executions.get(ctx, query_execution_id)
    statistics = execution.statistics
    rows: Shape = {"InputBytes": statistics.scanned_bytes}
    if statistics.output_rows is not None:
        rows["OutputRows"] = statistics.output_rows
    if statistics.output_bytes is not None:
        rows["OutputBytes"] = statistics.output_bytes
    return {"QueryRuntimeStatistics": {"Timeline": execution.timeline(), "Rows": rows}}


# workgroups


@service.operation("executed")
async def create_work_group(
    ctx: Context,
    *,
    name: str,
    configuration: Shape | None = None,
    description: str = "",
    tags: list[Shape] | None = None,
) -> Shape:
    """Create a workgroup."""
    await workgroups.create_workgroup(ctx, name, configuration or {}, description, tags or [])
    return {}


@service.operation("executed")
async def get_work_group(ctx: Context, *, work_group: str) -> Shape:
    """Return a workgroup."""
    return {"WorkGroup": (await workgroups.find_workgroup(ctx, work_group)).describe()}


@service.operation("executed")
async def list_work_groups(
    ctx: Context, *, next_token: str | None = None, max_results: int | None = None
) -> Shape:
    """Return workgroups by name."""
    return await workgroups.list_workgroups(ctx, next_token, max_results)


@service.operation("executed")
async def update_work_group(
    ctx: Context,
    *,
    work_group: str,
    description: str | None = None,
    configuration_updates: Shape | None = None,
    state: str | None = None,
) -> Shape:
    """Change a workgroup."""
    await workgroups.update_workgroup(
        ctx, work_group, description, configuration_updates or {}, state
    )
    return {}


@service.operation("executed")
async def delete_work_group(
    ctx: Context, *, work_group: str, recursive_delete_option: bool = False
) -> Shape:
    """Delete a workgroup."""
    await workgroups.delete_workgroup(ctx, work_group, recursive_delete_option)
    return {}


@service.operation("executed")
async def list_engine_versions(
    ctx: Context, *, next_token: str | None = None, max_results: int | None = None
) -> Shape:
    """Return the engine versions a workgroup may select."""
    names = ("AUTO", ENGINE_VERSION)
    versions = [
        {"SelectedEngineVersion": name, "EffectiveEngineVersion": ENGINE_VERSION} for name in names
    ]
    start = int(workgroups.decode_token(next_token) or 0)
    end = start + (max_results or len(versions))
    answer: Shape = {"EngineVersions": versions[start:end]}
    if end < len(versions):
        answer["NextToken"] = workgroups.encode_token(str(end))
    return answer


@service.operation("executed")
async def tag_resource(ctx: Context, *, resource_arn: str, tags: list[Shape]) -> Shape:
    """Add tags to a workgroup."""
    group = await workgroups.tagged_workgroup(ctx, resource_arn)
    added = {tag["Key"]: tag.get("Value", "") for tag in tags}
    await workgroups.set_tags(ctx, group, group.tags | added)
    return {}


@service.operation("executed")
async def untag_resource(ctx: Context, *, resource_arn: str, tag_keys: list[str]) -> Shape:
    """Remove tags from a workgroup."""
    group = await workgroups.tagged_workgroup(ctx, resource_arn)
    kept = {key: value for key, value in group.tags.items() if key not in tag_keys}
    await workgroups.set_tags(ctx, group, kept)
    return {}


@service.operation("executed")
async def list_tags_for_resource(
    ctx: Context,
    *,
    resource_arn: str,
    next_token: str | None = None,
    max_results: int | None = None,
) -> Shape:
    """Return a workgroup's tags: at most 50, so always one page."""
    group = await workgroups.tagged_workgroup(ctx, resource_arn)
    return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(group.tags.items())]}


# named queries


@service.operation("executed")
async def create_named_query(
    ctx: Context,
    *,
    name: str,
    database: str,
    query_string: str,
    description: str = "",
    client_request_token: str | None = None,
    work_group: str | None = None,
) -> Shape:
    """Save a query."""
    id = await named_queries.create_named_query(
        ctx, name, database, query_string, description, work_group, client_request_token
    )
    return {"NamedQueryId": id}


@service.operation("executed")
async def get_named_query(ctx: Context, *, named_query_id: str) -> Shape:
    """Return a saved query."""
    return {"NamedQuery": (await named_queries.find_named_query(ctx, named_query_id)).describe()}


@service.operation("executed")
async def batch_get_named_query(ctx: Context, *, named_query_ids: list[str]) -> Shape:
    """Return several saved queries, and which ids are unknown."""
    found: list[Shape] = []
    unknown: list[Shape] = []
    for id in named_query_ids:
        try:
            found.append((await named_queries.find_named_query(ctx, id)).describe())
        except AwsError as error:
            unknown.append(
                {"NamedQueryId": id, "ErrorCode": "INVALID_INPUT", "ErrorMessage": error.message}
            )
    return {"NamedQueries": found, "UnprocessedNamedQueryIds": unknown}


@service.operation("executed")
async def list_named_queries(
    ctx: Context,
    *,
    next_token: str | None = None,
    max_results: int | None = None,
    work_group: str | None = None,
) -> Shape:
    """Return the ids of a workgroup's saved queries."""
    return await named_queries.list_named_queries(ctx, work_group, next_token, max_results)


@service.operation("executed")
async def update_named_query(
    ctx: Context,
    *,
    named_query_id: str,
    name: str,
    query_string: str,
    description: str | None = None,
) -> Shape:
    """Write over a saved query."""
    await named_queries.update_named_query(ctx, named_query_id, name, query_string, description)
    return {}


@service.operation("executed")
async def delete_named_query(ctx: Context, *, named_query_id: str) -> Shape:
    """Delete a saved query."""
    await named_queries.delete_named_query(ctx, named_query_id)
    return {}


# prepared statements


@service.operation("executed")
async def create_prepared_statement(
    ctx: Context,
    *,
    statement_name: str,
    work_group: str,
    query_statement: str,
    description: str = "",
) -> Shape:
    """Keep a statement for EXECUTE."""
    await prepared.create_prepared(ctx, work_group, statement_name, query_statement, description)
    return {}


@service.operation("executed")
async def get_prepared_statement(ctx: Context, *, statement_name: str, work_group: str) -> Shape:
    """Return a prepared statement."""
    statement = await prepared.find_prepared(ctx, work_group, statement_name)
    return {"PreparedStatement": statement.describe()}


@service.operation("executed")
async def batch_get_prepared_statement(
    ctx: Context, *, prepared_statement_names: Sequence[str], work_group: str
) -> Shape:
    """Return several prepared statements, and which names are unknown."""
    found: list[Shape] = []
    unknown: list[Shape] = []
    for name in prepared_statement_names:
        try:
            found.append((await prepared.find_prepared(ctx, work_group, name)).describe())
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            unknown.append(
                {
                    "StatementName": name,
                    "ErrorCode": "STATEMENT_NOT_FOUND",
                    "ErrorMessage": error.message,
                }
            )
    return {"PreparedStatements": found, "UnprocessedPreparedStatementNames": unknown}


@service.operation("executed")
async def list_prepared_statements(
    ctx: Context,
    *,
    work_group: str,
    next_token: str | None = None,
    max_results: int | None = None,
) -> Shape:
    """Return a workgroup's prepared statements."""
    return await prepared.list_prepared(ctx, work_group, next_token, max_results)


@service.operation("executed")
async def update_prepared_statement(
    ctx: Context,
    *,
    statement_name: str,
    work_group: str,
    query_statement: str,
    description: str | None = None,
) -> Shape:
    """Write over a prepared statement."""
    await prepared.update_prepared(ctx, work_group, statement_name, query_statement, description)
    return {}


@service.operation("executed")
async def delete_prepared_statement(ctx: Context, *, statement_name: str, work_group: str) -> Shape:
    """Delete a prepared statement."""
    await prepared.delete_prepared(ctx, work_group, statement_name)
    return {}


# the catalog


@service.operation("executed")
async def list_data_catalogs(
    ctx: Context,
    *,
    next_token: str | None = None,
    max_results: int | None = None,
    work_group: str | None = None,
) -> Shape:
    """Return the data catalogs: there is one, so always one page."""
    await workgroups.find_workgroup(ctx, work_group or PRIMARY)
    return data_catalogs.list_data_catalogs()


@service.operation("executed")
async def get_data_catalog(ctx: Context, *, name: str, work_group: str | None = None) -> Shape:
    """Return a data catalog."""
    await workgroups.find_workgroup(ctx, work_group or PRIMARY)
    return data_catalogs.get_data_catalog(ctx, name)


@service.operation("executed")
async def get_database(
    ctx: Context, *, catalog_name: str, database_name: str, work_group: str | None = None
) -> Shape:
    """Return a database."""
    await workgroups.find_workgroup(ctx, work_group or PRIMARY)
    return await data_catalogs.get_database(ctx, catalog_name, database_name)


@service.operation("executed")
async def list_databases(
    ctx: Context,
    *,
    catalog_name: str,
    next_token: str | None = None,
    max_results: int | None = None,
    work_group: str | None = None,
) -> Shape:
    """Return databases by name."""
    await workgroups.find_workgroup(ctx, work_group or PRIMARY)
    return await data_catalogs.list_databases(ctx, catalog_name, next_token, max_results)


@service.operation("executed")
async def get_table_metadata(
    ctx: Context,
    *,
    catalog_name: str,
    database_name: str,
    table_name: str,
    work_group: str | None = None,
) -> Shape:
    """Return a table."""
    await workgroups.find_workgroup(ctx, work_group or PRIMARY)
    return await data_catalogs.get_table_metadata(ctx, catalog_name, database_name, table_name)


@service.operation("executed")
async def list_table_metadata(
    ctx: Context,
    *,
    catalog_name: str,
    database_name: str,
    expression: str | None = None,
    next_token: str | None = None,
    max_results: int | None = None,
    work_group: str | None = None,
) -> Shape:
    """Return a database's tables by name."""
    await workgroups.find_workgroup(ctx, work_group or PRIMARY)
    return await data_catalogs.list_table_metadata(
        ctx, catalog_name, database_name, expression, next_token, max_results
    )
