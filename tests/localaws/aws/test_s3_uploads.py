from __future__ import annotations

import base64
import hashlib
import io
import os
import zlib
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from s3_help import code_of, error_of

from localaws.pytest_plugin import LocalAws

MIB = 1 << 20
PARTS = [os.urandom(5 * MIB), os.urandom(5 * MIB), b"tail"]


@pytest.fixture
def s3(localaws: LocalAws) -> Any:
    return localaws.client("s3")


@pytest.fixture
def bucket(localaws: LocalAws, s3: Any) -> str:
    name = f"b-{localaws.account}"
    s3.create_bucket(Bucket=name)
    return name


def begin(s3: Any, bucket: str, **options: Any) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Upload the parts and return what names the upload, and the parts."""
    answer = s3.create_multipart_upload(Bucket=bucket, Key="big", **options)
    upload = {"Bucket": bucket, "Key": "big", "UploadId": answer["UploadId"]}
    parts = []
    for number, data in enumerate(PARTS, 1):
        part = s3.upload_part(**upload, PartNumber=number, Body=data)
        kept = {name: part[name] for name in ("ETag", "ChecksumCRC32") if name in part}
        parts.append({"PartNumber": number, **kept})
    return upload, parts


def test_a_large_file_goes_up_and_down(s3: Any, bucket: str) -> None:
    data = os.urandom(20 * MIB + 5)
    config = TransferConfig(multipart_threshold=6 * MIB, multipart_chunksize=6 * MIB)
    extra = {"ContentType": "a/b", "Metadata": {"m": "1"}}
    s3.upload_fileobj(io.BytesIO(data), bucket, "big", ExtraArgs=extra, Config=config)
    head = s3.head_object(Bucket=bucket, Key="big")
    assert head["ETag"].endswith('-4"')
    assert (head["ContentType"], head["Metadata"]) == ("a/b", {"m": "1"})
    down = io.BytesIO()
    s3.download_fileobj(bucket, "big", down, Config=config)
    assert down.getvalue() == data
    second = s3.get_object(Bucket=bucket, Key="big", PartNumber=2)
    assert second["Body"].read() == data[6 * MIB : 12 * MIB]
    assert second["PartsCount"] == 4
    assert second["ContentRange"] == f"bytes {6 * MIB}-{12 * MIB - 1}/{len(data)}"
    assert code_of(s3.get_object, Bucket=bucket, Key="big", PartNumber=5) == "InvalidPartNumber"


def test_parts_become_an_object_at_completion(s3: Any, bucket: str) -> None:
    upload, parts = begin(s3, bucket, Metadata={"m": "1"}, Tagging="t=1")
    assert code_of(s3.get_object, Bucket=bucket, Key="big") == "NoSuchKey"
    listed = s3.list_parts(**upload)
    assert [(part["PartNumber"], part["Size"]) for part in listed["Parts"]] == [
        (number, len(data)) for number, data in enumerate(PARTS, 1)
    ]
    pages = list(
        s3.get_paginator("list_parts").paginate(**upload, PaginationConfig={"PageSize": 2})
    )
    assert [len(page["Parts"]) for page in pages] == [2, 1]
    done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    digests = b"".join(hashlib.md5(data).digest() for data in PARTS)
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-3"'
    again = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert again["ETag"] == done["ETag"]
    got = s3.get_object(Bucket=bucket, Key="big")
    assert got["Body"].read() == b"".join(PARTS)
    assert (got["Metadata"], got["TagCount"]) == ({"m": "1"}, 1)
    sizes = s3.get_object_attributes(Bucket=bucket, Key="big", ObjectAttributes=["ObjectParts"])
    assert sizes["ObjectParts"]["TotalPartsCount"] == 3
    assert [part["Size"] for part in sizes["ObjectParts"]["Parts"]] == [len(p) for p in PARTS]
    assert code_of(s3.list_parts, **upload) == "NoSuchUpload"


@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
def test_checksums_of_uploads(s3: Any, bucket: str, kind: str) -> None:
    upload, parts = begin(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType=kind)
    if kind == "COMPOSITE":
        sums = b"".join(zlib.crc32(data).to_bytes(4, "big") for data in PARTS)
        expected = base64.b64encode(zlib.crc32(sums).to_bytes(4, "big")).decode() + "-3"
    else:
        crc = zlib.crc32(b"".join(PARTS))
        expected = base64.b64encode(crc.to_bytes(4, "big")).decode()
    wrong = [{**parts[0], "ChecksumCRC32": "AAAAAA=="}, *parts[1:]]
    complete = s3.complete_multipart_upload
    assert code_of(complete, **upload, MultipartUpload={"Parts": wrong}) == "InvalidPart"
    done = complete(**upload, MultipartUpload={"Parts": parts}, ChecksumType=kind)
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (expected, kind)
    head = s3.head_object(Bucket=bucket, Key="big", ChecksumMode="ENABLED")
    assert head["ChecksumCRC32"] == expected


def test_wrong_completions(s3: Any, bucket: str) -> None:
    upload, parts = begin(s3, bucket)

    def error(chosen: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
        return error_of(
            s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": chosen}, **options
        )

    assert error(parts[::-1])["Code"] == "InvalidPartOrder"
    assert error([*parts, {"PartNumber": 9, "ETag": "x"}])["Code"] == "InvalidPart"
    assert error([])["Code"] == "MalformedXML"
    assert error(parts, MpuObjectSize=5)["Code"] == "InvalidRequest"
    small = s3.upload_part(**upload, PartNumber=4, Body=b"after a small one")
    too_small = error([*parts, {"PartNumber": 4, "ETag": small["ETag"]}])
    assert too_small["Code"] == "EntityTooSmall"
    assert (too_small["PartNumber"], too_small["ProposedSize"]) == ("3", "4")
    s3.abort_multipart_upload(**upload)
    assert error(parts)["Code"] == "NoSuchUpload"
    assert code_of(s3.abort_multipart_upload, **upload) == "NoSuchUpload"
    assert code_of(s3.upload_part, **upload, PartNumber=10001, Body=b"") == "InvalidArgument"
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_parts_may_be_copied(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="source", Body=PARTS[0])
    upload = {"Bucket": bucket, "Key": "big"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    copy = {"CopySource": {"Bucket": bucket, "Key": "source"}}
    parts = []
    for number, options in ((1, {}), (2, {"CopySourceRange": "bytes=10-19"})):
        answer = s3.upload_part_copy(**upload, **copy, PartNumber=number, **options)
        parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
    outside = {"CopySourceRange": f"bytes=0-{len(PARTS[0])}"}
    assert code_of(s3.upload_part_copy, **upload, **copy, PartNumber=3, **outside) == (
        "InvalidRequest"
    )
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="big")["Body"].read() == PARTS[0] + PARTS[0][10:20]


def test_open_uploads_are_listed(s3: Any, bucket: str) -> None:
    for key in ("a/1", "a/2", "b", "b", "c ü"):
        s3.create_multipart_upload(Bucket=bucket, Key=key)
    paginator = s3.get_paginator("list_multipart_uploads")
    for size in (1, 2, 1000):
        pages = list(paginator.paginate(Bucket=bucket, PaginationConfig={"PageSize": size}))
        uploads = [upload for page in pages for upload in page["Uploads"]]
        assert [upload["Key"] for upload in uploads] == ["a/1", "a/2", "b", "b", "c ü"]
        assert len({upload["UploadId"] for upload in uploads}) == 5
    page = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [item["Prefix"] for item in page["CommonPrefixes"]] == ["a/"]
    assert [upload["Key"] for upload in page["Uploads"]] == ["b", "b", "c ü"]
