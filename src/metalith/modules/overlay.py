"""Overlays: bitmaps over the image, sixteen groups of attributes from 6000 to 601E (PS3.3 section C.9.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metalith.bulk import BulkData
from metalith.errors import BulkDataError
from metalith.modules.base import Data, Module, Part, module, part, plain
from metalith.modules.values import array, binary, integer, integers, number, text

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Overlay", "OverlayPlane"]

_GROUPS = tuple(f"{group:04X}" for group in range(0x6000, 0x6020, 2))


@part
@dataclass(frozen=True, slots=True, repr=False)
class Overlay(Part):
    """One overlay.

    Attributes
    ----------
    group : str
        Group of its attributes, "6000" to "601E".
    rows, columns : int
    overlay_type : str
        "G" graphics or "R" region of interest.
    x, y : int
        Column and row of the image, from 0, on which its first pixel lies; it may be negative.
    data : bytes or BulkData
        Its bits, or where they stand. None where they are in the pixel data (an overlay of the old kind).
    description, label : str
    roi_area : int
        Pixels in the region of interest.
    roi_mean, roi_standard_deviation : float
        Of the image in it.
    number_of_frames : int
        Frames of the overlay.
    image_frame_origin : int
        Frame of the image, from 1, that its first frame is for.
    """

    group: str
    rows: int
    columns: int
    overlay_type: str | None = None
    x: int | None = None
    y: int | None = None
    data: bytes | BulkData | None = None
    description: str | None = None
    label: str | None = None
    roi_area: int | None = None
    roi_mean: float | None = None
    roi_standard_deviation: float | None = None
    number_of_frames: int | None = None
    image_frame_origin: int | None = None

    def bits(self, frame: int = 1, source: Any = None) -> npt.NDArray[Any]:
        """The bitmap, one byte a pixel, 0 or 1, of shape (rows, columns), not writable.

        Parameters
        ----------
        frame : int
            Of the overlay's frames, from 1.
        source : bytes-like, path or binary file, optional
            What to read data that stand elsewhere from, as for `BulkData.read`.

        Raises
        ------
        BulkDataError
            The data are not at hand, or too short.
        ValueError
            There is no such frame.

        Examples
        --------
        >>> Overlay("6000", 2, 4, data=b"\\x21\\x00").bits().tolist()
        [[1, 0, 0, 0], [0, 1, 0, 0]]
        """
        import numpy as np

        count = self.number_of_frames or 1
        if not 1 <= frame <= count:
            raise ValueError(f"frame {frame} of an overlay with {count}")
        if self.rows < 1 or self.columns < 1:
            raise BulkDataError(f"an overlay of {self.rows} rows and {self.columns} columns has no pixels")
        packed, size = array(self.data, "<u1", source), self.rows * self.columns
        start = (frame - 1) * size
        if len(packed) * 8 < start + size:
            raise BulkDataError(f"{len(packed):,} bytes are fewer than the overlay needs: {(start + size + 7) // 8:,}")
        first = start // 8
        bits = np.unpackbits(packed[first : (start + size + 7) // 8], bitorder="little")
        bitmap = bits[start - first * 8 :][:size].reshape(self.rows, self.columns)
        bitmap.flags.writeable = False
        return bitmap

    @property
    def at_hand(self) -> bool:
        """Whether `bits` needs no source and no server."""
        return isinstance(self.data, bytes) or (isinstance(self.data, BulkData) and self.data.path is not None)

    def to_cornerstone(self) -> dict[str, Any]:
        """Cornerstone's dict; `pixelData` is a flat list of bits of all frames, or where they stand."""
        pixels: Any = plain(self.data)
        if self.at_hand:
            frames = range(1, (self.number_of_frames or 1) + 1)
            pixels = [bit for frame in frames for bit in self.bits(frame).ravel().tolist()]
        made = {
            "rows": self.rows,
            "columns": self.columns,
            "type": self.overlay_type,
            "x": self.x or 0,
            "y": self.y or 0,
            "pixelData": pixels,
            "description": self.description,
            "label": self.label,
            "roiArea": self.roi_area,
            "roiMean": self.roi_mean,
            "roiStandardDeviation": self.roi_standard_deviation,
        }
        return {name: value for name, value in made.items() if value is not None}

    def __repr__(self) -> str:
        return f"<Overlay {self.group}, {self.rows} × {self.columns}>"


@module("overlayPlaneModule")
@dataclass(frozen=True, slots=True, repr=False)
class OverlayPlane(Module):
    """Overlay Plane module (PS3.3 section C.9.2). None without overlays.

    An overlay needs rows and columns; what else it lacks is None.

    Attributes
    ----------
    overlays : tuple of Overlay
        In the order of their groups.
    """

    overlays: tuple[Overlay, ...] = ()

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> OverlayPlane | None:
        """See `Module.build`."""
        get = data.get
        found = tuple(
            overlay
            for group in _GROUPS
            if (rows := get(group + "0010")) is not None
            if (overlay := _overlay(get, group, integer(rows))) is not None
        )
        return cls(found) if found else None

    def to_cornerstone(self) -> dict[str, Any]:
        """Cornerstone's dict."""
        return {"overlays": [overlay.to_cornerstone() for overlay in self.overlays]}

    def __repr__(self) -> str:
        return f"OverlayPlane(overlays={self.overlays!r})"


def _overlay(get: Any, group: str, rows: int | None) -> Overlay | None:
    columns = integer(get(group + "0011"))
    if rows is None or columns is None:
        return None
    origin = integers(get(group + "0050"))
    placed = origin is not None and len(origin) == 2
    return Overlay(
        group=group,
        rows=rows,
        columns=columns,
        overlay_type=text(get(group + "0040")),
        x=origin[1] - 1 if origin and placed else None,
        y=origin[0] - 1 if origin and placed else None,
        data=binary(get(group + "3000")),
        description=text(get(group + "0022")),
        label=text(get(group + "1500")),
        roi_area=integer(get(group + "1301")),
        roi_mean=number(get(group + "1302")),
        roi_standard_deviation=number(get(group + "1303")),
        number_of_frames=integer(get(group + "0015")),
        image_frame_origin=integer(get(group + "0051")),
    )
