"""The pytest plugin: AWS for tests, an account of its own for each.

    def test_upload(localaws):
        s3 = localaws.client("s3")
        s3.create_bucket(Bucket="mine")

One platform is started per test process (per worker under pytest-xdist) when it is first asked for,
on a free port and a temporary home, and is gone with that process however it ends. With
``LOCALAWS_TEST_ENDPOINT`` set, tests use that endpoint instead.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import boto3

    from localaws.launch import Launched

ENDPOINT_VARIABLE = "LOCALAWS_TEST_ENDPOINT"
REGION = "us-east-1"

ENGINES = ("LOCALAWS_SQL", "LOCALAWS_TOOLS")
"""The settings that tests take from the environment: which engines there are on this machine."""


class LocalAwsSession:
    """The platform process of a test process, for tests that stop and kill it.

    Args:
        home: its home; what is there is kept until the end of the test process.
        settings: settings by name that differ from the default.
    """

    def __init__(self, home: Path, **settings: Any) -> None:
        self.home = home
        self._settings = settings
        self._launched: Launched | None = None
        self._port = 0

    @property
    def endpoint(self) -> str:
        """URL of the endpoint; a restart keeps it."""
        return self._running.record.url

    @property
    def pid(self) -> int:
        """Process id of the gateway."""
        return self._running.record.pid

    @property
    def _running(self) -> Launched:
        if self._launched is None:
            raise RuntimeError("the platform is stopped")
        return self._launched

    def start(self) -> None:
        """Start the platform; nothing happens where it runs."""
        from localaws.launch import launch
        from localaws.settings import Settings

        if self._launched is None:
            options = {"durability": "none"} | self._settings
            kept = {name: os.environ[name] for name in ENGINES if name in os.environ}
            settings = Settings.from_environment(kept, home=self.home, port=self._port, **options)
            self._launched = launch(settings, tied=True, deletes="orphaned")
            self._port = self._launched.record.port

    def stop(self) -> None:
        """Stop it gracefully; data is kept."""
        if self._launched is not None:
            self._launched.stop()
            self._launched = None

    def kill(self) -> None:
        """Kill the gateway (SIGKILL); data is kept, `start` serves it again."""
        self._running.kill()
        self._launched = None

    def restart(self) -> None:
        """Start it again, after a graceful stop where it runs."""
        self.stop()
        self.start()


class LocalAws:
    """The endpoint as one account."""

    def __init__(self, endpoint: str, account: str, region: str = REGION) -> None:
        self.endpoint = endpoint
        self.account = account
        self.region = region
        self._clients: list[Any] = []

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that lead any AWS client to this account at the endpoint."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
        }

    def session(self) -> boto3.Session:
        """Return a boto3 session whose clients and resources go to the endpoint."""
        session: boto3.Session = _session_class()(self)
        return session

    def client(self, service: str, **options: Any) -> Any:
        """Return a boto3 client, closed at the end of the test.

        Args:
            service: botocore's name of the service.
            options: what ``boto3.client`` takes; wins over what is given here.
        """
        client: Any = _shared_session().client(service, **(self.client_options() | options))
        self._clients.append(client)
        return client

    def client_options(self) -> dict[str, str]:
        """Return endpoint, credentials and region as ``boto3.client`` takes them."""
        return {
            "endpoint_url": self.endpoint,
            "aws_access_key_id": self.account,
            "aws_secret_access_key": "test",
            "region_name": self.region,
        }

    def close(self) -> None:
        """Close all clients."""
        for client in self._clients:
            client.close()
        self._clients.clear()


_shared: list[Any] = []


def _shared_session() -> Any:
    """Return a session whose cache of service models serves all tests of this process."""
    import boto3

    if not _shared:
        _shared.append(boto3.Session())
    return _shared[0]


def _session_class() -> Any:
    import boto3

    class EndpointSession(boto3.Session):
        """A session for one account at the endpoint."""

        def __init__(self, aws: LocalAws) -> None:
            super().__init__(aws.account, "test", region_name=aws.region)
            self._aws = aws

        def client(self, service_name: str, *arguments: Any, **options: Any) -> Any:
            """Return a client; its endpoint is ours unless another is given."""
            options.setdefault("endpoint_url", self._aws.endpoint)
            create: Any = super().client
            client = create(service_name, *arguments, **options)
            self._aws._clients.append(client)
            return client

        def resource(self, service_name: str, *arguments: Any, **options: Any) -> Any:
            """Return a resource; its endpoint is ours unless another is given."""
            options.setdefault("endpoint_url", self._aws.endpoint)
            create: Any = super().resource
            resource = create(service_name, *arguments, **options)
            self._aws._clients.append(resource.meta.client)
            return resource

    return EndpointSession


@pytest.fixture(scope="session")
def _localaws_process() -> Iterator[LocalAwsSession | None]:
    if os.environ.get(ENDPOINT_VARIABLE):
        yield None
        return
    from localaws.home import Home, remove_tree

    with_home = Path(tempfile.mkdtemp(prefix="localaws-test-"))
    process = LocalAwsSession(with_home)
    try:
        process.start()
        yield process
    finally:
        process.stop()
        Home(with_home).delete()
        if with_home.exists():
            remove_tree(with_home)


@pytest.fixture
def localaws_session(_localaws_process: LocalAwsSession | None) -> Iterator[LocalAwsSession]:
    """Return the platform process that this test process started; it runs again after the test."""
    if _localaws_process is None:
        pytest.skip(f"{ENDPOINT_VARIABLE} is set: there is no process of ours to stop")
    yield _localaws_process
    _localaws_process.start()


@pytest.fixture
def localaws(_localaws_process: LocalAwsSession | None) -> Iterator[LocalAws]:
    """Return the endpoint as an account that no other test has."""
    if _localaws_process is None:
        endpoint = os.environ[ENDPOINT_VARIABLE]
    else:
        endpoint = _localaws_process.endpoint
    account = str(random.SystemRandom().randrange(10**11, 10**12))
    aws = LocalAws(endpoint, account)
    try:
        yield aws
    finally:
        aws.close()
