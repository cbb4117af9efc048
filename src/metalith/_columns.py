"""Columns of a table as NumPy arrays: each distinct value is converted once, then taken by its index for all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metalith import _core
from metalith.errors import ColumnError

if TYPE_CHECKING:
    from metalith._core import InstanceTable

ABSENT = 0xFFFFFFFF


def column(table: InstanceTable, key: str | int, first: int, count: int, masked: bool, dtype: Any) -> Any:
    """`InstanceTable.column` for rows [first, first + count)."""
    found = _core._cells(table, key, first, count)
    if found is None:
        return _from_objects(table, key, first, count, masked, dtype)
    index, cells = found
    if isinstance(cells, int):  # one value for all
        used, inverse = np.array([cells], dtype=np.uint32), None
    else:
        used, inverse = np.unique(np.frombuffer(cells, dtype=np.uint32), return_inverse=True)
    missing_last = len(used) > 0 and used[-1] == ABSENT
    present = used[:-1] if missing_last else used
    if missing_last and not len(present):
        raise KeyError(key)
    distinct, mask = _distinct(table, index, present, key, inverse, dtype)
    if missing_last:
        distinct, mask = _with_missing(distinct, mask)
    if masked or mask.any():
        distinct, mask = _settle_missing(distinct, mask, masked)
    if inverse is None:
        values = np.broadcast_to(distinct[:1], (count, *distinct.shape[1:]))
        return np.ma.MaskedArray(values, np.broadcast_to(mask[:1], values.shape)) if masked else values
    values = distinct.take(inverse, axis=0)
    return np.ma.MaskedArray(values, mask.take(inverse, axis=0)) if masked else values


def _distinct(table: InstanceTable, index: int, present: Any, key: Any, inverse: Any, dtype: Any) -> tuple[Any, Any]:
    """The distinct values as array [n] or [n, k], and which are missing."""
    numbers = None if dtype in (str, object) else _core._distinct_numbers(table, index, present)
    if numbers is not None:
        counts, integers = np.frombuffer(numbers[0], dtype=np.uint32), numbers[1]
        width = _width(counts, key, inverse)
        shape = (len(present), max(width, 1))
        filled = _fill(table, index, present, shape, integers)
        if filled is not None:
            values, mask = filled
            if width <= 1:
                values, mask = values[:, 0], mask[:, 0]
            return (values if dtype is None else values.astype(dtype)), mask
    objects = np.empty(len(present), dtype=object)
    for i, cell in enumerate(present):
        objects[i] = _core._value_of_cell(table, index, int(cell))
    return _typed_objects(objects, dtype)


def _fill(table: InstanceTable, index: int, present: Any, shape: tuple[int, int], integers: bool) -> Any:
    """Numbers of the distinct values, and which are missing; None when one is no number after all."""
    if integers:
        values, missing = np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.uint8)
        if _core._fill_integers(table, index, present, values, missing):
            return values, missing.view(bool)
        return None
    reals = np.empty(shape, dtype=np.float64)
    return (reals, np.isnan(reals)) if _core._fill_doubles(table, index, present, reals) else None


def _typed_objects(objects: Any, dtype: Any) -> tuple[Any, Any]:
    mask = np.array([value is None for value in objects], dtype=bool)
    if dtype is str:
        return np.array(["" if value is None else str(value) for value in objects], dtype=str), mask
    if dtype not in (None, object):
        return objects.astype(dtype), mask
    if dtype is None and len(objects) and all(isinstance(value, int) for value in objects):
        # integers that 64 bits with sign do not hold
        if all(0 <= value < 1 << 64 for value in objects):
            return objects.astype(np.uint64), mask
    return objects, mask


def _width(counts: Any, key: Any, inverse: Any) -> int:
    """How many values each instance has; those with none are missing, any other difference is an error."""
    width = int(counts.max(initial=0))
    ragged = (counts != width) & (counts != 0)
    if not ragged.any():
        return width
    rows: tuple[int, ...] = ()
    if inverse is not None:
        padded = np.append(ragged, False)
        rows = tuple(int(row) for row in np.flatnonzero(padded.take(np.minimum(inverse, len(ragged))))[:10])
    sizes = sorted({int(n) for n in counts[counts != 0]})
    message = f"{key}: instances have different numbers of values ({', '.join(map(str, sizes))}); unlike the others: rows "
    raise ColumnError(message + ", ".join(map(str, rows)), keyword=str(key), rows=rows)


def _with_missing(distinct: Any, mask: Any) -> tuple[Any, Any]:
    """One more distinct value at the end: that of rows without the attribute."""
    extra: Any = np.zeros((1, *distinct.shape[1:]), dtype=distinct.dtype)
    if distinct.dtype == object:
        extra[...] = None
    return np.concatenate([distinct, extra]), np.concatenate([mask, np.ones((1, *mask.shape[1:]), dtype=bool)])


def _settle_missing(distinct: Any, mask: Any, masked: bool) -> tuple[Any, Any]:
    """NaN where a number is missing; integers with missing values become float64 unless there is a mask to tell."""
    if masked:
        return distinct, mask
    if distinct.dtype.kind in "iu":
        distinct = distinct.astype(np.float64)
    if distinct.dtype.kind == "f":
        distinct = distinct.copy()
        distinct[mask] = np.nan
    return distinct, mask


def _from_objects(table: InstanceTable, key: Any, first: int, count: int, masked: bool, dtype: Any) -> Any:
    """An attribute that some instances spell otherwise (0009100a and 0009100A): by way of Python objects."""
    values = [table[row].get(key) for row in range(first, first + count)]
    sizes = [0 if value is None else len(value) if isinstance(value, tuple) else 1 for value in values]
    width = max(sizes)
    numeric = all(
        isinstance(member, (int, float))
        for value in values
        if value is not None
        for member in (value if isinstance(value, tuple) else (value,))
    )
    if not numeric or dtype in (str, object):
        objects = np.empty(count, dtype=object)
        objects[:] = values
        typed, mask = _typed_objects(objects, dtype)
        return np.ma.MaskedArray(typed, mask) if masked else typed
    _width(np.array(sizes, dtype=np.uint32), key, np.arange(count))
    rows = [value if isinstance(value, tuple) else (value,) * max(width, 1) for value in values]
    reals = np.array([[np.nan if member is None else member for member in row] for row in rows], dtype=np.float64)
    reals = reals[:, 0] if width <= 1 else reals
    return np.ma.masked_invalid(reals) if masked else reals
