"""PREPARE and DEALLOCATE: prepared statements made by SQL rather than by the API."""

from __future__ import annotations

from localaws.aws.athena.errors import StatementError, engine_failure
from localaws.aws.athena.model import PreparedStatement
from localaws.aws.athena.run import Answer, Run
from localaws.aws.athena.statements import Deallocate, Prepare
from localaws.core.state import DocumentExists


async def prepare(run: Run, statement: Prepare) -> Answer:
    """Keep a statement under a name in the workgroup."""
    workgroup = run.execution.workgroup
    prepared = PreparedStatement(
        name=statement.name,
        workgroup=workgroup,
        query=statement.sql,
        modified_at=run.platform.clock.now(),
    )
    try:
        await run.platform.state.create(run.scope, f"{workgroup}/{statement.name}", prepared)
    except DocumentExists as error:
        raise StatementError(
            f"PreparedStatement {statement.name} already exists in WorkGroup {workgroup}"
        ) from error
    return Answer(text="")


async def deallocate(run: Run, statement: Deallocate) -> Answer:
    """Forget a prepared statement."""
    key = f"{run.execution.workgroup}/{statement.name}"
    if not await run.platform.state.delete(run.scope, PreparedStatement, key):
        raise engine_failure("NOT_FOUND", f"Prepared statement not found: {statement.name}")
    return Answer(text="")
