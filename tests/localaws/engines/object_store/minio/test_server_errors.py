"""What a store that is away, full or locked says: which service it is, and what to do."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from localaws.core.errors import AwsError
from localaws.engines.object_store.minio.client import Client, Extra

SECRET = "not-to-be-shown"
Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[Client]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a server that answers as the test says, and a client of it."""
    stops: list[Callable[[], Awaitable[None]]] = []

    async def started(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Client:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        client = Client(f"http://127.0.0.1:{runner.addresses[0][1]}", "key", SECRET)
        await client.start()
        stops.extend([client.stop, runner.cleanup])
        return client

    yield started
    for stop in stops:
        await stop()


def refusal(status: int, code: str) -> web.Response:
    message = "cause(no space left on device)" if code == "InternalError" else "because"
    return web.Response(
        status=status, text=f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    )


async def test_a_store_that_is_away_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        client = Client(f"http://127.0.0.1:{free.getsockname()[1]}", "key", SECRET)
    await client.start()
    with pytest.raises(AwsError, match="ServiceUnavailable: The object store at") as away:
        await client.call("HeadObject", {"Bucket": "b", "Key": "k"})
    await client.stop()
    assert away.value.status == 503
    assert "object-store" in away.value.message


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (507, "XMinioStorageFull", "InsufficientStorage: The object store's disk is full"),
        (500, "InternalError", "InsufficientStorage: The object store's disk is full"),
        (403, "SignatureDoesNotMatch", "InternalError: The object store refuses the gateway's key"),
        (503, "SlowDownRead", r"ServiceUnavailable: .*SlowDownRead: because.*object-store"),
        (404, "NoSuchKey", "NoSuchKey: The specified key does not exist"),
        (400, "InvalidTag", "InvalidTag: because"),
    ],
)
async def test_refusals_are_told_in_the_words_of_aws(
    serve: Serve, status: int, code: str, message: str
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return refusal(status, code)

    client = await serve(answer)
    with pytest.raises(AwsError, match=message) as refused:
        await client.call("GetObjectTagging", {"Bucket": "b", "Key": "k"})
    assert SECRET not in str(refused.value)
    assert SECRET not in repr(client)


async def test_a_late_failure_behind_an_early_answer_is_seen(serve: Serve) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(text='<?xml version="1.0"?>\n<Error><Code>InternalError</Code></Error>')

    client = await serve(answer)
    with pytest.raises(AwsError, match="ServiceUnavailable"):
        await client.call("CompleteMultipartUpload", {"Bucket": "b", "Key": "k", "UploadId": "u"})


async def test_only_what_may_be_repeated_is_repeated(serve: Serve) -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request.method)
        if len(seen) == 1:
            assert request.transport is not None
            request.transport.abort()
        return web.Response()

    client = await serve(answer)
    await client.call("PutObject", {"Bucket": "b", "Key": "k"}, Extra(body=b"x"))
    assert seen == ["PUT", "PUT"]
    seen.clear()
    with pytest.raises(AwsError, match="ServiceUnavailable"):
        await client.call(
            "PutObject", {"Bucket": "b", "Key": "k"}, Extra(body=b"x", repeatable=False)
        )
    assert seen == ["PUT"]
