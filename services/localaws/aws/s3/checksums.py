"""Checksums in requests and answers.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localaws.aws.s3.errors import invalid_request
from localaws.core.checksums import SIZES
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.object_store.base import Attributes
from localaws.engines.object_store.checksums import FULL_OBJECT_OF_PARTS

MEMBERS = {name: f"Checksum{name.upper()}" for name in SIZES}
"""AWS's member of each algorithm."""

_PARAMETERS = {
    "checksum_crc32": "crc32",
    "checksum_crc32_c": "crc32c",
    "checksum_crc64_nvme": "crc64nvme",
    "checksum_sha1": "sha1",
    "checksum_sha256": "sha256",
    "checksum_sha512": "sha512",
    "checksum_md5": "md5",
}


def given_checksums(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the checksums among an operation's parameters, by algorithm.

    Raises:
        AwsError: InvalidRequest for more than one.
    """
    given = {
        algorithm: str(parameters[name])
        for name, algorithm in _PARAMETERS.items()
        if parameters.get(name)
    }
    if len(given) > 1:
        raise invalid_request("Expecting a single x-amz-checksum- header. Multiple found.")
    return given


def upload_checksums(
    ctx: Context, parameters: Mapping[str, Any], algorithm: str | None
) -> dict[str, str]:
    """Return the checksums to keep of a body.

    They are given, to be computed, or in the body's trailer, which the gateway checks.
    """
    wanted = given_checksums(parameters)
    trailer = ctx.cache.get("headers", {}).get("x-amz-trailer", "").strip().lower()
    for name in (trailer.removeprefix("x-amz-checksum-"), (algorithm or "").lower()):
        if name and not wanted:
            wanted[checked_algorithm(name)] = ""
    return wanted


def checked_algorithm(name: str) -> str:
    """Return an algorithm in lower case.

    Raises:
        AwsError: InvalidRequest for one that is not computed here.
    """
    name = name.lower()
    if name not in SIZES:
        raise invalid_request(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid "
            f"types: [{', '.join(sorted(SIZES)).upper()}]"
        )
    return name


def upload_checksum_type(algorithm: str | None, kind: str | None) -> str:
    """Return how the checksum of a multipart object is made of its parts'.

    Raises:
        AwsError: InvalidRequest where the algorithm cannot be used that way.
    """
    if algorithm is None:
        if kind is not None:
            raise invalid_request(
                "The x-amz-checksum-type header can only be used with the "
                "x-amz-checksum-algorithm header."
            )
        return "FULL_OBJECT"
    kind = kind or ("FULL_OBJECT" if algorithm == "crc64nvme" else "COMPOSITE")
    possible = {"FULL_OBJECT"} if algorithm == "crc64nvme" else {"COMPOSITE"}
    if algorithm in FULL_OBJECT_OF_PARTS:
        possible.add("FULL_OBJECT")
    if kind not in possible:
        raise invalid_request(
            f"The {kind} checksum type cannot be used with the {algorithm} checksum algorithm."
        )
    return kind


def checksum_members(checksums: Mapping[str, str]) -> Shape:
    """Return checksums as AWS's members."""
    return {MEMBERS[name]: value for name, value in checksums.items()}


def object_checksum_members(attributes: Attributes) -> Shape:
    """Return an object's checksums and their type as AWS's members."""
    if not attributes.checksums:
        return {}
    return {**checksum_members(attributes.checksums), "ChecksumType": attributes.checksum_type}
