"""Choose the console that fits where the output goes."""

from __future__ import annotations

import os
import sys

from greatfin.console.base import Console
from greatfin.console.plain import PlainConsole


def choose_console(command: str, *, as_json: bool) -> Console:
    """Return JSON when asked for, rich on a colour terminal, plain text elsewhere."""
    if as_json:
        from greatfin.console.json import JsonConsole

        return JsonConsole(command)
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    if plain or not (sys.stdout.isatty() and sys.stderr.isatty()):
        return PlainConsole()
    from greatfin.console.terminal import TerminalConsole

    return TerminalConsole()
