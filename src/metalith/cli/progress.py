"""A bar on standard error while many files are read."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from metalith.cli.values import count
from metalith.folders import Paths, walk
from metalith.scanning import Scan

__all__ = ["Bar"]


class Bar:
    """Shows how far a scan is, in a terminal only. How many files there are is counted meanwhile, by another walk.

    Parameters
    ----------
    paths
        What is scanned.
    shown : bool
        False when lines of output go to the same terminal meanwhile.
    """

    def __init__(self, paths: Paths, *, shown: bool = True) -> None:
        self._paths = paths
        self._progress: Progress | None = None
        self._total: int | None = None
        self._counting = True
        if shown and sys.stderr.isatty():
            text = TextColumn("{task.fields[told]}")
            console = Console(stderr=True, highlight=False)
            self._progress = Progress(BarColumn(24), text, TimeElapsedColumn(), console=console, transient=True)
            self._task = self._progress.add_task("", total=None, told="")

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
            threading.Thread(target=self._count, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._counting = False
        if self._progress is not None:
            self._progress.stop()

    def update(self, scan: Scan) -> None:
        """For `metalith.scan`."""
        if self._progress is None:
            return
        speed = self._progress.tasks[0].speed or 0
        of_all = "" if self._total is None else f" of {self._total:,}"
        parts = [f"{scan.files:,}{of_all} files", f"{speed:,.0f}/s", count(scan.instances, "instance")]
        parts.append(count(scan.tables, "series", "series"))
        if scan.failed:
            parts.append(f"[yellow]{scan.failed:,} unreadable[/]")
        self._progress.update(self._task, completed=scan.files, total=self._total, told=", ".join(parts))

    def _count(self) -> None:
        n = 0
        for entry in walk(self._paths):
            if not self._counting:
                return
            n += isinstance(entry, bytes) or entry.what in ("index", "special")
        self._total = n
