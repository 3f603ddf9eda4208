"""Output of an operation as a response, by the protocol of the service's model."""

from __future__ import annotations

import base64
import weakref
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import botocore.model
import msgspec

from localaws.core.errors import AwsError, LocalAwsError
from localaws.gateway.models import OperationModel, ServiceModel
from localaws.gateway.request import Response

Shape = botocore.model.Shape

S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

_S3_ROOTS = {
    "ListBuckets": "ListAllMyBucketsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListParts": "ListPartsResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketTagging": "Tagging",
    "GetObjectTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
}
"""Names of root elements on the wire; botocore ignores them, other SDKs do not."""


class OutputError(LocalAwsError):
    """An operation answered something that its model does not have."""


def serialize_output(
    operation: OperationModel, result: dict[str, Any] | None, request_id: str
) -> Response:
    """Return the response for an operation's result in AWS's names.

    ``__status__`` in the result overrides the HTTP status.

    Raises:
        OutputError: the result has a member that the model does not have.
    """
    result = dict(result or {})
    status = result.pop("__status__", None) or operation.http.get("responseCode", 200)
    service = operation.service_model
    protocol = service.metadata["protocol"]
    shape = operation.output_shape
    if protocol == "json":
        body = _json_text(shape, result) if shape is not None else b"{}"
        return Response(
            status,
            {
                "content-type": f"application/x-amz-json-{service.metadata['jsonVersion']}",
                "x-amzn-requestid": request_id,
            },
            body,
        )
    if protocol in ("query", "ec2"):
        return Response(
            status,
            {"content-type": "text/xml", "x-amzn-requestid": request_id},
            _query_body(operation, shape, result, request_id),
        )
    return _rest(operation, shape, result, request_id, status, protocol)


# json


def _json_text(shape: Shape, value: Any) -> bytes:
    return msgspec.json.encode(_json(shape, value, "$"))


def _json(shape: Shape, value: Any, path: str) -> Any:
    kind = shape.type_name
    if kind == "structure":
        if getattr(shape, "is_document_type", False):
            return value
        members = shape.members  # type: ignore[attr-defined]
        result = {}
        for name, item in value.items():
            if item is None:
                continue
            member = members.get(name)
            if member is None:
                raise OutputError(f"{shape.name} has no member {name} (at {path})")
            result[member.serialization.get("name", name)] = _json(member, item, f"{path}.{name}")
        return result
    if kind == "list":
        return [_json(shape.member, item, path) for item in value]  # type: ignore[attr-defined]
    if kind == "map":
        return {key: _json(shape.value, item, path) for key, item in value.items()}  # type: ignore[attr-defined]
    if kind == "timestamp":
        if shape.serialization.get("timestampFormat") == "iso8601":
            return _iso(value)
        return round(value.timestamp(), 3)
    if kind == "blob":
        return base64.b64encode(value).decode()
    return value


# xml


