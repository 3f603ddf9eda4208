from __future__ import annotations

import io
import json

import pytest

from greatfin.console import Check, PlainConsole, Report, Table
from greatfin.console.json import JsonConsole
from greatfin.console.terminal import TerminalConsole
from greatfin.lake.top_leads.page import BEGIN, END, PAGE, refresh

REPORT = Report(
    "Leads",
    [Table("By region", ("region", "n"), [("US", 1234), ("US", None), ("DE", 5)], group="region")],
    checks=[Check("it adds up", True), Check("it is right", False, "2 differ")],
    links=[("lake", "s3://somewhere/")],
    next=["greatfin list"],
    data={"n": 1},
)


def test_plain_answer_goes_to_one_stream_and_progress_to_the_other() -> None:
    out, progress = io.StringIO(), io.StringIO()
    console = PlainConsole(out, progress)
    console.step_started(1, 2, "land")
    console.progress(10, 100, "rows", 20.0)
    console.step_finished(1, 2, "land", 1.5, "100 rows", False)
    console.report(REPORT)
    assert progress.getvalue() == (
        "      10 of 100 rows · 0/s · 180 s left\n[1/2] land            1.50 s  100 rows\n"
    )
    assert out.getvalue().splitlines()[3:8] == [
        "By region",
        "  region      n",
        "  ------  -----",
        "  US      1,234",
        "              -",
    ]
    assert "  FAIL  it is right: 2 differ" in out.getvalue()


def test_json_answers_once_with_its_checks() -> None:
    out = io.StringIO()
    console = JsonConsole("run", out, io.StringIO())
    console.warn("look")
    console.report(REPORT)
    envelope = json.loads(out.getvalue())
    assert envelope["status"] == "problems"
    assert envelope["warnings"] == ["look"]
    assert envelope["data"]["n"] == 1
    assert [check["passed"] for check in envelope["data"]["checks"]] == [True, False]


def test_terminal_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    console = TerminalConsole()
    console.step_started(1, 1, "land")
    console.progress(1, 2, "rows", 1.0)
    console.step_finished(1, 1, "land", 1.0, "2 rows", True)
    console.report(REPORT)
    console.error("Failed", "it broke", actions=["greatfin list"])
    shown = capsys.readouterr()
    assert "1,234" in shown.out
    assert "it is right" in shown.out
    assert "unchanged" in shown.err
    assert "it broke" in shown.err


def test_page_takes_another_output() -> None:
    page = PAGE.read_text()
    fresh = refresh(page, "new output")
    assert f"{BEGIN}```\nnew output\n```\n{END}" in fresh
    assert refresh(fresh, "new output") == fresh
    with pytest.raises(ValueError, match="no markers"):
        refresh("nothing", "x")
