"""What the behaviour suites share: one suite per port, run on every adapter; a gap is a marker.

A port's fixture is parametrized with the names of its adapters. Where one of them cannot do what a
test demands, the test says so with literal arguments, from which the parity page is made::

    @pytest.mark.gap("minio", reason="what AWS does and this does not", raises=AwsError)

The test is then expected to fail on that adapter, and only with that error.
"""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "gap(adapter, *, reason, raises): what an adapter cannot do, and the error it raises",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec is None:
            continue
        for mark in item.iter_markers("gap"):
            (adapter,) = mark.args
            if adapter in callspec.params.values():
                item.add_marker(
                    pytest.mark.xfail(
                        reason=mark.kwargs["reason"], raises=mark.kwargs["raises"], strict=True
                    )
                )
