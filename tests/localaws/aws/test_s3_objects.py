from __future__ import annotations

import base64
import hashlib
import os
import socket
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from botocore.config import Config
from s3_help import code_of, error_of

from localaws.pytest_plugin import LocalAws

DATA = bytes(range(256)) * 40


@pytest.fixture
def s3(localaws: LocalAws) -> Any:
    return localaws.client("s3")


@pytest.fixture
def bucket(localaws: LocalAws, s3: Any) -> str:
    name = f"b-{localaws.account}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.mark.parametrize("size", [0, 1, 20_000, 3_000_000])
def test_bytes_and_headers_come_back(s3: Any, bucket: str, size: int) -> None:
    data = os.urandom(size)
    expires = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    put = s3.put_object(
        Bucket=bucket,
        Key="k",
        Body=data,
        ContentType="text/csv",
        CacheControl="max-age=5",
        ContentEncoding="gzip",
        ContentLanguage="de",
        ContentDisposition="attachment",
        Expires=expires,
        Metadata={"Owner": "cards"},
        StorageClass="STANDARD_IA",
        ServerSideEncryption="AES256",
        Tagging="stage=raw&empty=",
    )
    etag = f'"{hashlib.md5(data).hexdigest()}"'
    assert put["ETag"] == etag
    assert put["ServerSideEncryption"] == "AES256"
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == data
    head = s3.head_object(Bucket=bucket, Key="k")
    for answer in (got, head):
        assert answer["ETag"] == etag
        assert answer["ContentLength"] == size
        assert answer["ContentType"] == "text/csv"
        assert answer["CacheControl"] == "max-age=5"
        assert answer["ContentEncoding"] == "gzip"
        assert answer["ContentLanguage"] == "de"
        assert answer["ContentDisposition"] == "attachment"
        assert answer["ExpiresString"] == "Wed, 02 Jan 2030 03:04:05 GMT"
        assert answer["Metadata"] == {"owner": "cards"}
        assert answer["StorageClass"] == "STANDARD_IA"
        assert answer["ServerSideEncryption"] == "AES256"
        assert answer["AcceptRanges"] == "bytes"
    assert got["TagCount"] == 2


def test_defaults(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k")
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ContentType"] == "binary/octet-stream"
    assert head["Metadata"] == {}
    assert "StorageClass" not in head
    assert datetime.now(UTC) - head["LastModified"] < timedelta(minutes=1)


def test_what_is_not_there(s3: Any, bucket: str) -> None:
    error = error_of(s3.get_object, Bucket=bucket, Key="no/such")
    assert error["Code"] == "NoSuchKey"
    assert error["Message"] == "The specified key does not exist."
    assert error["Key"] == "no/such"
    assert error["Status"] == 404
    assert error_of(s3.head_object, Bucket=bucket, Key="k")["Code"] == "404"
    assert code_of(s3.get_object, Bucket="no-such-bucket", Key="k") == "NoSuchBucket"
    s3.delete_object(Bucket=bucket, Key="k")


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=10000-", 10_000, 10_240),
        ("bytes=-5", 10_235, 10_240),
        ("bytes=-99999", 0, 10_240),
        ("bytes=5-99999", 5, 10_240),
    ],
)
def test_ranges(s3: Any, bucket: str, header: str, start: int, end: int) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=DATA)
    got = s3.get_object(Bucket=bucket, Key="k", Range=header)
    assert got["Body"].read() == DATA[start:end]
    assert got["ContentRange"] == f"bytes {start}-{end - 1}/{len(DATA)}"
    assert got["ContentLength"] == end - start
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert s3.head_object(Bucket=bucket, Key="k", Range=header)["ContentLength"] == end - start


def test_ranges_that_are_none(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=DATA)
    for header in ("bytes=10240-", "bytes=99999-100000", "bytes=-0"):
        error = error_of(s3.get_object, Bucket=bucket, Key="k", Range=header)
        assert error["Code"] == "InvalidRange"
        assert error["Status"] == 416
        assert error["ActualObjectSize"] == str(len(DATA))
    for header in ("bytes=9-3", "bytes=x-y", "lines=1-2", "bytes=0-1,5-6"):
        got = s3.get_object(Bucket=bucket, Key="k", Range=header)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert got["Body"].read() == DATA


