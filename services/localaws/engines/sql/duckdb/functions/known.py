"""Names of all functions of Trino 476 (`SHOW FUNCTIONS`): a refusal is not an unknown name."""

from __future__ import annotations

from pathlib import Path

KNOWN = frozenset(Path(__file__).with_name("known.txt").read_text().split())
