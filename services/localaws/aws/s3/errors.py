"""Errors of the S3 API; those of the store itself are in `engines.object_store.errors`.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from typing import Any

from localaws.core.errors import AwsError


def access_denied() -> AwsError:
    """Return AccessDenied."""
    return AwsError("AccessDenied", "Access Denied", 403)


def not_implemented_header(what: str) -> AwsError:
    """Return NotImplemented in S3's words, naming what is not there."""
    return AwsError(
        "NotImplemented",
        f"A header you provided implies functionality that is not implemented: {what}",
        501,
    )


def invalid_bucket_name(name: str) -> AwsError:
    """Return InvalidBucketName."""
    return AwsError(
        "InvalidBucketName", "The specified bucket is not valid.", members={"BucketName": name}
    )


def illegal_location(constraint: str) -> AwsError:
    """Return IllegalLocationConstraintException; the constraint may be ``unspecified``."""
    return AwsError(
        "IllegalLocationConstraintException",
        f"The {constraint} location constraint is incompatible for the region specific endpoint "
        "this request was sent to.",
    )


def invalid_location(constraint: str) -> AwsError:
    """Return InvalidLocationConstraint."""
    return AwsError(
        "InvalidLocationConstraint",
        "The specified location-constraint is not valid",
        members={"LocationConstraint": constraint},
    )


def invalid_argument(message: str, name: str, value: Any) -> AwsError:
    """Return InvalidArgument."""
    return AwsError(
        "InvalidArgument", message, members={"ArgumentName": name, "ArgumentValue": value}
    )


def invalid_request(message: str) -> AwsError:
    """Return InvalidRequest."""
    return AwsError("InvalidRequest", message)


def invalid_tag(message: str, **members: str) -> AwsError:
    """Return InvalidTag."""
    return AwsError("InvalidTag", message, members=members)


def malformed_xml() -> AwsError:
    """Return MalformedXML."""
    return AwsError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def invalid_range(requested: str, size: int) -> AwsError:
    """Return InvalidRange."""
    return AwsError(
        "InvalidRange",
        "The requested range is not satisfiable",
        416,
        members={"RangeRequested": requested, "ActualObjectSize": size},
        headers={"content-range": f"bytes */{size}"},
    )


def invalid_part_number(number: int, count: int) -> AwsError:
    """Return InvalidPartNumber."""
    return AwsError(
        "InvalidPartNumber",
        "The requested partnumber is not satisfiable",
        416,
        members={"PartNumberRequested": number, "ActualPartCount": count},
    )


def no_such_configuration(code: str, message: str, bucket: str) -> AwsError:
    """Return the 404 of a bucket that has no configuration of a kind."""
    return AwsError(code, message, 404, members={"BucketName": bucket})


def entity_too_large(size: int, limit: int) -> AwsError:
    """Return EntityTooLarge."""
    return AwsError(
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed size",
        members={"ProposedSize": size, "MaxSizeAllowed": limit},
    )


def metadata_too_large(size: int, limit: int) -> AwsError:
    """Return MetadataTooLarge."""
    return AwsError(
        "MetadataTooLarge",
        "Your metadata headers exceed the maximum allowed metadata size",
        members={"Size": size, "MaxSizeAllowed": limit},
    )
