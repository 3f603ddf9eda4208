"""The adapter over a metastore beside other engines that read and write it, and when it fails."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from catalog_help import Lake, drop_catalog, table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymetastore.hive_metastore.ttypes import (
    AddPartitionsRequest,
    EnvironmentContext,
    FieldSchema,
    GetTableRequest,
    SerDeInfo,
    StorageDescriptor,
    Table,
)
from pymetastore.hive_metastore.ttypes import (
    Database as HiveDatabase,
)

from containers import url
from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.core.errors import AwsError
from localaws.engines.catalog.hive import HiveCatalog
from localaws.engines.catalog.hive.names import (
    catalog_name,
    from_metastore,
    partition_name,
    partition_values,
    to_metastore,
)
from localaws.engines.catalog.postgresql import PostgresCatalog

pytestmark = pytest.mark.compose
CATALOG_URL = url("catalog") or ""


class Other:
    """Another engine: it writes the metastore by Thrift, past the port."""

    def __init__(self, lake: Lake) -> None:
        assert isinstance(lake.port, HiveCatalog)
        self.client = lake.port._client
        self.catalog = catalog_name(lake.catalog)
        self.where = f"@{self.catalog}#lake"

    async def get(self, name: str) -> Table:
        request = GetTableRequest("lake", name, None, self.catalog)
        return await self.client.call(lambda client: client.get_table_req(request).table)

    async def create(self, name: str, **parameters: str) -> None:
        new = Table(
            tableName=name,
            dbName="lake",
            catName=self.catalog,
            sd=StorageDescriptor(
                cols=[FieldSchema("id", "bigint")],
                location="s3://lake/other",
                serdeInfo=SerDeInfo(),
            ),
            partitionKeys=[],
            parameters={"EXTERNAL": "TRUE", **parameters},
            tableType="EXTERNAL_TABLE",
        )
        await self.client.change(lambda client: client.create_table(new))

    async def alter(self, name: str, new: Table, guard: str = "", expected: str = "") -> None:
        properties = {"DO_NOT_UPDATE_STATS": "true"}
        if guard:
            properties["expected_parameter_key"] = guard
            properties["expected_parameter_value"] = expected
        context = EnvironmentContext(properties)
        await self.client.change(
            lambda client: client.alter_table_with_environment_context(
                self.where, name, new, context
            )
        )

    async def drop(self, name: str) -> None:
        await self.client.change(lambda client: client.drop_table(self.where, name, False))


@pytest.fixture
async def lake(database_url: str) -> AsyncIterator[Lake]:
    database = Database(database_url)
    await database.start()
    port = HiveCatalog(database, Clock(), CATALOG_URL)
    catalog = f"{uuid.uuid4().hex}/us-east-1"
    await port.create_database(catalog, {"Name": "lake"})
    yield Lake(port, catalog)
    await drop_catalog(port, catalog)
    await port.stop()
    await database.stop()


@pytest.fixture
def other(lake: Lake) -> Other:
    return Other(lake)


async def test_what_another_engine_alters_is_a_version_and_the_rest_is_kept(
    lake: Lake, other: Other
) -> None:
    definition = table("t", Description="ours", Parameters={"a": "1", "b": "2"})
    definition["StorageDescriptor"]["Columns"][0]["Parameters"] = {"pii": "no"}
    await lake.port.create_table(lake.catalog, "lake", definition, created_by="me")
    before = await lake.port.get_table(lake.catalog, "lake", "t")

    theirs = await other.get("t")
    theirs.sd.cols.append(FieldSchema("name", "string", "new"))
    theirs.parameters.update(a="3")
    del theirs.parameters["b"]
    await other.alter("t", theirs)

    after = await lake.port.get_table(lake.catalog, "lake", "t")
    assert (before["VersionId"], after["VersionId"]) == ("0", "1")
    assert (after["Description"], after["CreatedBy"]) == ("ours", "me")
    assert after["Parameters"] == {"a": "3"}
    assert after["StorageDescriptor"]["Columns"] == [
        {"Name": "id", "Type": "bigint", "Parameters": {"pii": "no"}},
        {"Name": "name", "Type": "string", "Comment": "new"},
    ]
    assert after["StorageDescriptor"]["Location"] == "s3://lake/t/"
    versions = await lake.port.get_versions(lake.catalog, "lake", "t")
    assert [each["VersionId"] for each in versions] == ["1", "0"]
    assert versions[1]["Table"] == before
    with pytest.raises(AwsError, match="concurrent modifications"):
        await lake.port.update_table(lake.catalog, "lake", definition, "0")


async def test_what_another_engine_creates_is_there_and_what_it_drops_is_gone(
    lake: Lake, other: Other
) -> None:
    await lake.port.create_table(lake.catalog, "lake", table("t", Description="former"))
    await lake.port.update_table(lake.catalog, "lake", table("t", Description="former"))
    await other.drop("t")
    with pytest.raises(AwsError, match=r"Table t not found\."):
        await lake.port.get_table(lake.catalog, "lake", "t")
    await lake.port.create_table(lake.catalog, "lake", table("t", Description="former"))
    await other.drop("t")
    await other.create("t", comment="theirs")
    (found,) = await lake.port.get_tables(lake.catalog, "lake")
    assert found["VersionId"] == "0"
    assert "Description" not in found
    assert found["Parameters"] == {"comment": "theirs"}
    assert found["StorageDescriptor"]["Location"] == "s3://lake/other"
    assert abs((datetime.now(UTC) - found["CreateTime"]).total_seconds()) < 60
    assert len(await lake.port.get_versions(lake.catalog, "lake", "t")) == 1


async def test_committers_of_two_kinds_lose_nothing(lake: Lake, other: Other) -> None:
    commits = 15
    first = {"metadata_location": "-", "commits": ""}
    await lake.port.create_table(lake.catalog, "lake", table("ice", Parameters=first))

    async def through_the_port() -> None:
        for number in range(commits):
            while True:
                found = await lake.port.get_table(lake.catalog, "lake", "ice")
                done = f"{found['Parameters']['commits']} p{number}"
                parameters = {"metadata_location": f"p{number}", "commits": done}
                with contextlib.suppress(AwsError):
                    await lake.port.update_table(
                        lake.catalog,
                        "lake",
                        table("ice", Parameters=parameters),
                        found["VersionId"],
                        skip_archive=True,
                    )
                    break

    async def directly() -> None:
        for number in range(commits):
            while True:
                found = await other.get("ice")
                at = found.parameters["metadata_location"]
                done = f"{found.parameters['commits']} d{number}"
                found.parameters.update(metadata_location=f"d{number}", commits=done)
                with contextlib.suppress(AwsError):
                    await other.alter("ice", found, "metadata_location", at)
                    break

    await asyncio.gather(through_the_port(), directly())
    found = await lake.port.get_table(lake.catalog, "lake", "ice")
    done = found["Parameters"]["commits"].split()
    assert sorted(done) == sorted(f"{who}{n}" for who in "pd" for n in range(commits))
    assert int(found["VersionId"]) >= commits


async def test_an_update_that_dies_half_way_is_whole_on_the_next_read(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lake.port.create_table(lake.catalog, "lake", table("t", Description="old"))

    async def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lake.port, "_promote", die)
        with pytest.raises(KeyboardInterrupt):
            await lake.port.update_table(
                lake.catalog, "lake", table("t", Description="new", Owner="me"), "0"
            )
    found = await lake.port.get_table(lake.catalog, "lake", "t")
    assert (found["VersionId"], found["Description"], found["Owner"]) == ("1", "new", "me")
    versions = await lake.port.get_versions(lake.catalog, "lake", "t")
    assert [each["Table"]["Description"] for each in versions] == ["new", "old"]

    with monkeypatch.context() as patch:
        patch.setattr(lake.port, "_alter", die)
        with pytest.raises(KeyboardInterrupt):
            await lake.port.update_table(lake.catalog, "lake", table("t", Owner="never"), "1")
    again = await lake.port.get_table(lake.catalog, "lake", "t")
    assert again == found


async def test_a_creation_that_dies_half_way_is_whole_or_not_there(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lake.port, "_define", die)
        with pytest.raises(KeyboardInterrupt):
            await lake.port.create_table(lake.catalog, "lake", table("t", Description="d"))
    found = await lake.port.get_table(lake.catalog, "lake", "t")
    assert (found["VersionId"], found["Description"]) == ("0", "d")

    with monkeypatch.context() as patch:
        patch.setattr(lake.port, "_create_in_metastore", die)
        with pytest.raises(KeyboardInterrupt):
            await lake.port.create_table(lake.catalog, "lake", table("u", Description="d"))
    with pytest.raises(AwsError, match=r"Table u not found\."):
        await lake.port.get_table(lake.catalog, "lake", "u")
    await lake.port.create_table(lake.catalog, "lake", table("u", Description="e"))
    found = await lake.port.get_table(lake.catalog, "lake", "u")
    assert (found["VersionId"], found["Description"]) == ("0", "e")


async def test_partitions_of_another_engine(lake: Lake, other: Other) -> None:
    await lake.create_table("t", {"k": "string"})
    await lake.register("t", ["a"], ["b"])
    theirs = await other.client.call(
        lambda client: client.get_partitions_by_names(other.where, "t", ["k=a"])[0]
    )
    theirs.values, theirs.sd.location = ["c"], "s3://elsewhere/c"
    new = AddPartitionsRequest("lake", "t", [theirs], False, False, other.catalog)
    await other.client.change(lambda client: client.add_partitions_req(new))
    await other.client.change(lambda client: client.drop_partition(other.where, "t", ["b"], False))
    theirs.values, theirs.sd.location = ["a"], "s3://elsewhere/a"
    await other.client.change(lambda client: client.alter_partition(other.where, "t", theirs))
    found = await lake.port.get_partitions(lake.catalog, "lake", "t")
    assert [(each["Values"], each["StorageDescriptor"]["Location"]) for each in found] == [
        (["a"], "s3://elsewhere/a"),
        (["c"], "s3://elsewhere/c"),
    ]


async def test_the_database_that_is_always_there_is_not(lake: Lake, other: Other) -> None:
    async def names() -> list[str]:
        return [each["Name"] for each in await lake.port.get_databases(lake.catalog)]

    assert await names() == ["lake"]
    with pytest.raises(AwsError, match=r"Database default not found\."):
        await lake.port.create_table(lake.catalog, "default", table("t"))
    await lake.port.create_database(lake.catalog, {"Name": "default", "Description": "mine"})
    assert await names() == ["default", "lake"]
    await lake.port.create_table(lake.catalog, "default", table("t"))
    found = await lake.port.get_database(lake.catalog, "default")
    assert (found["Description"], "LocationUri" in found) == ("mine", False)
    await lake.port.delete_database(lake.catalog, "default")
    assert await names() == ["lake"]
    await lake.port.create_database(lake.catalog, {"Name": "default"})
    assert await lake.port.get_tables(lake.catalog, "default") == []
    theirs = HiveDatabase(
        name="theirs", catalogName=other.catalog, locationUri="s3://lake/theirs", parameters={}
    )
    await other.client.change(lambda client: client.create_database(theirs))
    found = await lake.port.get_database(lake.catalog, "theirs")
    assert found["LocationUri"] == "s3://lake/theirs"


@pytest.mark.parametrize("name", ["a-b", "é ü", "a%20b", "x:y", "@c#d", "tab\tle", "\\", "日本"])
async def test_names_that_a_metastore_refuses(lake: Lake, name: str) -> None:
    await lake.port.create_database(lake.catalog, {"Name": name})
    await lake.port.create_table(lake.catalog, name, table(name))
    assert (await lake.port.get_database(lake.catalog, name))["Name"] == name
    (found,) = await lake.port.get_tables(lake.catalog, name)
    assert (found["Name"], found["DatabaseName"]) == (name, name)
    assert await lake.port.delete_tables(lake.catalog, name, [name]) == []


@given(name=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_encoded_names_read_back(name: str) -> None:
    assert from_metastore(to_metastore(name)) == name.lower()


async def test_a_dead_metastore_is_named_and_a_live_one_used_again(
    lake: Lake, database_url: str
) -> None:
    """A proxy that can be cut stands for a metastore that dies."""
    host, _, port = CATALOG_URL.removeprefix("thrift://").partition(":")
    writers: list[asyncio.StreamWriter] = []

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pipe(reader, forth), pipe(back, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    listening = server.sockets[0].getsockname()[1]
    database = Database(database_url)
    await database.start()
    catalog = HiveCatalog(database, Clock(), f"thrift://127.0.0.1:{listening}")
    assert await catalog.healthy()
    assert (await catalog.get_database(lake.catalog, "lake"))["Name"] == "lake"

    server.close()
    for writer in writers:
        writer.close()
    await asyncio.sleep(0)
    with pytest.raises(AwsError) as caught:
        await catalog.get_database(lake.catalog, "lake")
    assert (caught.value.code, caught.value.status) == ("InternalServiceException", 500)
    assert f"The catalog (Hive Metastore at 127.0.0.1:{listening})" in caught.value.message
    assert not await catalog.healthy()

    server = await asyncio.start_server(serve, "127.0.0.1", listening)
    assert (await catalog.get_database(lake.catalog, "lake"))["Name"] == "lake"
    await catalog.create_table(lake.catalog, "lake", table("t"))
    await catalog.stop()
    await database.stop()
    server.close()
    for writer in writers:
        writer.close()


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12)
NAME = st.text("abcAZ09_-é .:", min_size=1, max_size=8)
MAP = st.dictionaries(st.text("abEXTRNAL_", min_size=1, max_size=8), TEXT, max_size=3)
TYPE = st.sampled_from(["int", "BIGINT", "array<struct<A:int>>", "decimal(10,2)", "geo", "", "<"])
COLUMNS = st.lists(
    st.fixed_dictionaries(
        {"Name": NAME}, optional={"Type": TYPE, "Comment": TEXT, "Parameters": MAP}
    ),
    max_size=3,
)
LOCATION = st.sampled_from(
    [
        "s3://b-1/x",
        "s3://b-1/x/",
        "s3://b-1//y z/é",
        "s3://b-1",
        "s3://B_2/x",
        "db.t",
        "s3://b-1/../x",
    ]
)
SERDE = st.fixed_dictionaries(
    {}, optional={"Name": TEXT, "SerializationLibrary": TEXT, "Parameters": MAP}
)
ORDER = st.fixed_dictionaries({"Column": NAME, "SortOrder": st.sampled_from([0, 1])})
SKEWED = st.fixed_dictionaries(
    {},
    optional={
        "SkewedColumnNames": st.lists(NAME, max_size=2),
        "SkewedColumnValues": st.lists(TEXT, max_size=2),
        "SkewedColumnValueLocationMaps": MAP,
    },
)
DESCRIPTOR = st.fixed_dictionaries(
    {},
    optional={
        "Columns": COLUMNS,
        "Location": LOCATION,
        "AdditionalLocations": st.lists(LOCATION, max_size=2),
        "InputFormat": TEXT,
        "OutputFormat": TEXT,
        "Compressed": st.booleans(),
        "NumberOfBuckets": st.integers(-1, 2**31 - 1),
        "SerdeInfo": SERDE,
        "BucketColumns": st.lists(NAME, max_size=2),
        "SortColumns": st.lists(ORDER, max_size=2),
        "Parameters": MAP,
        "SkewedInfo": SKEWED,
        "StoredAsSubDirectories": st.booleans(),
        "SchemaReference": st.fixed_dictionaries({"SchemaVersionNumber": st.integers(1, 9)}),
    },
)
MOMENT = st.datetimes(datetime(2001, 1, 1), timezones=st.just(UTC))
KIND = st.sampled_from(["EXTERNAL_TABLE", "MANAGED_TABLE", "VIRTUAL_VIEW", "GOVERNED", ""])
TABLE = st.fixed_dictionaries(
    {"Name": NAME},
    optional={
        "Description": TEXT,
        "Owner": TEXT,
        "LastAccessTime": MOMENT,
        "LastAnalyzedTime": MOMENT,
        "Retention": st.integers(0, 2**31 - 1),
        "StorageDescriptor": DESCRIPTOR,
        "PartitionKeys": COLUMNS,
        "ViewOriginalText": TEXT,
        "ViewExpandedText": TEXT,
        "TableType": KIND,
        "Parameters": MAP,
        "TargetTable": st.fixed_dictionaries({"DatabaseName": TEXT, "Name": TEXT}),
    },
)
VALUES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20),
    min_size=1,
    max_size=5,
    unique=True,
)
PARTITION = st.fixed_dictionaries(
    {},
    optional={"StorageDescriptor": DESCRIPTOR, "Parameters": MAP, "LastAccessTime": MOMENT},
)


class Pair:
    """Both adapters, driven from a test that is not a coroutine."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        self._runner = runner
        self.catalog = f"{uuid.uuid4().hex}/us-east-1"
        self.hive = HiveCatalog(database, Clock(), CATALOG_URL)
        self.adapters = (PostgresCatalog(database, Clock()), self.hive)
        for port in self.adapters:
            runner.run(port.create_database(self.catalog, {"Name": "lake"}))

    def run(self, function: Any, inputs: list[dict[str, Any]]) -> tuple[list[Any], ...]:
        """Return what a function answers on each adapter."""
        return tuple(
            self._runner.run(function(port, self.catalog, inputs)) for port in self.adapters
        )

    def stop(self) -> None:
        self._runner.run(drop_catalog(self.hive, self.catalog))
        self._runner.run(self.hive.stop())


