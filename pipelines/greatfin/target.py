"""Where AWS is: one typed description of a target, rendered for each client.

Nothing else in the pipelines branches on the target: ``local`` and ``compose`` are an endpoint on
this machine, ``aws`` is AWS itself.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from greatfin.errors import CredentialsError, EndpointDown, UsageError

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.config import Config
    from types_boto3_athena import AthenaClient
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_glue import GlueClient
    from types_boto3_s3 import S3Client
    from types_boto3_sts import STSClient

TargetName = Literal["local", "compose", "aws"]
TARGETS: tuple[TargetName, ...] = ("local", "compose", "aws")

DEFAULT_ENDPOINT = "http://127.0.0.1:4566"
DEFAULT_REGION = "us-east-1"
PARALLEL_CALLS = 16

_START: dict[TargetName, tuple[str, ...]] = {
    "local": ("localaws up --detach",),
    "compose": ("docker compose up --wait",),
}
MOVED = "where it serves another port: export AWS_ENDPOINT_URL=http://127.0.0.1:PORT"


@dataclass(frozen=True)
class Credentials:
    """A static key pair; its secret never shows in a repr."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Target:
    """An AWS to run on.

    Attributes:
        name: ``local``, ``compose`` or ``aws``.
        endpoint: URL that answers every API, or None for AWS's own endpoints.
        region: region of every client.
        credentials: static keys, or None for the client's own chain (profile, SSO, role).
    """

    name: TargetName
    endpoint: str | None
    region: str
    credentials: Credentials | None

    @classmethod
    def resolve(cls, name: str, environment: Mapping[str, str] | None = None) -> Target:
        """Describe a target from its name and the AWS variables of the environment.

        Raises:
            UsageError: there is no such target.
        """
        environment = os.environ if environment is None else environment
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        if name == "aws":
            return cls("aws", None, region or DEFAULT_REGION, None)
        if name not in TARGETS:
            raise UsageError(f"There is no target {name}; choose one of {', '.join(TARGETS)}")
        return cls(
            name,
            environment.get("AWS_ENDPOINT_URL") or DEFAULT_ENDPOINT,
            region or DEFAULT_REGION,
            Credentials(
                environment.get("AWS_ACCESS_KEY_ID") or "test",
                environment.get("AWS_SECRET_ACCESS_KEY") or "test",
                environment.get("AWS_SESSION_TOKEN") or None,
            ),
        )

    @property
    def costs_money(self) -> bool:
        """Return whether what runs here appears on a bill."""
        return self.endpoint is None

    def clients(self) -> Clients:
        """Render the target for boto3."""
        return Clients(self)


class Clients:
    """The boto3 clients of a target, each made once and safe to share between threads."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections of every client that was made."""
        for name in ("s3", "glue", "athena", "cloudformation", "sts"):
            client = self.__dict__.pop(name, None)
            if client is not None:
                client.close()

    @cached_property
    def _session(self) -> Session:
        import boto3

        keys = self.target.credentials
        if keys is None:
            return boto3.session.Session(region_name=self.target.region)
        return boto3.session.Session(
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            aws_session_token=keys.session_token,
            region_name=self.target.region,
        )

    @cached_property
    def _config(self) -> Config:
        from botocore.config import Config

        return Config(
            retries={"mode": "standard", "max_attempts": 4},
            max_pool_connections=PARALLEL_CALLS,
            connect_timeout=5,
            read_timeout=120,
            s3={"addressing_style": "path"} if self.target.endpoint else None,
            ignore_configured_endpoint_urls=self.target.endpoint is None,  # type: ignore[call-arg]  # stubs lag
        )

    @cached_property
    def s3(self) -> S3Client:
        """The S3 client."""
        with self._lock:
            return self._session.client(
                "s3", endpoint_url=self.target.endpoint, config=self._config
            )

    @cached_property
    def glue(self) -> GlueClient:
        """The Glue client."""
        with self._lock:
            return self._session.client(
                "glue", endpoint_url=self.target.endpoint, config=self._config
            )

    @cached_property
    def athena(self) -> AthenaClient:
        """The Athena client."""
        with self._lock:
            return self._session.client(
                "athena", endpoint_url=self.target.endpoint, config=self._config
            )

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        """The CloudFormation client."""
        with self._lock:
            return self._session.client(
                "cloudformation", endpoint_url=self.target.endpoint, config=self._config
            )

    @cached_property
    def sts(self) -> STSClient:
        """The STS client."""
        with self._lock:
            return self._session.client(
                "sts", endpoint_url=self.target.endpoint, config=self._config
            )

    def account(self) -> str:
        """Return the account that the credentials belong to.

        Raises:
            EndpointDown: nothing answers.
            CredentialsError: there are no credentials, or they are refused.
        """
        from botocore.exceptions import ClientError, NoCredentialsError, TokenRetrievalError
        from botocore.exceptions import ConnectionError as BotoConnectionError
        from botocore.exceptions import HTTPClientError as BotoHTTPError

        where = self.target.endpoint or "AWS"
        try:
            return self.sts.get_caller_identity()["Account"]
        except (NoCredentialsError, TokenRetrievalError) as error:
            raise CredentialsError(
                f"No AWS credentials for {where}: {error}", actions=("aws configure sso",)
            ) from error
        except ClientError as error:
            raise CredentialsError(
                f"{where} refuses the credentials: {error}",
                actions=("aws sts get-caller-identity",),
            ) from error
        except (BotoConnectionError, BotoHTTPError) as error:
            actions = _START.get(self.target.name, ())
            if actions and self.target.endpoint == DEFAULT_ENDPOINT:
                actions += (MOVED,)
            raise EndpointDown(f"Nothing answers at {where}", actions=actions) from error
