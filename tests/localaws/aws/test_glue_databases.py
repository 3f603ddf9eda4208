"""Glue databases and their tags as boto3 sees them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.pytest_plugin import LocalAws


@pytest.fixture
def glue(localaws: LocalAws) -> Any:
    return localaws.client("glue")


def error_of(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_database_from_creation_to_deletion(glue: Any, localaws: LocalAws) -> None:
    glue.create_database(
        DatabaseInput={"Name": "Sales", "LocationUri": "s3://lake/", "Parameters": {"k": "v"}}
    )
    found = glue.get_database(Name="sales", CatalogId=localaws.account)["Database"]
    assert (found["Name"], found["LocationUri"], found["Parameters"]) == (
        "sales",
        "s3://lake/",
        {"k": "v"},
    )
    assert found["CatalogId"] == localaws.account
    assert found["CreateTableDefaultPermissions"][0]["Permissions"] == ["ALL"]
    glue.update_database(Name="SALES", DatabaseInput={"Name": "sales", "Description": "new"})
    found = glue.get_database(Name="sales")["Database"]
    assert found["Description"] == "new"
    assert "LocationUri" not in found
    glue.delete_database(Name="Sales")
    with pytest.raises(glue.exceptions.EntityNotFoundException) as caught:
        glue.get_database(Name="sales")
    assert error_of(caught) == ("EntityNotFoundException", "Database sales not found.")


def test_a_name_is_taken_once(glue: Any) -> None:
    glue.create_database(DatabaseInput={"Name": "d"})
    with pytest.raises(ClientError) as caught:
        glue.create_database(DatabaseInput={"Name": "D"})
    assert error_of(caught) == ("AlreadyExistsException", "Database already exists.")


def test_databases_come_in_pages(glue: Any) -> None:
    for number in range(5):
        glue.create_database(DatabaseInput={"Name": f"d{number}"})
    pages = list(glue.get_paginator("get_databases").paginate(PaginationConfig={"PageSize": 2}))
    assert [[each["Name"] for each in page["DatabaseList"]] for page in pages] == [
        ["d0", "d1"],
        ["d2", "d3"],
        ["d4"],
    ]
    names = glue.get_databases(AttributesToGet=["NAME"])["DatabaseList"]
    assert names[0] == {"Name": "d0"}
    assert glue.get_databases(ResourceShareType="FOREIGN")["DatabaseList"] == []
    with pytest.raises(ClientError) as caught:
        glue.get_databases(NextToken="no token")
    assert error_of(caught)[0] == "InvalidInputException"


def test_another_account_s_catalog_is_refused(glue: Any) -> None:
    with pytest.raises(ClientError) as caught:
        glue.get_databases(CatalogId="999999999999")
    code, message = error_of(caught)
    assert code == "AccessDeniedException"
    assert "arn:aws:glue:us-east-1:999999999999:catalog" in message


def test_accounts_and_regions_have_catalogs_of_their_own(glue: Any, localaws: LocalAws) -> None:
    glue.create_database(DatabaseInput={"Name": "mine"})
    elsewhere = localaws.client("glue", region_name="eu-west-1")
    assert elsewhere.get_databases()["DatabaseList"] == []


def test_tags(glue: Any, localaws: LocalAws) -> None:
    glue.create_database(DatabaseInput={"Name": "d"}, Tags={"team": "lake", "stage": "raw"})
    arn = f"arn:aws:glue:us-east-1:{localaws.account}:database/d"
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"stage": "conformed", "cost": "1"})
    glue.untag_resource(ResourceArn=arn, TagsToRemove=["team", "unknown"])
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"stage": "conformed", "cost": "1"}
    with pytest.raises(ClientError) as caught:
        glue.tag_resource(ResourceArn=arn, TagsToAdd={f"k{n}": "v" for n in range(49)})
    assert error_of(caught)[0] == "InvalidInputException"
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_tags(ResourceArn=arn + "x")
    glue.delete_database(Name="d")
    glue.create_database(DatabaseInput={"Name": "d"})
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {}


def test_what_is_not_honoured_is_refused(glue: Any) -> None:
    link = {"CatalogId": "999999999999", "DatabaseName": "theirs"}
    with pytest.raises(ClientError) as caught:
        glue.create_database(DatabaseInput={"Name": "link", "TargetDatabase": link})
    code, message = error_of(caught)
    assert code == "NotImplementedException"
    assert "TargetDatabase" in message


def test_there_is_nothing_to_import(glue: Any) -> None:
    assert glue.get_catalog_import_status()["ImportStatus"]["ImportCompleted"] is True
