"""Errors: one base exception, and the AWS error every operation may raise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class LocalAwsError(Exception):
    """Base of every error this package raises on purpose."""


class AwsError(LocalAwsError):
    """An error as AWS answers it: a code, a message and an HTTP status.

    Args:
        code: AWS's error code, e.g. ``EntityNotFoundException`` or ``NoSuchKey``.
        message: AWS's wording, naming the object.
        status: HTTP status code.
        members: further members of the error shape (``Key``, ``AthenaErrorCode`` …).
        headers: further response headers.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = dict(members or {})
        self.headers = dict(headers or {})


def not_implemented(what: str) -> AwsError:
    """Return the honest refusal for something the ledger lists as unsupported."""
    return AwsError(
        "NotImplementedException",
        f"{what} is not implemented here. `localaws ledger` lists what is.",
        501,
    )
