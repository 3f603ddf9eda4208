from __future__ import annotations

import asyncio

import pytest
from catalog_help import Lake, partition

from localaws.core.errors import AwsError

MANY = [[f"{number:04}", region] for number in range(50) for region in ("eu", "us")]


async def test_partitions_are_listed_in_order_of_their_values(lake: Lake) -> None:
    await lake.create_table("t", {"k": "string", "l": "string"})
    await lake.register("t", ["b", "x"], ["a", "é"], ["B", "z"], ["a", "z"])
    assert await lake.values("t") == [["B", "z"], ["a", "z"], ["a", "é"], ["b", "x"]]


async def test_a_partition_is_answered_whole(lake: Lake) -> None:
    await lake.create_table("T", {"k": "int"})
    await lake.register("t", ["1"])
    (found,) = await lake.port.get_partitions(lake.catalog, "lake", "T")
    created = found.pop("CreationTime")
    assert created.tzinfo is not None
    assert found == {
        **partition(["1"]),
        "DatabaseName": "lake",
        "TableName": "t",
        "CatalogId": lake.catalog.split("/")[0],
    }


async def test_each_partition_keeps_its_own_columns(lake: Lake) -> None:
    await lake.create_table("t", {"k": "int"})
    bare = {"Values": ["3"], "Parameters": {"a": "b"}}
    inputs = [partition(["1"], "old"), partition(["2"], "new"), bare]
    assert await lake.port.create_partitions(lake.catalog, "lake", "t", inputs) == []
    found = await lake.port.get_partitions(lake.catalog, "lake", "t")
    columns = [each.get("StorageDescriptor", {}).get("Columns") for each in found]
    assert columns == [
        [{"Name": "old", "Type": "bigint"}],
        [{"Name": "new", "Type": "bigint"}],
        None,
    ]
    assert "StorageDescriptor" not in found[2]


async def test_those_that_are_there_are_errors_and_the_rest_stand(lake: Lake) -> None:
    await lake.create_table("t", {"k": "int"})
    await lake.register("t", ["1"])
    errors = await lake.port.create_partitions(
        lake.catalog, "lake", "t", [partition([value]) for value in ("2", "1", "3", "3")]
    )
    assert sorted(error.values for error in errors) == [("1",), ("3",)]
    assert {error.code for error in errors} == {"AlreadyExistsException"}
    assert {error.message for error in errors} == {"Partition already exists."}
    assert await lake.values("t") == [["1"], ["2"], ["3"]]


@pytest.mark.parametrize("values", [[], ["1"], ["1", "2", "3"]])
async def test_values_pair_with_keys(lake: Lake, values: list[str]) -> None:
    await lake.create_table("t", {"k": "int", "l": "int"})
    for attempt in (
        lake.port.create_partitions(
            lake.catalog, "lake", "t", [partition(["1", "2"]), partition(values)]
        ),
        lake.port.get_partitions_by_values(lake.catalog, "lake", "t", [values]),
        lake.port.delete_partitions(lake.catalog, "lake", "t", [values]),
    ):
        with pytest.raises(AwsError) as caught:
            await attempt
        assert caught.value.code == "InvalidInputException"
        assert caught.value.message == (
            "The number of partition keys do not match the number of partition values"
        )
    assert await lake.values("t") == []


async def test_values_that_cannot_be_kept_are_refused(lake: Lake) -> None:
    await lake.create_table("t", {"k": "string"})
    for value in ("a\0b", "x" * 2401):
        with pytest.raises(AwsError) as caught:
            await lake.register("t", [value])
        assert caught.value.code == "InvalidInputException"
    awkward = ["", " ", "'", '"', "\\", "{}", "a,b", "NULL", "%", "é", "😀", "x" * 256]
    await lake.register("t", *([value] for value in awkward))
    assert await lake.values("t") == [[value] for value in sorted(awkward)]


@pytest.mark.gap(
    "hive",
    reason="a Hive Metastore holds partition values of up to 256 characters",
    raises=AwsError,
)
async def test_long_values_are_kept(lake: Lake) -> None:
    await lake.create_table("t", {"k": "string"})
    await lake.register("t", ["x" * 2400])
    assert await lake.values("t") == [["x" * 2400]]


