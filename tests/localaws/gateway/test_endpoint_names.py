"""The endpoint by its names: from this machine, and from the containers' network."""

from __future__ import annotations

import http.client
import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config

from localaws.gateway.routing import bucket_of_host, endpoint_of_host


def ask(
    localaws: Any,
    method: str,
    path: str,
    host: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    """Send a request to the endpoint under another name of it."""
    parts = urlsplit(localaws.endpoint)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    signature = (
        f"AWS4-HMAC-SHA256 Credential={localaws.account}/20260101/us-east-1/s3/aws4_request, "
        "SignedHeaders=host, Signature=0"
    )
    sent = {"Host": host, "Authorization": signature, **(headers or {})}
    connection.request(method, path, body, {name: value for name, value in sent.items() if value})
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


@pytest.mark.parametrize(
    ("host", "bucket", "endpoint"),
    [
        ("127.0.0.1:4566", None, "127.0.0.1:4566"),
        ("localhost:4566", None, "localhost:4566"),
        ("gateway:4566", None, "gateway:4566"),
        ("s3.localhost:4566", None, "s3.localhost:4566"),
        ("s3.us-east-1.localhost", None, "s3.us-east-1.localhost"),
        ("b.localhost:4566", "b", "localhost:4566"),
        ("b.gateway:4566", "b", "gateway:4566"),
        ("b.s3.gateway:4566", "b", "gateway:4566"),
        ("b.s3.us-east-1.gateway:4566", "b", "gateway:4566"),
        ("b.s3-eu-central-1.localhost", "b", "localhost"),
        ("logs.2026.corp.localhost:4566", "logs.2026.corp", "localhost:4566"),
        ("logs.corp.s3.us-gov-east-1.localhost", "logs.corp", "localhost"),
        ("b.s3.localhost.localstack.cloud:4566", "b", "localhost.localstack.cloud:4566"),
        ("example.com", None, "example.com"),
    ],
)
def test_a_host_is_a_bucket_before_a_name_of_the_endpoint(
    host: str, bucket: str | None, endpoint: str
) -> None:
    assert bucket_of_host(host) == bucket
    assert endpoint_of_host(host) == endpoint


def test_an_object_is_the_same_by_every_name(localaws: Any) -> None:
    bucket = f"names.of-{localaws.account}"
    s3 = localaws.client("s3")
    s3.create_bucket(Bucket=bucket)
    assert ask(localaws, "PUT", f"/{bucket}/k", "gateway:4566", b"inside")[0] == 200
    for host in ("localhost:4566", "gateway:4566", "127.0.0.1:9999", "gateway"):
        assert ask(localaws, "GET", f"/{bucket}/k", host) == (200, b"inside"), host
    for host in ("localhost:4566", "gateway:4566", "s3.gateway:4566", "s3.us-east-1.localhost"):
        assert ask(localaws, "GET", "/k", f"{bucket}.{host}") == (200, b"inside"), host


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("name", ["gateway:4566", "localhost:5566"])
def test_a_presigned_url_of_either_side_works(localaws: Any, name: str, style: str) -> None:
    """It is signed for the name that its user knows; the port may be another one outside."""
    bucket = f"signed-{localaws.account}"
    s3 = localaws.session().client(
        "s3",
        endpoint_url=f"http://{name}",
        region_name="us-east-1",
        aws_access_key_id=localaws.account,
        aws_secret_access_key="any",
        config=Config(s3={"addressing_style": style}, signature_version="s3v4"),
    )
    localaws.client("s3").create_bucket(Bucket=bucket)
    for method, body, answer in (("put_object", b"v", b""), ("get_object", b"", b"v")):
        url = urlsplit(s3.generate_presigned_url(method, Params={"Bucket": bucket, "Key": "a b"}))
        assert url.netloc.startswith(bucket) == (style == "virtual")
        verb = method.partition("_")[0].upper()
        path = f"{url.path}?{url.query}"
        assert ask(localaws, verb, path, url.netloc, body, {"Authorization": ""}) == (200, answer)
    s3.close()


@pytest.mark.parametrize("name", ["gateway:4566", "localhost:5566", "127.0.0.1:5566"])
def test_the_location_of_an_upload_is_where_its_client_is(localaws: Any, name: str) -> None:
    bucket = f"located-{localaws.account}"
    localaws.client("s3").create_bucket(Bucket=bucket)
    hosts = [(name, f"/{bucket}/k")]
    if not name.startswith("127."):
        hosts += [(f"{bucket}.{name}", "/k"), (f"{bucket}.s3.{name}", "/k")]
    for host, path in hosts:
        _, made = ask(localaws, "POST", f"{path}?uploads", host)
        found = re.search(rb"<UploadId>(.+)</UploadId>", made)
        assert found is not None
        upload = found[1].decode()
        query = f"{path}?partNumber=1&uploadId={upload}"
        assert ask(localaws, "PUT", query, host, b"part")[0] == 200
        parts = localaws.client("s3").list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]
        wanted = (
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
            f"<ETag>{parts[0]['ETag']}</ETag></Part></CompleteMultipartUpload>"
        )
        status, done = ask(localaws, "POST", f"{path}?uploadId={upload}", host, wanted.encode())
        assert status == 200
        location = re.search(rb"<Location>(.+)</Location>", done)
        assert location is not None
        url = urlsplit(location[1].decode())
        assert (url.scheme, url.netloc, url.path) == ("http", name, f"/{bucket}/k")
        assert ask(localaws, "GET", url.path, url.netloc) == (200, b"part")


def test_a_template_is_found_by_the_url_of_either_side(localaws: Any) -> None:
    bucket = f"templates.of-{localaws.account}"
    s3, client = localaws.client("s3"), localaws.client("cloudformation")
    s3.create_bucket(Bucket=bucket)
    body = json.dumps({"Resources": {"H": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})
    s3.put_object(Bucket=bucket, Key="t.json", Body=body.encode())
    for url in (
        f"http://gateway:4566/{bucket}/t.json",
        f"http://localhost:5566/{bucket}/t.json",
        f"http://{bucket}.gateway:4566/t.json",
        f"http://{bucket}.s3.gateway:4566/t.json",
        f"http://{bucket}.localhost:4566/t.json",
        f"http://{bucket}.s3.us-east-1.localhost/t.json",
        f"https://{bucket}.s3.eu-west-1.amazonaws.com/t.json",
    ):
        answer = client.validate_template(TemplateURL=url)
        assert answer["Parameters"] == [], url
