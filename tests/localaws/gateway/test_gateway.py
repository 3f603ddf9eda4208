"""The endpoint as clients meet it: who answers, what is refused, and in which words."""

from __future__ import annotations

import http.client
import json
import re
import socket
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

HEADERS = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, "
    "SignedHeaders=host, Signature=0",
}


def raw(
    endpoint: str,
    method: str,
    path: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    service: str = "s3",
) -> tuple[int, dict[str, str], bytes]:
    """Send a request no client would make, and return what comes back."""
    parts = urlsplit(endpoint)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    signed = {name: value.format(service=service) for name, value in HEADERS.items()}
    connection.request(method, path, body, {**signed, **(headers or {})})
    response = connection.getresponse()
    answer = response.status, dict(response.getheaders()), response.read()
    connection.close()
    return answer


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_health_and_ledger_answer_over_http(localaws: Any) -> None:
    with urllib.request.urlopen(f"{localaws.endpoint}/_localaws/health") as response:
        health = json.load(response)
    assert health["status"] == "healthy"
    assert {"athena", "cloudformation", "glue", "s3"} <= set(health["services"])
    with urllib.request.urlopen(f"{localaws.endpoint}/_localaws/ledger?service=athena") as response:
        entries = json.load(response)["operations"]
    levels = {entry["operation"]: entry["level"] for entry in entries}
    assert levels["StartQueryExecution"] == "executed"
    assert levels["StartSession"] == "unsupported"


def test_what_is_not_there_says_so_and_names_the_ledger(localaws: Any) -> None:
    with pytest.raises(ClientError) as caught:
        localaws.client("glue").start_job_run(JobName="x")
    assert code(caught) == "NotImplementedException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "localaws ledger" in str(caught.value)
    with pytest.raises(ClientError) as caught:
        localaws.client("emr").list_clusters()
    assert code(caught) == "NotImplementedException"


def test_a_parameter_nobody_honours_is_refused(localaws: Any) -> None:
    with pytest.raises(ClientError) as caught:
        localaws.client("glue").get_tables(DatabaseName="x", IncludeStatusDetails=True)
    assert code(caught) == "NotImplementedException"
    assert "include_status_details" in str(caught.value)


def test_unknown_operations_are_refused_in_each_protocol(localaws: Any) -> None:
    status, headers, body = raw(
        localaws.endpoint,
        "POST",
        "/",
        b"{}",
        {"X-Amz-Target": "AWSGlue.NoSuchThing", "Content-Type": "application/x-amz-json-1.1"},
        "glue",
    )
    assert status == 400
    assert json.loads(body)["__type"] == "UnknownOperationException"
    assert headers["x-amzn-requestid"]
    status, _, body = raw(
        localaws.endpoint,
        "POST",
        "/",
        b"Action=NoSuchThing&Version=2010-05-15",
        {"Content-Type": "application/x-www-form-urlencoded"},
        "cloudformation",
    )
    assert status == 400
    assert b"<Code>InvalidAction</Code>" in body
    status, _, body = raw(localaws.endpoint, "PATCH", "/bucket/key")
    assert status == 405
    assert b"<Code>MethodNotAllowed</Code>" in body
    status, _, body = raw(localaws.endpoint, "POST", "/", b"{}", service="no-such-service")
    assert status == 400
    assert b"UnknownService" in body


@pytest.mark.parametrize(
    "body", [b"{", b"[1", b"\xff", b'{"Name": 3}', b"nul", b'{"Name": ' + b"[" * 100_000]
)
def test_malformed_json_is_a_client_error(localaws: Any, body: bytes) -> None:
    status, _, answer = raw(
        localaws.endpoint, "POST", "/", body, {"X-Amz-Target": "AWSGlue.GetDatabase"}, "glue"
    )
    assert status == 400
    assert json.loads(answer)["__type"] == "SerializationException"


@pytest.mark.parametrize("body", [b"<Delete>", b"<a/>", b"\x00\x01", b"<Delete></Delete>"])
def test_malformed_xml_is_a_client_error(localaws: Any, body: bytes) -> None:
    localaws.client("s3").create_bucket(Bucket=f"xml-{localaws.account}")
    status, _, answer = raw(localaws.endpoint, "POST", f"/xml-{localaws.account}?delete", body)
    assert status == 400
    assert b"<Code>MalformedXML</Code>" in answer or b"<Code>InvalidArgument</Code>" in answer


