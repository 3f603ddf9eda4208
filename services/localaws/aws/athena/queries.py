"""SELECT and EXPLAIN: the SQL engine's answer as Athena's result."""

from __future__ import annotations

from localaws.aws.athena.columns import column_info, describe
from localaws.aws.athena.run import Answer, Run
from localaws.aws.athena.statements import Explain, Query
from localaws.engines.sql.base import ResultSink


async def run_query(run: Run, statement: Query) -> Answer:
    """Run a query; its rows become the result CSV."""
    path = run.staging.folder / "result.csv"
    outcome = await run.query(statement.sql, ResultSink(path))
    return Answer(
        columns=[describe(column) for column in outcome.columns],
        file=path,
        update_count=0,
        has_metadata=True,
        rows=outcome.rows,
        scanned_bytes=outcome.scanned_bytes,
    )


async def explain(run: Run, statement: Explain) -> Answer:
    """Return the engine's plan, a row per line; Athena ends it with a line feed of its own."""
    plan = await run.engine.explain(statement.sql, run.session(), run.reader)
    column = column_info("Query Plan", "varchar", len(plan), 0, True)
    return Answer(columns=[column], text=plan + "\n", has_metadata=True)
