"""`metalith scan`: any number of files, as a tree of what they hold or as rows."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import metalith
from metalith import InstanceTable, Scan
from metalith.cli.failure import InputError, UsageError
from metalith.cli.progress import Bar
from metalith.cli.scan_rows import Cells, CsvRows, JsonLines
from metalith.cli.scan_tree import Tree
from metalith.cli.screen import note
from metalith.cli.select import parse
from metalith.cli.values import count
from metalith.scanning import Failure

if TYPE_CHECKING:
    from metalith._core import Dialect

__all__ = ["Request", "run", "told"]

# of --csv without --select: what tells instances apart
_USUAL = (
    "PatientID,PatientName,StudyInstanceUID,StudyDate,StudyDescription,SeriesInstanceUID,SeriesNumber,Modality,"
    "SeriesDescription,SOPClassUID,SOPInstanceUID,InstanceNumber"
)


@dataclass(frozen=True)
class Request:
    """What to show of the files."""

    select: list[str]
    json: bool
    csv: bool
    tree: bool
    dialect: Dialect
    with_paths: bool
    partial: bool
    workers: int | None


class _Output(Protocol):
    tags: list[str] | None  # the attributes it needs; None: all

    def add(self, table: InstanceTable) -> None: ...

    def end(self) -> None: ...


def run(inputs: list[str], request: Request) -> None:
    """The command."""
    output = _output(request)
    paths = inputs[0] if len(inputs) == 1 else inputs
    start = time.perf_counter()
    series: set[object] = set()
    streaming = not isinstance(output, Tree)
    with (
        Bar(paths, shown=not (streaming and sys.stdout.isatty())) as bar,
        metalith.scan(
            paths,
            workers=request.workers,
            specific_tags=output.tags,
            on_error="partial" if request.partial else "report",
            progress=bar.update,
        ) as scan,
    ):
        for table in scan:
            series.add(table[0].get("SeriesInstanceUID"))
            output.add(table)
    output.end()
    _tell(scan, len(series), time.perf_counter() - start)
    if not scan.instances:
        raise InputError("there is no DICOM file that can be read")


def _output(request: Request) -> _Output:
    if request.json + request.csv + request.tree > 1:
        raise UsageError("--json, --csv and --tree exclude each other")
    if request.tree and (request.select or request.with_paths):
        raise UsageError("--tree has no attributes to select, and no paths; it goes without --select and --paths")
    if request.dialect != "natural" and not request.json:
        raise UsageError("--dialect needs --json")
    nothing = metalith.naturalize(b"[]")
    if request.json:
        return JsonLines(parse(request.select, nothing), request.dialect, request.with_paths)
    if request.csv:
        return CsvRows(parse(request.select or [_USUAL], nothing), request.with_paths)
    if request.select or request.with_paths:
        return Cells(parse(request.select, nothing), request.with_paths)
    return Tree()


def _tell(scan: Scan, series: int, seconds: float) -> None:
    parts = [f"{count(scan.instances, 'instance')} in {series:,} series"]
    for n, what in (
        (scan.skipped, "not DICOM"),
        (scan.indexes, "DICOMDIR"),
        (scan.links, "not followed, being links that lead elsewhere"),
        (scan.failed, "unreadable"),
    ):
        if n:
            parts.append(f"{n:,} {what}")
    speed = f"{seconds:.2f} s, {scan.files / max(seconds, 1e-9):,.0f} files/s"
    note(f"{count(scan.files, 'file')}: {'; '.join(parts)} ({speed})")
    for failure in scan.failures:
        note(told(failure))
    if scan.failed > len(scan.failures):
        note(f"… and {scan.failed - len(scan.failures):,} more that cannot be read")


def told(failure: Failure) -> str:
    """A failure in one line, also where its path is not text."""
    return str(failure).encode("utf-8", "backslashreplace").decode()
