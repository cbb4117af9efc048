"""Other values for all instances of a series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from metalith import _core, encode
from metalith._core import Instance, InstanceTable
from metalith._texts import load, write
from metalith.errors import EncodeError, StoreError

__all__ = ["changed_table"]

_UIDS = {"0020000D", "0020000E", "00080018"}


def changed_table(instances: Iterable[Instance], changes: Mapping[Any, Any]) -> InstanceTable:
    """A table of the instances with some attributes changed, added, or (with `...`) removed."""
    table = _core.table_of(instances)
    elements = _elements(table[0], changes)
    if not _UIDS.isdisjoint(elements):
        raise StoreError("UIDs cannot be changed: add the instances anew")
    # numbers stay the texts that they are: what is not changed comes out as it was sent
    datasets = [load(instance.to_json("dicom")) for instance in table]
    spelled = {key for dataset in datasets for key in dataset}
    gone = {key for key in spelled if _digits(key) in elements}
    given = {digits: element for digits, element in elements.items() if element is not None}
    for dataset in datasets:
        for key in gone.intersection(dataset):
            del dataset[key]
        dataset.update(given)
    return _core._table_from_json(write(datasets).encode("utf-8", "surrogatepass"), _core.origin_of(table))


def _elements(first: Instance, changes: Mapping[Any, Any]) -> dict[str, dict[str, Any] | None]:
    """The changes as DICOM JSON; what the dictionary leaves open of their VRs is as in the first instance."""
    context = {name: changes.get(name, first.get(name)) for name in ("PixelRepresentation", "BitsAllocated")}
    context[encode._EXACT] = []
    elements: dict[str, dict[str, Any] | None] = {}
    for name, value in changes.items():
        tag = encode._tag(name, "")
        digits = f"{tag:08X}"
        if digits in elements:
            raise EncodeError(f"{digits}: named twice")
        vr = first.vr(tag) if tag in first else None
        vr = vr if vr and len(vr) == 2 else None
        elements[digits] = None if value is ... else encode._element(tag, value, context, digits, vr)
    return elements


def _digits(key: str) -> str | None:
    """The tag that a key of a dataset stands for, however it is spelled."""
    try:
        return f"{encode._tag(key, ''):08X}"
    except EncodeError:
        return None
