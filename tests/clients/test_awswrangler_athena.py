"""awswrangler's lake functions, unchanged, against the endpoint."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import awswrangler as wr
import pandas as pd
import pytest

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def lake(localaws: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket with a database ``lake`` and a table ``sales`` partitioned by region."""
    for name, value in localaws.environment.items():
        monkeypatch.setenv(name, value)
    bucket = f"wrangler-{localaws.account}"
    localaws.client("s3").create_bucket(Bucket=bucket)
    wr.catalog.create_database("lake")
    frame = pd.DataFrame(
        {
            "id": [1, 2, 3],
            "amount": [Decimal("1.10"), Decimal("2.20"), None],
            "day": [date(2024, 1, 1), date(2024, 1, 2), None],
            "note": ["a", 'quote " and, comma', None],
            "region": ["eu", "us", "eu"],
        }
    )
    wr.s3.to_parquet(
        frame,
        path=f"s3://{bucket}/sales/",
        dataset=True,
        database="lake",
        table="sales",
        partition_cols=["region"],
        dtype={"amount": "decimal(10,2)"},
    )
    return f"s3://{bucket}"


@pytest.mark.parametrize("ctas", [True, False])
def test_read_sql_query(lake: str, ctas: bool) -> None:
    frame = wr.athena.read_sql_query(
        "SELECT id, amount, day, note, region FROM sales ORDER BY id",
        database="lake",
        ctas_approach=ctas,
        unload_approach=False,
        s3_output=f"{lake}/results",
    ).sort_values("id", ignore_index=True)
    assert list(frame["id"]) == [1, 2, 3]
    assert list(frame["amount"])[:2] == [Decimal("1.10"), Decimal("2.20")]
    assert list(frame["day"])[:2] == [date(2024, 1, 1), date(2024, 1, 2)]
    assert list(frame["note"])[:2] == ["a", 'quote " and, comma']
    assert frame["note"].isna()[2]
    assert list(frame["region"]) == ["eu", "us", "eu"]
    left = wr.catalog.tables(database="lake")
    assert list(left["Table"]) == ["sales"]  # the temporary table is gone


def test_unload(lake: str) -> None:
    frame = wr.athena.read_sql_query(
        "SELECT id, note FROM sales WHERE region = 'eu'",
        database="lake",
        ctas_approach=False,
        unload_approach=True,
        s3_output=f"{lake}/unloaded/",
    )
    assert sorted(frame["id"]) == [1, 3]


def test_catalog_and_append(lake: str) -> None:
    wr.s3.to_parquet(
        pd.DataFrame(
            {"id": [4], "amount": [Decimal("4.40")], "day": [None], "note": ["d"], "region": ["ap"]}
        ),
        path=f"{lake}/sales/",
        dataset=True,
        mode="append",
        database="lake",
        table="sales",
        partition_cols=["region"],
        dtype={"amount": "decimal(10,2)", "day": "date"},
    )
    assert wr.catalog.get_table_types(database="lake", table="sales")["amount"] == "decimal(10,2)"
    partitions = wr.catalog.get_parquet_partitions(database="lake", table="sales")
    assert sorted(values[0] for values in partitions.values()) == ["ap", "eu", "us"]
    total = wr.athena.read_sql_query(
        "SELECT region, count(*) AS n FROM sales GROUP BY region ORDER BY region",
        database="lake",
        ctas_approach=False,
        s3_output=f"{lake}/results/",
    )
    assert [tuple(row) for row in total.itertuples(index=False)] == [
        ("ap", 1),
        ("eu", 2),
        ("us", 1),
    ]


def test_statements(lake: str) -> None:
    output = f"{lake}/results/"
    shown = wr.athena.describe_table("sales", database="lake", s3_output=output)
    assert list(shown["Column Name"]) == ["id", "amount", "day", "note", "region"]
    assert list(shown["Partition"]) == [False, False, False, False, True]
    created = wr.athena.show_create_table("sales", database="lake", s3_output=output)
    assert created.startswith("CREATE EXTERNAL TABLE `sales`(")
    ctas = wr.athena.create_ctas_table(
        "SELECT id, region FROM sales",
        database="lake",
        ctas_table="copy",
        s3_output=output,
        wait=True,
    )
    assert ctas["ctas_table"] == "copy"
    copied = wr.athena.read_sql_table(
        "copy", database="lake", ctas_approach=False, s3_output=output
    )
    assert sorted(copied["id"]) == [1, 2, 3]
    wr.athena.repair_table("sales", database="lake", s3_output=output)
