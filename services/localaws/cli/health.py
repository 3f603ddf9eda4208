"""Asks a gateway how it is."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def health(url: str, timeout: float = 5) -> dict[str, Any]:
    """Return the health of the gateway at `url`, empty where it does not answer."""
    try:
        with _direct.open(f"{url}/_localaws/health", timeout=timeout) as response:
            answer = json.loads(response.read())
    except (OSError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}
