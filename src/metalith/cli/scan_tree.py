"""What a scan found, as a tree of patients, studies and series."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rich.cells import cell_len

from metalith import Instance, InstanceTable
from metalith.cli.screen import Screen
from metalith.cli.values import count, text_of

__all__ = ["Tree"]

_KEYS = ("IssuerOfPatientID", "PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID")
_TOLD = ("StudyDate", "StudyDescription", "Modality", "SeriesNumber", "SeriesDescription")
_UID = "SOPInstanceUID"
_ROOM = 64


@dataclass
class _Node:
    """A patient, study or series: what is told of it is that of its first instance."""

    first: Instance
    children: dict[Any, _Node] = field(default_factory=dict)
    files: int = 0
    instances: int = 0

    def child(self, key: Any, first: Instance) -> _Node:
        return self.children.setdefault(key, _Node(first))


class Tree:
    """Collects tables, and shows what they are of when all have come."""

    def __init__(self) -> None:
        self.tags: list[str] | None = [*_KEYS, *_TOLD, _UID]
        self._patients: dict[Any, _Node] = {}
        self._lines: list[tuple[str, str, str]] = []

    def add(self, table: InstanceTable) -> None:
        for keys, rows in _parts(table).items():
            issuer, patient, name, study, series = keys
            first = table[rows[0]]
            files, instances = len(rows), _different(table, rows)
            one = self._patients.setdefault((issuer, patient, None if patient else name), _Node(first))
            for node in (one, inner := one.child(study, first), inner.child(series, first)):
                node.files += files
                node.instances += instances

    def end(self) -> None:
        for patient in self._patients.values():
            series = sum(len(study.children) for study in patient.children.values())
            held = f"{count(len(patient.children), 'study', 'studies')}, {_series(series)}, {_held(patient)}"
            self._line(0, "bold", ("PatientName", "PatientID"), patient, held)
            for study in sorted(patient.children.values(), key=lambda node: str(node.first.get("StudyDate") or "")):
                held = f"{_series(len(study.children))}, {_held(study)}"
                self._line(1, "cyan", ("StudyDate", "StudyDescription"), study, held)
                for one in sorted(study.children.values(), key=_number):
                    self._line(2, "", ("Modality", "SeriesNumber", "SeriesDescription"), one, _held(one))
        self._show()

    def _line(self, depth: int, style: str, names: tuple[str, ...], node: _Node, held: str) -> None:
        values = (node.first.get(name) for name in names)
        told = "  ".join(text_of(value, _ROOM) for value in values if value is not None)
        self._lines.append(("  " * depth + (told or "(nothing said)"), style, held))

    def _show(self) -> None:
        screen = Screen()
        width = min(max((cell_len(told) for told, _, _ in self._lines), default=0), _ROOM)
        for told, style, held in self._lines:
            screen.line((told + " " * (width - cell_len(told)), style), (f"   {held}", "dim"))


def _parts(table: InstanceTable) -> dict[tuple[Any, ...], range | list[int]]:
    """The rows of each series; a table is mostly of one."""
    varying = set(table.varying)
    if varying.isdisjoint(_KEYS):
        return {tuple(map(table[0].get, _KEYS)): range(len(table))}
    parts: dict[tuple[Any, ...], range | list[int]] = {}
    for row, instance in enumerate(table):
        rows = parts.setdefault(tuple(map(instance.get, _KEYS)), [])
        assert isinstance(rows, list)
        rows.append(row)
    return parts


def _different(table: InstanceTable, rows: range | list[int]) -> int:
    """How many instances there are: files with the same UID are one, those without any one each."""
    uids = Counter(table[row].get(_UID) for row in rows)
    return len(uids) + max(uids[None] - 1, 0)


def _number(series: _Node) -> tuple[bool, float]:
    number = series.first.get("SeriesNumber")
    return (False, number) if isinstance(number, (int, float)) else (True, 0)


def _series(n: int) -> str:
    return count(n, "series", "series")


def _held(node: _Node) -> str:
    text = count(node.instances, "instance")
    return text if node.files == node.instances else f"{text} in {count(node.files, 'file')}"
