"""A way to ask Athena in tests: one bucket for results, statements run to their end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

Row = tuple[str | None, ...]


class QueryFailed(Exception):
    def __init__(self, execution: dict[str, Any]) -> None:
        super().__init__(execution["Status"].get("StateChangeReason"))
        self.execution = execution
        self.reason: str = execution["Status"].get("StateChangeReason", "")
        self.error: dict[str, Any] = execution["Status"].get("AthenaError", {})


@dataclass
class Asker:
    """Runs statements as one account; `bucket` is there, results go to ``s3://bucket/results/``."""

    localaws: Any
    athena: Any
    s3: Any
    glue: Any
    bucket: str

    @classmethod
    def create(cls, localaws: Any) -> Asker:
        bucket = f"lake-{localaws.account}"
        s3 = localaws.client("s3")
        s3.create_bucket(Bucket=bucket)
        return cls(localaws, localaws.client("athena"), s3, localaws.client("glue"), bucket)

    @property
    def output(self) -> str:
        return f"s3://{self.bucket}/results/"

    def start(self, sql: str, database: str | None = None, **options: Any) -> str:
        options.setdefault("ResultConfiguration", {"OutputLocation": self.output})
        if database is not None:
            options["QueryExecutionContext"] = {"Database": database}
        answer = self.athena.start_query_execution(QueryString=sql, **options)
        id: str = answer["QueryExecutionId"]
        return id

    def finish(self, id: str, seconds: float = 60) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            answer = self.athena.get_query_execution(QueryExecutionId=id)
            execution: dict[str, Any] = answer["QueryExecution"]
            if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return execution
            assert time.monotonic() < deadline, execution
            time.sleep(0.01)

    def run(self, sql: str, database: str | None = None, **options: Any) -> dict[str, Any]:
        """Run a statement to its end; raise QueryFailed unless it succeeds."""
        execution = self.finish(self.start(sql, database, **options))
        if execution["Status"]["State"] != "SUCCEEDED":
            raise QueryFailed(execution)
        return execution

    def page(self, id: str, **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.athena.get_query_results(QueryExecutionId=id, **options)
        return answer

    def all(self, sql: str, database: str | None = None, **options: Any) -> list[Row]:
        """Run a statement and return every row as GetQueryResults gives it, the header too."""
        id = self.run(sql, database, **options)["QueryExecutionId"]
        pages = self.athena.get_paginator("get_query_results").paginate(QueryExecutionId=id)
        return [cells(row) for page in pages for row in page["ResultSet"]["Rows"]]

    def rows(self, sql: str, database: str | None = None, **options: Any) -> list[Row]:
        """Run a query and return its rows without the header."""
        return self.all(sql, database, **options)[1:]

    def lines(self, sql: str, database: str | None = None) -> list[str]:
        """Run a utility statement and return its lines."""
        return [row[0] or "" for row in self.all(sql, database)]

    def body(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    def put(self, key: str, body: bytes | str) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=data)

    def keys(self, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]


def cells(row: dict[str, Any]) -> Row:
    return tuple(cell.get("VarCharValue") for cell in row["Data"])
