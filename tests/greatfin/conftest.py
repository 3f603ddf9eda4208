from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def greatfin_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep traces of runs out of the user's home."""
    home = tmp_path / "greatfin-home"
    monkeypatch.setenv("GREATFIN_HOME", str(home))
    monkeypatch.delenv("GREATFIN_OUTCOMES", raising=False)
    return home
