"""Natural values as text for people and as plain data for JSON.

What comes from a file is never sent to the terminal as it is: control characters, which could move the cursor or
break lines, are spelled out.
"""

from __future__ import annotations

import math
from typing import Any

from rich.cells import cell_len, set_cell_size

from metalith import BulkData, PersonName, Sequence

__all__ = ["EMPTY", "count", "one_line", "size", "text_of", "to_plain"]

EMPTY = "(empty)"


def count(n: int, one: str, many: str | None = None) -> str:
    """`1 item`, `2,000 items`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def size(n: float) -> str:
    """Bytes, in the unit that suits."""
    for unit in ("bytes", "kB", "MB"):
        if n < 1000 or unit == "MB":
            return f"{n:,.0f} {unit}" if unit == "bytes" or n >= 100 else f"{n:.1f} {unit}"
        n /= 1000
    raise AssertionError


def one_line(text: str) -> str:
    r"""Text with control characters as \n, \x1b and the like."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def text_of(value: Any, room: int) -> str:
    """A value in one line of about `room` columns; what is longer is cut and its length told."""
    if isinstance(value, tuple):
        return _list(value, room)
    if value is None:
        return EMPTY
    if isinstance(value, bytes):
        return f"<{count(len(value), 'byte')}>"
    if isinstance(value, BulkData):
        return f"<bulk data> {_cut(value.uri, room - 12)}"
    if isinstance(value, Sequence):
        return count(len(value), "item")
    return _cut(value.text if isinstance(value, PersonName) else str(value), room)


def _cut(text: str, room: int) -> str:
    note = f"… ({len(text):,} characters)"
    shown = one_line(text[: room + 1])
    if len(text) <= room and cell_len(shown) <= room:
        return shown
    return set_cell_size(shown, max(room - len(note), 8)).rstrip() + note


def _list(values: tuple[Any, ...], room: int) -> str:
    note = f", … ({count(len(values), 'value')})]"
    parts: list[str] = []
    used, safe = 2, 0
    for value in values:
        part = "null" if value is None else text_of(value, room)
        used += cell_len(part) + 2
        parts.append(part)
        if used + len(note) <= room:
            safe = len(parts)
        if used - 2 > room:
            return "[" + ", ".join(parts[: max(safe, 1)]) + note
    return "[" + ", ".join(parts) + "]"


def to_plain(value: Any) -> Any:
    """A value as JSON data of a summary: sequences, bytes and bulk data by size or place."""
    if isinstance(value, tuple):
        return [to_plain(member) for member in value]
    if isinstance(value, Sequence):
        return {"items": len(value)}
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    if isinstance(value, BulkData):
        return {"BulkDataURI": value.uri}
    if isinstance(value, PersonName):
        return value.text
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
