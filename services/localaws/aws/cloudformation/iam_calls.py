"""What the resource types of IAM have in common."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from localaws.core.errors import AwsError
from localaws.core.platform import Context

GONE = ("NoSuchEntity", "NoSuchEntityException")
EXISTS = ("EntityAlreadyExists", "EntityAlreadyExistsException")


@contextlib.contextmanager
def gone_is_fine() -> Iterator[None]:
    """Bear the error of an entity that is not there."""
    try:
        yield
    except AwsError as error:
        if error.code not in GONE:
            raise


async def is_there(ctx: Context, operation: str, **parameters: Any) -> bool:
    """Return whether a reading operation finds its entity."""
    with gone_is_fine():
        await ctx.call("iam", operation, **parameters)
        return True
    return False


def document_text(value: Any) -> str:
    """Return a policy document as text."""
    return value if isinstance(value, str) else json.dumps(value)


def removed(old: Sequence[str] | None, new: Sequence[str] | None) -> list[str]:
    """Return the items that are in the old list only."""
    return [item for item in old or () if item not in (new or ())]
