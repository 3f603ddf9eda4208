"""What requests of the catalog have in common: whose catalog, pages, members that are refused."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import msgspec

from localaws.aws.glue.errors import other_catalog
from localaws.core.errors import not_implemented
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.catalog.errors import invalid_input

PAGE = 100
PARTITION_PAGE = 1000


def catalog_of(ctx: Context, catalog_id: str | None) -> str:
    """Return the catalog a request is about: the caller's account, in this region.

    Raises:
        AwsError: AccessDeniedException: the catalog is another account's.
    """
    if catalog_id is not None and catalog_id != ctx.account:
        raise other_catalog(ctx, catalog_id)
    return f"{ctx.account}/{ctx.region}"


def encode_token(position: Sequence[str]) -> str:
    """Return the NextToken that continues behind a position."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode()


def decode_token(token: str | None) -> list[str]:
    """Return the position of a NextToken, empty at the start.

    Raises:
        AwsError: InvalidInputException: the token is not one of ours.
    """
    if not token:
        return []
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(token), type=list[str])
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise invalid_input("The NextToken is not valid.") from error


def decode_name(token: str | None) -> str:
    """Return the name behind which a page of names begins, empty at the start."""
    return "".join(decode_token(token)[:1])


def page(items: list[Shape], limit: int, member: str, key: str = "Name") -> Shape:
    """Return the answer of a listing from at most ``limit + 1`` items."""
    answer: dict[str, Any] = {member: items[:limit]}
    if len(items) > limit:
        answer["NextToken"] = encode_token([items[limit - 1][key]])
    return answer


_REFUSED = {
    "TargetDatabase": "Resource links (TargetDatabase)",
    "FederatedDatabase": "Federated databases (FederatedDatabase)",
    "TargetTable": "Resource links (TargetTable)",
    "FederatedTable": "Federated tables (FederatedTable)",
    "ViewDefinition": "Multi-dialect views (ViewDefinition)",
    "SchemaReference": "Columns from a schema registry (SchemaReference)",
}


def check_input(definition: Shape) -> Shape:
    """Return a DatabaseInput, TableInput or PartitionInput, refusing what is not honoured.

    Raises:
        AwsError: NotImplementedException, InvalidInputException.
    """
    descriptor = definition.get("StorageDescriptor", {})
    for member, what in _REFUSED.items():
        if definition.get(member) or descriptor.get(member):
            raise not_implemented(what)
    for key in definition.get("PartitionKeys", ()):
        if key.get("Parameters"):
            raise invalid_input("Parameters not supported for partition columns")
    return definition
