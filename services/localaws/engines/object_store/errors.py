"""The errors of the store, in S3's codes and words.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from localaws.core.errors import AwsError

MAX_KEY_BYTES = 1024
MIN_PART_BYTES = 5 * 1024 * 1024


def no_such_bucket(bucket: str) -> AwsError:
    """Return NoSuchBucket."""
    return AwsError(
        "NoSuchBucket", "The specified bucket does not exist", 404, members={"BucketName": bucket}
    )


def no_such_key(key: str) -> AwsError:
    """Return NoSuchKey."""
    return AwsError("NoSuchKey", "The specified key does not exist.", 404, members={"Key": key})


def no_such_upload(upload: str) -> AwsError:
    """Return NoSuchUpload."""
    return AwsError(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
        "been aborted or completed.",
        404,
        members={"UploadId": upload},
    )


def bucket_already_exists(bucket: str) -> AwsError:
    """Return BucketAlreadyExists: the name belongs to another account."""
    return AwsError(
        "BucketAlreadyExists",
        "The requested bucket name is not available. The bucket namespace is shared by all users "
        "of the system. Please select a different name and try again.",
        409,
        members={"BucketName": bucket},
    )


def bucket_already_owned(bucket: str) -> AwsError:
    """Return BucketAlreadyOwnedByYou."""
    return AwsError(
        "BucketAlreadyOwnedByYou",
        "Your previous request to create the named bucket succeeded and you already own it.",
        409,
        members={"BucketName": bucket},
    )


def bucket_not_empty(bucket: str) -> AwsError:
    """Return BucketNotEmpty."""
    return AwsError(
        "BucketNotEmpty",
        "The bucket you tried to delete is not empty",
        409,
        members={"BucketName": bucket},
    )


def precondition_failed(condition: str) -> AwsError:
    """Return PreconditionFailed for the header that did not hold."""
    return AwsError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        412,
        members={"Condition": condition},
    )


def key_too_long(size: int) -> AwsError:
    """Return KeyTooLongError for a key of `size` bytes in UTF-8."""
    return AwsError(
        "KeyTooLongError",
        "Your key is too long",
        members={"Size": size, "MaxSizeAllowed": MAX_KEY_BYTES},
    )


def invalid_key() -> AwsError:
    """Return the refusal of a key that is not valid Unicode."""
    return AwsError("InvalidURI", "Couldn't parse the specified URI.")


def incomplete_body() -> AwsError:
    """Return IncompleteBody."""
    return AwsError(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )


def invalid_md5(value: str) -> AwsError:
    """Return InvalidDigest: Content-MD5 is not the base64 of 16 bytes."""
    return AwsError(
        "InvalidDigest",
        "The Content-MD5 you specified was invalid.",
        members={"Content-MD5": value},
    )


def md5_differs(expected: str, calculated: str) -> AwsError:
    """Return BadDigest for Content-MD5."""
    return AwsError(
        "BadDigest",
        "The Content-MD5 you specified did not match what we received.",
        members={"ExpectedDigest": expected, "CalculatedDigest": calculated},
    )


def checksum_differs(algorithm: str) -> AwsError:
    """Return BadDigest for an ``x-amz-checksum-…`` value."""
    return AwsError(
        "BadDigest",
        f"The {algorithm.upper()} you specified did not match the calculated checksum.",
    )


def invalid_checksum(algorithm: str) -> AwsError:
    """Return the refusal of a checksum value that cannot be one of its algorithm."""
    return AwsError("InvalidRequest", f"Value for x-amz-checksum-{algorithm} header is invalid.")


def invalid_part(upload: str, number: int, etag: str) -> AwsError:
    """Return InvalidPart."""
    return AwsError(
        "InvalidPart",
        "One or more of the specified parts could not be found.  The part may not have been "
        "uploaded, or the specified entity tag may not match the part's entity tag.",
        members={"UploadId": upload, "PartNumber": number, "ETag": etag},
    )


def invalid_part_order(upload: str) -> AwsError:
    """Return InvalidPartOrder."""
    return AwsError(
        "InvalidPartOrder",
        "The list of parts was not in ascending order. Parts must be ordered by part number.",
        members={"UploadId": upload},
    )


def entity_too_small(number: int, etag: str, size: int) -> AwsError:
    """Return EntityTooSmall: a part that is not the last has less than 5 MiB."""
    return AwsError(
        "EntityTooSmall",
        "Your proposed upload is smaller than the minimum allowed size",
        members={
            "ProposedSize": size,
            "MinSizeAllowed": MIN_PART_BYTES,
            "PartNumber": number,
            "ETag": etag,
        },
    )


def vanished() -> AwsError:
    """Return InternalError: bytes overwritten or deleted longer ago than the grace time."""
    return AwsError("InternalError", "We encountered an internal error. Please try again.", 500)
