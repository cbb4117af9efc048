"""An attribute of a series as one array, across its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metalith._core import copy_rows
from metalith.errors import ColumnError

if TYPE_CHECKING:
    from metalith._core import InstanceTable
    from metalith.store.series import State

__all__ = ["column_of"]


def _column(table: InstanceTable, rows: Any, keyword: str | int) -> Any:
    if rows is None:
        return table.column(keyword, masked=True)
    try:
        return table.column(keyword, masked=True)[rows]
    except ColumnError:  # because of rows that no longer count, perhaps
        return copy_rows([(table, rows)]).column(keyword, masked=True)


def column_of(state: State, keyword: str | int, masked: bool) -> Any:
    """`Series.column`."""
    parts: list[Any] = []
    for table, rows in zip(state.tables, state.rows, strict=True):
        try:
            parts.append(_column(table, rows, keyword))
        except KeyError:
            parts.append(len(table) if rows is None else len(rows))
    have = [part for part in parts if not isinstance(part, int)]
    if not have:
        raise KeyError(keyword)
    shapes = {part.shape[1:] for part in have}
    if len(shapes) > 1:
        raise ColumnError(f"{keyword}: instances have different numbers of values", keyword=str(keyword), rows=())
    shape, dtype = shapes.pop(), np.result_type(*(part.dtype for part in have))
    ma: Any = np.ma  # which has no types
    whole = ma.concatenate([ma.masked_all((part, *shape), dtype) if isinstance(part, int) else part for part in parts])
    if masked:
        return whole
    missing = ma.getmaskarray(whole)
    if not missing.any():
        return whole.data
    if dtype.kind == "O":
        values = whole.data
        values[missing] = None  # filled(None) would fill in NumPy's own default
        return values
    return whole.astype(np.float64).filled(np.nan)
