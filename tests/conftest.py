"""Which tests run: those of the containers and of an installed SQL engine only where these are."""

from __future__ import annotations

import os

import pytest

from containers import url


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what ``make test-compose`` runs where it has not brought up what that needs."""
    there = {
        "compose": url("endpoint") is not None,
        "installed": os.environ.get("LOCALAWS_TEST_INSTALLED") == "1",
    }
    left_out = [
        item
        for item in items
        if any(not there[name] and item.get_closest_marker(name) for name in there)
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
