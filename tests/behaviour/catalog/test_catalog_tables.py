from __future__ import annotations

import asyncio

import pytest
from catalog_help import Lake, partition, table

from localaws.core.errors import AwsError


async def test_a_table_is_answered_as_glue_fills_it_in(lake: Lake) -> None:
    definition = table("Orders", {"day": "date"}, Parameters={"classification": "parquet"})
    await lake.port.create_table(lake.catalog, "LAKE", definition, created_by="arn:me")
    found = await lake.port.get_table(lake.catalog, "lake", "ORDERS")
    assert found["Name"] == "orders"
    assert found["DatabaseName"] == "lake"
    assert found["VersionId"] == "0"
    assert found["CreatedBy"] == "arn:me"
    assert found["Retention"] == 0
    assert found["PartitionKeys"] == [{"Name": "day", "Type": "date"}]
    assert found["CreateTime"] == found["UpdateTime"]
    descriptor = found["StorageDescriptor"]
    assert descriptor["Location"] == "s3://lake/Orders/"
    assert descriptor["Compressed"] is False
    assert descriptor["NumberOfBuckets"] == 0


async def test_what_is_not_there_is_named(lake: Lake) -> None:
    with pytest.raises(AwsError, match=r"Table T not found\."):
        await lake.port.get_table(lake.catalog, "lake", "T")
    with pytest.raises(AwsError, match=r"Database nowhere not found\."):
        await lake.port.get_tables(lake.catalog, "nowhere")
    with pytest.raises(AwsError, match=r"Database nowhere not found\."):
        await lake.port.create_table(lake.catalog, "nowhere", table("t"))


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("sales*", ["sales", "sales_eu"]),
        ("sales.*", ["sales", "sales_eu"]),
        ("*eu", ["ops_eu", "sales_eu"]),
        ("sales", ["sales"]),
        ("SALES|ops_eu", ["ops_eu", "sales"]),
        ("[os]..*_eu", ["ops_eu", "sales_eu"]),
        ("nothing", []),
    ],
)
async def test_tables_are_listed_by_pattern(lake: Lake, expression: str, names: list[str]) -> None:
    for name in ("sales", "sales_eu", "ops_eu"):
        await lake.create_table(name)
    found = await lake.port.get_tables(lake.catalog, "lake", expression)
    assert [each["Name"] for each in found] == names


async def test_a_pattern_that_is_no_pattern_is_refused(lake: Lake) -> None:
    with pytest.raises(AwsError) as caught:
        await lake.port.get_tables(lake.catalog, "lake", "a(")
    assert caught.value.code == "InvalidInputException"


async def test_an_update_makes_a_version(lake: Lake) -> None:
    await lake.create_table("t")
    for number in range(1, 4):
        new = await lake.port.update_table(
            lake.catalog, "lake", table("T", Description=str(number)), skip_archive=number == 2
        )
        assert (new["VersionId"], new["Description"]) == (str(number), str(number))
    versions = await lake.port.get_versions(lake.catalog, "lake", "t")
    assert [each["VersionId"] for each in versions] == ["3", "2", "0"]
    assert [each["Table"].get("Description") for each in versions] == ["3", "2", None]
    page = await lake.port.get_versions(lake.catalog, "lake", "t", before=3, limit=1)
    assert [each["VersionId"] for each in page] == ["2"]
    assert await lake.port.delete_versions(lake.catalog, "lake", "t", ["0", "1"]) == ["1"]
    versions = await lake.port.get_versions(lake.catalog, "lake", "t")
    assert [each["VersionId"] for each in versions] == ["3", "2"]


async def test_an_update_keeps_creation_and_partitions(lake: Lake) -> None:
    await lake.port.create_table(lake.catalog, "lake", table("t", {"k": "int"}), created_by="me")
    before = await lake.port.get_table(lake.catalog, "lake", "t")
    await lake.register("t", ["1"])
    await lake.port.update_table(lake.catalog, "lake", table("t", {"k": "int"}))
    after = await lake.port.get_table(lake.catalog, "lake", "t")
    assert (after["CreateTime"], after["CreatedBy"]) == (before["CreateTime"], "me")
    assert await lake.values("t") == [["1"]]


async def test_a_stale_version_is_refused(lake: Lake) -> None:
    await lake.create_table("t")
    await lake.port.update_table(lake.catalog, "lake", table("t", Owner="first"), "0")
    with pytest.raises(AwsError) as caught:
        await lake.port.update_table(lake.catalog, "lake", table("t", Owner="second"), "0")
    assert caught.value.code == "ConcurrentModificationException"
    assert caught.value.message == "Update table failed due to concurrent modifications."
    found = await lake.port.get_table(lake.catalog, "lake", "t")
    assert (found["VersionId"], found["Owner"]) == ("1", "first")


async def test_of_twenty_updaters_one_wins_each_version(lake: Lake) -> None:
    await lake.create_table("t")
    rounds = 5
    for current in range(rounds):
        outcomes = await asyncio.gather(
            *(
                lake.port.update_table(
                    lake.catalog, "lake", table("t", Owner=f"{current}-{who}"), str(current)
                )
                for who in range(20)
            ),
            return_exceptions=True,
        )
        winners = [each for each in outcomes if isinstance(each, dict)]
        losers = [each for each in outcomes if isinstance(each, AwsError)]
        assert (len(winners), len(losers)) == (1, 19)
        assert {each.code for each in losers} == {"ConcurrentModificationException"}
        found = await lake.port.get_table(lake.catalog, "lake", "t")
        assert found["Owner"] == winners[0]["Owner"]
    versions = await lake.port.get_versions(lake.catalog, "lake", "t")
    assert [each["VersionId"] for each in versions] == ["5", "4", "3", "2", "1", "0"]


