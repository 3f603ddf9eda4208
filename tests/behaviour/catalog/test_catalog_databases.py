from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from catalog_help import Lake, table

from localaws.core.errors import AwsError


async def test_a_database_is_found_under_its_name_in_lower_case(lake: Lake) -> None:
    definition = {"Name": "Sales", "Description": "d", "Parameters": {"k": "v"}}
    await lake.port.create_database(lake.catalog, definition)
    found = await lake.port.get_database(lake.catalog, "SALES")
    assert found["Name"] == "sales"
    assert found["Parameters"] == {"k": "v"}
    assert found["CatalogId"] == lake.catalog.split("/")[0]
    assert abs((datetime.now(UTC) - found["CreateTime"]).total_seconds()) < 60


async def test_catalogs_do_not_see_each_other(lake: Lake) -> None:
    with pytest.raises(AwsError, match=r"Database lake not found\."):
        await lake.port.get_database("someone-else/us-east-1", "lake")
    with pytest.raises(AwsError, match=r"Database lake not found\."):
        await lake.port.get_database(lake.catalog.replace("us-east-1", "eu-west-1"), "lake")


async def test_databases_are_listed_by_name_in_pages(lake: Lake) -> None:
    for name in ("c", "a", "b"):
        await lake.port.create_database(lake.catalog, {"Name": name})
    first = await lake.port.get_databases(lake.catalog, limit=2)
    rest = await lake.port.get_databases(lake.catalog, after="b", limit=10)
    assert [each["Name"] for each in first] == ["a", "b"]
    assert [each["Name"] for each in rest] == ["c", "lake"]


async def test_an_update_replaces_the_definition_and_keeps_the_creation(lake: Lake) -> None:
    created = (await lake.port.get_database(lake.catalog, "lake"))["CreateTime"]
    await lake.port.update_database(lake.catalog, "Lake", {"Name": "lake", "Description": "new"})
    found = await lake.port.get_database(lake.catalog, "lake")
    assert (found["Description"], found["CreateTime"]) == ("new", created)
    with pytest.raises(AwsError, match="Renaming"):
        await lake.port.update_database(lake.catalog, "lake", {"Name": "other"})


async def test_deleting_a_database_deletes_its_tables(lake: Lake) -> None:
    await lake.create_table("t", {"day": "date"})
    await lake.register("t", ["2024-01-01"])
    await lake.port.delete_database(lake.catalog, "lake")
    with pytest.raises(AwsError, match=r"Database lake not found\."):
        await lake.port.get_table(lake.catalog, "lake", "t")
    await lake.port.create_database(lake.catalog, {"Name": "lake"})
    assert await lake.port.get_tables(lake.catalog, "lake") == []
    with pytest.raises(AwsError, match=r"Database gone not found\."):
        await lake.port.delete_database(lake.catalog, "gone")


async def test_one_of_many_creators_wins(lake: Lake) -> None:
    creations = (lake.port.create_database(lake.catalog, {"Name": "race"}) for _ in range(20))
    outcomes = await asyncio.gather(*creations, return_exceptions=True)
    errors = [each for each in outcomes if each is not None]
    assert len(errors) == 19
    for error in errors:
        assert isinstance(error, AwsError)
        assert (error.code, error.message) == (
            "AlreadyExistsException",
            "Database already exists.",
        )


async def test_dropping_a_database_leaves_no_table_created_meanwhile(lake: Lake) -> None:
    async def create(number: int) -> str:
        try:
            await lake.port.create_table(lake.catalog, "lake", table(f"t{number}"))
        except AwsError as error:
            return error.message
        return "created"

    tasks = [asyncio.create_task(create(number)) for number in range(40)]
    await asyncio.sleep(0.01)
    await lake.port.delete_database(lake.catalog, "lake")
    outcomes = await asyncio.gather(*tasks)
    assert set(outcomes) <= {"created", "Database lake not found."}
    await lake.port.create_database(lake.catalog, {"Name": "lake"})
    assert await lake.port.get_tables(lake.catalog, "lake") == []