def _iso(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _scalar(shape: Shape, value: Any) -> str:
    kind = shape.type_name
    if kind == "string":
        return escape(value, _CARRIAGE_RETURN)
    if kind == "timestamp":
        return _iso(value)
    if kind == "blob":
        return base64.b64encode(value).decode()
    if kind == "boolean":
        return "true" if value else "false"
    return str(value)


_CARRIAGE_RETURN = {"\r": "&#13;"}

Writer = Callable[[Any, str, list[str]], None]
"""Writes a value as an element of a name."""

_writers: weakref.WeakKeyDictionary[Shape, Writer] = weakref.WeakKeyDictionary()


def _writer(shape: Shape) -> Writer:
    """Return the function that writes values of a shape, compiled once."""
    found = _writers.get(shape)
    if found is None:
        compilers = {"structure": _structure, "list": _list, "map": _map}
        found = _writers[shape] = compilers.get(shape.type_name, _element)(shape)
    return found


def _xml(shape: Shape, value: Any, name: str, out: list[str]) -> None:
    _writer(shape)(value, name, out)


def _element(shape: Shape) -> Writer:
    def write(value: Any, name: str, out: list[str]) -> None:
        out.append(f"<{name}>{_scalar(shape, value)}</{name}>")

    return write


def _structure(shape: Shape) -> Writer:
    namespace = shape.serialization.get("xmlNamespace") or shape.metadata.get("xmlNamespace")
    declared = (
        f" xmlns:{namespace['prefix']}={quoteattr(namespace['uri'])}"
        if isinstance(namespace, dict) and namespace.get("prefix")
        else ""
    )
    attributes = [
        (name, member.serialization.get("name", name))
        for name, member in shape.members.items()  # type: ignore[attr-defined]
        if member.serialization.get("xmlAttribute")
    ]

    def write(value: Any, name: str, out: list[str]) -> None:
        written = "".join(
            f" {wire}={quoteattr(str(value[member]))}"
            for member, wire in attributes
            if value.get(member) is not None
        )
        out.append(f"<{name}{declared}{written}>")
        _xml_members(shape, value, out)
        out.append(f"</{name}>")

    return write


def _list(shape: Shape) -> Writer:
    item = shape.member  # type: ignore[attr-defined]
    item_name = item.serialization.get("name")
    flat = shape.serialization.get("flattened")

    def write(value: Any, name: str, out: list[str]) -> None:
        wire = item_name or (name if flat else "member")
        writer = _writer(item)
        if not flat:
            out.append(f"<{name}>")
        for element in value:
            writer(element, wire, out)
        if not flat:
            out.append(f"</{name}>")

    return write


def _map(shape: Shape) -> Writer:
    key_name = shape.key.serialization.get("name", "key")  # type: ignore[attr-defined]
    item = shape.value  # type: ignore[attr-defined]
    value_name = item.serialization.get("name", "value")
    flat = shape.serialization.get("flattened")

    def write(value: Any, name: str, out: list[str]) -> None:
        entry = name if flat else "entry"
        if not flat:
            out.append(f"<{name}>")
        for key, element in value.items():
            out.append(f"<{entry}><{key_name}>{escape(key)}</{key_name}>")
            _writer(item)(element, value_name, out)
            out.append(f"</{entry}>")
        if not flat:
            out.append(f"</{name}>")

    return write


_members: weakref.WeakKeyDictionary[Shape, dict[str, tuple[Shape, str] | None]] = (
    weakref.WeakKeyDictionary()
)


def _body_members(shape: Shape) -> dict[str, tuple[Shape, str] | None]:
    """Return the members of a structure with their wire names, None where not in the body."""
    found = _members.get(shape)
    if found is None:
        found = _members[shape] = {
            name: None
            if member.serialization.get("location") or member.serialization.get("xmlAttribute")
            else (member, member.serialization.get("name", name))
            for name, member in shape.members.items()  # type: ignore[attr-defined]
        }
    return found


def _xml_members(shape: Shape, value: dict[str, Any], out: list[str]) -> None:
    members = _body_members(shape)
    if not value.keys() <= members.keys():
        unknown = ", ".join(sorted(value.keys() - members.keys()))
        raise OutputError(f"{shape.name} has no member {unknown}")
    for name, member in members.items():
        item = value.get(name)
        if item is not None and member is not None:
            _writer(member[0])(item, member[1], out)


def _query_body(
    operation: OperationModel, shape: Shape | None, result: dict[str, Any], request_id: str
) -> bytes:
    namespace = operation.service_model.metadata.get("xmlNamespace", "")
    out = [f'<{operation.name}Response xmlns="{namespace}">']
    if shape is not None:
        wrapper = shape.serialization.get("resultWrapper")
        if wrapper:
            out.append(f"<{wrapper}>")
        _xml_members(shape, result, out)
        if wrapper:
            out.append(f"</{wrapper}>")
    out.append(
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        f"</{operation.name}Response>"
    )
    return "".join(out).encode()


# rest


def _rest(
    operation: OperationModel,
    shape: Shape | None,
    result: dict[str, Any],
    request_id: str,
    status: int,
    protocol: str,
) -> Response:
    is_s3 = operation.service_model.service_name == "s3"
    headers = {("x-amz-request-id" if is_s3 else "x-amzn-requestid"): request_id}
    if shape is None:
        return Response(status, headers)
    members = shape.members  # type: ignore[attr-defined]
    payload = shape.serialization.get("payload")
    in_body: dict[str, Any] = {}
    for name, value in result.items():
        member = members.get(name)
        if member is None:
            raise OutputError(f"{shape.name} has no member {name}")
        if value is None:
            continue
        where = member.serialization.get("location")
        wire = member.serialization.get("name", name)
        if where == "header":
            headers[wire.lower()] = _header(member, value)
        elif where == "headers":
            for key, item in value.items():
                headers[f"{wire}{key}".lower()] = item
        elif where == "statusCode":
            status = value
        elif name != payload:
            in_body[name] = value
    body: bytes | AsyncIterator[bytes] = b""
    if payload is not None:
        value = result.get(payload)
        member = members[payload]
        if member.type_name == "blob":
            body = value if value is not None else b""
            headers.setdefault("content-type", "application/octet-stream")
        elif member.type_name == "string":
            body = (value or "").encode()
        elif value is not None:
            root = member.serialization.get("name", payload)
            body = _document(operation, member, value, root, protocol, headers)
    elif in_body or _has_body(shape):
        root = _S3_ROOTS.get(operation.name, shape.name) if is_s3 else shape.name
        if operation.name == "GetBucketLocation":
            # The location is the root element's own text.
            location = escape(in_body.get("LocationConstraint") or "")
            headers["content-type"] = "application/xml"
            body = (
                '<?xml version="1.0" encoding="UTF-8"?>\n'
                f'<LocationConstraint xmlns="{S3_NAMESPACE}">{location}</LocationConstraint>'
            ).encode()
        else:
            body = _document(operation, shape, in_body, root, protocol, headers)
    return Response(status, headers, body)


def _has_body(shape: Shape) -> bool:
    return any(
        not member.serialization.get("location")
        for member in shape.members.values()  # type: ignore[attr-defined]
    )


def _document(
    operation: OperationModel,
    shape: Shape,
    value: Any,
    root: str,
    protocol: str,
    headers: dict[str, str],
) -> bytes:
    if protocol == "rest-json":
        headers["content-type"] = "application/json"
        return _json_text(shape, value)
    headers["content-type"] = "application/xml"
    out: list[str] = []
    _xml(shape, value, root, out)
    namespace = operation.service_model.metadata.get("xmlNamespace", S3_NAMESPACE)
    text = "".join(out)
    opening = f"<{root}"
    text = f'{opening} xmlns="{namespace}"{text[len(opening) :]}'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def _header(member: Shape, value: Any) -> str:
    if member.type_name == "timestamp":
        style = member.serialization.get("timestampFormat", "rfc822")
        return (
            _iso(value)
            if style == "iso8601"
            else format_datetime(value.astimezone(UTC).replace(microsecond=0), usegmt=True)
        )
    if member.type_name == "boolean":
        return "true" if value else "false"
    if member.type_name == "list":
        return ",".join(str(item) for item in value)
    return str(value)


# errors


def serialize_error(
    service: ServiceModel | None, error: AwsError, request_id: str, resource: str = ""
) -> Response:
    """Return the response for an error in the protocol of a service."""
    metadata = service.metadata if service is not None else {"protocol": "rest-xml"}
    protocol = metadata["protocol"]
    headers = dict(error.headers)
    if protocol in ("json", "rest-json"):
        version = metadata.get("jsonVersion")
        headers["x-amzn-requestid"] = request_id
        headers["x-amzn-errortype"] = error.code
        headers["content-type"] = (
            f"application/x-amz-json-{version}" if version else "application/json"
        )
        members = {
            name: round(value.timestamp(), 3) if isinstance(value, datetime) else value
            for name, value in error.members.items()
        }
        # AWS says "message" in some services and "Message" in others; clients read either.
        body = {"__type": error.code, "message": error.message, "Message": error.message, **members}
        return Response(error.status, headers, msgspec.json.encode(body))
    fields = "".join(
        f"<{name}>{escape(str(value))}</{name}>" for name, value in error.members.items()
    )
    text = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>{fields}"
    headers["content-type"] = "application/xml"
    if protocol in ("query", "ec2"):
        headers["content-type"] = "text/xml"
        headers["x-amzn-requestid"] = request_id
        kind = "Sender" if error.status < 500 else "Receiver"
        namespace = metadata.get("xmlNamespace", "")
        document = (
            f'<ErrorResponse xmlns="{namespace}"><Error><Type>{kind}</Type>{text}</Error>'
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    else:
        headers["x-amz-request-id"] = request_id
        document = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{text}'
            f"<Resource>{escape(resource)}</Resource><RequestId>{request_id}</RequestId></Error>"
        )
    return Response(error.status, headers, document.encode())