async def test_one_of_many_creators_wins(lake: Lake) -> None:
    creations = (lake.create_table("race") for _ in range(20))
    outcomes = await asyncio.gather(*creations, return_exceptions=True)
    errors = [each for each in outcomes if isinstance(each, AwsError)]
    assert outcomes.count(None) == 1
    assert {each.message for each in errors} == {"Table already exists."}


async def test_deleting_tables_names_those_that_were_not_there(lake: Lake) -> None:
    for name in ("a", "b"):
        await lake.create_table(name)
    assert await lake.port.delete_tables(lake.catalog, "lake", ["A", "x", "b"]) == ["x"]
    assert await lake.port.get_tables(lake.catalog, "lake") == []
    with pytest.raises(AwsError, match=r"Database nowhere not found\."):
        await lake.port.delete_tables(lake.catalog, "nowhere", ["a"])


async def test_a_table_and_its_first_partitions_are_one_step(lake: Lake) -> None:
    keys = {"k": "int"}
    await lake.port.create_table(
        lake.catalog, "lake", table("good", keys), [partition(["1"]), partition(["2"])]
    )
    assert await lake.values("good") == [["1"], ["2"]]
    with pytest.raises(AwsError, match="number of partition keys"):
        await lake.port.create_table(
            lake.catalog, "lake", table("bad", keys), [partition(["1"]), partition(["2", "3"])]
        )
    with pytest.raises(AwsError, match=r"Table bad not found\."):
        await lake.port.get_table(lake.catalog, "lake", "bad")


async def test_partition_indexes(lake: Lake) -> None:
    await lake.create_table("t", {"year": "int", "month": "string"})

    async def create(name: str, *keys: str) -> None:
        await lake.port.create_partition_indexes(
            lake.catalog, "lake", "t", [{"IndexName": name, "Keys": list(keys)}]
        )

    await create("by_year", "Year")
    await create("by_both", "year", "month")
    for name, keys, message in (
        ("x", ["day"], r"Verify the indexKeys : \[day\]"),
        ("by_year", ["month"], "by_year already exists with the same name"),
        ("again", ["year"], "again already exists with the same keys"),
    ):
        with pytest.raises(AwsError, match=message):
            await create(name, *keys)
    await create("third", "month")
    with pytest.raises(AwsError, match=r"limit exceeded\. Maximum: 3"):
        await create("fourth", "month", "year")
    await lake.port.delete_partition_index(lake.catalog, "lake", "t", "third")
    with pytest.raises(AwsError, match="third not found"):
        await lake.port.delete_partition_index(lake.catalog, "lake", "t", "third")
    assert await lake.port.get_partition_indexes(lake.catalog, "lake", "t") == [
        {
            "IndexName": "by_year",
            "Keys": [{"Name": "year", "Type": "int"}],
            "IndexStatus": "ACTIVE",
        },
        {
            "IndexName": "by_both",
            "Keys": [{"Name": "year", "Type": "int"}, {"Name": "month", "Type": "string"}],
            "IndexStatus": "ACTIVE",
        },
    ]


async def test_column_statistics_belong_to_table_or_partition(lake: Lake) -> None:
    await lake.create_table("t", {"k": "int"})
    await lake.register("t", ["1"])

    def of(column: str, nulls: int) -> dict[str, object]:
        return {"ColumnName": column, "ColumnType": "bigint", "StatisticsData": {"nulls": nulls}}

    port, where = lake.port, (lake.catalog, "lake", "t")
    await port.update_column_statistics(*where, [of("id", 1), of("x", 2)])
    await port.update_column_statistics(*where, [of("id", 3)])
    await port.update_column_statistics(*where, [of("id", 4)], ["1"])
    assert await port.get_column_statistics(*where, ["id", "x", "y"]) == [of("id", 3), of("x", 2)]
    assert await port.get_column_statistics(*where, ["id"], ["1"]) == [of("id", 4)]
    assert await port.delete_column_statistics(*where, "x")
    assert not await port.delete_column_statistics(*where, "x")
    with pytest.raises(AwsError, match="Cannot find partition"):
        await port.get_column_statistics(*where, ["id"], ["2"])
    await port.delete_partitions(*where, [["1"]])
    await lake.register("t", ["1"])
    assert await port.get_column_statistics(*where, ["id"], ["1"]) == []


@pytest.mark.gap(
    "hive",
    reason="a Hive Metastore does not rename the partition keys of a table",
    raises=AwsError,
)
async def test_an_update_may_rename_partition_keys(lake: Lake) -> None:
    await lake.create_table("t", {"k": "int"})
    await lake.port.update_table(lake.catalog, "lake", table("t", {"other": "int"}))
    found = await lake.port.get_table(lake.catalog, "lake", "t")
    assert found["PartitionKeys"] == [{"Name": "other", "Type": "int"}]
