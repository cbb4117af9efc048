"""Ultrasound regions, and the calibration that tools measure by: regions of ultrasound, of an ECG, or of a user."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from metalith.modules.base import Data, Module, Part, integer, module, number, part
from metalith.modules.spacing import calibrated
from metalith.modules.values import integer as to_integer
from metalith.modules.values import items
from metalith.modules.values import number as to_number

__all__ = ["Calibration", "UltrasoundEnhancedRegion", "UltrasoundRegion", "regions_of"]


@part
@dataclass(frozen=True, slots=True, repr=False)
class UltrasoundRegion(Part):
    """A region of an ultrasound image with a scale of its own (PS3.3 section C.8.5.5).

    Attributes
    ----------
    physical_delta_x, physical_delta_y : float
        Physical distance from pixel to pixel, signed, in the unit that `physical_units_…_direction` says (3 cm,
        4 seconds, 5 hertz, 7 cm/s, … PS3.3 section C.8.5.5.1.15; -1 mV of an ECG).
    region_location_min_x0, …_min_y0, …_max_x1, …_max_y1 : int
        Its corners in the image, pixels from 0.
    reference_pixel_x0, reference_pixel_y0 : int
        Pixel whose physical values are the reference, counted from the region's corner; may lie outside of it.
    reference_physical_pixel_value_x, …_y : float
        Its physical values.
    region_spatial_format, region_data_type, region_flags : int
        Codes of PS3.3 sections C.8.5.5.1.1 to C.8.5.5.1.3.
    transducer_frequency : float
        kHz
    """

    physical_delta_x: float | None = field(default=None, metadata=number("PhysicalDeltaX"))
    physical_delta_y: float | None = field(default=None, metadata=number("PhysicalDeltaY"))
    physical_units_x_direction: int | None = field(default=None, metadata=integer("PhysicalUnitsXDirection"))
    physical_units_y_direction: int | None = field(default=None, metadata=integer("PhysicalUnitsYDirection"))
    region_location_min_x0: int | None = field(default=None, metadata=integer("RegionLocationMinX0"))
    region_location_min_y0: int | None = field(default=None, metadata=integer("RegionLocationMinY0"))
    region_location_max_x1: int | None = field(default=None, metadata=integer("RegionLocationMaxX1"))
    region_location_max_y1: int | None = field(default=None, metadata=integer("RegionLocationMaxY1"))
    reference_pixel_x0: int | None = field(default=None, metadata=integer("ReferencePixelX0"))
    reference_pixel_y0: int | None = field(default=None, metadata=integer("ReferencePixelY0"))
    reference_physical_pixel_value_x: float | None = field(
        default=None, metadata=number("ReferencePixelPhysicalValueX", "referencePhysicalPixelValueX")
    )
    reference_physical_pixel_value_y: float | None = field(
        default=None, metadata=number("ReferencePixelPhysicalValueY", "referencePhysicalPixelValueY")
    )
    region_spatial_format: int | None = field(default=None, metadata=integer("RegionSpatialFormat"))
    region_data_type: int | None = field(default=None, metadata=integer("RegionDataType"))
    region_flags: int | None = field(default=None, metadata=integer("RegionFlags"))
    transducer_frequency: float | None = field(default=None, metadata=number("TransducerFrequency"))


def regions_of(sequence: Any) -> tuple[UltrasoundRegion, ...]:
    """The regions of a SequenceOfUltrasoundRegions; those that say nothing are left out.

    Items may be regions already, or have Cornerstone's names.
    """
    if isinstance(sequence, (tuple, list)) and any(isinstance(one, UltrasoundRegion) for one in sequence):
        return tuple(one for one in sequence if isinstance(one, UltrasoundRegion))
    read = (UltrasoundRegion.build(item) or UltrasoundRegion.build(_Camel(item)) for item in items(sequence))
    return tuple(region for region in read if region is not None)


class _Camel:
    """A region by Cornerstone's names."""

    def __init__(self, item: Any) -> None:
        self._item = item

    def get(self, keyword: str) -> Any:
        return self._item.get(_CAMEL[keyword])


_CAMEL = {row.keyword: row.name for row in UltrasoundRegion._rows}


@module("ultrasoundEnhancedRegionModule")
@dataclass(frozen=True, slots=True, repr=False)
class UltrasoundEnhancedRegion(Module):
    """US Region Calibration module (PS3.3 section C.8.5.5). None without regions.

    Examples
    --------
    >>> module = UltrasoundEnhancedRegion.build({"SequenceOfUltrasoundRegions": [{"PhysicalDeltaX": "0.02"}]})
    >>> module.regions
    (UltrasoundRegion(physical_delta_x=0.02),)
    """

    regions: tuple[UltrasoundRegion, ...] = ()

    @classmethod
    def build(
        cls, data: Data, *, image_id: str | None = None, calibration: Any = None
    ) -> UltrasoundEnhancedRegion | None:
        """See `Module.build`."""
        regions = regions_of(data.get("SequenceOfUltrasoundRegions"))
        return cls(regions) if regions else None

    def to_cornerstone(self) -> dict[str, Any]:
        """Cornerstone's dict."""
        return {"sequenceOfUltrasoundRegions": [region.to_cornerstone() for region in self.regions]}

    def __repr__(self) -> str:
        return f"UltrasoundEnhancedRegion(regions={self.regions!r})"


@module("calibrationModule")
@dataclass(frozen=True, slots=True, repr=False)
class Calibration(Module):
    """Regions that have a scale of their own. None without any.

    Attributes
    ----------
    regions : tuple of UltrasoundRegion
    source : str
        "calibration" (a user's), "SequenceOfUltrasoundRegions", or "WaveformSequence": an ECG, drawn with a sample a
        pixel and 16 bits of height, in s and mV.
    """

    regions: tuple[UltrasoundRegion, ...] = ()
    source: str = ""

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> Calibration | None:
        """See `Module.build`. The regions of a `calibration` come first, those of the image next."""
        given = calibrated(calibration) if calibration is not None else None
        regions, source = regions_of(given.sequence_of_ultrasound_regions) if given else (), "calibration"
        if not regions:
            regions, source = regions_of(data.get("SequenceOfUltrasoundRegions")), "SequenceOfUltrasoundRegions"
        if not regions:
            regions, source = _of_ecg(data), "WaveformSequence"
        return cls(regions, source) if regions else None

    def to_cornerstone(self) -> dict[str, Any]:
        """Cornerstone's dict."""
        return {"sequenceOfUltrasoundRegions": [region.to_cornerstone() for region in self.regions]}

    def __repr__(self) -> str:
        return f"Calibration(regions={self.regions!r}, source={self.source!r})"


def _of_ecg(data: Data) -> tuple[UltrasoundRegion, ...]:
    group = next(iter(items(data.get("WaveformSequence"))), None)
    if group is None:
        return ()
    samples, frequency = to_integer(group.get("NumberOfWaveformSamples")), to_number(group.get("SamplingFrequency"))
    if not samples or not frequency or frequency <= 0:
        return ()
    return (
        UltrasoundRegion(
            physical_delta_x=1 / frequency,
            physical_delta_y=0.001,
            physical_units_x_direction=4,
            physical_units_y_direction=-1,
            region_location_min_x0=0,
            region_location_min_y0=0,
            region_location_max_x1=samples,
            region_location_max_y1=65535,
            reference_pixel_x0=0,
            reference_pixel_y0=32768,
            region_data_type=1,
        ),
    )
