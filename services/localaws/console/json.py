"""JSON: one envelope on stdout, nothing else; progress in plain text on stderr."""

from __future__ import annotations

import dataclasses
import json

from localaws.console.base import Envelope, Table
from localaws.console.plain import PlainConsole


class JsonConsole(PlainConsole):
    """Prints the envelope at the end; its data is what the other consoles print as text."""

    def line(self, text: str) -> None:
        """Leave the line out: the envelope has its data."""

    def table(self, table: Table) -> None:
        """Leave the table out: the envelope has its data."""

    def finish(self, envelope: Envelope) -> None:
        """Print the envelope."""
        text = json.dumps(dataclasses.asdict(envelope), indent=2, ensure_ascii=False)
        print(text, file=self._output, flush=True)
