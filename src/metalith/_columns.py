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
        # some instances spell the attribute otherwise (0009100a and 0009100A): row by row, by way of Python objects
        rows = np.arange(count)
        distinct, mask = _of_objects([table[first + row].get(key) for row in range(count)], key, rows, dtype)
        distinct, mask = _settle_missing(distinct, mask, masked, dtype, key, rows)
        return np.ma.MaskedArray(distinct, mask) if masked else distinct
    index, cells, some_lack_it = found
    if isinstance(cells, int):  # one value for all
        present, inverse = np.array([cells], dtype=np.uint32), None
    else:
        present, inverse = _used(np.frombuffer(cells, dtype=np.uint32), _core._distinct_count(table, index))
    if some_lack_it and not len(present):
        raise KeyError(key)
    distinct, mask = _distinct(table, index, present, key, inverse, dtype)
    if some_lack_it:
        distinct, mask = _with_missing(distinct, mask)
    if masked or mask.any():
        distinct, mask = _settle_missing(distinct, mask, masked, dtype, key, inverse)
    if inverse is None:
        values = np.broadcast_to(distinct[:1], (count, *distinct.shape[1:]))
        return np.ma.MaskedArray(values, np.broadcast_to(mask[:1], values.shape)) if masked else values
    values = distinct.take(inverse, axis=0)
    return np.ma.MaskedArray(values, mask.take(inverse, axis=0)) if masked else values


def _used(cells: Any, count: int) -> tuple[Any, Any]:
    """The distinct values that some row has, and for each row which of them; one past the end where it has none.

    A whole column mostly uses all there are; of a part of a large table only the ones it has are converted.
    """
    if count <= 2 * len(cells):
        used = np.zeros(count + 1, dtype=bool)
        used[np.minimum(cells, count)] = True
        if used[:count].all():
            return np.arange(count, dtype=np.uint32), np.minimum(cells, count) if used[count] else cells
    present, inverse = np.unique(cells, return_inverse=True)
    return (present[:-1] if len(present) and present[-1] == ABSENT else present), inverse


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
    objects = [_core._value_of_cell(table, index, int(cell)) for cell in present]
    return _of_objects(objects, key, inverse, dtype, numeric=numbers is not None)


def _fill(table: InstanceTable, index: int, present: Any, shape: tuple[int, int], integers: bool) -> Any:
    """Numbers of the distinct values, and which are missing; None when one is no number after all."""
    if integers:
        values, missing = np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.uint8)
        if _core._fill_integers(table, index, present, values, missing):
            return values, missing.view(bool)
        return None
    reals = np.empty(shape, dtype=np.float64)
    return (reals, np.isnan(reals)) if _core._fill_doubles(table, index, present, reals) else None


def _of_objects(objects: list[Any], key: Any, inverse: Any, dtype: Any, numeric: bool = True) -> tuple[Any, Any]:
    """Natural values as array [n] or [n, k], and which are missing."""
    if dtype not in (str, object):
        made = _of_numbers(objects, key, inverse, numeric)
        if made is not None:
            values, mask = made
            return (values if dtype is None else values.astype(dtype)), mask
    mask = np.array([value is None for value in objects], dtype=bool)
    if dtype is str:
        return np.array([_text(value) for value in objects], dtype=str), mask
    values = np.empty(len(objects), dtype=object)
    for i, value in enumerate(objects):
        values[i] = value
    return (values if dtype in (None, object) else values.astype(dtype)), mask


def _of_numbers(objects: list[Any], key: Any, inverse: Any, numeric: bool) -> tuple[Any, Any] | None:
    """Numbers beyond 64 bits, or in elements of unusual make-up or spelling; None when they are none."""
    members = [() if value is None else value if isinstance(value, tuple) else (value,) for value in objects]
    flat = [member for value in members for member in value if member is not None]
    if not all(isinstance(member, (int, float)) for member in flat) or not (flat or numeric):
        return None
    width = _width(np.array([len(value) for value in members], dtype=np.uint32), key, inverse)
    padded = [value or (None,) * max(width, 1) for value in members]
    mask = np.array([[member is None for member in value] for value in padded], dtype=bool)
    integers = bool(flat) and all(isinstance(member, int) for member in flat)
    dtype: Any = np.float64
    if integers:
        low, high = min(flat), max(flat)
        signed, unsigned = low >= -(1 << 63) and high < 1 << 63, low >= 0 and high < 1 << 64
        dtype = np.int64 if signed else np.uint64 if unsigned else object
    nothing = 0 if integers else np.nan
    values = np.array([[nothing if m is None else m for m in value] for value in padded], dtype=dtype)
    return (values[:, 0], mask[:, 0]) if width <= 1 else (values, mask)


def _text(value: Any) -> str:
    """Several values joined by the backslash, as a DICOM file has them."""
    if isinstance(value, tuple):
        return "\\".join(map(_text, value))
    return "" if value is None else str(value)


def _width(counts: Any, key: Any, inverse: Any) -> int:
    """How many values each instance has; those with none are missing, any other difference is an error."""
    width = int(counts.max(initial=0))
    if inverse is None or not ((counts != width) & (counts != 0)).any():
        return width
    by_row = np.append(counts, 0).take(inverse)
    sizes, times = np.unique(by_row[by_row != 0], return_counts=True)
    usual = sizes[times.argmax()]
    rows = tuple(map(int, np.flatnonzero((by_row != usual) & (by_row != 0))[:10]))
    told = ", ".join(map(str, sizes))
    message = f"{key}: instances have different numbers of values ({told}); unlike most: rows "
    raise ColumnError(message + ", ".join(map(str, rows)), keyword=str(key), rows=rows)


def _with_missing(distinct: Any, mask: Any) -> tuple[Any, Any]:
    """One more distinct value at the end: that of rows without the attribute."""
    extra: Any = np.zeros((1, *distinct.shape[1:]), dtype=distinct.dtype)
    if distinct.dtype == object:
        extra[...] = None
    return np.concatenate([distinct, extra]), np.concatenate([mask, np.ones((1, *mask.shape[1:]), dtype=bool)])


def _settle_missing(distinct: Any, mask: Any, masked: bool, dtype: Any, key: Any, inverse: Any) -> tuple[Any, Any]:
    """NaN where a number is missing; integers with missing values become float64 unless there is a mask to tell."""
    if masked or not mask.any():
        return distinct, mask
    if distinct.dtype.kind in "iu":
        if dtype is not None:
            missing = mask if mask.ndim == 1 else mask.any(axis=1)
            rows = (0,) if inverse is None else tuple(map(int, np.flatnonzero(missing.take(inverse))[:10]))
            message = f"{key}: no place for a missing number among integers (masked=True gives one); missing in rows "
            raise ColumnError(message + ", ".join(map(str, rows)), keyword=str(key), rows=rows)
        distinct = distinct.astype(np.float64)
    if distinct.dtype.kind == "f":
        distinct = distinct.copy()
        distinct[mask] = np.nan
    elif distinct.dtype.kind == "O":
        distinct = distinct.copy()
        distinct[mask] = None
    return distinct, mask
