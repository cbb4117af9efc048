"""`metalith show`: instances as a tree of attributes, or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from metalith import Instance, InstanceTable, Sequence
from metalith.cli.failure import UsageError
from metalith.cli.screen import Part, Screen, note
from metalith.cli.select import Path, find, parse, prune
from metalith.cli.source import load
from metalith.cli.values import EMPTY, count, one_line, text_of

if TYPE_CHECKING:
    from metalith._core import Dialect

__all__ = ["Request", "instance_json", "run"]

_NAME_WIDTH = 36


@dataclass(frozen=True)
class Request:
    """What to show."""

    select: list[str]
    dialect: Dialect
    instance: int | None
    limit: int | None
    items: int


def run(file: str, request: Request, *, json: bool, strict: bool) -> None:
    """The command."""
    if request.instance is not None and request.limit is not None:
        raise UsageError("--instance and --limit exclude each other")
    loaded = load(file, strict=strict)
    table = loaded.table
    rows = _rows(request, len(table), json)
    paths = parse(request.select, table)
    if json:
        sys.stdout.buffer.write(_json(table, rows, request, paths) + b"\n")
        sys.stdout.buffer.flush()
    elif request.dialect != "natural":
        for row in rows:
            print(_indented(instance_json(table[row], request.dialect, paths)))
    else:
        _Tree(request.items).show(table, rows, paths)
        _tell_absent(table, rows, paths)
    if not json and request.limit is None and request.instance is None and len(table) > len(rows):
        more = count(len(table) - len(rows), "more instance")
        note(f"{more} (--instance 1 for the next, --limit 0 for all; metalith summary compares them)")
    if table.problems:
        note(f"{count(len(table.problems), 'problem')} in the input; metalith summary lists them")


def _rows(request: Request, n: int, json: bool) -> range:
    if request.instance is not None:
        row = request.instance + n if request.instance < 0 else request.instance
        if not 0 <= row < n:
            there = f"instances 0 to {n - 1:,}" if n > 1 else "instance 0 only" if n else "no instances"
            raise UsageError(f"there is no instance {request.instance:,}; the input has {there}")
        return range(row, row + 1)
    limit = request.limit if request.limit is not None else 0 if json else 1
    return range(min(limit, n) if limit else n)


def _tell_absent(table: InstanceTable, rows: range, paths: list[Path]) -> None:
    for path in paths:
        if not any(True for row in rows for _ in find(table[row], path)):
            where = "the instance" if len(rows) == 1 else "these instances"
            note(f"no {'.'.join(one_line(name.natural) for name in path)} in {where}")


# ---- JSON ----


def _json(table: InstanceTable, rows: range, request: Request, paths: list[Path]) -> bytes:
    if request.instance is not None:
        return instance_json(table[rows[0]], request.dialect, paths)
    if len(rows) == len(table) and not paths:
        return table.to_json(request.dialect)
    return b"[" + b",".join([instance_json(table[row], request.dialect, paths) for row in rows]) + b"]"


def instance_json(instance: Instance, dialect: Dialect, paths: list[Path]) -> bytes:
    """An instance, or what paths select of it."""
    text = instance.to_json(dialect)
    if not paths:
        return text
    # fragments: numbers stay as they were spelled
    dataset = json.loads(text, parse_float=_fragment, parse_int=_fragment)
    return orjson.dumps(prune(dataset, paths))


def _fragment(number: str) -> orjson.Fragment:
    return orjson.Fragment(number)


def _indented(text: bytes) -> str:
    lines = json.dumps(json.loads(text), indent=2, ensure_ascii=False).split("\n")
    return "\n".join(
        line if line.isprintable() else "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in line)
        for line in lines
    )


# ---- terminal ----


class _Tree:
    def __init__(self, items: int) -> None:
        self.screen = Screen()
        self.items = items

    def show(self, table: InstanceTable, rows: range, paths: list[Path]) -> None:
        for row in rows:
            instance = table[row]
            if len(table) > 1:
                if row != rows[0]:
                    self.screen.line("")
                self.screen.line((f"instance {row:,} of {len(table):,}", "bold cyan"))
            if paths:
                self._selected(instance, paths)
            else:
                self._dataset(instance, "", "")

    def _selected(self, instance: Instance, paths: list[Path]) -> None:
        found = [place for path in paths for place in self._limited(instance, path)]
        width = max((len(label) for label, *_ in found), default=0)
        for label, dataset, name in found:
            if dataset is None:
                self.screen.line((label, "dim"))
            else:
                self._attribute("", label, width, dataset, name)

    def _limited(self, instance: Instance, path: Path) -> Iterator[tuple[str, Instance | None, str]]:
        for n, place in enumerate(places := list(find(instance, path))):
            if n == self.items:
                yield self._more(len(places) - n), None, ""
                return
            yield place

    def _more(self, n: int) -> str:
        return f"… {count(n, 'more item')} (--items 0 for all)"

    def _dataset(self, dataset: Instance, first: str, pad: str) -> None:
        """One line per attribute; `first` stands before the first, as wide as `pad` before the others."""
        names = dataset.keys()
        if not names:
            self.screen.line((f"{first}{EMPTY}", "dim"))
        width = min(max(map(len, names), default=0), _NAME_WIDTH)
        for name in names:
            self._attribute(first, one_line(name), width, dataset, name, pad)
            first = pad

    def _attribute(self, lead: str, label: str, width: int, dataset: Instance, name: str, pad: str = "") -> None:
        value = dataset[name]
        before = f"{label:{width}}  "
        room = max(self.screen.width - len(lead) - len(before) - 4, 30)
        text = text_of(value, room)
        faint = value is None or text.startswith("<") or isinstance(value, Sequence)
        shown: Part = (text, "dim") if faint else text
        self.screen.line((lead, "dim"), (before, "cyan"), (f"{dataset.vr(name):2}  ", "dim"), shown)
        if isinstance(value, Sequence):
            self._items(value, pad + "  ")

    def _items(self, items: Sequence, pad: str) -> None:
        n = min(len(items), self.items)
        width = len(str(max(n - 1, 0)))
        for i in range(n):
            number = f"[{i}]".rjust(width + 2) + " "
            self._dataset(items[i], pad + number, pad + " " * len(number))
        if n < len(items):
            self.screen.line((pad + self._more(len(items) - n), "dim"))
