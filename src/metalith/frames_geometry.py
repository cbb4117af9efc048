"""What a frame's place and time are computed from where no functional group says it.

Nuclear medicine keeps positions with the detectors (`frames_nuclear` has what it tells by indices), dose grids as
offsets from the first frame; `frames_slide` has the tiles of slides. All is computed in float64, from what the object
says alone: what it lacks stays absent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

from metalith._core import Instance
from metalith.frames_nuclear import INDICES, Acquisition

__all__ = ["Vectors", "along_normal", "detector_position", "grid_position", "numbers"]

Position = tuple[float, float, float]

TOLERANCE = 1e-5
"""Of a comparison of positions in a grid, mm."""

_OTHERS = tuple(name for name in INDICES if name != "SliceVector")


def numbers(value: Any, count: int) -> tuple[float, ...] | None:
    """Exactly so many finite numbers as floats, or None."""
    if not isinstance(value, tuple) or len(value) != count:
        return None
    given = _floats(value)
    return None if given is None or not all(map(math.isfinite, given)) else given


def _floats(values: Iterable[Any]) -> tuple[float, ...] | None:
    """All values as floats; None when one is no number, or too large for one."""
    try:
        return tuple([float(value) if isinstance(value, (int, float)) else math.nan for value in values])
    except OverflowError:
        return None


def along_normal(origin: Any, orientation: Any, distance: float) -> Position | None:
    """A position moved along the normal of the image plane, row x column.

    Parameters
    ----------
    origin : tuple of float
        ImagePositionPatient, mm.
    orientation : tuple of float
        ImageOrientationPatient, six cosines.
    distance : float
        mm, signed.

    Returns
    -------
    tuple of float or None
        mm; None when one of them is not what it should be.
    """
    place, cosines = numbers(origin, 3), numbers(orientation, 6)
    if place is None or cosines is None or not math.isfinite(distance):
        return None
    normal = _normal(cosines)
    return (place[0] + normal[0] * distance, place[1] + normal[1] * distance, place[2] + normal[2] * distance)


def _normal(cosines: tuple[float, ...]) -> Position:
    """Row x column."""
    a, b, c, d, e, f = cosines
    return b * f - c * e, c * d - a * f, a * e - b * d


class Vectors(Acquisition):
    """Attributes of an object that have a value for each frame, by 1-based frame; read once for all frames.

    Parameters
    ----------
    instance : Instance
        The root of the object.
    """

    __slots__ = ("_grid", "_times")

    def __init__(self, instance: Instance) -> None:
        super().__init__(instance)
        self._times: tuple[float, ...] | None = None
        self._grid: tuple[Any, Any, tuple[Position, Position] | None] | None = None

    def slice_index(self, frame: int) -> int | None:
        """How many slices a frame is away from the first one: by SliceVector, else by the frames themselves, unless
        another vector says that they differ in something else; None when SliceVector is of no use.
        """
        if self.values("SliceVector"):
            index = self.at("SliceVector", frame)
            return index - 1 if isinstance(index, int) and index >= 1 else None
        others = (self.values(keyword) for keyword in _OTHERS)
        return 0 if any(value != values[0] for values in others for value in values[1:]) else frame - 1

    def grid(self, origin: Any, orientation: Any) -> tuple[Position, Position] | None:
        """The line that the frames of a dose grid lie on; frames share origin and orientation, and so this."""
        known = self._grid
        if known is None or known[0] is not origin or known[1] is not orientation:
            line = _line(origin, orientation, self.at("GridFrameOffsetVector", 1))
            known = self._grid = origin, orientation, line
        return known[2]

    def time(self, frame: int) -> float | None:
        """Time of a frame after the first one, ms: from FrameTimeVector, else from FrameTime (PS3.3 C.7.6.5), else from
        phases or gates of nuclear medicine.
        """
        if self._times is None:
            increments = _floats(self.values("FrameTimeVector")) or ()
            self._times = tuple(accumulate(increments[1:], initial=0.0)) if increments else ()
        if self._times:
            time = self._times[frame - 1] if frame <= len(self._times) else math.nan
        else:
            step = _floats(self.values("FrameTime")[:1])
            if not step:
                return super().time(frame)
            time = step[0] * (frame - 1)
        return time if math.isfinite(time) else None


def detector_position(
    vectors: Vectors, detector: Instance | None, orientation: Any, spacing: Any, frame: int
) -> Position | None:
    """Position of a frame whose detector has one (PS3.3 C.8.4.11): that, moved along the normal by whole slices.

    Parameters
    ----------
    orientation : tuple of float
        ImageOrientationPatient of the frame.
    spacing : float
        SpacingBetweenSlices, mm; its sign says which way (PS3.3 C.8.4.15).

    Returns
    -------
    tuple of float or None
        mm.
    """
    if detector is None:
        return None
    origin, slices = detector.get("ImagePositionPatient"), vectors.slice_index(frame)
    place = numbers(origin, 3)
    if slices is None or place is None:
        return None
    if slices == 0:
        return place[0], place[1], place[2]
    steps = numbers((slices, spacing), 2)
    return along_normal(origin, orientation, steps[0] * steps[1]) if steps and steps[1] else None


def grid_position(vectors: Vectors, origin: Any, orientation: Any, frame: int) -> Position | None:
    """Position of a frame of a dose grid (PS3.3 C.8.8.3.2); None when GridFrameOffsetVector does not tell.

    Offsets that begin with the z of the first frame are positions in an axial grid; those that begin with 0 are
    distances along the normal.

    Parameters
    ----------
    origin, orientation : tuple of float
        ImagePositionPatient of the first frame, mm, and ImageOrientationPatient.
    """
    line = vectors.grid(origin, orientation)
    offsets = numbers((vectors.at("GridFrameOffsetVector", frame),), 1)
    if line is None or offsets is None:
        return None
    (x, y, z), (a, b, c) = line
    return x + a * offsets[0], y + b * offsets[0], z + c * offsets[0]


def _line(origin: Any, orientation: Any, first: Any) -> tuple[Position, Position] | None:
    """The line that the frames of a grid lie on: the point of offset 0, and the step of an offset of 1."""
    place, cosines, start = numbers(origin, 3), numbers(orientation, 6), numbers((first,), 1)
    if place is None or cosines is None or start is None:
        return None
    axial = all(abs(cosine - wanted) <= TOLERANCE for cosine, wanted in zip(cosines, (1, 0, 0, 0, 1, 0), strict=True))
    if axial and abs(start[0] - place[2]) <= TOLERANCE:
        return (place[0], place[1], 0.0), (0.0, 0.0, 1.0)
    return ((place[0], place[1], place[2]), _normal(cosines)) if abs(start[0]) <= TOLERANCE else None
