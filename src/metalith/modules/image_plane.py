"""Where an image lies in the patient, and how large its pixels are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from metalith import _core
from metalith.modules.base import (
    Data,
    Module,
    builder_fields,
    code,
    integer,
    module,
    number,
    numbers,
    plain,
    text,
)
from metalith.modules.spacing import PROJECTION, calibrated, cross, pixel_spacing
from metalith.modules.values import codes as to_codes
from metalith.modules.values import integer as to_integer
from metalith.modules.values import items, vector
from metalith.modules.values import number as to_number
from metalith.modules.values import text as to_text

__all__ = ["ImagePlane"]

_RECONSTRUCTED = ("RECON TOMO", "RECON GATED TOMO")
_IDENTITY = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]


@module("imagePlaneModule")
@dataclass(frozen=True, slots=True, repr=False)
class ImagePlane(Module):
    """Image Plane module (PS3.3 section C.7.6.2), with the distances of pixels that projection radiography has.

    What the image does not tell is None: nothing is invented. `to_cornerstone` puts what Cornerstone puts there, and
    `defaults` says for which fields. None for what is no image: without rows, columns, position, orientation and
    distances.

    Attributes
    ----------
    frame_of_reference_uid : str
    rows, columns : int
    image_orientation_patient : tuple of float
        Cosines of the row's and of the column's direction in the patient (PS3.3 section C.7.6.2.1.1), six numbers.
    row_cosines, column_cosines : tuple of float
        Both halves of it.
    image_position_patient : tuple of float
        Centre of the first pixel in the patient, mm.
    slice_location : float
        mm
    pixel_spacing : tuple of float
        Distance between rows and between columns, mm.
    slice_thickness, spacing_between_slices : float
        mm
    pixel_spacing_source : str
        "PixelSpacing", "ImagerPixelSpacing", "ObjectPixelSpacingInCenterOfBeam", "NominalScannedPixelSpacing" or
        "calibration"; see `metalith.modules.spacing` for the rules.
    calibration_type : str
        Cornerstone's CalibrationTypes for the distances: "" where they are the patient's.
    magnification : float
        What ImagerPixelSpacing was divided by.
    geometry_source : str
        Where the position, or without one the orientation, is from when it is not the image's own:
        "DetectorInformationSequence" of nuclear medicine (PS3.3 section C.8.4.11), "GridFrameOffsetVector" of a dose,
        "PerFrameFunctionalGroupsSequence" or "SharedFunctionalGroupsSequence".

    Examples
    --------
    >>> plane = ImagePlane.build({"Rows": 4, "Columns": 4, "ImageOrientationPatient": (1, 0, 0, 0, 0, -1)})
    >>> plane.row_cosines, plane.normal, plane.pixel_spacing, sorted(plane.defaults)
    ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), None, ['image_position_patient', 'pixel_spacing'])
    >>> plane.to_cornerstone()["pixelSpacing"], plane.to_cornerstone()["usingDefaultValues"]
    ([1.0, 1.0], True)
    """

    frame_of_reference_uid: str | None = field(default=None, metadata=text("FrameOfReferenceUID"))
    rows: int | None = field(default=None, metadata=integer("Rows"))
    columns: int | None = field(default=None, metadata=integer("Columns"))
    image_orientation_patient: tuple[float, ...] | None = field(
        default=None, metadata=numbers("ImageOrientationPatient")
    )
    row_cosines: tuple[float, ...] | None = None
    column_cosines: tuple[float, ...] | None = None
    image_position_patient: tuple[float, ...] | None = field(default=None, metadata=numbers("ImagePositionPatient"))
    slice_location: float | None = field(default=None, metadata=number("SliceLocation"))
    pixel_spacing: tuple[float, float] | None = field(default=None, metadata=numbers("PixelSpacing"))
    slice_thickness: float | None = field(default=None, metadata=number("SliceThickness"))
    spacing_between_slices: float | None = field(default=None, metadata=number("SpacingBetweenSlices"))
    pixel_spacing_source: str | None = field(default=None, metadata=code("pixelSpacingSource"))
    calibration_type: str | None = field(default=None, metadata=code("calibrationType"))
    magnification: float | None = field(default=None, metadata=number("magnification"))
    geometry_source: str | None = field(default=None, metadata=code("geometrySource"))

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> ImagePlane | None:
        """The plane of an image. With a `calibration` that has distances, these are taken."""
        get = data.get
        rows, columns = get("Rows"), get("Columns")
        if type(rows) is not int:
            rows = to_integer(rows)
        if type(columns) is not int:
            columns = to_integer(columns)
        orientation = vector(get("ImageOrientationPatient"), 6)
        position = vector(get("ImagePositionPatient"), 3)
        source = None
        if orientation is None or position is None:
            detector = _detector(get)
            if detector is not None:
                if orientation is None:
                    orientation = vector(detector.get("ImageOrientationPatient"), 6)
                    source = "DetectorInformationSequence" if orientation else None
                if position is None:
                    position = vector(detector.get("ImagePositionPatient"), 3)
                    source = "DetectorInformationSequence" if position else source
        if source is None and hasattr(type(data), "source_of"):  # a frame
            source = _source_of(data, position is not None, orientation is not None)
        given = calibrated(calibration) if calibration is not None else None
        own = vector(get("PixelSpacing"), 2)
        spacing: tuple[float, ...] | None
        if given is not None and given.pixel_spacing is not None:
            spacing, origin, kind, factor = given.pixel_spacing, "calibration", given.calibration_type or "User", None
        elif own is not None and own[0] > 0 and own[1] > 0 and get("SOPClassUID") not in PROJECTION:
            spacing, origin, kind, factor = own, "PixelSpacing", "", None
        else:
            found = pixel_spacing(get, get("SOPClassUID"), rows, columns)
            spacing, origin, kind, factor = found or (None, None, None, None)  # type: ignore[assignment]
        if rows is None and columns is None and orientation is None and position is None and spacing is None:
            return None
        location, thickness, between = get("SliceLocation"), get("SliceThickness"), get("SpacingBetweenSlices")
        made: ImagePlane = cls._make(
            to_text(get("FrameOfReferenceUID")),
            rows,
            columns,
            orientation,
            orientation[:3] if orientation is not None else None,
            orientation[3:] if orientation is not None else None,
            position,
            to_number(location) if location is not None else None,
            spacing,
            to_number(thickness) if thickness is not None else None,
            to_number(between) if between is not None else None,
            origin,
            kind,
            factor,
            source,
        )
        return made

    @property
    def row_pixel_spacing(self) -> float | None:
        """Distance between rows, mm."""
        return self.pixel_spacing[0] if self.pixel_spacing else None

    @property
    def column_pixel_spacing(self) -> float | None:
        """Distance between columns, mm."""
        return self.pixel_spacing[1] if self.pixel_spacing else None

    @property
    def normal(self) -> tuple[float, float, float] | None:
        """Direction across the image: the cross product of row and column."""
        if self.row_cosines is None or self.column_cosines is None:
            return None
        return cross(self.row_cosines, self.column_cosines)

    @property
    def defaults(self) -> frozenset[str]:
        """Which of position, orientation and distances the image does not tell, so that Cornerstone invents them."""
        named = ("image_orientation_patient", "image_position_patient", "pixel_spacing")
        return frozenset(name for name in named if getattr(self, name) is None)

    @property
    def using_default_values(self) -> bool:
        """Whether there are any."""
        return self.image_orientation_patient is None or self.image_position_patient is None or not self.pixel_spacing

    def to_cornerstone(self) -> dict[str, Any]:
        """Cornerstone's dict, with its defaults: spacing 1, identity orientation, position and location 0.

        The flags `usingDefaultValues`, `isDefaultValueSetForRowCosine` and `isDefaultValueSetForColumnCosine`, which
        Cornerstone hides, are members like others.
        """
        orientation = self.image_orientation_patient
        cosines = list(orientation) if orientation is not None else list(_IDENTITY)
        spacing = list(self.pixel_spacing or (1.0, 1.0))
        made = {
            "frameOfReferenceUID": self.frame_of_reference_uid,
            "rows": self.rows or 0,
            "columns": self.columns or 0,
            "imageOrientationPatient": cosines,
            "rowCosines": cosines[:3],
            "columnCosines": cosines[3:],
            "imagePositionPatient": list(self.image_position_patient or (0.0, 0.0, 0.0)),
            "sliceLocation": self.slice_location or 0.0,
            "pixelSpacing": spacing,
            "rowPixelSpacing": spacing[0],
            "sliceThickness": self.slice_thickness,
            "spacingBetweenSlices": self.spacing_between_slices,
            "columnPixelSpacing": spacing[1],
            "usingDefaultValues": self.using_default_values,
            "isDefaultValueSetForRowCosine": orientation is None,
            "isDefaultValueSetForColumnCosine": orientation is None,
        }
        return {name: plain(value) for name, value in made.items() if value is not None}


_SOURCES = {
    "per-frame": "PerFrameFunctionalGroupsSequence",
    "shared": "SharedFunctionalGroupsSequence",
    "detector": "DetectorInformationSequence",
    "grid": "GridFrameOffsetVector",
}


def _source_of(frame: Any, placed: bool, directed: bool) -> str | None:
    """Where a frame has its position from, or its orientation."""
    if not placed and not directed:
        return None
    return _SOURCES.get(frame.source_of("ImagePositionPatient" if placed else "ImageOrientationPatient"))


def _detector(get: Any) -> Any:
    """The first detector of reconstructed nuclear medicine, where an image itself does not say where it lies."""
    detectors = get("DetectorInformationSequence")
    if detectors is None:
        return None
    kind = to_codes(get("ImageType")) or ()
    if len(kind) < 3 or kind[2] not in _RECONSTRUCTED:
        return None
    return next(iter(items(detectors)), None)


_core.register_builder(
    ImagePlane.type, ImagePlane, _core.PlaneBuilder(ImagePlane, builder_fields(ImagePlane), PROJECTION)
)
