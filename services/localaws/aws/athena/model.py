"""Athena's resources as typed documents."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

import msgspec

from localaws.core.service import Shape
from localaws.core.state import Document

ENGINE_VERSION = "Athena engine version 3"
PRIMARY = "primary"


def engine_version() -> Shape:
    """Return the one engine version there is, as AWS answers it."""
    return {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": ENGINE_VERSION}


class WorkGroup(Document):
    """A workgroup; `configuration` is AWS's WorkGroupConfiguration."""

    kind: ClassVar[str] = "athena.workgroup"
    name: str
    created_at: datetime
    state: str = "ENABLED"
    description: str = ""
    configuration: dict[str, Any] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    def describe(self) -> Shape:
        """Return AWS's WorkGroup."""
        shape: Shape = {
            "Name": self.name,
            "State": self.state,
            "Configuration": self.configuration | {"EngineVersion": engine_version()},
            "CreationTime": self.created_at,
        }
        if self.description:
            shape["Description"] = self.description
        return shape

    def summarize(self) -> Shape:
        """Return AWS's WorkGroupSummary."""
        return {
            "Name": self.name,
            "State": self.state,
            "Description": self.description,
            "CreationTime": self.created_at,
            "EngineVersion": engine_version(),
        }


class NamedQuery(Document):
    """A saved query."""

    kind: ClassVar[str] = "athena.named-query"
    id: str
    name: str
    database: str
    query: str
    workgroup: str
    description: str = ""

    def describe(self) -> Shape:
        """Return AWS's NamedQuery."""
        shape: Shape = {
            "NamedQueryId": self.id,
            "Name": self.name,
            "Database": self.database,
            "QueryString": self.query,
            "WorkGroup": self.workgroup,
        }
        if self.description:
            shape["Description"] = self.description
        return shape


class PreparedStatement(Document):
    """A prepared statement of a workgroup; its id is ``<workgroup>/<name>``."""

    kind: ClassVar[str] = "athena.prepared-statement"
    name: str
    workgroup: str
    query: str
    modified_at: datetime
    description: str = ""

    def describe(self) -> Shape:
        """Return AWS's PreparedStatement."""
        shape: Shape = {
            "StatementName": self.name,
            "QueryStatement": self.query,
            "WorkGroupName": self.workgroup,
            "LastModifiedTime": self.modified_at,
        }
        if self.description:
            shape["Description"] = self.description
        return shape


class Failure(msgspec.Struct, frozen=True):
    """Why a query failed, in Athena's error catalog."""

    category: int
    type: int
    message: str
    retryable: bool = False


class Statistics(msgspec.Struct):
    """What a finished query did: milliseconds and bytes, all measured; None was not measured."""

    queue: int = 0
    preprocessing: int | None = None
    engine: int | None = None
    processing: int | None = None
    total: int = 0
    scanned_bytes: int = 0
    output_rows: int | None = None
    output_bytes: int | None = None
    manifest: str | None = None


class Write(msgspec.Struct, frozen=True):
    """What a statement is about to make visible, noted before it does.

    A restart reads from it whether the statement took effect: `objects` appear all at once.
    """

    bucket: str
    objects: list[str]
    location: str = ""
    database: str = ""
    table: str = ""
    creates_table: bool = False
    new_partitions: list[list[str]] = []
    rows: int = 0
    scanned_bytes: int = 0


class QueryExecution(msgspec.Struct, kw_only=True):
    """One execution of a statement.

    Attributes:
        location: full ``s3://`` path of the result, as GetQueryExecution answers it.
        prefix: the folder results go to, with a trailing slash.
        request: what a repeated ClientRequestToken must repeat.
        columns: ColumnInfo of the result.
        has_text: whether the result file is lines of text rather than CSV.
        prepared: the text of the prepared statement that EXECUTE named.
    """

    id: str
    account: str
    region: str
    workgroup: str
    query: str
    statement_type: str
    substatement: str
    location: str
    prefix: str
    submitted_at: datetime
    request: tuple[str, str | None, str | None, str | None]
    catalog: str | None = None
    database: str | None = None
    prepared: str | None = None
    parameters: list[str] = msgspec.field(default_factory=list)
    result_configuration: dict[str, Any] = msgspec.field(default_factory=dict)
    scan_limit: int | None = None
    state: str = "QUEUED"
    reason: str | None = None
    failure: Failure | None = None
    completed_at: datetime | None = None
    statistics: Statistics = msgspec.field(default_factory=Statistics)
    columns: list[dict[str, Any]] = msgspec.field(default_factory=list)
    has_text: bool = False
    has_result: bool = False
    update_count: int | None = None
    write: Write | None = None

    @property
    def sql(self) -> str:
        """The statement that runs."""
        return self.query if self.prepared is None else self.prepared

    @property
    def final(self) -> bool:
        """Whether the execution is over."""
        return self.state in ("SUCCEEDED", "FAILED", "CANCELLED")

    def count_time(self) -> None:
        """Set the total time, once it is completed."""
        if self.completed_at is not None:
            elapsed = self.completed_at - self.submitted_at
            self.statistics.total = max(int(elapsed.total_seconds() * 1000), 0)

    def describe(self) -> Shape:
        """Return AWS's QueryExecution."""
        status: Shape = {"State": self.state, "SubmissionDateTime": self.submitted_at}
        if self.reason:
            status["StateChangeReason"] = self.reason
        if self.completed_at:
            status["CompletionDateTime"] = self.completed_at
        if self.failure:
            status["AthenaError"] = {
                "ErrorCategory": self.failure.category,
                "ErrorType": self.failure.type,
                "Retryable": self.failure.retryable,
                "ErrorMessage": self.failure.message,
            }
        context: Shape = {}
        if self.database is not None:
            context["Database"] = self.database
        if self.catalog is not None:
            context["Catalog"] = self.catalog.lower()
        shape: Shape = {
            "QueryExecutionId": self.id,
            "Query": self.query,
            "StatementType": self.statement_type,
            "SubstatementType": self.substatement,
            "ResultConfiguration": self.result_configuration | {"OutputLocation": self.location},
            "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
            "QueryExecutionContext": context,
            "Status": status,
            "Statistics": self._statistics(),
            "WorkGroup": self.workgroup,
            "EngineVersion": engine_version(),
        }
        if self.parameters:
            shape["ExecutionParameters"] = self.parameters
        return shape

    def _statistics(self) -> Shape:
        statistics = self.statistics
        shape: Shape = {"ResultReuseInformation": {"ReusedPreviousResult": False}}
        if not self.final:
            return shape
        shape |= self.timeline()
        shape["DataScannedInBytes"] = statistics.scanned_bytes
        if statistics.manifest:
            shape["DataManifestLocation"] = statistics.manifest
        return shape

    def timeline(self) -> Shape:
        """Return the measured times in AWS's names; none before the execution is over."""
        if not self.final:
            return {}
        statistics = self.statistics
        times = {
            "QueryQueueTimeInMillis": statistics.queue,
            "ServicePreProcessingTimeInMillis": statistics.preprocessing,
            "EngineExecutionTimeInMillis": statistics.engine,
            "ServiceProcessingTimeInMillis": statistics.processing,
            "TotalExecutionTimeInMillis": statistics.total,
        }
        return {name: value for name, value in times.items() if value is not None}