@pytest.fixture
def pair(database_url: str) -> Iterator[Pair]:
    with asyncio.Runner() as runner:
        database = Database(database_url)
        runner.run(database.start())
        both = Pair(runner, database)
        yield both
        both.stop()
        runner.run(database.stop())


async def answers(port: Any, catalog: str, inputs: list[dict[str, Any]]) -> list[Any]:
    """Create a table, update it, and return what is said of it, without the times."""
    name = inputs[0]["Name"]
    await port.delete_tables(catalog, "lake", [name])
    await port.create_table(catalog, "lake", inputs[0])
    found = [await port.get_table(catalog, "lake", name)]
    changed = {**inputs[1], "Name": name, "PartitionKeys": inputs[0].get("PartitionKeys", [])}
    await port.update_table(catalog, "lake", changed, "0")
    found.append(await port.get_table(catalog, "lake", name))
    found += [each["Table"] for each in await port.get_versions(catalog, "lake", name)]
    found += await port.get_tables(catalog, "lake")
    for each in found:
        del each["CreateTime"], each["UpdateTime"]
    return found


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(inputs=st.lists(TABLE, min_size=2, max_size=2))
def test_what_goes_in_comes_out(pair: Pair, inputs: list[dict[str, Any]]) -> None:
    embedded, hive = pair.run(answers, inputs)
    assert hive == embedded


