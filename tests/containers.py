"""The containers that `make test-compose` has brought up, as the tests see them.

Parameters of a test that run on the containers carry the marker ``compose``; `conftest` leaves them
out where the variables below are not set, so that `make test` needs no container.
"""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

PREFIX = "LOCALAWS_TEST_"


def url(what: str) -> str | None:
    """Return where a container answers: ``endpoint``, ``object_store``, ``catalog``, ``sql``."""
    return os.environ.get(f"{PREFIX}{what.upper()}_URL")


def containers(*names: str) -> list[Any]:
    """Return parameters that run on the containers."""
    return [pytest.param(name, marks=pytest.mark.compose) for name in names]


def compose_environment(account: str = "") -> dict[str, str]:
    """Return the variables that lead a client to the containers' gateway, in a fresh account."""
    endpoint = url("endpoint")
    assert endpoint, "the containers are not up: make test-compose"
    key = account or f"{random.SystemRandom().randrange(10**11, 9 * 10**11)}"
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }
