"""The folder where the pipelines keep traces of their runs."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """Return ``$GREATFIN_HOME``, or ``~/.greatfin``."""
    return Path(os.environ.get("GREATFIN_HOME") or "~/.greatfin").expanduser().absolute()
