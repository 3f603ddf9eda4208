"""Input of an operation from a request, by the protocol of the service's model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree

import botocore.model
import msgspec

from localaws.core.errors import AwsError
from localaws.gateway.models import OperationModel
from localaws.gateway.request import Request
from localaws.gateway.validate import Problems, SerializationError, converter

Raw = dict[str, Any]
Structure = botocore.model.StructureShape


def parse_input(
    operation: OperationModel,
    request: Request,
    uri: dict[str, str],
    body: bytes,
    form: dict[str, str] | None,
    stream: AsyncIterator[bytes] | None,
) -> Raw:
    """Return an operation's input in AWS's names, converted and checked.

    Raises:
        AwsError: it cannot be parsed (SerializationException, MalformedXML), or it violates the
            model (ValidationException; the service's own wording is the caller's).
    """
    shape = operation.input_shape
    if shape is None:
        return {}
    protocol = operation.service_model.metadata["protocol"]
    if protocol == "json":
        raw = _json(body)
    elif protocol in ("query", "ec2"):
        raw = _query(shape, _tree(form or {}))
    else:
        raw = _rest(operation, shape, request, uri, body, protocol)
    payload = shape.serialization.get("payload", "")
    if stream is not None:
        raw[payload] = b""
    problems = Problems()
    value: Raw = converter(shape)(raw, (), problems)
    if stream is not None:
        value[payload] = stream
    if problems:
        raise AwsError("ValidationException", problems.text())
    return value


def _json(body: bytes) -> Raw:
    if not body:
        return {}
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AwsError("SerializationException", f"Malformed JSON: {error}") from error
    if not isinstance(raw, dict):
        raise SerializationError((), "structure")
    return raw


# query


def _tree(form: dict[str, str]) -> Raw:
    """Nest ``A.member.1.B=c`` into ``{"A": {"member": {"1": {"B": "c"}}}}``."""
    root: Raw = {}
    for name, value in form.items():
        node = root
        *parents, leaf = name.split(".")
        for parent in parents:
            child = node.setdefault(parent, {})
            if not isinstance(child, dict):
                raise AwsError("MalformedInput", f"{name} is both a value and a structure")
            node = child
        node[leaf] = value
    return root


def _query(shape: botocore.model.Shape, node: Any) -> Any:
    if shape.type_name == "structure":
        if not isinstance(node, dict):
            raise SerializationError(((), shape.name), "structure")
        result = {}
        for name, member in shape.members.items():  # type: ignore[attr-defined]
            wire = member.serialization.get("name", name)
            if (
                member.type_name == "list"
                and member.serialization.get("flattened")
                and "name" in member.member.serialization
            ):
                wire = member.member.serialization["name"]
            if wire in node:
                result[name] = _query(member, node[wire])
        return result
    if shape.type_name == "list":
        if node == "":
            return []
        if not isinstance(node, dict):
            raise SerializationError(((), shape.name), "list")
        items = node
        if not shape.serialization.get("flattened"):
            items = node.get(shape.member.serialization.get("name", "member"), {})  # type: ignore[attr-defined]
        return [_query(shape.member, items[key]) for key in sorted(items, key=_ordinal)]  # type: ignore[attr-defined]
    if shape.type_name == "map":
        entries = node if shape.serialization.get("flattened") else node.get("entry", {})
        key_name = shape.key.serialization.get("name", "key")  # type: ignore[attr-defined]
        value_name = shape.value.serialization.get("name", "value")  # type: ignore[attr-defined]
        return {
            entries[key][key_name]: _query(shape.value, entries[key].get(value_name, ""))  # type: ignore[attr-defined]
            for key in sorted(entries, key=_ordinal)
        }
    return node


def _ordinal(key: str) -> int:
    if not key.isdigit():
        raise AwsError("MalformedInput", f"Found a key {key} where an index of a list is expected")
    return int(key)


# rest


def _rest(
    operation: OperationModel,
    shape: Structure,
    request: Request,
    uri: dict[str, str],
    body: bytes,
    protocol: str,
) -> Raw:
    raw: Raw = {}
    in_body: dict[str, botocore.model.Shape] = {}
    payload = shape.serialization.get("payload")
    for name, member in shape.members.items():
        where = member.serialization.get("location")
        wire = member.serialization.get("name", name)
        if where == "uri":
            if wire in uri:
                raw[name] = uri[wire]
        elif where == "header":
            value = request.headers.get(wire.lower())
            if value is not None:
                raw[name] = _list_of(member, value)
        elif where == "headers":
            prefix = wire.lower()
            raw[name] = {
                key[len(prefix) :]: value
                for key, value in request.headers.items()
                if key.startswith(prefix)
            }
        elif where == "querystring":
            if member.type_name == "map":
                raw[name] = dict(request.query)
            elif wire in request.query:
                raw[name] = _list_of(member, request.query[wire])
        elif name != payload:
            in_body[name] = member
    if payload is not None:
        member = shape.members[payload]
        if member.type_name in ("blob", "string"):
            if not operation.has_streaming_input and body:
                raw[payload] = body if member.type_name == "blob" else body.decode()
        elif body:
            raw[payload] = _body(member, body, protocol)
    elif in_body and body:
        raw.update(_body(shape, body, protocol))
    return raw


def _list_of(member: botocore.model.Shape, value: str) -> Any:
    if member.type_name == "list":
        return [part.strip() for part in value.split(",")]
    return value


def _body(shape: botocore.model.Shape, body: bytes, protocol: str) -> Any:
    if protocol == "rest-json":
        return _json(body)
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise _malformed_xml()
    try:
        element = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise _malformed_xml() from error
    return _xml(shape, element)


def _malformed_xml() -> AwsError:
    return AwsError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _xml(shape: botocore.model.Shape, element: ElementTree.Element) -> Any:
    if shape.type_name == "structure":
        children: dict[str, list[ElementTree.Element]] = {}
        for child in element:
            children.setdefault(_local(child.tag), []).append(child)
        attributes = {_local(name): value for name, value in element.attrib.items()}
        result: Raw = {}
        for name, member in shape.members.items():  # type: ignore[attr-defined]
            wire = member.serialization.get("name", name)
            if member.serialization.get("xmlAttribute"):
                wire = wire.rpartition(":")[2]
                if wire in attributes:
                    result[name] = attributes[wire]
            elif wire in children:
                if member.type_name == "list" and member.serialization.get("flattened"):
                    result[name] = [_xml(member.member, child) for child in children[wire]]
                else:
                    result[name] = _xml(member, children[wire][0])
        return result
    if shape.type_name == "list":
        return [_xml(shape.member, child) for child in element]  # type: ignore[attr-defined]
    if shape.type_name == "map":
        key_name = shape.key.serialization.get("name", "key")  # type: ignore[attr-defined]
        value_name = shape.value.serialization.get("name", "value")  # type: ignore[attr-defined]
        result = {}
        for entry in element:
            fields = {_local(child.tag): child for child in entry}
            if key_name not in fields or value_name not in fields:
                raise _malformed_xml()
            result[fields[key_name].text or ""] = _xml(shape.value, fields[value_name])  # type: ignore[attr-defined]
        return result
    return element.text or ""
