"""What the tests of the SQL engine share: SerDes, staging places, tables of local files."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.engines.object_store.base import STAGING_BUCKET, Staging
from localaws.engines.sql.base import Column, DataFile, TableSchema
from localaws.engines.sql.duckdb.execution import Job, open_job
from localaws.engines.sql.duckdb.pool import WorkerPool
from localaws.engines.sql.duckdb.runtime_errors import map_runtime_error
from localaws.engines.sql.duckdb.scan import Fragment, Scan

PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
LAZY_SIMPLE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
OPENX_JSON = "org.openx.data.jsonserde.JsonSerDe"
HIVE_JSON = "org.apache.hive.hcatalog.data.JsonSerDe"


def staging(folder: Path) -> Staging:
    return Staging(folder, STAGING_BUCKET, "test/")


@dataclass
class Lake:
    """Data files whose local names say nothing, as those of an object store."""

    directory: Path
    pool: WorkerPool
    scanned: int = 0

    def __post_init__(self) -> None:
        self.numbers = itertools.count()

    def file(self, key: str, content: bytes | Callable[[Path], None]) -> DataFile:
        path = self.directory / f"blob{next(self.numbers)}"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content(path)
        return DataFile(f"s3://lake/{key}", str(path), path.stat().st_size)

    async def read(
        self,
        serde: str,
        columns: Mapping[str, str],
        files: Sequence[DataFile] | Sequence[Fragment],
        *,
        keys: Mapping[str, str] | None = None,
        options: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
        select: str = "*",
        used: Sequence[str] | None = None,
    ) -> list[Any]:
        """Return rows of `SELECT {select} FROM t`."""
        table = TableSchema(
            "awsdatacatalog",
            "bank",
            "t",
            tuple(Column(name, type_) for name, type_ in columns.items()),
            tuple(Column(name, type_) for name, type_ in (keys or {}).items()),
            "s3://lake/t/",
            "",
            serde,
            options or {},
            parameters or {},
        )
        fragments = [f for f in files if isinstance(f, Fragment)]
        plain = tuple(f for f in files if isinstance(f, DataFile))
        scan = Scan(
            "t",
            table,
            tuple(used if used is not None else [*columns, *(keys or {})]),
            tuple(fragments) or (Fragment((), plain),),
        )
        job = Job((), f"SELECT {select} FROM t", (scan,))
        async with (
            self.pool.session() as session,
            open_job(session, job, map_runtime_error) as scanned,
        ):
            self.scanned = scanned
            rows = await session.execute(job.sql)
        return [tuple(row) if len(row) > 1 else row[0] for row in rows]
