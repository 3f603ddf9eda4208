"""Who calls: the credential in a request's signature, and the account and principal behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from localaws.core.clock import Clock
from localaws.core.errors import AwsError
from localaws.core.platform import Principal
from localaws.gateway.request import Request

_CREDENTIAL = re.compile(r"Credential=([^,\s]+)")
_ACCOUNT = re.compile(r"^\d{12}$")


@dataclass(frozen=True)
class Credential:
    """What a signature's scope says."""

    access_key: str
    region: str
    service: str


def credential_of(request: Request) -> Credential | None:
    """Return the credential of a signed or presigned request, or None where it is unsigned.

    Raises:
        AwsError: the signature cannot be parsed.
    """
    authorization = request.headers.get("authorization")
    if authorization is not None:
        match = _CREDENTIAL.search(authorization)
        if match is not None:
            return _from_scope(match[1])
        if authorization.startswith("AWS ") and ":" in authorization:
            return Credential(authorization[4:].partition(":")[0], "", "s3")
        raise AwsError(
            "IncompleteSignature", "Authorization header requires 'Credential' parameter."
        )
    if "X-Amz-Credential" in request.query:
        return _from_scope(request.query["X-Amz-Credential"])
    if "AWSAccessKeyId" in request.query:
        return Credential(request.query["AWSAccessKeyId"], "", "s3")
    return None


def _from_scope(scope: str) -> Credential:
    parts = scope.split("/")
    if len(parts) < 5:
        raise AwsError(
            "IncompleteSignature",
            "Credential must have exactly 5 slash-delimited elements, e.g. "
            f"keyid/date/region/service/term, got '{scope.partition('/')[0]}/…'",
        )
    return Credential("/".join(parts[:-4]), parts[-3], parts[-2])


def check_presigned(request: Request, clock: Clock) -> None:
    """Refuse a presigned URL whose time is over.

    Raises:
        AwsError: AccessDenied "Request has expired".
    """
    now = clock.now()
    try:
        if "X-Amz-Expires" in request.query:
            signed = datetime.strptime(request.query["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
            expires = signed.replace(tzinfo=UTC) + timedelta(
                seconds=int(request.query["X-Amz-Expires"])
            )
        elif "Expires" in request.query and "Signature" in request.query:
            expires = datetime.fromtimestamp(int(request.query["Expires"]), UTC)
        else:
            return
    except (KeyError, ValueError, OverflowError) as error:
        raise AwsError(
            "AuthorizationQueryParametersError", "Error parsing the X-Amz-Date or X-Amz-Expires"
        ) from error
    if now > expires:
        raise AwsError(
            "AccessDenied",
            "Request has expired",
            403,
            members={
                "Expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "ServerTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
        )


def root_of(account: str) -> Principal:
    """Return an account's root principal."""
    return Principal(f"arn:aws:iam::{account}:root", root=True)


def account_of(access_key: str, default: str) -> str:
    """Return the account of a key: a 12-digit key is its own account."""
    return access_key if _ACCOUNT.match(access_key) else default