async def test_pages_and_segments_cover_everything_once(lake: Lake) -> None:
    await lake.create_table("t", {"n": "int", "region": "string"})
    await lake.register("t", *MANY)
    seen: list[list[str]] = []
    while page := await lake.port.get_partitions(
        lake.catalog, "lake", "t", after=seen[-1] if seen else (), limit=7
    ):
        seen += [each["Values"] for each in page]
    assert seen == MANY
    segments = [
        await lake.port.get_partitions(lake.catalog, "lake", "t", segment=(number, 4))
        for number in range(4)
    ]
    assert all(segments)
    assert sorted(each["Values"] for segment in segments for each in segment) == MANY


async def test_partitions_are_found_by_their_values(lake: Lake) -> None:
    await lake.create_table("t", {"n": "int", "region": "string"})
    await lake.register("t", *MANY)
    found = await lake.port.get_partitions_by_values(
        lake.catalog, "lake", "t", [["0003", "us"], ["3", "us"], ["0001", "eu"], ["0003", "us"]]
    )
    assert [each["Values"] for each in found] == [["0001", "eu"], ["0003", "us"]]


async def test_updates_replace_what_is_there(lake: Lake) -> None:
    await lake.create_table("t", {"k": "int"})
    await lake.register("t", ["1"], ["2"])
    (before,) = await lake.port.get_partitions(lake.catalog, "lake", "t", "k = 1")
    changed = {"Values": ["1"], "StorageDescriptor": {"Location": "s3://new/"}}
    errors = await lake.port.update_partitions(
        lake.catalog, "lake", "t", [(["1"], changed), (["9"], partition(["9"]))]
    )
    assert [(error.values, error.code) for error in errors] == [(("9",), "EntityNotFoundException")]
    (after,) = await lake.port.get_partitions(lake.catalog, "lake", "t", "k = 1")
    assert after["StorageDescriptor"] == {"Location": "s3://new/"}
    assert after["CreationTime"] == before["CreationTime"]
    with pytest.raises(AwsError, match="cannot be changed"):
        await lake.port.update_partitions(
            lake.catalog, "lake", "t", [(["1"], {**changed, "Values": ["3"]})]
        )
    assert await lake.values("t") == [["1"], ["2"]]


async def test_deletes_name_those_that_were_not_there(lake: Lake) -> None:
    await lake.create_table("t", {"k": "int"})
    await lake.register("t", ["1"], ["2"])
    errors = await lake.port.delete_partitions(lake.catalog, "lake", "t", [["1"], ["7"]])
    assert [(error.values, error.message) for error in errors] == [
        (("7",), "Cannot find partition.")
    ]
    assert await lake.values("t") == [["2"]]


async def test_overlapping_batches_do_not_deadlock(lake: Lake) -> None:
    await lake.create_table("t", {"n": "int", "region": "string"})
    batches = [MANY if number % 2 else MANY[::-1] for number in range(8)]
    outcomes = await asyncio.gather(
        *(
            lake.port.create_partitions(lake.catalog, "lake", "t", [partition(v) for v in batch])
            for batch in batches
        )
    )
    assert sum(
        len(batch) - len(errors) for batch, errors in zip(batches, outcomes, strict=True)
    ) == len(MANY)
    gone = await asyncio.gather(
        *(lake.port.delete_partitions(lake.catalog, "lake", "t", batch) for batch in batches)
    )
    assert sum(len(errors) for errors in gone) == 7 * len(MANY)
    assert await lake.values("t") == []


async def test_a_table_dropped_while_partitions_are_added_leaves_none(lake: Lake) -> None:
    await lake.create_table("t", {"k": "int"})

    async def register(number: int) -> str:
        try:
            await lake.register("t", [str(number)])
        except AwsError as error:
            return error.message
        return "registered"

    tasks = [asyncio.create_task(register(number)) for number in range(40)]
    await asyncio.sleep(0.01)
    await lake.port.delete_tables(lake.catalog, "lake", ["t"])
    assert set(await asyncio.gather(*tasks)) <= {"registered", "Table t not found."}
    await lake.create_table("t", {"k": "int"})
    assert await lake.values("t") == []
