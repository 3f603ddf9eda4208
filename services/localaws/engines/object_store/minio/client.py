"""Requests to the store: written, signed and read by botocore's own code, sent by aiohttp.

Writes are not signed over their bytes: the way is this machine's own network, and every body's
digest is checked at both ends.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.serialize
import yarl

from localaws.engines.object_store.minio.errors import (
    Reply,
    unavailable,
    unreachable,
)

Body = bytes | AsyncIterable[bytes]

_CONNECTIONS = 512
_CONNECT_SECONDS = 5.0
_TURN_SECONDS = 30.0
"""How long a request may wait for a connection: each reader that is not at its end has one."""
_SILENCE_SECONDS = 120.0
"""How long the store may take for its next byte: it is silent while it joins many parts."""
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.1

_TRANSIENT = (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)
"""The connection broke: the same request may succeed on a new one."""

UNSIGNED = "UNSIGNED-PAYLOAD"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@dataclass(frozen=True)
class Answer:
    """What the store answered."""

    headers: Mapping[str, str]
    status: int
    body: bytes
    shape: botocore.model.StructureShape | None

    @functools.cached_property
    def members(self) -> Mapping[str, Any]:
        """The answer's members by AWS's names."""
        parsed: dict[str, Any] = {}
        if self.shape is not None:
            parsed = botocore.parsers.create_parser("rest-xml").parse(
                {"status_code": self.status, "headers": self.headers, "body": self.body},
                self.shape,
            )
        return parsed


@dataclass(frozen=True)
class Extra:
    """What a request says besides its operation's members.

    Attributes:
        headers: further headers, signed too.
        query: further parameters of the query.
        body: replaces the body that the members make.
        payload: how the body's digest is told.
        repeatable: whether the request may be sent again when a connection breaks.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    payload: str = UNSIGNED
    repeatable: bool = True


class _Signer(botocore.auth.S3SigV4Auth):
    """AWS's signature, with the body's digest as the caller tells it."""

    def payload(self, request: Any) -> str:
        text: str = request.context["payload"]
        return text


@functools.cache
def _service_model() -> botocore.model.ServiceModel:
    loader = botocore.loaders.create_loader()
    return botocore.model.ServiceModel(loader.load_service_model("s3", "service-2"))


class Client:
    """The store at `url`.

    Args:
        url: ``http://host:port``.
        key: access key.
        secret: secret key.
    """

    def __init__(self, url: str, key: str, secret: str) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._secret = secret
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Load the model and open the pool of connections."""
        await asyncio.to_thread(self._load)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
            timeout=aiohttp.ClientTimeout(
                total=None,
                connect=_TURN_SECONDS,
                sock_connect=_CONNECT_SECONDS,
                sock_read=_SILENCE_SECONDS,
            ),
            auto_decompress=False,
            skip_auto_headers=["Content-Type"],
            read_bufsize=1 << 20,
            trust_env=False,
        )

    def _load(self) -> None:
        self._model = _service_model()
        self._serializer = botocore.serialize.create_serializer(
            "rest-xml", include_validation=False
        )
        self._signer = _Signer(
            botocore.credentials.Credentials(self._key, self._secret), "s3", "us-east-1"
        )

    async def stop(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self, operation: str, members: Mapping[str, Any], extra: Extra | None = None
    ) -> Answer:
        """Run an operation and return its answer, read whole.

        Raises:
            AwsError: what the store refuses, in AWS's words; ServiceUnavailable where it is away.
        """
        model = self._model.operation_model(operation)
        async with self._send(model, members, extra or Extra()) as response:
            body = await response.read()
            self._check(response, body, members)
            return Answer(response.headers, response.status, body, model.output_shape)

    @contextlib.asynccontextmanager
    async def stream(
        self, operation: str, members: Mapping[str, Any]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Run an operation and yield its response, whose body is not yet read."""
        model = self._model.operation_model(operation)
        async with self._send(model, members, Extra()) as response:
            if response.status >= 300:
                self._check(response, await response.read(), members)
            yield response

    def _check(
        self, response: aiohttp.ClientResponse, body: bytes, members: Mapping[str, Any]
    ) -> None:
        if response.status >= 300:
            raise Reply.of(response.status, response.headers, body).error(members)
        if b"<Error>" in body[:120]:
            # A long operation has answered 200 before it knew how it ends.
            raise Reply.of(500, response.headers, body).error(members)

    @contextlib.asynccontextmanager
    async def _send(
        self, model: botocore.model.OperationModel, members: Mapping[str, Any], extra: Extra
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        response = await self._response(model, members, extra)
        try:
            yield response
        except aiohttp.ClientError as error:
            raise unreachable(self._url, error) from error
        except TimeoutError as error:
            raise unavailable(self._url, "it went silent") from error
        finally:
            # What was read to its end is kept for the next request, anything else is closed.
            response.release() if response.content.at_eof() else response.close()

    async def _response(
        self, model: botocore.model.OperationModel, members: Mapping[str, Any], extra: Extra
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            raise unavailable(self._url, "the gateway is stopping")
        attempt = 1
        while True:
            request = self._request(model, members, extra)
            try:
                return await self._session.request(
                    str(request.method),
                    yarl.URL(str(request.url), encoded=True),
                    headers=dict(request.headers.items()),
                    data=_data(request, extra),
                    allow_redirects=False,
                )
            except _TRANSIENT as error:
                if not extra.repeatable or attempt == _ATTEMPTS:
                    raise unreachable(self._url, error) from error
                await asyncio.sleep(_PAUSE_SECONDS * attempt)
                attempt += 1
            except TimeoutError as error:
                raise unavailable(self._url, "it does not answer") from error
            except aiohttp.ClientError as error:
                raise unreachable(self._url, error) from error

    def _request(
        self, model: botocore.model.OperationModel, members: Mapping[str, Any], extra: Extra
    ) -> botocore.awsrequest.AWSRequest:
        request = self._serializer.serialize_to_request(members, model)
        request["query_string"] = {**request["query_string"], **extra.query}
        headers = {**request["headers"], **extra.headers, "Accept-Encoding": "identity"}
        if model.http_checksum_required or model.http_checksum.get("requestChecksumRequired"):
            headers["Content-MD5"] = md5_base64(request["body"])
        request["headers"] = headers
        botocore.awsrequest.prepare_request_dict(
            request, self._url, context={"payload": extra.payload}
        )
        made: botocore.awsrequest.AWSRequest = botocore.awsrequest.create_request_object(request)
        self._signer.add_auth(made)
        return made


def _data(request: botocore.awsrequest.AWSRequest, extra: Extra) -> Body | None:
    body: Body | None = request.data or None if extra.body is None else extra.body
    if isinstance(body, bytes) and not extra.repeatable and request.method == "PUT":
        # aiohttp itself repeats a PUT whose connection broke, but never a stream.
        return _once(body)
    return body


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


def md5_base64(data: bytes) -> str:
    """Return the MD5 of bytes as ``Content-MD5`` tells it."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
