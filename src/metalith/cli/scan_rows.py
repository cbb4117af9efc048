"""What a scan gives as rows, one for each instance, as they come: JSON lines, CSV, or columns for people."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson
from rich.cells import cell_len, set_cell_size

from metalith import BulkData, Instance, InstanceTable, PersonName, Sequence
from metalith.cli.screen import Screen
from metalith.cli.select import Path, find
from metalith.cli.show import instance_json
from metalith.cli.values import count, text_of

if TYPE_CHECKING:
    from metalith._core import Dialect

__all__ = ["Cells", "CsvRows", "JsonLines"]

_ROOM = 60  # for a cell
_PATH = "path"  # no attribute is called so


class _Rows:
    def __init__(self, paths: list[Path], with_paths: bool) -> None:
        self._paths, self._with_paths = paths, with_paths
        self._names = [".".join(name.natural for name in path) for path in paths]
        # what the rows do not show need not be read, but that series are counted
        self.tags: list[str] | None = ["SeriesInstanceUID", *(path[0].natural for path in paths)]

    def _files(self, table: InstanceTable) -> Iterator[tuple[Instance, str]]:
        """Instances, each with the path of its file as text that can be written."""
        if not self._with_paths:
            return ((instance, "") for instance in table)
        texts = ((path or "").encode("utf-8", "backslashreplace").decode() for path in table.paths)
        return zip(table, texts, strict=True)

    def end(self) -> None:
        sys.stdout.flush()


class JsonLines(_Rows):
    """An object for each instance, in a line of its own; with the path of its file, that comes first."""

    def __init__(self, paths: list[Path], dialect: Dialect, with_paths: bool) -> None:
        super().__init__(paths, with_paths)
        self._dialect = dialect
        if not paths:
            self.tags = None

    def add(self, table: InstanceTable) -> None:
        out = sys.stdout.buffer
        for instance, file in self._files(table):
            text = instance_json(instance, self._dialect, self._paths)
            if self._with_paths:
                text = b'{"path":%b%b%b' % (orjson.dumps(file), b"" if text == b"{}" else b",", text[1:])
            out.write(text + b"\n")
        out.flush()


class CsvRows(_Rows):
    """Comma-separated values, the names in the first line. UTF-8."""

    def __init__(self, paths: list[Path], with_paths: bool) -> None:
        super().__init__(paths, with_paths)
        self._write([[_PATH] * with_paths + self._names])

    def add(self, table: InstanceTable) -> None:
        self._write([file] * self._with_paths + self._cells(row) for row, file in self._files(table))

    def _cells(self, instance: Instance) -> list[str]:
        return [" | ".join(_plain(d[name]) for _, d, name in find(instance, path)) for path in self._paths]

    @staticmethod
    def _write(rows: Any) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        sys.stdout.buffer.write(text.getvalue().encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()


class Cells(_Rows):
    """Columns side by side. They are as wide as what came so far needs."""

    def __init__(self, paths: list[Path], with_paths: bool) -> None:
        super().__init__(paths, with_paths)
        self._screen = Screen()
        self._heads = self._names + [_PATH] * with_paths
        self._widths: list[int] = []

    def add(self, table: InstanceTable) -> None:
        rows = [self._cells(instance) + [file] * self._with_paths for instance, file in self._files(table)]
        first = not self._widths
        wanted = [max(map(cell_len, cells)) for cells in zip(self._heads, *rows, strict=True)]
        self._widths = wanted if first else list(map(max, self._widths, wanted))
        if first:
            self._line(self._heads, "dim")
        for row in rows:
            self._line(row, "")
        sys.stdout.flush()

    def _cells(self, instance: Instance) -> list[str]:
        cells = []
        for path in self._paths:
            text = " | ".join(text_of(d[name], _ROOM) for _, d, name in find(instance, path))
            cells.append(text if cell_len(text) <= _ROOM else set_cell_size(text, _ROOM - 1) + "…")
        return cells

    def _line(self, cells: list[str], style: str) -> None:
        widths = [*self._widths[:-1], 0]
        padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True))
        self._screen.line(("   ".join(padded), style))


def _plain(value: Any) -> str:
    """A value as CSV has it: several ones parted as in DICOM, what is not text by its size."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return "\\".join(map(_plain, value))
    if isinstance(value, PersonName):
        return value.text
    if isinstance(value, bytes):
        return f"<{count(len(value), 'byte')}>"
    if isinstance(value, Sequence):
        return f"<{count(len(value), 'item')}>"
    return repr(value) if isinstance(value, (float, BulkData)) else str(value)