@pytest.mark.parametrize(
    "authorization", ["AWS4-HMAC-SHA256 Credential=x", "AWS4-HMAC-SHA256", "Basic abc", "AWS4 =,="]
)
def test_an_unreadable_signature_is_a_client_error(localaws: Any, authorization: str) -> None:
    status, _, answer = raw(localaws.endpoint, "GET", "/", headers={"Authorization": authorization})
    assert status == 400
    assert b"IncompleteSignature" in answer


def test_garbage_on_the_socket_leaves_the_endpoint_alive(localaws: Any) -> None:
    parts = urlsplit(localaws.endpoint)
    for garbage in (b"\x16\x03\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n\r\n"):
        with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1024)
    assert localaws.client("sts").get_caller_identity()["Account"] == localaws.account


@pytest.mark.parametrize("size", [100, 5_000_000])
def test_an_answer_before_the_body_is_read_does_not_spoil_the_connection(
    localaws: Any, size: int
) -> None:
    s3 = localaws.client("s3", config=Config(retries={"max_attempts": 0}))
    bucket = f"unread-{localaws.account}"
    for _ in range(5):
        with pytest.raises(ClientError) as caught:
            s3.put_object(Bucket=bucket, Key="k", Body=b"x" * size)
        assert code(caught) == "NoSuchBucket"
        assert s3.list_buckets()["Buckets"] == []


def test_accounts_do_not_see_each_other(localaws: Any) -> None:
    localaws.client("glue").create_database(DatabaseInput={"Name": "mine"})
    other = localaws.session().client(
        "glue",
        endpoint_url=localaws.endpoint,
        aws_access_key_id="999999999999",
        aws_secret_access_key="any",
        region_name="us-east-1",
    )
    assert "mine" not in [item["Name"] for item in other.get_databases()["DatabaseList"]]
    elsewhere = localaws.client("glue", region_name="eu-west-1")
    assert elsewhere.get_databases()["DatabaseList"] == []
    other.close()


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_url_works_until_its_time_is_over(localaws: Any, version: str) -> None:
    s3 = localaws.client("s3", config=Config(signature_version=version))
    bucket = f"presigned-{localaws.account}"
    s3.create_bucket(Bucket=bucket)
    put = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a b/é"})
    request = urllib.request.Request(put, data=b"by url", method="PUT")
    with urllib.request.urlopen(request) as response:
        assert response.status == 200
    get = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b/é"})
    assert fetch(get) == (200, b"by url")
    old = (datetime.now(UTC) - timedelta(hours=2)).strftime("%Y%m%dT%H%M%SZ")
    expired = re.sub(r"Expires=\d{10}", "Expires=1700000000", get)
    expired = re.sub(r"X-Amz-Date=\w+", f"X-Amz-Date={old}", expired)
    status, body = fetch(expired)
    assert status == 403
    assert b"Request has expired" in body


def fetch(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_a_virtual_host_address_is_the_bucket(localaws: Any) -> None:
    bucket = f"host-{localaws.account}"
    s3 = localaws.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    port = urlsplit(localaws.endpoint).port
    for host in (
        f"{bucket}.localhost",
        f"{bucket}.s3.localhost",
        f"{bucket}.s3.us-east-1.localhost",
    ):
        status, _, body = raw(
            localaws.endpoint,
            "GET",
            "/k",
            headers={
                "Host": f"{host}:{port}",
                "Authorization": f"AWS4-HMAC-SHA256 Credential={localaws.account}/20260101/"
                "us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0",
            },
        )
        assert (status, body) == (200, b"v"), host


def test_services_that_are_not_ours_keep_their_metadata(localaws: Any) -> None:
    iam = localaws.client("iam")
    made = iam.create_role(RoleName="analyst", AssumeRolePolicyDocument="{}")["Role"]
    assert made["Arn"] == f"arn:aws:iam::{localaws.account}:role/analyst"
    assert iam.get_role(RoleName="analyst")["Role"]["RoleId"] == made["RoleId"]
    with pytest.raises(ClientError) as caught:
        iam.get_role(RoleName="nobody")
    assert code(caught) == "NoSuchEntity"


def test_metadata_survives_the_kill_of_the_gateway(localaws: Any, localaws_session: Any) -> None:
    role = localaws.client("iam").create_role(RoleName="kept", AssumeRolePolicyDocument="{}")
    secret = localaws.client("secretsmanager").create_secret(Name="s", SecretString="v")
    localaws_session.kill()
    localaws_session.restart()
    kept = localaws.client("iam").get_role(RoleName="kept")["Role"]
    assert kept["RoleId"] == role["Role"]["RoleId"]
    value = localaws.client("secretsmanager").get_secret_value(SecretId=secret["ARN"])
    assert value["SecretString"] == "v"