def test_conditions_of_reads(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=DATA)["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    earlier, later = modified - timedelta(hours=1), modified + timedelta(seconds=0)

    def outcome(**conditions: Any) -> str:
        try:
            got = s3.get_object(Bucket=bucket, Key="k", **conditions)
        except s3.exceptions.ClientError as error:
            return str(error.response["Error"]["Code"])
        assert got["Body"].read() == DATA
        return "200"

    assert outcome(IfMatch=etag) == "200"
    assert outcome(IfMatch='"other"') == "PreconditionFailed"
    assert outcome(IfNoneMatch=etag) == "304"
    assert outcome(IfNoneMatch='"other"') == "200"
    assert outcome(IfModifiedSince=earlier) == "200"
    assert outcome(IfModifiedSince=later) == "304"
    assert outcome(IfUnmodifiedSince=earlier) == "PreconditionFailed"
    assert outcome(IfUnmodifiedSince=later) == "200"
    assert outcome(IfMatch=etag, IfUnmodifiedSince=earlier) == "200"
    assert outcome(IfNoneMatch='"other"', IfModifiedSince=later) == "200"
    assert code_of(s3.head_object, Bucket=bucket, Key="k", IfNoneMatch=etag) == "304"
    assert code_of(s3.head_object, Bucket=bucket, Key="k", IfMatch='"other"') == "412"


def test_conditions_of_writes(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    error = error_of(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert (error["Code"], error["Condition"]) == ("PreconditionFailed", "If-None-Match")
    s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=etag)
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"4", IfMatch=etag) == (
        "PreconditionFailed"
    )
    assert code_of(s3.put_object, Bucket=bucket, Key="x", Body=b"4", IfMatch=etag) == "NoSuchKey"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"3"


def test_headers_of_the_answer_can_be_set(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=DATA, ContentType="a/b")
    got = s3.get_object(
        Bucket=bucket,
        Key="k",
        ResponseContentType="text/html",
        ResponseContentDisposition='attachment; filename="x.html"',
    )
    assert got["Body"].read() == DATA
    assert got["ContentType"] == "text/html"
    assert got["ContentDisposition"] == 'attachment; filename="x.html"'
    split = "text/html\r\nX-Evil: 1"
    assert code_of(s3.get_object, Bucket=bucket, Key="k", ResponseContentType=split) == (
        "InvalidArgument"
    )


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("CRC32", lambda data: zlib.crc32(data).to_bytes(4, "big")),
        ("SHA1", lambda data: hashlib.sha1(data).digest()),
        ("SHA256", lambda data: hashlib.sha256(data).digest()),
    ],
)
def test_checksums(s3: Any, bucket: str, name: str, digest: Any) -> None:
    member = f"Checksum{name}"
    expected = base64.b64encode(digest(DATA)).decode()
    put = s3.put_object(Bucket=bucket, Key="k", Body=DATA, ChecksumAlgorithm=name)
    assert put[member] == expected
    assert put["ChecksumType"] == "FULL_OBJECT"
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[member] == expected
    assert member not in s3.head_object(Bucket=bucket, Key="k")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == DATA  # botocore compares
    s3.put_object(Bucket=bucket, Key="given", Body=DATA, **{member: expected})
    wrong = base64.b64encode(digest(b"other")).decode()
    error = error_of(s3.put_object, Bucket=bucket, Key="bad", Body=DATA, **{member: wrong})
    assert error["Code"] == "BadDigest"
    assert error["Message"] == f"The {name} you specified did not match the calculated checksum."
    wrong_md5 = base64.b64encode(b"0" * 16).decode()
    assert code_of(s3.put_object, Bucket=bucket, Key="bad", Body=DATA, ContentMD5=wrong_md5) == (
        "BadDigest"
    )
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["given", "k"]
    attributes = s3.get_object_attributes(
        Bucket=bucket,
        Key="k",
        ObjectAttributes=["ETag", "Checksum", "ObjectSize", "StorageClass", "ObjectParts"],
    )
    assert attributes["ETag"] == hashlib.md5(DATA).hexdigest()
    assert attributes["ObjectSize"] == len(DATA)
    assert attributes["StorageClass"] == "STANDARD"
    assert attributes["Checksum"] == {member: expected, "ChecksumType": "FULL_OBJECT"}
    assert "ObjectParts" not in attributes


