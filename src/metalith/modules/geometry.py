"""Single macros of geometry: position, orientation, measures of pixels, and the geometry of X-ray equipment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from metalith.modules.base import Data, Module, code, integers, module, number, numbers
from metalith.modules.values import vector

__all__ = ["PixelMeasures", "PlaneOrientation", "PlanePosition", "XrayGeometry"]


@module("PlanePosition")
@dataclass(frozen=True, slots=True, repr=False)
class PlanePosition(Module):
    """Plane Position macro (PS3.3 section C.7.6.16.2.3). None without ImagePositionPatient of three numbers.

    >>> PlanePosition.build({"ImagePositionPatient": ("1", 2, 3)})
    PlanePosition(image_position_patient=(1.0, 2.0, 3.0))
    """

    image_position_patient: tuple[float, ...] | None = field(default=None, metadata=numbers("ImagePositionPatient"))

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> PlanePosition | None:
        """See `Module.build`."""
        read = vector(data.get("ImagePositionPatient"), 3)
        return cls(read) if read else None


@module("PlaneOrientation")
@dataclass(frozen=True, slots=True, repr=False)
class PlaneOrientation(Module):
    """Plane Orientation macro (PS3.3 section C.7.6.16.2.4). None without ImageOrientationPatient of six numbers."""

    image_orientation_patient: tuple[float, ...] | None = field(
        default=None, metadata=numbers("ImageOrientationPatient")
    )

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> PlaneOrientation | None:
        """See `Module.build`."""
        read = vector(data.get("ImageOrientationPatient"), 6)
        return cls(read) if read else None


@module("PixelMeasures")
@dataclass(frozen=True, slots=True, repr=False)
class PixelMeasures(Module):
    """Pixel Measures macro (PS3.3 section C.7.6.16.2.1), as sent. None without any of its attributes.

    Attributes
    ----------
    pixel_spacing : tuple of float
        Between rows and between columns, mm; `ImagePlane` has what projection radiography means by it.
    slice_thickness, spacing_between_slices : float
        mm
    """

    pixel_spacing: tuple[float, ...] | None = field(default=None, metadata=numbers("PixelSpacing"))
    slice_thickness: float | None = field(default=None, metadata=number("SliceThickness"))
    spacing_between_slices: float | None = field(default=None, metadata=number("SpacingBetweenSlices"))


@module("XrayGeometry")
@dataclass(frozen=True, slots=True, repr=False)
class XrayGeometry(Module):
    """Geometry of X-ray equipment (PS3.3 sections C.8.7.5, C.8.7.10, C.8.11.5). None without any of its attributes.

    Attributes
    ----------
    distance_source_to_detector, distance_source_to_patient, distance_source_to_entrance : float
        mm
    positioner_primary_angle, positioner_secondary_angle : float
        Degrees; LAO and cranial are positive.
    imager_pixel_spacing : tuple of float
        On the detector, between rows and between columns, mm.
    """

    distance_source_to_detector: float | None = field(default=None, metadata=number("DistanceSourceToDetector"))
    distance_source_to_patient: float | None = field(default=None, metadata=number("DistanceSourceToPatient"))
    distance_source_to_entrance: float | None = field(default=None, metadata=number("DistanceSourceToEntrance"))
    estimated_radiographic_magnification_factor: float | None = field(
        default=None, metadata=number("EstimatedRadiographicMagnificationFactor")
    )
    imager_pixel_spacing: tuple[float, ...] | None = field(default=None, metadata=numbers("ImagerPixelSpacing"))
    positioner_type: str | None = field(default=None, metadata=code("PositionerType"))
    positioner_motion: str | None = field(default=None, metadata=code("PositionerMotion"))
    positioner_primary_angle: float | None = field(default=None, metadata=number("PositionerPrimaryAngle"))
    positioner_secondary_angle: float | None = field(default=None, metadata=number("PositionerSecondaryAngle"))
    detector_primary_angle: float | None = field(default=None, metadata=number("DetectorPrimaryAngle"))
    detector_secondary_angle: float | None = field(default=None, metadata=number("DetectorSecondaryAngle"))
    table_angle: float | None = field(default=None, metadata=number("TableAngle"))
    field_of_view_shape: str | None = field(default=None, metadata=code("FieldOfViewShape"))
    field_of_view_dimensions: tuple[int, ...] | None = field(default=None, metadata=integers("FieldOfViewDimensions"))
