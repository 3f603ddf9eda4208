"""What the documents say is true: README's commands run, generated pages are current."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    values = kept | {
        "HOME": str(tmp_path),
        "LOCALAWS_HOME": str(tmp_path / "localaws"),
        "LOCALAWS_PORT": str(port),
        "LOCALAWS_DURABILITY": "none",
        "GREATFIN_HOME": str(tmp_path / "greatfin"),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "NO_COLOR": "1",
    }
    yield values
    localaws = str(Path(sys.executable).parent / "localaws")
    subprocess.run([localaws, "destroy", "--yes"], env=values, check=True, capture_output=True)


def test_the_commands_of_the_readme_run(environment: dict[str, str]) -> None:
    commands = [block for block in blocks("sh") if not block.startswith("make test")]
    assert commands[0].strip() == "make demo"
    assert len(commands) >= 3
    # One shell, as a reader has: what one block sets, the next ones see.
    script = "\n".join(["set -euo pipefail", *commands])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for heading in ("region", "checks", "quarantined"):
        assert heading in done.stdout.lower(), heading
    assert "StartQueryExecution" in done.stdout


def test_the_test_command_is_the_one_ci_runs() -> None:
    assert {"make test\n", "make test-compose\n"} <= set(blocks("sh"))
    assert "make test\n" in (ROOT / ".ci" / "run").read_text()
    assert "make test-compose\n" in (ROOT / ".ci" / "run").read_text()


def test_the_readmes_test_passes(tmp_path: Path) -> None:
    (example,) = blocks("python")
    (tmp_path / "test_example.py").write_text(example)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_generated_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_links_between_documents_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *ROOT.glob("pipelines/**/*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
