"""What is given to a store, as tables of one series each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, cast

import numpy as np

from metalith import _core
from metalith._core import Instance, InstanceTable
from metalith.encode import dumps
from metalith.errors import StoreError
from metalith.naturalize import naturalize

__all__ = ["Incoming", "Part", "parts_of", "tables_of"]

Incoming = (
    InstanceTable
    | Instance
    | Mapping[Any, Any]
    | bytes
    | bytearray
    | memoryview
    | str
    | os.PathLike[str]
    | Iterable[InstanceTable | Instance | Mapping[Any, Any]]
)

STUDY, SERIES, SOP = 0x0020000D, 0x0020000E, 0x00080018


class Part(NamedTuple):
    """Instances of one series, in a table of their own."""

    study_instance_uid: str
    series_instance_uid: str
    table: InstanceTable


def tables_of(data: Incoming) -> list[InstanceTable]:
    """Tables with all instances of what a store takes, in their order."""
    if isinstance(data, InstanceTable):
        return [data]
    if isinstance(data, Instance):
        return [_core.table_of([data])]
    if isinstance(data, (bytes, bytearray, memoryview, str, os.PathLike)):
        return [_read(data)]
    if isinstance(data, Mapping):
        return [_from_dicts([data])]
    if hasattr(data, "to_json_dict"):  # a pydicom.Dataset
        from metalith.interchange import from_pydicom

        return [_core.table_of([from_pydicom(cast(Any, data))])]
    if hasattr(data, "read"):
        return [_read(data.read())]
    if isinstance(data, Iterable):
        return list(_from_several(data))
    raise TypeError(f"a store takes tables, instances, datasets or files, not a {type(data).__name__}")


def _read(data: Any) -> InstanceTable:
    """DICOM JSON or a Part-10 file."""
    if isinstance(data, str):
        return naturalize(data)
    if isinstance(data, os.PathLike):
        with open(data, "rb") as file:
            start = file.read(132)
        return _file(data) if _is_file(start) else naturalize(data)
    return _file(data) if _is_file(bytes(memoryview(data).cast("B")[:132])) else naturalize(data)


def _is_file(start: bytes) -> bool:
    """Whether it is rather a DICOM file than JSON text."""
    return start[128:132] == b"DICM" or start[:1] not in b" \t\r\n[{\xef"


def _file(data: Any) -> InstanceTable:
    from metalith.part10 import read

    return _core.table_of([read(data)])


def _from_several(several: Iterable[Any]) -> Iterator[InstanceTable]:
    """Runs of instances, and of dicts, become one table each."""
    instances: list[Instance] = []
    dicts: list[Mapping[Any, Any]] = []
    for one in several:
        if instances and not isinstance(one, Instance):
            yield _core.table_of(instances)
            instances = []
        if dicts and (isinstance(one, Instance) or not isinstance(one, Mapping)):  # an instance is a mapping, too
            yield _from_dicts(dicts)
            dicts = []
        if isinstance(one, Instance):
            instances.append(one)
        elif isinstance(one, InstanceTable):
            yield one
        elif isinstance(one, Mapping):
            dicts.append(one)
        else:
            yield from tables_of(one)
    if instances:
        yield _core.table_of(instances)
    if dicts:
        yield _from_dicts(dicts)


def _from_dicts(dicts: list[Mapping[Any, Any]]) -> InstanceTable:
    if all(map(_is_dicom_json, dicts)):
        return naturalize(dicts)
    return naturalize(dumps(dicts))


def _is_dicom_json(dataset: Mapping[Any, Any]) -> bool:
    """Whether a dict's values are elements (PS3.18 F.2.2) and not natural values."""
    return all(isinstance(element, Mapping) and "vr" in element for element in dataset.values())


def parts_of(table: InstanceTable) -> list[Part]:
    """A table cut into its series, each in a table of its own; itself where it has one only."""
    if not len(table):
        return []
    study, study_cells = _uids(table, STUDY, "StudyInstanceUID")
    series, series_cells = _uids(table, SERIES, "SeriesInstanceUID")
    _uids(table, SOP, "SOPInstanceUID")
    if study_cells is None and series_cells is None and _core.is_root(table):
        return [Part(study[0], series[0], table)]
    count = len(table)
    studies = [study[0]] * count if study_cells is None else [study[cell] for cell in study_cells.tolist()]
    each = [series[0]] * count if series_cells is None else [series[cell] for cell in series_cells.tolist()]
    rows: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(studies, each, strict=True)):
        rows.setdefault(key, []).append(row)
    return [Part(*key, _core.copy_rows([(table, np.array(chosen, dtype=np.uint32))])) for key, chosen in rows.items()]


def _uids(table: InstanceTable, tag: int, keyword: str) -> tuple[dict[int, str], Any]:
    """The distinct values of a UID, by cell, and each row's cell; None for the cells when all have the first."""
    try:
        found = _core._cells(table, tag, 0, len(table))
    except KeyError:
        raise StoreError(f"instance 0 has no {keyword}") from None
    if found is None:
        raise StoreError(f"{keyword} is spelled in several ways")
    column, cells, missing = found
    if isinstance(cells, int):
        used, each = [cells], None
        if tag == SOP:
            _core.check_uids(table, column, np.array(used, dtype=np.uint32), keyword)
    else:
        each = np.frombuffer(cells, dtype=np.uint32)
        if missing:
            raise StoreError(f"instance {int(np.argmax(each == 0xFFFFFFFF))} has no {keyword}")
        if tag == SOP:
            _core.check_uids(table, column, each, keyword)
            return {}, each
        used = np.unique(each).tolist()
    values = {}
    for cell in used:
        value = _core._value_of_cell(table, column, cell)
        if not isinstance(value, str) or not value:
            row = 0 if each is None else int(np.argmax(each == cell))
            raise StoreError(f"{keyword} of instance {row} is no UID")
        values[cell] = value
    return ({0: values[used[0]]} if each is None else values), each
