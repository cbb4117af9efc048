"""Which file has which module. A file is imported when one of its modules is first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from metalith.modules.base import LOADED, Module

__all__ = ["FILES", "TYPES", "class_of"]

# type: file, class
_MODULES = {
    "PixelMeasures": ("geometry", "PixelMeasures"),
    "PlaneOrientation": ("geometry", "PlaneOrientation"),
    "PlanePosition": ("geometry", "PlanePosition"),
    "XrayGeometry": ("geometry", "XrayGeometry"),
    "baseImageId": ("transfer", "BaseImageId"),
    "calibratedPixelSpacing": ("spacing", "CalibratedPixelSpacing"),
    "calibrationModule": ("ultrasound", "Calibration"),
    "cineModule": ("multiframe", "Cine"),
    "clinicalTrialModule": ("general", "ClinicalTrial"),
    "compressedFrameData": ("frame_data", "CompressedFrameData"),
    "ecgModule": ("ecg", "Ecg"),
    "frameImageIds": ("transfer", "FrameImageIds"),
    "frameModule": ("multiframe", "Frame"),
    "frameOfReferenceModule": ("general", "FrameOfReference"),
    "generalImageModule": ("general", "GeneralImage"),
    "generalSeriesModule": ("general", "GeneralSeries"),
    "generalStudyModule": ("general", "GeneralStudy"),
    "imagePixelModule": ("pixel", "ImagePixel"),
    "imagePlaneModule": ("image_plane", "ImagePlane"),
    "imageUrlModule": ("transfer", "ImageUrl"),
    "modalityLutModule": ("luts", "ModalityLut"),
    "multiframeModule": ("multiframe", "MultiFrame"),
    "nmMultiframeGeometryModule": ("multiframe", "NmMultiFrameGeometry"),
    "overlayPlaneModule": ("overlay", "OverlayPlane"),
    "paletteColorLookupTableModule": ("pixel", "Palette"),
    "patientDemographicModule": ("patient", "PatientDemographic"),
    "patientModule": ("patient", "Patient"),
    "patientStudyModule": ("patient", "PatientStudy"),
    "petImageModule": ("pet", "PetImage"),
    "petIsotopeModule": ("pet", "PetIsotope"),
    "petSeriesModule": ("pet", "PetSeries"),
    "sopCommonModule": ("general", "SopCommon"),
    "temporalPositionIdentifier": ("general", "TemporalPosition"),
    "transferSyntax": ("transfer", "TransferSyntax"),
    "ultrasoundEnhancedRegionModule": ("ultrasound", "UltrasoundEnhancedRegion"),
    "uriModule": ("transfer", "UriModule"),
    "voiLutModule": ("luts", "VoiLut"),
}
_PARTS = {
    "Lut": "luts",
    "Overlay": "overlay",
    "Radiopharmaceutical": "pet",
    "UltrasoundRegion": "ultrasound",
    "WaveformChannel": "ecg",
    "WaveformGroup": "ecg",
}

FILES: dict[str, str] = {name: file for file, name in _MODULES.values()} | _PARTS
"""File of each class, modules and parts of modules."""


def class_of(type: str) -> type[Module] | None:
    """The class of a type; None for a type that is no module's."""
    found = LOADED.get(type)
    if found is None and type in _MODULES:
        import_module(f"metalith.modules.{_MODULES[type][0]}")
        found = LOADED[type]
    return found


class _Types(Mapping[str, type[Module]]):
    """Class of each type; `type` of a class is the way back."""

    def __getitem__(self, type: str) -> type[Module]:
        found = class_of(type)
        if found is None:
            raise KeyError(type)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)

    def __contains__(self, type: object) -> bool:
        return type in _MODULES

    def __repr__(self) -> str:
        return f"<{len(self)} types of modules>"


TYPES: Mapping[str, type[Module]] = _Types()
