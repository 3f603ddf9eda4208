"""What the tests of S3 share."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError


def error_of(call: Any, **parameters: Any) -> dict[str, Any]:
    """Return the error that a call fails with."""
    with pytest.raises(ClientError) as failure:
        call(**parameters)
    response: dict[str, Any] = failure.value.response
    return {**response["Error"], "Status": response["ResponseMetadata"]["HTTPStatusCode"]}


def code_of(call: Any, **parameters: Any) -> str:
    """Return the error code that a call fails with."""
    return str(error_of(call, **parameters)["Code"])
