"""Where the tiles of a slide image lie whose frames come in order, TILED_FULL (PS3.3 section C.7.6.17.3).

Such an object says nothing of its single frames. They come along rows, then down, then by focal plane, away from the
glass, then by channel: an optical path, or a segment of a segmentation. So the position in the total pixel matrix, in
the coordinate system of the slide (section C.8.12.4), and the channel follow from a frame's number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metalith._core import Instance
from metalith.frames_geometry import numbers
from metalith.frames_groups import first_item, items_of

__all__ = ["GROUPS", "VRS", "Tiles"]

_COLUMN, _ROW = "ColumnPositionInTotalImagePixelMatrix", "RowPositionInTotalImagePixelMatrix"
_X, _Y, _Z = (f"{axis}OffsetInSlideCoordinateSystem" for axis in "XYZ")
_PATH, _SEGMENT = "OpticalPathIdentifier", "ReferencedSegmentNumber"

GROUPS = {
    **dict.fromkeys((_COLUMN, _ROW, _X, _Y, _Z), "PlanePositionSlideSequence"),
    _PATH: "OpticalPathIdentificationSequence",
    _SEGMENT: "SegmentIdentificationSequence",
}
"""What is computed, and the functional group that says it where frames come in no order (TILED_SPARSE)."""

VRS = {_COLUMN: "SL", _ROW: "SL", _X: "DS", _Y: "DS", _Z: "DS", _PATH: "SH", _SEGMENT: "US"}

_UM = 1000.0  # in a mm: offsets in z are in µm, others in mm


class Tiles:
    """The order of the tiles of one object.

    Attributes
    ----------
    across, down, planes : int
        Tiles in a row and in a column of the total pixel matrix, and focal planes.
    """

    __slots__ = ("_columns", "_instance", "_offset", "_rows", "across", "down", "planes")

    def __init__(self, instance: Instance, width: int, height: int, columns: int, rows: int) -> None:
        self._instance, self._columns, self._rows = instance, columns, rows
        self.across, self.down = -(-width // columns), -(-height // rows)
        self.planes = _count(instance.get("TotalPixelMatrixFocalPlanes")) or 1
        self._offset = _count(instance.get("ConcatenationFrameOffsetNumber")) or 0

    @classmethod
    def of(cls, instance: Instance) -> Tiles | None:
        """Of an object whose tiles come in order; None for others."""
        if instance.get("DimensionOrganizationType") != "TILED_FULL":
            return None
        names = ("TotalPixelMatrixColumns", "TotalPixelMatrixRows", "Columns", "Rows")
        width, height, columns, rows = (_count(instance.get(name)) for name in names)
        return cls(instance, width, height, columns, rows) if width and height and columns and rows else None

    def value(self, name: str, frame: int, get: Callable[[str], Any]) -> Any:
        """An attribute of `GROUPS` for a frame, from 1; None where the object does not tell.

        Parameters
        ----------
        get : callable
            What frames share: PixelSpacing, SpacingBetweenSlices.
        """
        index, column = divmod(frame - 1 + self._offset, self.across)
        index, row = divmod(index, self.down)
        channel, plane = divmod(index, self.planes)
        if name == _COLUMN:
            return column * self._columns + 1
        if name == _ROW:
            return row * self._rows + 1
        if name in (_PATH, _SEGMENT):
            return self._channel(name, channel)
        place = self._place(column * self._columns, row * self._rows, plane, get)
        return None if place is None else place[(_X, _Y, _Z).index(name)]

    def _channel(self, name: str, channel: int) -> Any:
        paths = items_of(self._instance, "OpticalPathSequence")
        if name == _PATH:
            return paths[channel].get(_PATH) if channel < len(paths) else None
        segments = items_of(self._instance, "SegmentSequence")
        if paths or self._instance.get("SegmentationType") == "LABELMAP":  # all segments are in one frame
            return None
        return segments[channel].get("SegmentNumber") if channel < len(segments) else None

    def _place(self, column: int, row: int, plane: int, get: Callable[[str], Any]) -> list[float | None] | None:
        """X and y, mm, and z, µm, of the tile's first pixel; z is None where the distance of planes is not told."""
        origin = first_item(self._instance, "TotalPixelMatrixOriginSequence")
        cosines = numbers(self._instance.get("ImageOrientationSlide"), 6)
        spacing = numbers(get("PixelSpacing"), 2)
        if origin is None or cosines is None or spacing is None:
            return None
        given = (origin.get(_X), origin.get(_Y), origin.get(_Z, 0.0))  # z is left out where it is 0
        start = numbers(given, 3)
        if start is None:
            return None
        right, down = column * spacing[1], row * spacing[0]
        x, y, z = (right * cosines[axis] + down * cosines[axis + 3] for axis in range(3))
        between = numbers((get("SpacingBetweenSlices"),), 1) if plane else (0.0,)
        depth = None if between is None else start[2] + (z + plane * between[0]) * _UM
        return [start[0] + x, start[1] + y, depth]


def _count(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None
