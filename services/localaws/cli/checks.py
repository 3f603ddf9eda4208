"""What a check of ``localaws doctor`` says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MEGABYTE = 2**20

Verdict = Literal["PASS", "WARN", "FAIL", "SKIP"]


@dataclass(frozen=True)
class Check:
    """What a check found, and the cure where something is wrong."""

    name: str
    verdict: Verdict
    found: str
    cure: str = ""