def test_many_are_deleted_at_once(s3: Any, bucket: str) -> None:
    for number in range(5):
        s3.put_object(Bucket=bucket, Key=f"k{number}", Body=b"x")
    wanted = [{"Key": "k0"}, {"Key": "k1"}, {"Key": "missing"}, {"Key": "k2", "VersionId": "v"}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": wanted})
    assert [item["Key"] for item in answer["Deleted"]] == ["k0", "k1", "missing"]
    assert [(item["Key"], item["Code"]) for item in answer["Errors"]] == [("k2", "InvalidArgument")]
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k3"}], "Quiet": True})
    assert "Deleted" not in quiet
    left = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert left == ["k2", "k4"]
    many = [{"Key": f"k{number}"} for number in range(1001)]
    assert code_of(s3.delete_objects, Bucket=bucket, Delete={"Objects": many}) == "MalformedXML"
    assert len(s3.list_objects_v2(Bucket=bucket)["Contents"]) == 2


def test_copies(s3: Any, bucket: str) -> None:
    s3.put_object(
        Bucket=bucket,
        Key="from ü+&?%",
        Body=DATA,
        ContentType="a/b",
        Metadata={"m": "1"},
        Tagging="t=1",
    )
    source = {"Bucket": bucket, "Key": "from ü+&?%"}
    copied = s3.copy_object(Bucket=bucket, Key="to", CopySource=source)["CopyObjectResult"]
    assert copied["ETag"] == f'"{hashlib.md5(DATA).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="to")
    assert got["Body"].read() == DATA
    assert (got["ContentType"], got["Metadata"], got["TagCount"]) == ("a/b", {"m": "1"}, 1)
    s3.copy_object(
        Bucket=bucket,
        Key="to",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"m": "2"},
        TaggingDirective="REPLACE",
        Tagging="u=2",
    )
    got = s3.head_object(Bucket=bucket, Key="to")
    assert (got["ContentType"], got["Metadata"]) == ("binary/octet-stream", {"m": "2"})
    assert s3.get_object_tagging(Bucket=bucket, Key="to")["TagSet"] == [{"Key": "u", "Value": "2"}]
    itself = {"Bucket": bucket, "Key": "to", "CopySource": f"{bucket}/to"}
    error = error_of(s3.copy_object, **itself)
    assert error["Code"] == "InvalidRequest"
    assert error["Message"].startswith("This copy request is illegal because")
    s3.copy_object(**itself, MetadataDirective="REPLACE", Metadata={"m": "3"})
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == DATA
    assert code_of(
        s3.copy_object, Bucket=bucket, Key="x", CopySource=f"{bucket}/to", CopySourceIfMatch="no"
    ) == ("PreconditionFailed")
    assert code_of(s3.copy_object, Bucket=bucket, Key="x", CopySource=f"{bucket}/missing") == (
        "NoSuchKey"
    )
    assert code_of(s3.copy_object, Bucket=bucket, Key="x", CopySource="nothing") == (
        "InvalidArgument"
    )


def test_tags_of_objects(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=")
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags
    tags = [{"Key": "c", "Value": "ü /+-=._:@"}]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags
    eleven = {"TagSet": [{"Key": f"k{n}", "Value": ""} for n in range(11)]}
    assert code_of(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging=eleven) == "BadRequest"
    long = {"TagSet": [{"Key": "k" * 129, "Value": ""}]}
    assert code_of(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging=long) == "InvalidTag"
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    assert code_of(s3.get_object_tagging, Bucket=bucket, Key="missing") == "NoSuchKey"


@pytest.mark.parametrize(
    "options",
    [
        {"StorageClass": "GLACIER"},
        {"ServerSideEncryption": "aws:kms"},
        {"ACL": "public-read"},
    ],
)
def test_what_is_not_honoured_is_refused(s3: Any, bucket: str, options: dict[str, str]) -> None:
    error = error_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x", **options)
    assert error["Code"] == "NotImplemented"
    assert next(iter(options.values())).split(":")[-1].upper() in error["Message"].upper()


@pytest.mark.parametrize("key", ["../../etc/passwd", "a//b", "/a", "./a", "é" * 512, "a\tb", "+ %"])
def test_keys_are_not_paths(s3: Any, bucket: str, key: str) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.delete_object(Bucket=bucket, Key=key)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_key_may_have_1024_bytes(s3: Any, bucket: str) -> None:
    error = error_of(s3.put_object, Bucket=bucket, Key="é" * 513, Body=b"x")
    assert error["Code"] == "KeyTooLongError"
    assert (error["Size"], error["MaxSizeAllowed"]) == ("1026", "1024")


def test_presigned_urls(s3: Any, localaws: LocalAws, bucket: str) -> None:
    put = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a b"})
    with urlopen(Request(put, data=DATA, method="PUT")) as response:
        assert response.status == 200
    get = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b"})
    with urlopen(get) as response:
        assert response.read() == DATA


def test_virtual_hosts_and_paths(localaws: LocalAws, bucket: str) -> None:
    paths = localaws.client("s3", config=Config(s3={"addressing_style": "path"}))
    paths.put_object(Bucket=bucket, Key="k", Body=DATA)
    assert paths.get_object(Bucket=bucket, Key="k")["Body"].read() == DATA


@pytest.mark.parametrize("size", [1000, 3_000_000])
def test_a_truncated_upload_leaves_nothing(
    s3: Any, localaws: LocalAws, bucket: str, size: int
) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    address = urlsplit(localaws.endpoint)
    credential = f"{localaws.account}/20260101/us-east-1/s3/aws4_request"
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(
            f"PUT /{bucket}/k HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Authorization: AWS4-HMAC-SHA256 Credential={credential}, "
            "SignedHeaders=host, Signature=0\r\n"
            f"Content-Length: {size}\r\n\r\n".encode()
            + b"x" * (size - 1)
        )
    s3.put_object(Bucket=bucket, Key="other", Body=b"x")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"before"
    assert len(s3.list_objects_v2(Bucket=bucket)["Contents"]) == 2
