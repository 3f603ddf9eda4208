"""Glue's errors that are not the catalog's own (those are in ``engines.catalog.errors``)."""

from __future__ import annotations

from collections.abc import Iterable

from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.catalog.base import PartitionError


def other_catalog(ctx: Context, catalog_id: str) -> AwsError:
    """Return the refusal of a catalog that was not shared with the caller."""
    return AwsError(
        "AccessDeniedException",
        f"User: {ctx.principal.arn} is not authorized to perform this action on resource: "
        f"arn:aws:glue:{ctx.region}:{catalog_id}:catalog because no resource-based policy "
        "allows it",
    )


def detail(code: str, message: str) -> Shape:
    """Return an ErrorDetail, as batch operations answer."""
    return {"ErrorCode": code, "ErrorMessage": message}


def partition_errors(errors: Iterable[PartitionError]) -> list[Shape]:
    """Return PartitionErrors as batch operations answer them."""
    return [
        {"PartitionValues": list(error.values), "ErrorDetail": detail(error.code, error.message)}
        for error in errors
    ]


def raise_first(errors: list[PartitionError]) -> None:
    """Raise what a batch of one answers."""
    if errors:
        raise AwsError(errors[0].code, errors[0].message)
