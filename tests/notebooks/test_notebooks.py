"""The notebooks run from top to bottom, with the assertions in their cells."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from containers import compose_environment, containers

FOLDER = Path(__file__).parent.parent.parent / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_is_kept_without_output(name: str) -> None:
    notebook = nbformat.read(FOLDER / name, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    assert any("assert" in cell.source for cell in cells)


@pytest.fixture(params=["local", *containers("compose")])
def target(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Lead the clients of this process and its kernels to a target, in an account of its own."""
    if request.param == "local":
        environment = request.getfixturevalue("localaws").environment
    else:
        environment = compose_environment()
    own = {
        "GREATFIN_TARGET": request.param,
        "GREATFIN_SCALE": "0.05",
        "GREATFIN_HOME": str(tmp_path / "greatfin"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "jupyter"),
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(tmp_path / "matplotlib"),
    }
    for name, value in {**environment, **own}.items():
        monkeypatch.setenv(name, value)
    return str(request.param)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the notebook machinery
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_runs(name: str, target: str) -> None:
    notebook = nbformat.read(FOLDER / name, as_version=4)
    client = NotebookClient(
        notebook, timeout=280, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    )
    client.execute()  # a cell that raises fails the test and quotes its traceback
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
