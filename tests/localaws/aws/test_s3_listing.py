from __future__ import annotations

from typing import Any

import pytest
from s3_help import code_of

from localaws.pytest_plugin import LocalAws

KEYS = ["a", "b/1", "b/2", "b/c/3", "d e/ü+1", "d e/ü+2", "z"]


@pytest.fixture
def s3(localaws: LocalAws) -> Any:
    return localaws.client("s3")


@pytest.fixture
def bucket(localaws: LocalAws, s3: Any) -> str:
    name = f"b-{localaws.account}"
    s3.create_bucket(Bucket=name)
    for key in KEYS:
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
    return name


def names(pages: Any) -> list[str]:
    """Return the keys and common prefixes of pages in the order of the keys."""
    found = []
    for page in pages:
        found += [item["Key"] for item in page.get("Contents", [])]
        found += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
    return sorted(found, key=str.encode)


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2", "list_object_versions"])
@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, KEYS),
        ({"Prefix": "b/"}, ["b/1", "b/2", "b/c/3"]),
        ({"Delimiter": "/"}, ["a", "b/", "d e/", "z"]),
        ({"Prefix": "b/", "Delimiter": "/"}, ["b/1", "b/2", "b/c/"]),
        ({"Prefix": "d e/", "Delimiter": "+"}, ["d e/ü+"]),
        ({"Prefix": "none"}, []),
    ],
)
def test_pages(
    s3: Any, bucket: str, operation: str, size: int, options: Any, expected: list[str]
) -> None:
    paginator = s3.get_paginator(operation)
    pages = list(paginator.paginate(Bucket=bucket, PaginationConfig={"PageSize": size}, **options))
    if operation == "list_object_versions":
        for page in pages:
            page["Contents"] = page.get("Versions", [])
            assert all(item["VersionId"] == "null" for item in page["Contents"])
    assert names(pages) == expected
    assert len(pages) == max(1, -(-len(expected) // size))
    assert not pages[-1]["IsTruncated"]


def test_what_a_page_says(s3: Any, bucket: str, localaws: LocalAws) -> None:
    page = s3.list_objects_v2(Bucket=bucket, Prefix="b", Delimiter="/", MaxKeys=5, FetchOwner=True)
    assert (page["Name"], page["Prefix"], page["Delimiter"]) == (bucket, "b", "/")
    assert (page["KeyCount"], page["MaxKeys"]) == (1, 5)
    page = s3.list_objects_v2(Bucket=bucket, StartAfter="b/2", FetchOwner=True)
    assert names([page]) == KEYS[3:]
    item = page["Contents"][0]
    assert item["Size"] == 5
    assert item["StorageClass"] == "STANDARD"
    assert item["ETag"] == s3.head_object(Bucket=bucket, Key="b/c/3")["ETag"]
    assert item["ChecksumAlgorithm"] == ["CRC32"]
    assert len(item["Owner"]["ID"]) == 64
    assert "Owner" not in s3.list_objects_v2(Bucket=bucket)["Contents"][0]


def test_bad_requests(s3: Any, bucket: str) -> None:
    assert code_of(s3.list_objects_v2, Bucket=bucket, MaxKeys=-1) == "InvalidArgument"
    assert code_of(s3.list_objects_v2, Bucket=bucket, ContinuationToken="x") == "InvalidArgument"
    assert code_of(s3.list_objects_v2, Bucket="no-such-bucket") == "NoSuchBucket"
    empty = s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert (empty["KeyCount"], empty["IsTruncated"]) == (0, False)
