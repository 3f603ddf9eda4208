"""What the store's refusals are in AWS's words, and what to do where it cannot work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from localaws.core.errors import AwsError
from localaws.engines.object_store.errors import (
    bucket_not_empty,
    incomplete_body,
    no_such_bucket,
    no_such_key,
    no_such_upload,
    precondition_failed,
)
from localaws.engines.object_store.minio.names import key_of_name

_FULL = ("XMinioStorageFull", "InsufficientStorage", "XMinioAdminBucketQuotaExceeded")
_NO_SPACE = "no space left on device"
_CREDENTIALS = ("SignatureDoesNotMatch", "InvalidAccessKeyId", "AccessDenied")
_AWAY = ("ServiceUnavailable", "SlowDown", "SlowDownRead", "SlowDownWrite", "RequestTimeout")


@dataclass(frozen=True)
class Reply:
    """A refusal as the store sent it."""

    status: int
    code: str
    message: str

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: bytes) -> Reply:
        """Read a refusal; answers to HEAD have it in their headers."""
        code = headers.get("X-Minio-Error-Code", "")
        message = headers.get("X-Minio-Error-Desc", "").strip('"')
        if body.strip():
            try:
                document = ElementTree.fromstring(body.strip())
                code = document.findtext("{*}Code") or code
                message = document.findtext("{*}Message") or message
            except ElementTree.ParseError:
                message = body[:200].decode(errors="replace")
        return cls(status, code, message)

    def error(self, members: Mapping[str, Any]) -> AwsError:
        """Return the error of a request with these members."""
        bucket = str(members.get("Bucket", ""))
        name = str(members.get("Key", ""))
        known: Mapping[str, Callable[[], AwsError]] = {
            "NoSuchBucket": lambda: no_such_bucket(bucket),
            "NoSuchKey": lambda: no_such_key(key_of_name(name) or name),
            "NoSuchUpload": lambda: no_such_upload(str(members.get("UploadId", ""))),
            "BucketNotEmpty": lambda: bucket_not_empty(bucket),
            "IncompleteBody": incomplete_body,
            "PreconditionFailed": lambda: precondition_failed(
                "If-None-Match" if "IfNoneMatch" in members else "If-Match"
            ),
        }
        if self.code in known:
            return known[self.code]()
        if self.status == 412:
            return known["PreconditionFailed"]()
        if self.code in _FULL or self.status == 507 or _NO_SPACE in self.message:
            return storage_full()
        if self.code in _CREDENTIALS:
            return AwsError(
                "InternalError",
                "The object store refuses the gateway's key: set LOCALAWS_OBJECT_STORE_KEY and "
                "LOCALAWS_OBJECT_STORE_SECRET to those of the service object-store.",
                500,
            )
        if self.code in _AWAY or self.status >= 500:
            return AwsError(
                "ServiceUnavailable",
                f"The object store cannot answer now ({self.code or self.status}: {self.message}). "
                "See the log of the service object-store.",
                503,
            )
        return AwsError(
            self.code or "InternalError", self.message or "No reason given.", self.status
        )


def storage_full() -> AwsError:
    """Return the refusal of a write for which the store has no room."""
    return AwsError(
        "InsufficientStorage",
        "The object store's disk is full; nothing was written. Delete objects, or give the volume "
        "of the service object-store more room, and try again.",
        507,
    )


def unreachable(url: str, error: BaseException) -> AwsError:
    """Return the error of a connection that cannot be made or that broke."""
    return unavailable(url, str(error) or type(error).__name__)


def unavailable(url: str, reason: str) -> AwsError:
    """Return the error of a store that is away."""
    return AwsError(
        "ServiceUnavailable",
        f"The object store at {url} is not available: {reason}. "
        "Is the service object-store running?",
        503,
    )
