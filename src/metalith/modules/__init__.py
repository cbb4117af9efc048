"""Typed metadata modules: what Cornerstone and OHIF ask their metadata providers for.

>>> from metalith import modules
>>> plane = modules.build("imagePlaneModule", {"Rows": 4, "Columns": 4, "PixelSpacing": (0.5, 0.25)})
>>> plane.pixel_spacing, plane.column_pixel_spacing, plane.using_default_values
((0.5, 0.25), 0.25, True)
>>> modules.TYPES["imagePlaneModule"] is modules.ImagePlane, modules.ImagePlane.type
(True, 'imagePlaneModule')

A module is a small immutable object with snake_case fields; `to_cornerstone()` gives the camelCase dict. Whatever the
source sent, numbers are numbers, and what it did not send is None. Where the data have nothing of a module, there is
no module: `build` gives None, so that the next provider is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from metalith.modules.base import Data, Module, Part
from metalith.modules.table import FILES, TYPES, class_of

if TYPE_CHECKING:
    from metalith.modules.ecg import Ecg, WaveformChannel, WaveformGroup
    from metalith.modules.frame_data import CompressedFrameData
    from metalith.modules.general import (
        ClinicalTrial,
        FrameOfReference,
        GeneralImage,
        GeneralSeries,
        GeneralStudy,
        SopCommon,
        TemporalPosition,
    )
    from metalith.modules.geometry import PixelMeasures, PlaneOrientation, PlanePosition, XrayGeometry
    from metalith.modules.image_plane import ImagePlane
    from metalith.modules.luts import Lut, ModalityLut, VoiLut
    from metalith.modules.multiframe import Cine, Frame, MultiFrame, NmMultiFrameGeometry
    from metalith.modules.overlay import Overlay, OverlayPlane
    from metalith.modules.patient import Patient, PatientDemographic, PatientStudy
    from metalith.modules.pet import PetImage, PetIsotope, PetSeries, Radiopharmaceutical
    from metalith.modules.pixel import ImagePixel, Palette
    from metalith.modules.spacing import CalibratedPixelSpacing
    from metalith.modules.transfer import BaseImageId, FrameImageIds, ImageUrl, TransferSyntax, UriModule
    from metalith.modules.ultrasound import Calibration, UltrasoundEnhancedRegion, UltrasoundRegion

__all__ = [
    "TYPES",
    "BaseImageId",
    "CalibratedPixelSpacing",
    "Calibration",
    "Cine",
    "ClinicalTrial",
    "CompressedFrameData",
    "Data",
    "Ecg",
    "Frame",
    "FrameImageIds",
    "FrameOfReference",
    "GeneralImage",
    "GeneralSeries",
    "GeneralStudy",
    "ImagePixel",
    "ImagePlane",
    "ImageUrl",
    "Lut",
    "ModalityLut",
    "Module",
    "MultiFrame",
    "NmMultiFrameGeometry",
    "Overlay",
    "OverlayPlane",
    "Palette",
    "Part",
    "Patient",
    "PatientDemographic",
    "PatientStudy",
    "PetImage",
    "PetIsotope",
    "PetSeries",
    "PixelMeasures",
    "PlaneOrientation",
    "PlanePosition",
    "Radiopharmaceutical",
    "SopCommon",
    "TemporalPosition",
    "TransferSyntax",
    "UltrasoundEnhancedRegion",
    "UltrasoundRegion",
    "UriModule",
    "VoiLut",
    "WaveformChannel",
    "WaveformGroup",
    "XrayGeometry",
    "build",
]

_M = TypeVar("_M", bound=Module)


def __getattr__(name: str) -> Any:
    if name not in FILES:
        raise AttributeError(f"module 'metalith.modules' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"metalith.modules.{FILES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *FILES})


@overload
def build(type: type[_M], data: Data, *, image_id: str | None = None, calibration: Any = None) -> _M | None: ...
@overload
def build(type: str, data: Data, *, image_id: str | None = None, calibration: Any = None) -> Any: ...
def build(type: Any, data: Data, *, image_id: str | None = None, calibration: Any = None) -> Any:
    """The module of a type; None where the data have nothing of it, and for a type that is no module's.

    Parameters
    ----------
    type : str or type
        A type of the references, such as "voiLutModule", or the class, such as `VoiLut`.
    data : Instance, frame view or dict
        Answers natural values by keyword, and by tag for overlays, through `get`.
    image_id : str, optional
        Id of the image, for modules that tell of it and of its frame.
    calibration : CalibratedPixelSpacing or mapping, optional
        What a user calibrated: Cornerstone's `calibratedPixelSpacing`.

    Examples
    --------
    >>> build(VoiLut, {"WindowCenter": "40", "WindowWidth": 400}).to_cornerstone()
    {'windowCenter': [40.0], 'windowWidth': [400.0]}
    >>> build("voiLutModule", {"WindowCenter": 40}), build("noModule", {})
    (None, None)
    """
    cls = class_of(type) if isinstance(type, str) else type
    return None if cls is None else cls.build(data, image_id=image_id, calibration=calibration)
