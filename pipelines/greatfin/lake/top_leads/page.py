"""Refresh the output shown on the use case's page: ``python -m greatfin.lake.top_leads.page``.

Reads the plain output of a run from stdin and puts it between the page's two markers.
"""

from __future__ import annotations

import sys
from pathlib import Path

PAGE = Path(__file__).with_name("README.md")
BEGIN = "<!-- output: greatfin run lake/top-leads -->\n"
END = "<!-- end of output -->"


def refresh(page: str, output: str) -> str:
    """Return the page with another output."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or not after:
        raise ValueError("the page has no markers around its output")
    return f"{before}{BEGIN}```\n{output.strip()}\n```\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(refresh(PAGE.read_text(), sys.stdin.read()))
