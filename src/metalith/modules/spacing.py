"""How far apart pixels are, and why we believe it: PixelSpacing, the detector, magnification, calibration.

Rules of projection radiography (PS3.3 sections 10.7, C.8.7.10.1.1 and C.8.11.4.1.1), in this order:

1. PixelSpacing that is said to be calibrated, by GEOMETRY or FIDUCIAL, is that. Enhanced objects without PixelSpacing
   may have ObjectPixelSpacingInCenterOfBeam instead (section C.8.19.6.9).
2. ImagerPixelSpacing is divided by the magnification where that is known: EstimatedRadiographicMagnificationFactor, or
   DistanceSourceToDetector / DistanceSourceToPatient (else …ToEntrance), above 1.
3. PixelSpacing smaller than ImagerPixelSpacing was corrected for magnification by somebody.
4. PixelSpacing, else ImagerPixelSpacing: distances on the detector.

Elsewhere PixelSpacing is what it says. Objects of other classes that lack it, such as secondary captures of
radiographs, are read by the same rules from ImagerPixelSpacing, and last from NominalScannedPixelSpacing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from metalith.modules.base import Data, Module, code, module, number, raw, text
from metalith.modules.values import number as to_number
from metalith.modules.values import vector

__all__ = ["PROJECTION", "CalibratedPixelSpacing", "Spacing", "calibrated", "pair", "pixel_spacing"]

Pair = tuple[float, float]

_CLASS = "1.2.840.10008.5.1.4.1.1."
# CR, DX, MG, IO (for presentation and for processing), XA, enhanced XA, XRF, enhanced XRF, X-ray biplane
_PROJECTION = "1 1.1 1.1.1 1.2 1.2.1 1.3 1.3.1 12.1 12.1.1 12.2 12.2.1 12.3"
PROJECTION = frozenset(_CLASS + end for end in _PROJECTION.split())
"""SOP classes of projection radiography."""


class Spacing(NamedTuple):
    """Distances of pixels and where they come from.

    Attributes
    ----------
    values : tuple of float
        Between rows and between columns, mm.
    source : str
        "PixelSpacing", "ImagerPixelSpacing", "ObjectPixelSpacingInCenterOfBeam", "NominalScannedPixelSpacing" or
        "calibration".
    calibration_type : str
        Cornerstone's CalibrationTypes: "" (what PixelSpacing says holds), "ERMF", "Calibrated", "Proj", "Unknown",
        "User".
    magnification : float or None
        What ImagerPixelSpacing was divided by.
    """

    values: Pair
    source: str
    calibration_type: str
    magnification: float | None


def pair(value: Any, rows: int | None = None, columns: int | None = None) -> Pair | None:
    """Two distances in mm; None for what is not two positive numbers.

    Zero is let through where there is but one row or column (PS3.3 section 10.7.1.3).

    >>> pair((0.5, 0.25)), pair("0.5\\\\0.5"), pair(0.5), pair((0, 1)), pair((0, 1), rows=1)
    ((0.5, 0.25), (0.5, 0.5), None, None, (0.0, 1.0))
    """
    read = vector(value, 2)
    if read is None:
        return None
    row, column = read
    if (row > 0 or (row == 0 and rows == 1)) and (column > 0 or (column == 0 and columns == 1)):
        return row, column
    return None


def pixel_spacing(get: Callable[[str], Any], sop_class: Any, rows: int | None, columns: int | None) -> Spacing | None:
    """The distances of an image's pixels by the rules above; None where the image tells none.

    >>> image = {"ImagerPixelSpacing": (0.2, 0.2), "DistanceSourceToDetector": 1100, "DistanceSourceToPatient": 1000}
    >>> pixel_spacing(image.get, "1.2.840.10008.5.1.4.1.1.12.1", 512, 512).magnification
    1.1
    """
    own = pair(get("PixelSpacing"), rows, columns)
    if own and sop_class not in PROJECTION:
        return Spacing(own, "PixelSpacing", "", None)
    imager = pair(get("ImagerPixelSpacing"), rows, columns)
    kind = get("PixelSpacingCalibrationType") if own else None
    if own and kind in ("GEOMETRY", "FIDUCIAL"):
        return Spacing(own, "PixelSpacing", "ERMF" if kind == "GEOMETRY" else "Calibrated", None)
    center = None if own else pair(get("ObjectPixelSpacingInCenterOfBeam"), rows, columns)
    if center:
        return Spacing(center, "ObjectPixelSpacingInCenterOfBeam", "Calibrated", None)
    if imager:
        factor = magnification(get)
        if factor:
            return Spacing((imager[0] / factor, imager[1] / factor), "ImagerPixelSpacing", "ERMF", factor)
        if own:
            return Spacing(own, "PixelSpacing", "ERMF" if imager[0] > own[0] else "Proj", None)
        return Spacing(imager, "ImagerPixelSpacing", "Proj", None)
    if own:
        return Spacing(own, "PixelSpacing", "Unknown", None)
    scanned = pair(get("NominalScannedPixelSpacing"), rows, columns)
    return Spacing(scanned, "NominalScannedPixelSpacing", "Unknown", None) if scanned else None


def magnification(get: Callable[[str], Any]) -> float | None:
    """How many times larger the patient is on the detector; None where that is not known, or not above 1."""
    stated = to_number(get("EstimatedRadiographicMagnificationFactor"))
    if stated is not None and stated > 1:
        return stated
    detector = to_number(get("DistanceSourceToDetector"))
    patient = to_number(get("DistanceSourceToPatient"))
    if patient is None:
        patient = to_number(get("DistanceSourceToEntrance"))
    if detector is None or patient is None or not 0 < patient < detector:
        return None
    return detector / patient


@module("calibratedPixelSpacing")
@dataclass(frozen=True, slots=True, repr=False)
class CalibratedPixelSpacing(Module):
    """Distances of pixels with the reason to believe them, and what a user calibrated.

    None where the image has no distance and nobody calibrated it.

    Attributes
    ----------
    row_pixel_spacing, column_pixel_spacing : float
        Distance between rows and between columns, mm.
    calibration_type : str
        See `Spacing`.
    scale : float
        What a user found lengths to be too long by: a length is to be divided by it. It is not applied to spacings.
    aspect : float
        The same for the ratio of height to width.
    """

    row_pixel_spacing: float | None = field(default=None, metadata=number("rowPixelSpacing"))
    column_pixel_spacing: float | None = field(default=None, metadata=number("columnPixelSpacing"))
    calibration_type: str | None = field(default=None, metadata=code("type"))
    scale: float | None = field(default=None, metadata=number("scale"))
    aspect: float | None = field(default=None, metadata=number("aspect"))
    tooltip: str | None = field(default=None, metadata=text("tooltip"))
    sequence_of_ultrasound_regions: Any = field(default=None, metadata=raw("sequenceOfUltrasoundRegions"))

    @classmethod
    def build(
        cls, data: Data, *, image_id: str | None = None, calibration: Any = None
    ) -> CalibratedPixelSpacing | None:
        """From a calibration where there is one, else from the image."""
        if given := calibrated(calibration):
            return given
        found = pixel_spacing(data.get, data.get("SOPClassUID"), None, None)
        return cls(*found.values, found.calibration_type) if found else None

    @property
    def pixel_spacing(self) -> Pair | None:
        """Both distances, mm; None where one is missing."""
        return pair((self.row_pixel_spacing, self.column_pixel_spacing))


_SNAKE = {
    "rowPixelSpacing": "row_pixel_spacing",
    "columnPixelSpacing": "column_pixel_spacing",
    "type": "calibration_type",
    "sequenceOfUltrasoundRegions": "sequence_of_ultrasound_regions",
}


def calibrated(calibration: Any) -> CalibratedPixelSpacing | None:
    """What a user calibrated, as object; from an object, or from a mapping with Cornerstone's names or ours.

    >>> calibrated({"rowPixelSpacing": 0.5, "columnPixelSpacing": "0.5", "type": "User"})
    CalibratedPixelSpacing(row_pixel_spacing=0.5, column_pixel_spacing=0.5, calibration_type='User')
    """
    if calibration is None or isinstance(calibration, CalibratedPixelSpacing):
        return calibration
    if not isinstance(calibration, Mapping):
        raise TypeError(f"a calibration is a mapping or CalibratedPixelSpacing, not {type(calibration).__name__}")
    named = {camel: calibration.get(camel, calibration.get(snake)) for camel, snake in _SNAKE.items()}
    read = CalibratedPixelSpacing._read(cast("Data", {**calibration, **named}))
    return CalibratedPixelSpacing(*read) if any(value is not None for value in read) else None


def cross(row: tuple[float, ...], column: tuple[float, ...]) -> tuple[float, float, float]:
    """Cross product of two vectors of three, normed."""
    x = row[1] * column[2] - row[2] * column[1]
    y = row[2] * column[0] - row[0] * column[2]
    z = row[0] * column[1] - row[1] * column[0]
    length = math.hypot(x, y, z) or 1.0
    return x / length + 0.0, y / length + 0.0, z / length + 0.0  # no -0.0
