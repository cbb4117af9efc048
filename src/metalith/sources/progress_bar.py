"""A bar that shows how far a loading is, in terminals and notebooks (rich)."""

from __future__ import annotations

from typing import Any

from metalith.sources.loading import Progress

__all__ = ["ProgressBar"]


class ProgressBar:
    """Shows on standard error, or in the notebook, how far a loading is; elsewhere nothing.

    Raises
    ------
    ImportError
        rich is not installed: `pip install metalith[cli]`.
    """

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        console = Console(stderr=True, highlight=False)
        self._progress: Any = None
        if console.is_terminal or console.is_jupyter:
            text = TextColumn("{task.fields[told]}")
            self._progress = RichProgress(BarColumn(24), text, TimeElapsedColumn(), console=console, transient=True)
            self._task = self._progress.add_task("", total=None, told="asking which series there are")

    def start(self) -> None:
        """Shows the bar."""
        if self._progress is not None:
            self._progress.start()

    def update(self, now: Progress) -> None:
        """For `retrieve.series.metadata`."""
        if self._progress is None:
            return
        told = f"{now.loaded:,} of {now.series:,} series, {now.instances:,} instances"
        if now.failed:
            told += f", [yellow]{now.failed:,} failed[/]"
        self._progress.update(self._task, completed=now.loaded + now.failed, total=now.series, told=told)

    def stop(self) -> None:
        """Takes the bar away."""
        if self._progress is not None:
            self._progress.stop()
