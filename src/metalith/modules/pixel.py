"""What the pixels are: their layout, their range, and the colors of a palette."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from metalith.modules.base import Data, Module, code, integer, integers, module, number, plain, text
from metalith.modules.luts import Lut, read_lut
from metalith.modules.values import integer as to_integer
from metalith.modules.values import text as to_text

__all__ = ["ImagePixel", "Palette"]

_COLORS = ("Red", "Green", "Blue", "Alpha")


@module("paletteColorLookupTableModule")
@dataclass(frozen=True, slots=True, repr=False)
class Palette(Module):
    """Palette Color Lookup Table module (PS3.3 section C.7.9). None without a table of red, green and blue.

    Attributes
    ----------
    red, green, blue, alpha : Lut
        Tables of the colors; `values()` of each gives uint8 or uint16.
    palette_color_lookup_table_uid : str
    """

    red: Lut
    green: Lut
    blue: Lut
    alpha: Lut | None = None
    palette_color_lookup_table_uid: str | None = field(default=None, metadata=text("PaletteColorLookupTableUID"))

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> Palette | None:
        """See `Module.build`. The first value mapped is signed where the stored pixels are."""
        get = data.get
        if get("RedPaletteColorLookupTableDescriptor") is None:
            return None
        signed = to_integer(get("PixelRepresentation")) == 1
        red, green, blue, alpha = (_lut(get, color, signed) for color in _COLORS)
        if red is None or green is None or blue is None:
            return None
        return cls(red, green, blue, alpha, to_text(get("PaletteColorLookupTableUID")))

    def to_cornerstone(self) -> dict[str, Any]:
        """The members that Cornerstone has in its imagePixelModule; data at hand are lists of numbers."""
        made: dict[str, Any] = {}
        for color in _COLORS:
            lut: Lut | None = getattr(self, color.lower())
            if lut is None:
                continue
            name = f"{color.lower()}PaletteColorLookupTable"
            made[f"{name}Descriptor"] = [lut.entries, lut.first_value_mapped, lut.bits_per_entry]
            if lut.data is not None:
                made[f"{name}Data"] = lut.values().tolist() if lut.at_hand else plain(lut.data)
        if self.palette_color_lookup_table_uid:
            made["paletteColorLookupTableUID"] = self.palette_color_lookup_table_uid
        return made


def _lut(get: Callable[[str], Any], color: str, signed: bool) -> Lut | None:
    name = f"{color}PaletteColorLookupTable"
    data = get(f"{name}Data")
    segments = get(f"Segmented{name}Data") if data is None else None
    given = data if segments is None else segments
    return read_lut(get(f"{name}Descriptor"), given, signed, segmented=segments is not None)


@module("imagePixelModule")
@dataclass(frozen=True, slots=True, repr=False)
class ImagePixel(Module):
    """Image Pixel Description (PS3.3 section C.7.6.3). None without rows and columns.

    Attributes
    ----------
    smallest_pixel_value, largest_pixel_value, pixel_padding_value, pixel_padding_range_limit : int
        Stored values, signed where the pixels are, whatever they were written as.
    pixel_aspect_ratio : tuple of int
        Height and width of a pixel, where its size is not known.
    palette : Palette
    """

    samples_per_pixel: int | None = field(default=None, metadata=integer("SamplesPerPixel"))
    photometric_interpretation: str | None = field(default=None, metadata=code("PhotometricInterpretation"))
    planar_configuration: int | None = field(default=None, metadata=integer("PlanarConfiguration"))
    rows: int | None = field(default=None, metadata=integer("Rows"))
    columns: int | None = field(default=None, metadata=integer("Columns"))
    bits_allocated: int | None = field(default=None, metadata=integer("BitsAllocated"))
    bits_stored: int | None = field(default=None, metadata=integer("BitsStored"))
    high_bit: int | None = field(default=None, metadata=integer("HighBit"))
    pixel_representation: int | None = field(default=None, metadata=integer("PixelRepresentation"))
    pixel_aspect_ratio: tuple[int, ...] | None = field(default=None, metadata=integers("PixelAspectRatio"))
    smallest_pixel_value: int | None = field(
        default=None, metadata=integer("SmallestImagePixelValue", "smallestPixelValue")
    )
    largest_pixel_value: int | None = field(
        default=None, metadata=integer("LargestImagePixelValue", "largestPixelValue")
    )
    pixel_padding_value: int | None = field(default=None, metadata=integer("PixelPaddingValue"))
    pixel_padding_range_limit: int | None = field(default=None, metadata=integer("PixelPaddingRangeLimit"))
    distance_source_to_detector: float | None = field(default=None, metadata=number("DistanceSourceToDetector"))
    distance_source_to_patient: float | None = field(default=None, metadata=number("DistanceSourceToPatient"))
    distance_source_to_entrance: float | None = field(default=None, metadata=number("DistanceSourceToEntrance"))
    estimated_radiographic_magnification_factor: float | None = field(
        default=None, metadata=number("EstimatedRadiographicMagnificationFactor")
    )
    pixel_spacing_calibration_type: str | None = field(default=None, metadata=code("PixelSpacingCalibrationType"))
    pixel_spacing_calibration_description: str | None = field(
        default=None, metadata=text("PixelSpacingCalibrationDescription")
    )
    palette: Palette | None = None

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> ImagePixel | None:
        """See `Module.build`."""
        read = cls._read(data)
        if read[_ROWS] is None or read[_COLUMNS] is None:
            return None
        signed = read[_REPRESENTATION] == 1
        for place in _STORED:
            if (value := read[place]) is not None:
                read[place] = _stored(value, signed)
        return cls._made([*read, Palette.build(data)])

    def to_cornerstone(self) -> dict[str, Any]:
        """Cornerstone's dict, the palette's members among its own."""
        made: dict[str, Any] = Module.to_cornerstone(self)
        return {**made, **self.palette.to_cornerstone()} if self.palette else made


_NAMES = [one.name for one in fields(ImagePixel)]
_ROWS, _COLUMNS, _REPRESENTATION = map(_NAMES.index, ("rows", "columns", "pixel_representation"))
_STORED = range(_NAMES.index("smallest_pixel_value"), _NAMES.index("pixel_padding_range_limit") + 1)


def _stored(value: int, signed: bool) -> int:
    """A stored value that may have been written as US or SS: 16 bits, signed or not."""
    if not -0x8000 <= value <= 0xFFFF:
        return value
    value &= 0xFFFF
    return value - 0x10000 if signed and value > 0x7FFF else value
