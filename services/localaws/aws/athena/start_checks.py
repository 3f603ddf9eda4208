"""What StartQueryExecution refuses before there is an execution."""

from __future__ import annotations

from localaws.aws.athena.errors import invalid_request, malformed_query
from localaws.aws.athena.model import WorkGroup
from localaws.aws.athena.reader import CatalogReader
from localaws.aws.athena.run import check_catalog
from localaws.aws.athena.statements import (
    CreateTable,
    CreateTableAs,
    Describe,
    ShowColumns,
    Statement,
)
from localaws.core.platform import Context


async def check_statement(
    ctx: Context, statement: Statement, group: WorkGroup, database: str
) -> None:
    """Check what Athena checks of a statement at its start.

    Raises:
        AwsError: InvalidRequestException.
    """
    if isinstance(statement, CreateTableAs):
        _check_external_location(statement, group)
    elif isinstance(statement, CreateTable):
        if statement.location is None:
            raise malformed_query(
                "No location was specified for table. An S3 location must be specified"
            )
    elif isinstance(statement, Describe | ShowColumns):
        check_catalog(statement.name.catalog)
        reader = CatalogReader(ctx.platform, ctx.scope)
        where = statement.name.database or database
        if await reader.entry(where, statement.name.table) is None:
            raise invalid_request(
                "Entity Not Found (Service: AmazonDataCatalog; Status Code: 400; Error Code: "
                f"EntityNotFoundException; Request ID: {ctx.request_id}; Proxy: null)"
            )


def _check_external_location(statement: CreateTableAs, group: WorkGroup) -> None:
    settings = group.configuration.get("ResultConfiguration") or {}
    if (
        "external_location" in statement.properties
        and group.configuration.get("EnforceWorkGroupConfiguration")
        and settings.get("OutputLocation")
    ):
        raise invalid_request(
            "The Create Table As Select query failed because it was submitted with an "
            "'external_location' property to an Athena Workgroup that enforces a centralized "
            "output location for all queries. Please remove the 'external_location' property and "
            "resubmit the query."
        )
