"""Frames of multi-frame objects, as views of the instance that has them.

>>> frame = metalith.frames.frame_of(instance, 3)         # 1-based, as in image ids
>>> frame.ImagePositionPatient, frame.source_of("ImagePositionPatient")
>>> metalith.frames.frames_of(instance).column("ImagePositionPatient")

A frame reads like an instance. What it says of an attribute comes from the first of these that has it: its own
functional groups, the shared ones, the root of the object, and for positions the detector; a grid of offsets, or of
tiles, says where a frame lies whose position no group of its own gives (PS3.3 sections C.7.6.16, C.8.4.11, C.8.8.3).
"""

from __future__ import annotations

import operator
from collections import abc
from collections.abc import Iterator
from typing import Any, SupportsIndex, overload

from metalith._core import Instance
from metalith.errors import MetalithError
from metalith.frames_geometry import Vectors
from metalith.frames_groups import (
    PER_FRAME_GROUPS,
    SHARED_GROUPS,
    Layout,
    canonical,
    first_item,
    items_of,
    layout_of,
)
from metalith.frames_instance import FrameInstance
from metalith.frames_slide import Tiles

__all__ = ["FrameError", "FrameInstance", "Frames", "frame_of", "frames_of", "number_of_frames"]

_MOST = 2**31 - 1  # what an IS can say


class FrameError(MetalithError, IndexError):
    """The object has no such frame.

    Attributes
    ----------
    frame : int
        What was asked for, counted from 1.
    frames : int
        How many frames the object has.
    """

    def __init__(self, frame: int, frames: int) -> None:
        self.frame, self.frames = frame, frames
        has = "one frame" if frames == 1 else f"{frames:,} frames"
        super().__init__(f"no frame {frame}: the object has {has}, counted from 1")

    def __reduce__(self) -> Any:
        return FrameError, (self.frame, self.frames)


def number_of_frames(instance: Instance) -> int:
    """NumberOfFrames (PS3.3 C.7.6.6) as a number; 1 where it is absent, or no count of frames.

    Examples
    --------
    >>> number_of_frames(metalith.naturalize(b'{"00280008":{"vr":"IS","Value":["30"]}}')[0])
    30
    """
    count = instance.get("NumberOfFrames")
    return count if isinstance(count, int) and 1 <= count <= _MOST else 1


def frames_of(instance: Instance) -> Frames:
    """All frames of an instance, those of an object with one frame too.

    Returns
    -------
    Frames
        A sequence: frame 1 is `frames_of(instance)[0]`, and `frames_of(instance).frame(1)`.
    """
    return Frames(instance)


def frame_of(instance: Instance, number: SupportsIndex) -> FrameInstance:
    """One frame of an instance.

    Parameters
    ----------
    number : int
        Counted from 1, as in image ids and in ReferencedFrameNumber.

    Raises
    ------
    FrameError
        The object has no such frame.
    """
    return Frames(instance).frame(number)


class Frames(abc.Sequence[FrameInstance]):
    """The frames of an instance, in order; what they share is found once for all.

    Parameters
    ----------
    instance : Instance
        The root of the object; it stays as it is.
    """

    __slots__ = ("_count", "_per_frame", "_shared", "_shared_layout", "_tiles", "_vectors", "instance")

    instance: Instance

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._count = number_of_frames(instance)
        self._per_frame = items_of(instance, PER_FRAME_GROUPS)
        self._shared: Instance | None = None
        self._shared_layout: Layout | None = None
        self._vectors: Vectors | None = None
        self._tiles: Tiles | bool | None = None  # False where there are none

    @property
    def vectors(self) -> Vectors:
        """What the root says of each frame in vectors."""
        if self._vectors is None:
            self._vectors = Vectors(self.instance)
        return self._vectors

    @property
    def tiles(self) -> Tiles | None:
        """The order of the tiles of a slide; None for other objects."""
        if self._tiles is None:
            self._tiles = Tiles.of(self.instance) or False
        return self._tiles or None  # type: ignore[return-value]

    @property
    def shared_layout(self) -> Layout:
        """Where attributes stand in the shared functional groups."""
        if self._shared_layout is None:
            self._shared = first_item(self.instance, SHARED_GROUPS)
            self._shared_layout = layout_of(self._shared)
        return self._shared_layout

    def frame(self, number: SupportsIndex) -> FrameInstance:
        """A frame by its number, from 1; `FrameError` when there is none."""
        index = operator.index(number)
        if not 1 <= index <= self._count:
            raise FrameError(index, self._count)
        return FrameInstance(self, index)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: SupportsIndex) -> FrameInstance: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[FrameInstance, ...]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        if isinstance(index, slice):
            return tuple([FrameInstance(self, i + 1) for i in range(*index.indices(self._count))])
        place = operator.index(index)
        return self.frame(place + 1 + (self._count if place < 0 else 0))

    def __iter__(self) -> Iterator[FrameInstance]:
        return (FrameInstance(self, number) for number in range(1, self._count + 1))

    def __eq__(self, other: object) -> bool:
        return self.instance == other.instance if isinstance(other, Frames) else NotImplemented

    def __hash__(self) -> int:
        return hash((Frames, self.instance))

    def __reduce__(self) -> Any:
        return Frames, (self.instance,)

    def __repr__(self) -> str:
        return f"<Frames: {self._count:,} of {self.instance!r}>"

    def column(self, keyword: str | int, *, masked: bool = False, dtype: Any = None) -> Any:
        """The values of an attribute in all frames, as an array; see `InstanceTable.column`.

        Returns
        -------
        numpy.ndarray, shape (frames,) or (frames, k)
            An attribute with one value for all frames is a read-only broadcast view of it.

        Raises
        ------
        KeyError
            No frame has the attribute.
        metalith.ColumnError
            The number of values is not the same in all frames, or there are more frames than any object has.
        """
        from metalith.frames_columns import column

        return column(self, canonical(keyword), masked, dtype)