async def partition_answers(port: Any, catalog: str, inputs: list[dict[str, Any]]) -> list[Any]:
    """Create partitions, update one, and return what is said of them, without the times."""
    await port.delete_tables(catalog, "lake", ["p"])
    await port.create_table(catalog, "lake", table("p", {"k": "string"}))
    assert await port.create_partitions(catalog, "lake", "p", inputs) == []
    found = await port.get_partitions(catalog, "lake", "p")
    changed = {**inputs[-1], "Values": inputs[0]["Values"]}
    assert await port.update_partitions(catalog, "lake", "p", [(changed["Values"], changed)]) == []
    found += await port.get_partitions_by_values(
        catalog, "lake", "p", [each["Values"] for each in inputs]
    )
    for each in found:
        del each["CreationTime"]
    return found


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=VALUES, bodies=st.lists(PARTITION, min_size=5, max_size=5))
def test_what_goes_into_a_partition_comes_out(
    pair: Pair, values: list[str], bodies: list[dict[str, Any]]
) -> None:
    inputs = [{**body, "Values": [value]} for value, body in zip(values, bodies, strict=False)]
    embedded, hive = pair.run(partition_answers, inputs)
    assert hive == embedded


@given(values=VALUES)
def test_partition_names_read_back(values: list[str]) -> None:
    keys = [f"k{place}=" for place in range(len(values))]
    assert partition_values(partition_name(keys, values)) == tuple(values)
