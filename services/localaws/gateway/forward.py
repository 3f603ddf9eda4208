"""Services that are not ours: answered by moto in this process, as metadata, and kept durable.

moto keeps its state in memory. Every call that may change it is therefore written to a journal,
with the seed of the identifiers it makes, before it is acknowledged, and replayed after a restart
when the service is first asked for again.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from localaws.core.database import Database, declare_schema
from localaws.core.errors import AwsError, not_implemented
from localaws.core.platform import Context
from localaws.gateway.models import operation_names, service_metadata, service_model
from localaws.gateway.request import Request, Response

declare_schema(
    "forward",
    """
    CREATE TABLE forward_journal (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        service text NOT NULL, call bytea NOT NULL
    );
    CREATE INDEX forward_journal_service ON forward_journal (service, id)
    """,
)

METADATA_SERVICES = {
    "acm": "certificates are records, none is issued",
    "cloudwatch": "metrics and alarms are kept, alarms do not fire",
    "dynamodb": "items are kept and queried in memory",
    "ec2": "networks and instances are records, nothing runs",
    "events": "rules are kept, nothing is delivered",
    "iam": "identities and policies are kept, not enforced yet",
    "kms": "keys are kept, data is encrypted in memory",
    "logs": "groups, streams and events are kept",
    "organizations": "accounts and units are records",
    "ram": "shares are records",
    "resourcegroupstaggingapi": "tags of the services named here",
    "route53": "zones and records are kept, nothing resolves",
    "secretsmanager": "secrets are kept",
    "sns": "topics are kept, only queues are delivered to",
    "sqs": "queues work in memory",
    "ssm": "parameters are kept, commands do not run",
    "sts": "identities and sessions are kept",
}
"""What may be answered as metadata, and what that leaves out. A service whose answers would claim
work that nobody did (clusters, training jobs, replications …) is refused instead."""

_READS = re.compile(
    r"^(Get|List|Describe|BatchGet|Head|Lookup|Search|Scan|Query|Select|Simulate|Check|Verify|"
    r"Decode|Decrypt|Encrypt|Filter|Test|Validate|TransactGet|GenerateDataKey)"
)


@dataclass
class _Call:
    account: str
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    seed: int


class Forwarder:
    """Calls moto, one call at a time, in a thread of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="metadata")
        self._replayed: set[str] = set()
        self._lock = asyncio.Lock()

    def stop(self) -> None:
        """Let the call under way end, and take no more."""
        self._thread.shutdown(wait=True)

    async def request(self, ctx: Context, service: str, request: Request, body: bytes) -> Response:
        """Answer a request for a service that is not ours.

        Raises:
            AwsError: NotImplementedException where the service or operation is not there.
        """
        if service not in METADATA_SERVICES:
            raise not_implemented(f"Service {service}")
        metadata = service_metadata(service)
        name = _operation_name(request, body)
        host = metadata["endpointPrefix"]
        if "globalEndpoint" not in metadata:
            host += f".{ctx.region}"
        query = f"?{request.query_string}" if request.query_string else ""
        headers = {key: value for key, value in request.headers.items() if key != "content-length"}
        call = _Call(
            ctx.account,
            request.method,
            f"https://{host}.amazonaws.com{request.raw_path}{query}",
            headers,
            body,
            secrets.randbits(48),
        )
        changes = (
            _READS.match(name) is None if name else request.method not in ("GET", "HEAD", "OPTIONS")
        )
        return await self._perform(service, name, call, changes=changes)

    async def operation(
        self, ctx: Context, service: str, operation: str, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        """Call an operation by its snake_case name, as `Context.call` does."""
        import botocore.awsrequest
        import botocore.parsers
        import botocore.serialize

        name = operation_names(service)[operation]
        model = service_model(service).operation_model(name)
        members = {
            botocore.xform_name(member): member
            for member in (model.input_shape.members if model.input_shape else {})
        }
        protocol = service_metadata(service)["protocol"]
        serializer = botocore.serialize.create_serializer(protocol, include_validation=True)
        wire = serializer.serialize_to_request(
            {members[key]: value for key, value in parameters.items() if value is not None}, model
        )
        body = wire["body"]
        if isinstance(body, dict):
            body = urlencode(body).encode()
        headers = {key.lower(): str(value) for key, value in wire["headers"].items()}
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={ctx.account}/20260101/{ctx.region}/"
            f"{service}/aws4_request, SignedHeaders=host, Signature=internal"
        )
        response = await self.request(
            ctx,
            service,
            Request(
                wire["method"],
                wire["url_path"],
                wire["url_path"],
                urlencode(wire.get("query_string") or {}),
                {},
                headers,
                _no_body,
            ),
            body.encode() if isinstance(body, str) else body or b"",
        )
        parser = botocore.parsers.create_parser(protocol)
        parsed = parser.parse(
            {
                "status_code": response.status,
                "headers": response.headers,
                "body": response.body,
            },
            model.output_shape,  # type: ignore[arg-type]
        )
        if response.status >= 300:
            error = parsed.get("Error", {})
            raise AwsError(
                error.get("Code", "InternalFailure"), error.get("Message", ""), response.status
            )
        parsed.pop("ResponseMetadata", None)
        return dict(parsed)

    async def _perform(self, service: str, name: str, call: _Call, *, changes: bool) -> Response:
        loop = asyncio.get_running_loop()
        async with self._lock:
            if service not in self._replayed:
                rows = await self._database.fetch(
                    "SELECT call FROM forward_journal WHERE service = $1 ORDER BY id", service
                )
                for row in rows:
                    old = msgspec.json.decode(row["call"], type=_Call)
                    await loop.run_in_executor(self._thread, _moto, old)
                self._replayed.add(service)
            answer = await loop.run_in_executor(self._thread, _moto, call)
            if answer is None:
                raise not_implemented(f"{service}.{name or call.method}")
            if changes and answer.status < 300:
                await self._database.execute(
                    "INSERT INTO forward_journal (service, call) VALUES ($1, $2)",
                    service,
                    msgspec.json.encode(call),
                )
            return answer


async def _no_body() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def _operation_name(request: Request, body: bytes) -> str:
    target = request.headers.get("x-amz-target")
    if target:
        return target.rpartition(".")[2]
    if "Action" in request.query:
        return request.query["Action"]
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode("latin-1"))).get("Action", "")
    match = re.search(r"/operation/(\w+)$", request.path)  # smithy-rpc-v2-cbor
    return match[1] if match else ""


def _moto(call: _Call) -> Response | None:
    """Run one call in moto; None where moto has not implemented it."""
    # Roles name AWS's managed policies, which moto has only when it is told so before its import.
    os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.compat import HTTPHeaders
    from moto.core.botocore_stubber import BotocoreStubber
    from moto.moto_api._internal import mock_random

    mock_random.seed(call.seed)
    headers = HTTPHeaders()
    for key, value in {**call.headers, "x-moto-account-id": call.account}.items():
        headers[key] = value
    request = AWSPreparedRequest(call.method, call.url, headers, call.body, stream_output=False)
    try:
        answer = BotocoreStubber().process_request(request)
    except NotImplementedError:
        return None
    if answer is None:
        return None
    status, response_headers, body = answer
    return Response(
        status,
        {str(key).lower(): str(value) for key, value in response_headers.items()},
        body.encode() if isinstance(body, str) else body,
    )
