"""Which service a request is for, and which of its operations."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from localaws.core.errors import AwsError
from localaws.gateway.identity import Credential
from localaws.gateway.models import (
    OperationModel,
    service_model,
    service_of_signing_name,
)
from localaws.gateway.request import Request

# The endpoint's names: on this machine, and in the network of the containers.
_ENDPOINT = r"(?P<endpoint>(localhost|localhost\.localstack\.cloud|gateway)(:\d+)?)"
_REGION = r"[a-z]{2}(-[a-z]+)+-\d"
_VIRTUAL_HOST = re.compile(rf"^(?P<bucket>.+?)\.(s3[.-]({_REGION}\.)?)?{_ENDPOINT}$")
_SERVICE_HOST = re.compile(rf"^(?P<service>[a-z0-9.-]+?)(\.{_REGION})?\.{_ENDPOINT}$")

_TARGET_PREFIXES = {"AWSGlue": "glue", "AmazonAthena": "athena"}
"""Services of unsigned requests by the prefix of their target header."""


def resolve_service(request: Request, credential: Credential | None) -> str | None:
    """Return the botocore name of the service a request is for.

    The signature's scope decides; unsigned requests go by target header, host, and else to S3,
    which is the one service that browsers and anonymous clients call.
    """
    if credential is not None:
        return service_of_signing_name(credential.service)
    target = request.headers.get("x-amz-target")
    if target:
        return _TARGET_PREFIXES.get(target.partition(".")[0])
    if "Action" in request.query or request.headers.get("content-type", "").startswith(
        "application/x-www-form-urlencoded"
    ):
        host = _SERVICE_HOST.match(request.headers.get("host", ""))
        return service_of_signing_name(host["service"]) if host else "sts"
    return "s3"


def bucket_of_host(host: str) -> str | None:
    """Return the bucket of a virtual-host style address, e.g. ``b.s3.localhost:4566``."""
    match = _bucket_match(host)
    return match["bucket"] if match is not None else None


def endpoint_of_host(host: str) -> str:
    """Return host and port of the endpoint itself, without the bucket before it if there is one."""
    match = _bucket_match(host)
    return match["endpoint"] if match is not None else host


def _bucket_match(host: str) -> re.Match[str] | None:
    match = _VIRTUAL_HOST.match(host)
    if match is None or match["bucket"] in ("s3", "www"):
        return None
    of_service = match["bucket"].startswith("s3.") and match["bucket"].count(".") == 1
    return None if of_service else match


@dataclass(frozen=True)
class Route:
    """A resolved operation and the values its path gave."""

    operation: OperationModel
    uri: dict[str, str]


def resolve_operation(service: str, request: Request, form: dict[str, str] | None) -> Route:
    """Return the operation of a request.

    Raises:
        AwsError: no operation of the service matches.
    """
    model = service_model(service)
    protocol = model.metadata["protocol"]
    if protocol == "json":
        target = request.headers.get("x-amz-target", "")
        prefix, _, name = target.partition(".")
        if prefix != model.metadata["targetPrefix"] or name not in model.operation_names:
            raise AwsError("UnknownOperationException", f"Unknown operation {target}".strip())
        return Route(model.operation_model(name), {})
    if protocol in ("query", "ec2"):
        name = (form or {}).get("Action", "")
        if name not in model.operation_names:
            raise AwsError(
                "InvalidAction",
                f"Could not find operation {name} for version {model.api_version}",
            )
        return Route(model.operation_model(name), {})
    return _resolve_rest(service, request)


@dataclass(frozen=True)
class _RestRoute:
    name: str
    pattern: re.Pattern[str]
    query: tuple[tuple[str, str], ...]
    required_query: tuple[str, ...]
    required_headers: tuple[str, ...]
    literals: int

    @property
    def weight(self) -> tuple[int, int]:
        specific = len(self.query) + len(self.required_query) + len(self.required_headers)
        return (self.literals, specific)


@functools.cache
def _rest_routes(service: str) -> dict[str, list[_RestRoute]]:
    model = service_model(service)
    routes: dict[str, list[_RestRoute]] = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        if operation.deprecated:
            continue
        path, _, query = operation.http["requestUri"].partition("?")
        shape = operation.input_shape
        required = shape.required_members if shape is not None else []
        members = shape.members if shape is not None else {}
        located = {
            member: (
                members[member].serialization.get("location"),
                members[member].serialization.get("name", member),
            )
            for member in required
        }
        routes.setdefault(operation.http["method"], []).append(
            _RestRoute(
                name=name,
                pattern=_path_pattern(path),
                query=tuple(parse_qsl(query, keep_blank_values=True)),
                required_query=tuple(n for where, n in located.values() if where == "querystring"),
                required_headers=tuple(
                    n.lower() for where, n in located.values() if where == "header"
                ),
                literals=len([part for part in path.split("/") if part and "{" not in part]),
            )
        )
    for candidates in routes.values():
        candidates.sort(key=lambda route: route.weight, reverse=True)
    return routes


def _path_pattern(path: str) -> re.Pattern[str]:
    pattern = ""
    for part in re.split(r"(\{[^}]+\})", path):
        if part.startswith("{"):
            name = part[1:-1]
            pattern += (
                f"(?P<{name[:-1].replace('-', '_')}>.+)"
                if name.endswith("+")
                else f"(?P<{name.replace('-', '_')}>[^/]+)"
            )
        else:
            pattern += re.escape(part)
    return re.compile(f"^{pattern}$", re.DOTALL)


def _resolve_rest(service: str, request: Request) -> Route:
    path = request.raw_path
    if service == "s3":
        bucket = bucket_of_host(request.headers.get("host", ""))
        if bucket is not None:
            path = f"/{bucket}{path}"
        if path.count("/") == 2 and path.endswith("/"):
            path = path[:-1]
    for route in _rest_routes(service).get(request.method, []):
        match = route.pattern.match(path)
        if (
            match is not None
            and all(
                name in request.query and value in ("", request.query[name])
                for name, value in route.query
            )
            and all(name in request.query for name in route.required_query)
            and all(name in request.headers for name in route.required_headers)
        ):
            operation = service_model(service).operation_model(route.name)
            values = {name: _decode(value) for name, value in match.groupdict().items()}
            return Route(operation, values)
    if service == "s3":
        raise AwsError(
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            405,
            members={"Method": request.method, "ResourceType": "OBJECT"},
        )
    raise AwsError("UnknownOperationException", f"No operation at {request.method} {path}", 404)


def _decode(value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        raise AwsError("InvalidURI", "Couldn't parse the specified URI.") from error
