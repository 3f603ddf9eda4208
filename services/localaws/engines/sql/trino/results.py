"""Rows of pages into Athena's result file, page by page in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from localaws.engines.sql.trino.display import Shown, shown
from localaws.engines.sql.trino.protocol import ColumnHeader, column_type, decode_rows

Cell = Callable[[Any], str]


class ResultFile:
    """Athena's result CSV: every name and value quoted, quotes doubled, nulls bare, lines in LF.

    Args:
        path: the file, made anew.
    """

    def __init__(self, path: Path) -> None:
        self.rows = 0
        self._file = path.open("wb")
        self._cells: list[Cell] | None = None

    def __enter__(self) -> ResultFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def begin(self, columns: Sequence[ColumnHeader]) -> None:
        """Write the header; further calls do nothing."""
        if self._cells is None:
            self._cells = [_cell(shown(column_type(column.type))) for column in columns]
            header = ",".join(_quoted(column.name.lower()) for column in columns)
            self._file.write(f"{header}\n".encode())

    def write(self, data: msgspec.Raw) -> None:
        """Write the rows of a page."""
        assert self._cells is not None
        cells, lines = self._cells, []
        for row in decode_rows(data):
            line = ",".join([cell(value) for cell, value in zip(cells, row, strict=True)])
            lines.append(line)
        if lines:
            self._file.write(("\n".join(lines) + "\n").encode("utf-8", "surrogatepass"))
            self.rows += len(lines)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _cell(show: Shown | None) -> Cell:
    if show is None:
        return _text_cell

    def cell(value: Any) -> str:
        return "" if value is None else '"' + show(value).replace('"', '""') + '"'

    return cell


def _text_cell(value: Any) -> str:
    return "" if value is None else '"' + value.replace('"', '""') + '"'
