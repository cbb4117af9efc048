"""An attribute of all frames as an array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metalith import _columns, _core
from metalith._columns import _of_objects, _settle_missing
from metalith.errors import ColumnError
from metalith.frames_groups import layout_of

if TYPE_CHECKING:
    from metalith.frames import Frames

MOST_FRAMES = 1 << 24
"""So many frames an array is made for: what NumberOfFrames says costs a sender nothing."""

_ABSENT: Any = object()


def column(frames: Frames, name: str, masked: bool, dtype: Any) -> Any:
    """`Frames.column`: each different value is converted once, then taken by its index for all frames."""
    if len(frames) > MOST_FRAMES:
        raise ColumnError(f"{name}: no array is made for {len(frames):,} frames", keyword=name, rows=())
    gathered = _of_groups(frames, name, masked, dtype)
    if gathered is not None:
        return gathered
    places: dict[int, int] = {}  # identity of a value, which the object shares among frames that have it -> its index
    values: list[Any] = []
    indices = np.empty(len(frames), dtype=np.intp)
    for row, frame in enumerate(frames):
        value = frame.get(name, _ABSENT)
        place = places.get(id(value))
        if place is None:
            place = places[id(value)] = len(values)
            values.append(value)  # and so keeps the identity from being used again
        indices[row] = place
    if values == [_ABSENT]:
        raise KeyError(name)
    given = [None if value is _ABSENT else value for value in values]
    inverse = None if len(values) == 1 else indices
    distinct, mask = _of_objects(given, name, np.zeros(1, dtype=np.intp) if inverse is None else inverse, dtype)
    distinct, mask = _settle_missing(distinct, mask, masked, dtype, name, inverse)
    if inverse is None:
        array = np.broadcast_to(distinct[:1], (len(frames), *distinct.shape[1:]))
        return np.ma.MaskedArray(array, np.broadcast_to(mask[:1], array.shape)) if masked else array
    array = distinct.take(inverse, axis=0)
    return np.ma.MaskedArray(array, mask.take(inverse, axis=0)) if masked else array


def _of_groups(frames: Frames, name: str, masked: bool, dtype: Any) -> Any:
    """The column of the one group that all frames have the attribute in, gathered in C; None when it is not so."""
    items = frames._per_frame
    if not isinstance(items, _core.Sequence) or len(items) < len(frames):
        return None
    layouts = {id(layout): layout for layout in map(layout_of, items)}
    groups = {layout.get(name) for layout in layouts.values()}
    group = groups.pop()
    found = _core.group_rows(items, group) if group and not groups else None
    if found is None:
        return None
    rows = np.frombuffer(found[1], dtype=np.uint32)[: len(frames)].astype(np.intp)
    first, count = int(rows.min()), len(np.unique(rows))
    if int(rows.max()) - first + 1 != count:
        return None  # rows of other objects between them
    try:
        values = _columns.column(found[0], name, first, count, masked, dtype)
    except (KeyError, ColumnError):
        return None  # what it says of rows is not of frames
    return values.take(rows - first, axis=0)
