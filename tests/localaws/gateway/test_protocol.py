"""Every operation's input and output survive the wire: botocore is the other side."""

from __future__ import annotations

import asyncio
import random
import string
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlencode

import botocore.model
import botocore.parsers
import botocore.serialize
import pytest
from botocore.awsrequest import HeadersDict

from localaws.core.errors import AwsError
from localaws.gateway.models import service_model
from localaws.gateway.parse import parse_input
from localaws.gateway.request import Request
from localaws.gateway.routing import resolve_operation
from localaws.gateway.serialize import serialize_error, serialize_output

SERVICES = ["athena", "glue", "cloudformation", "iam", "s3", "lambda"]

ALPHABET = string.ascii_letters + string.digits + " <&>'\"é漢-_.~/"


class Generator:
    """Seeded values of any shape, within its lengths, ranges and enums."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def value(self, shape: botocore.model.Shape, depth: int = 0) -> Any:
        kind = shape.type_name
        if kind == "structure":
            if getattr(shape, "is_document_type", False):
                return {"any": [1, "x"]}
            members = list(shape.members.items())
            if getattr(shape, "is_tagged_union", False):
                members = [self.random.choice(members)]
            chosen = {}
            for name, member in members:
                if name in shape.required_members or (depth < 3 and self.random.random() < 0.6):
                    value = self.value(member, depth + 1)
                    if value not in ([], {}) or name in shape.required_members:
                        chosen[name] = value
            return chosen
        if kind == "list":
            size = max(shape.metadata.get("min", 1), self.random.randint(1, 2) if depth < 4 else 1)
            size = min(size, shape.metadata.get("max", size))
            return [self.value(shape.member, depth + 1) for _ in range(size)]
        if kind == "map":
            size = 1 if depth < 4 else 0
            return {
                self.value(shape.key, depth + 1): self.value(shape.value, depth + 1)
                for _ in range(size)
            }
        if kind == "string":
            if shape.enum:
                return self.random.choice(shape.enum)
            low = max(shape.metadata.get("min", 0), 1)
            high = min(shape.metadata.get("max", low + 12), low + 12)
            text = "".join(self.random.choices(ALPHABET, k=self.random.randint(low, high)))
            return text.strip().ljust(low, "x") or "x" * low
        if kind in ("integer", "long"):
            low = int(shape.metadata.get("min", 1))
            return self.random.randint(low, int(shape.metadata.get("max", low + 1000)))
        if kind in ("float", "double"):
            return float(shape.metadata.get("min", 0)) + self.random.randint(0, 1) * 0.5
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind == "timestamp":
            return datetime.fromtimestamp(self.random.randint(10**9, 2 * 10**9), UTC)
        return bytes(self.random.randrange(256) for _ in range(5))


def header_safe(shape: botocore.model.StructureShape, value: dict[str, Any]) -> None:
    """Keep what travels in headers to what a header can hold."""
    for name, member in shape.members.items():
        if name not in value:
            continue
        if member.serialization.get("location") == "headers":
            value[name] = {"key": "value"}
        elif member.serialization.get("location") == "header" and member.type_name == "string":
            if not member.enum:
                value[name] = "x" * max(member.metadata.get("min", 1), 3)
        elif member.type_name == "list" and member.serialization.get("location"):
            value[name] = value[name][:1] if member.member.enum else ["plain"]


async def no_body() -> dict[str, Any]:
    return {"type": "http.request"}


def wire_request(operation: botocore.model.OperationModel, params: dict[str, Any]) -> Any:
    protocol = operation.service_model.metadata["protocol"]
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    wire = serializer.serialize_to_request(dict(params), operation)
    query = wire["query_string"]
    query_string = query if isinstance(query, str) else urlencode(query or {}, doseq=True)
    path, _, in_path = wire["url_path"].partition("?")
    query_string = "&".join(part for part in (in_path, query_string) if part)
    scope = {
        "method": wire["method"],
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query_string.encode(),
        "headers": [
            (name.lower().encode(), str(value).encode("utf-8"))
            for name, value in wire["headers"].items()
        ],
    }
    body = wire["body"]
    form = None
    if isinstance(body, dict):
        form = {key: str(value) for key, value in body.items()}
        body = b""
    return Request.from_scope(scope, no_body), form, body or b""


def comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return value


@pytest.mark.parametrize("service", SERVICES)
def test_every_input_arrives_as_the_client_meant_it(service: str) -> None:
    model = service_model(service)
    checked = 0
    for number, name in enumerate(model.operation_names):
        operation = model.operation_model(name)
        if operation.deprecated or operation.input_shape is None:
            continue
        if name == "ListDirectoryBuckets":
            continue  # the same request as ListBuckets, to another host
        if operation.has_event_stream_output or operation.has_event_stream_input:
            continue
        params = Generator(number).value(operation.input_shape)
        if model.metadata["protocol"].startswith("rest"):
            header_safe(operation.input_shape, params)
        if operation.has_streaming_input:
            params.pop(operation.input_shape.serialization["payload"], None)
        request, form, body = wire_request(operation, params)
        if isinstance(body, str):
            body = body.encode()
        route = resolve_operation(service, request, form)
        assert route.operation.name == name
        try:
            stream = request.stream() if operation.has_streaming_input else None
            parsed = parse_input(route.operation, request, route.uri, body, form, stream)
            if stream is not None:
                assert parsed.pop(operation.input_shape.serialization["payload"]) is stream
        except AwsError as error:
            # Random text need not match a model's pattern, everything else must hold;
            # and the query protocol cannot carry an empty structure.
            allowed = error.message.count("regular expression") + (
                error.message.count("Value null") if model.metadata["protocol"] == "query" else 0
            )
            if error.message.count("constraint:") == allowed:
                continue
            raise
        empty_maps = {key for key, item in parsed.items() if item == {} and key not in params}
        for key in empty_maps:
            parsed.pop(key)
        assert comparable(parsed) == comparable(params), name
        checked += 1
    assert checked > len(model.operation_names) * 0.2


@pytest.mark.parametrize("service", SERVICES)
def test_every_output_arrives_as_the_operation_meant_it(service: str) -> None:
    model = service_model(service)
    parser = botocore.parsers.create_parser(model.metadata["protocol"])
    checked = 0
    for number, name in enumerate(model.operation_names):
        operation = model.operation_model(name)
        shape = operation.output_shape
        if shape is None or operation.deprecated or operation.has_event_stream_output:
            continue
        if name == "GetBucketLocation":
            continue  # botocore reads it in a handler; a client test covers it
        result = Generator(number).value(shape)
        if model.metadata["protocol"].startswith("rest"):
            header_safe(shape, result)
        for member_name, member in shape.members.items():
            if member.serialization.get("location") == "statusCode":
                result.pop(member_name, None)
        if operation.has_streaming_output:
            result[shape.serialization["payload"]] = b"bytes"
        response = serialize_output(operation, result, "request-1")
        parsed = parser.parse(
            {
                "status_code": response.status,
                "headers": HeadersDict(response.headers),
                "body": response.body,
            },
            shape,
        )
        parsed.pop("ResponseMetadata")
        parsed = {
            key: item
            for key, item in parsed.items()
            if key in result or item not in ({}, [], "", b"")
        }
        payload = shape.serialization.get("payload")
        if shape.members[payload].type_name == "blob" if payload else False:
            parsed.pop(payload, None)  # botocore gives bytes here and text there
            assert response.body == result.pop(payload, b"")
            parsed.pop("ContentType", None)
            result.pop("ContentType", None)
        for member_name, member in shape.members.items():
            if member.serialization.get("location") == "statusCode":
                parsed.pop(member_name, None)
        assert _without_micros(parsed) == _without_micros(result), name
        checked += 1
    assert checked > len(model.operation_names) * 0.4


def _without_micros(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(microsecond=0)
    if isinstance(value, dict):
        return {key: _without_micros(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_micros(item) for item in value]
    return value


@pytest.mark.parametrize("service", SERVICES)
def test_an_error_is_read_by_botocore_as_it_was_raised(service: str) -> None:
    model = service_model(service)
    error = AwsError("SomeException", "A <message> & more", 404, members={"Detail": "d"})
    response = serialize_error(model, error, "request-1", "/a/b")
    parser = botocore.parsers.create_parser(model.metadata["protocol"])
    parsed = parser.parse(
        {"status_code": response.status, "headers": response.headers, "body": response.body},
        None,
    )
    assert parsed["Error"]["Code"] == "SomeException"
    assert parsed["Error"]["Message"] == "A <message> & more"
    assert parsed["ResponseMetadata"]["RequestId"] == "request-1"
    assert parsed["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_violations_are_worded_as_aws_does() -> None:
    operation = service_model("glue").operation_model("CreateDatabase")
    request, form, _ = wire_request(operation, {"DatabaseInput": {"Name": "x"}})
    with pytest.raises(AwsError) as caught:
        parse_input(operation, request, {}, b'{"DatabaseInput":{"Name":""}}', form, None)
    assert caught.value.code == "ValidationException"
    assert (
        "1 validation error detected: Value '' at 'databaseInput.name' failed to satisfy "
        "constraint: Member must have length greater than or equal to 1" in caught.value.message
    )
    with pytest.raises(AwsError) as caught:
        parse_input(operation, request, {}, b"{}", form, None)
    assert "Value null at 'databaseInput' failed" in caught.value.message


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"DatabaseInput": 3}', b"\xff\xfe", b'"x"'])
def test_malformed_json_is_a_serialization_error(body: bytes) -> None:
    operation = service_model("glue").operation_model("CreateDatabase")
    request, form, _ = wire_request(operation, {"DatabaseInput": {"Name": "x"}})
    with pytest.raises(AwsError) as caught:
        parse_input(operation, request, {}, body, form, None)
    assert caught.value.code == "SerializationException"


@pytest.mark.parametrize(
    "body",
    [b"<Delete>", b"", b"<!DOCTYPE x [<!ENTITY a 'b'>]><Delete>&a;</Delete>", b"not xml"],
)
def test_malformed_xml_is_refused(body: bytes) -> None:
    operation = service_model("s3").operation_model("DeleteObjects")
    request, _, _ = wire_request(operation, {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}]}})
    with pytest.raises(AwsError) as caught:
        parse_input(operation, request, {"Bucket": "b"}, body, None, None)
    assert caught.value.code in ("MalformedXML", "ValidationException")


def test_a_body_is_read_whole_or_not_at_all() -> None:
    from localaws.gateway.request import ClientGone

    messages = iter(
        [
            {"type": "http.request", "body": b"half", "more_body": True},
            {"type": "http.disconnect"},
        ]
    )

    async def receive() -> dict[str, Any]:
        return next(messages)

    request = Request("PUT", "/", "/", "", {}, {}, receive)
    with pytest.raises(ClientGone):
        asyncio.run(request.body())
