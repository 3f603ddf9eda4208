"""Which tests run: those of the containers and of an installed SQL engine only where these are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from containers import url

INSTALLED = os.environ.get("LOCALAWS_TEST_INSTALLED") == "1"
if not INSTALLED:
    # what this machine's user has installed must not change what the tests see
    os.environ["LOCALAWS_TOOLS"] = str(Path(__file__).with_name("no-tools"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what ``make test-compose`` runs where it has not brought up what that needs."""
    there = {
        "compose": url("endpoint") is not None,
        "installed": INSTALLED,
    }
    left_out = [
        item
        for item in items
        if any(not there[name] and item.get_closest_marker(name) for name in there)
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
