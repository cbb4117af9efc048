"""Output for people: lines of text, in colour where a terminal wants it.

In a terminal a line is made to fit its width; elsewhere lines are as long as they are, one attribute each, and have no
colour.
"""

from __future__ import annotations

import os
import sys

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from metalith.cli.values import one_line

__all__ = ["Part", "Screen", "note"]

Part = str | tuple[str, str]  # text, or text and style
_UNBOUNDED = 200  # columns, where there is no terminal to ask


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise  # the caller knows better than exit code 1


class Screen:
    """Standard output."""

    def __init__(self) -> None:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal has no letters for
        colours = None if os.environ.get("NO_COLOR") else "auto"
        self._console = _Console(color_system=colours, highlight=False, markup=False, emoji=False)  # type: ignore[arg-type]
        if not self._console.is_terminal and "COLUMNS" not in os.environ:
            self._console.width = _UNBOUNDED
        self.width = self._console.width

    def line(self, *parts: Part) -> None:
        """One line, never wrapped; control characters are spelled out, whatever they come from."""
        parts = tuple(one_line(p) if isinstance(p, str) else (one_line(p[0]), p[1]) for p in parts)
        if self._console.color_system is None:
            sys.stdout.write("".join(p if isinstance(p, str) else p[0] for p in parts).rstrip() + "\n")
        else:
            self._console.print(Text.assemble(*parts), soft_wrap=True)

    def heading(self, text: str, rest: str = "") -> None:
        """A title, after an empty line."""
        self.line("")
        self.line((text, "bold"), (f"  {rest}" if rest else "", "dim"))

    def table(self, columns: list[str], rows: list[list[str]]) -> None:
        """Columns, those whose names begin with ">" to the right; the last one gets what the others leave."""
        names = [name.lstrip(">") for name in columns]
        widths = [max(map(cell_len, cells)) for cells in zip(names, *rows, strict=True)]
        left = self.width - sum(widths[:-1]) - 3 * len(widths[:-1])
        widths[-1] = min(widths[-1], max(left, 12))
        for i, row in enumerate([names, *rows]):
            cells = [self._cell(*cell) for cell in zip(row, widths, [c[0] == ">" for c in columns], strict=True)]
            self.line(("   ".join(cells), "" if i else "dim"))

    @staticmethod
    def _cell(text: str, width: int, right: bool) -> str:
        if cell_len(text) > width:
            return set_cell_size(text, width - 1) + "…"
        fill = " " * (width - cell_len(text))
        return fill + text if right else text + fill


def note(text: str) -> None:
    """Something about the output that is not part of it."""
    sys.stdout.flush()
    print(f"metalith: {one_line(text)}", file=sys.stderr)
