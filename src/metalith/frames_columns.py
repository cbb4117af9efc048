"""An attribute of all frames as an array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metalith._columns import _of_objects, _settle_missing
from metalith.errors import ColumnError

if TYPE_CHECKING:
    from metalith.frames import Frames

MOST_FRAMES = 1 << 24
"""So many frames an array is made for: what NumberOfFrames says costs a sender nothing."""

_ABSENT: Any = object()


def column(frames: Frames, name: str, masked: bool, dtype: Any) -> Any:
    """`Frames.column`: each different value is converted once, then taken by its index for all frames."""
    if len(frames) > MOST_FRAMES:
        raise ColumnError(f"{name}: no array is made for {len(frames):,} frames", keyword=name, rows=())
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
