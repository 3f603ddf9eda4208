"""How parts become an object: the rules of CompleteMultipartUpload, whichever store keeps them.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from localaws.engines.object_store.base import Attributes, Part
from localaws.engines.object_store.checksums import composite_checksum, full_checksum
from localaws.engines.object_store.errors import (
    MIN_PART_BYTES,
    checksum_differs,
    entity_too_small,
    invalid_part,
    invalid_part_order,
)


def choose_parts(
    upload: str, wanted: Sequence[tuple[int, str]], stored: Sequence[Part]
) -> list[Part]:
    """Return the parts of the object, named by (number, etag).

    Raises:
        AwsError: InvalidPart, InvalidPartOrder, EntityTooSmall.
    """
    numbers = [number for number, _ in wanted]
    if any(first >= second for first, second in itertools.pairwise(numbers)):
        raise invalid_part_order(upload)
    by_number = {part.number: part for part in stored}
    chosen = []
    for number, etag in wanted:
        found = by_number.get(number)
        if found is None or found.etag != etag.strip('"'):
            raise invalid_part(upload, number, etag)
        chosen.append(found)
    if not chosen:
        raise invalid_part(upload, 1, "")
    for part in chosen[:-1]:
        if part.size < MIN_PART_BYTES:
            raise entity_too_small(part.number, part.etag, part.size)
    return chosen


def object_checksums(
    attributes: Attributes, parts: Sequence[Part], expected: Mapping[str, str]
) -> dict[str, str]:
    """Return the object's checksums of the algorithms its upload began with.

    Raises:
        AwsError: BadDigest where one is not as expected.
    """
    values = {}
    for algorithm in attributes.checksums:
        sums = [(part.checksums[algorithm], part.size) for part in parts]
        if attributes.checksum_type == "FULL_OBJECT":
            values[algorithm] = full_checksum(algorithm, sums)
        else:
            values[algorithm] = composite_checksum(algorithm, [value for value, _ in sums])
        promised = expected.get(algorithm)
        if promised and promised.partition("-")[0] != values[algorithm].partition("-")[0]:
            raise checksum_differs(algorithm)
    return values
