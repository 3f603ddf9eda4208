"""The ASGI application: resolves each request to an operation, runs it, answers as AWS does."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from botocore import xform_name

import localaws
from localaws.core.call import refuse_unknown
from localaws.core.database import is_unavailable
from localaws.core.errors import AwsError, not_implemented
from localaws.core.platform import Context, Platform
from localaws.core.service import Shape
from localaws.engines.supervisor import Supervisor
from localaws.gateway.chunked import upload_body
from localaws.gateway.forward import Forwarder
from localaws.gateway.identity import account_of, check_presigned, credential_of, root_of
from localaws.gateway.ledger import ledger
from localaws.gateway.models import UnknownService, service_model
from localaws.gateway.parse import parse_input
from localaws.gateway.request import BodyTooLarge, ClientGone, Request, Response, joined
from localaws.gateway.routing import endpoint_of_host, resolve_operation, resolve_service
from localaws.gateway.serialize import serialize_error, serialize_output

log = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]

_STATUS_PATH = "/_localaws/"


class Gateway:
    """One endpoint for all services of a platform."""

    def __init__(self, platform: Platform, forwarder: Forwarder, supervisor: Supervisor) -> None:
        self._platform = platform
        self._forwarder = forwarder
        self._supervisor = supervisor

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send
    ) -> None:
        """Serve one HTTP request (ASGI)."""
        if scope["type"] != "http":
            return
        request = Request.from_scope(scope, receive)
        request_id = str(uuid.uuid4())
        service: str | None = None
        try:
            if request.path.startswith(_STATUS_PATH):
                response = await self._status(request)
            else:
                credential = credential_of(request)
                service = resolve_service(request, credential)
                context = self._context(request, credential, request_id)
                response = await self._answer(context, service, request)
        except ClientGone:
            return
        except asyncio.CancelledError:
            raise
        except Exception as error:
            aws_error = _as_aws_error(error, service)
            if aws_error.status >= 500 and aws_error.code != "NotImplementedException":
                log.exception("%s %s failed (%s)", request.method, request.path, request_id)
            response = serialize_error(_model_or_none(service), aws_error, request_id, request.path)
        await _send(response, request, send)

    def _context(self, request: Request, credential: Any, request_id: str) -> Context:
        settings = self._platform.settings
        account = settings.account
        region = settings.region
        if credential is not None:
            account = account_of(credential.access_key, settings.account)
            region = credential.region or settings.region
            if "authorization" not in request.headers:
                check_presigned(request, self._platform.clock)
        return Context(
            platform=self._platform,
            account=account,
            region=region,
            principal=root_of(account),
            request_id=request_id,
            # As the client reached it: another name or port leads to it from elsewhere.
            endpoint=f"{request.scheme}://{endpoint_of_host(request.headers.get('host', ''))}",
            cache={"headers": request.headers, "query": request.query},
        )

    async def _answer(self, context: Context, name: str | None, request: Request) -> Response:
        if name is None:
            raise AwsError("UnknownService", "The request names a service that AWS does not have.")
        service = self._platform.services.get(name)
        if service is None:
            return await self._forwarder.request(context, name, request, await request.body())
        protocol = service_model(name).metadata["protocol"]
        form: dict[str, str] | None = None
        body = b""
        if protocol in ("query", "ec2"):
            body = await request.body()
            form = {**request.query, **dict(parse_qsl(body.decode(), keep_blank_values=True))}
        route = resolve_operation(name, request, form)
        operation = service.operations.get(xform_name(route.operation.name))
        if operation is None:
            raise not_implemented(f"{name}.{route.operation.name}")
        stream: AsyncIterator[bytes] | None = None
        if route.operation.has_streaming_input:
            stream = upload_body(request)
        elif form is None and request.method not in ("GET", "HEAD"):
            body = await joined(upload_body(request))
        try:
            parameters = parse_input(route.operation, request, route.uri, body, form, stream)
        except AwsError as error:
            if error.code == "ValidationException":
                error.code = service.validation_code
            raise
        arguments = {xform_name(member): value for member, value in parameters.items()}
        refuse_unknown(name, operation, arguments)
        known = {key: item for key, item in arguments.items() if key in operation.parameters}
        result = await operation.function(context, **known)
        return serialize_output(route.operation, result, context.request_id)

    async def _status(self, request: Request) -> Response:
        page = request.path.removeprefix(_STATUS_PATH)
        if page == "health":
            engines = await self._supervisor.statuses()
            well = all(engine.healthy for engine in engines)
            body: Shape = {
                "status": "healthy" if well else "unhealthy",
                "version": localaws.__version__,
                "engines": [engine.as_json() for engine in engines],
                "services": sorted(self._platform.services.names),
            }
        elif page == "ledger":
            body = {"operations": ledger(request.query.get("service"))}
        else:
            return Response(404, {"content-type": "application/json"}, b'{"error":"not found"}')
        return Response(200, {"content-type": "application/json"}, msgspec.json.encode(body))


def _model_or_none(service: str | None) -> Any:
    if service is None:
        return None
    try:
        return service_model(service)
    except UnknownService:
        return None


def _as_aws_error(error: Exception, service: str | None) -> AwsError:
    if isinstance(error, AwsError):
        return error
    if isinstance(error, BodyTooLarge):
        return AwsError("RequestEntityTooLarge", "The request body is too large.", 413)
    if isinstance(error, UnicodeDecodeError):
        return AwsError("SerializationException", "The request is not valid UTF-8.")
    if is_unavailable(error):
        return AwsError(
            "ServiceUnavailable" if service == "s3" else "ServiceUnavailableException",
            "The state database is restarting. Please retry.",
            503,
        )
    return AwsError(
        "InternalError" if service == "s3" else "InternalFailure",
        f"The platform failed: {type(error).__name__}. See `localaws logs gateway`.",
        500,
    )


async def _send(response: Response, request: Request, send: Send) -> None:
    headers = response.headers
    body = response.body
    if request.leaves_a_body:
        # The rest of the body would be read as the connection's next request.
        headers["connection"] = "close"
    if isinstance(body, bytes) and not (request.method == "HEAD" and "content-length" in headers):
        headers["content-length"] = str(len(body))
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": [
                (name.encode("latin-1"), value.encode("utf-8", "surrogateescape"))
                for name, value in headers.items()
            ],
        }
    )
    if isinstance(body, bytes):
        await send(
            {"type": "http.response.body", "body": b"" if request.method == "HEAD" else body}
        )
        return
    if request.method != "HEAD":
        async for chunk in body:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
