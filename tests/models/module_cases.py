"""Datasets for the modules that pydicom's files have none of, as DICOM JSON texts by name."""

from __future__ import annotations

import json
from typing import Any

from pydicom.dataset import Dataset

CT = "1.2.840.10008.5.1.4.1.1.2"
CR = "1.2.840.10008.5.1.4.1.1.1"
PET = "1.2.840.10008.5.1.4.1.1.128"
SC = "1.2.840.10008.5.1.4.1.1.7"


def dataset(**attributes: Any) -> Dataset:
    """A dataset of these attributes; lists of dicts become sequences."""
    made = Dataset()
    for keyword, value in attributes.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            value = [dataset(**item) for item in value]
        setattr(made, keyword, value)
    return made


def _text(**attributes: Any) -> str:
    return json.dumps(dataset(**{"Rows": 4, "Columns": 4, **attributes}).to_json_dict())


def _as_strings(text: str) -> str:
    """The same with DS and IS as strings, as some servers write them."""
    elements = json.loads(text)
    for element in elements.values():
        if element["vr"] in ("DS", "IS") and "Value" in element:
            element["Value"] = [str(value) for value in element["Value"]]
    return json.dumps(elements)


def _palette(data: bytes, descriptor: list[int], **more: Any) -> str:
    colors = {}
    for color in ("Red", "Green", "Blue"):
        colors[f"{color}PaletteColorLookupTableDescriptor"] = descriptor
        colors[f"{color}PaletteColorLookupTableData"] = data
    return _text(PhotometricInterpretation="PALETTE COLOR", PixelRepresentation=0, **colors, **more)


_PLACED = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [1, 2, 3]}
_DISTANCES = {"DistanceSourceToDetector": 1100, "DistanceSourceToPatient": 980}
_PALETTE_16 = b"".join(value.to_bytes(2, "little") for value in range(0, 1024, 4))

CASES: dict[str, str] = {
    "plane": _text(SOPClassUID=CT, PixelSpacing=[0.5, 0.25], SliceLocation=3, SliceThickness=2, **_PLACED),
    "plane of strings": _as_strings(_text(SOPClassUID=CT, PixelSpacing=[0.5, 0.25], SliceLocation=3, **_PLACED)),
    "one pixel spacing": _text(SOPClassUID=CT, PixelSpacing=[0.5]),
    "geometry": _text(
        SOPClassUID=CR, PixelSpacing=[0.1, 0.1], ImagerPixelSpacing=[0.2, 0.2], PixelSpacingCalibrationType="GEOMETRY"
    ),
    "fiducial": _text(
        SOPClassUID=CR, PixelSpacing=[0.1, 0.1], ImagerPixelSpacing=[0.2, 0.2], PixelSpacingCalibrationType="FIDUCIAL"
    ),
    "factor": _text(SOPClassUID=CR, ImagerPixelSpacing=[0.3, 0.3], EstimatedRadiographicMagnificationFactor=1.5),
    "distances": _text(SOPClassUID=CR, ImagerPixelSpacing=[0.3, 0.3], **_DISTANCES),
    "distances of strings": _as_strings(_text(SOPClassUID=CR, ImagerPixelSpacing=[0.3, 0.3], **_DISTANCES)),
    "entrance": _text(
        SOPClassUID=CR, ImagerPixelSpacing=[0.3, 0.3], DistanceSourceToDetector=1200, DistanceSourceToEntrance=1000
    ),
    "corrected": _text(SOPClassUID=CR, PixelSpacing=[0.25, 0.25], ImagerPixelSpacing=[0.3, 0.3]),
    "detector": _text(SOPClassUID=CR, PixelSpacing=[0.3, 0.3], ImagerPixelSpacing=[0.3, 0.3]),
    "imager alone": _text(SOPClassUID=CR, ImagerPixelSpacing=[0.3, 0.3]),
    "radiograph without imager": _text(SOPClassUID=CR, PixelSpacing=[0.3, 0.3]),
    "center of the beam": _text(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.12.1.1",
        ImagerPixelSpacing=[0.3, 0.3],
        ObjectPixelSpacingInCenterOfBeam=[0.21, 0.21],
    ),
    "capture of a radiograph": _text(SOPClassUID=SC, ImagerPixelSpacing=[0.3, 0.3]),
    "scanned film": _text(SOPClassUID=SC, NominalScannedPixelSpacing=[0.1, 0.1]),
    "windows": _text(
        WindowCenter=[40, 300],
        WindowWidth=[400, 1500],
        WindowCenterWidthExplanation=["SOFT", "BONE"],
        VOILUTFunction="LINEAR",
        RescaleSlope=1,
        RescaleIntercept=-1024,
        RescaleType="HU",
    ),
    "windows of strings": _as_strings(_text(WindowCenter=40, WindowWidth=400, RescaleSlope=1, RescaleIntercept=-1024)),
    "center alone": _text(WindowCenter=40),
    "padding": _text(
        PixelRepresentation=1, PixelPaddingValue=-2000, SmallestImagePixelValue=-1000, LargestImagePixelValue=1000
    ),
    "palette 8": _palette(bytes(range(256)), [256, 0, 8]),
    "palette 16": _palette(_PALETTE_16, [256, 0, 16], PaletteColorLookupTableUID="1.2.3"),
    "pet": _text(
        SOPClassUID=PET,
        Modality="PT",
        CorrectedImage=["DECY", "ATTN"],
        Units="BQML",
        DecayCorrection="START",
        FrameReferenceTime=1500,
        ActualFrameDuration=120000,
        RadiopharmaceuticalInformationSequence=[
            {
                "RadiopharmaceuticalStartTime": "110000",
                "RadiopharmaceuticalStopTime": "110001",
                "RadionuclideTotalDose": 4e8,
                "RadionuclideHalfLife": 6588,
            }
        ],
    ),
    "two isotopes": _text(
        SOPClassUID=PET,
        RadiopharmaceuticalInformationSequence=[
            {"RadiopharmaceuticalStartTime": "110000", "RadionuclideTotalDose": 4e8, "RadionuclideHalfLife": 6588},
            {"RadiopharmaceuticalStartDateTime": "20240229110000", "RadionuclideTotalDose": 1e8},
        ],
    ),
    "patient": _text(
        PatientID="P1",
        PatientName="Doe^John",
        PatientBirthDate="19700101",
        PatientBirthTime="0000",
        PatientAge="045Y",
        PatientSize=1.75,
        PatientSex="M",
        PatientWeight=70,
    ),
    "trial": _text(
        ClinicalTrialSponsorName="S", ClinicalTrialSiteID="1", ClinicalTrialSiteName="N", ClinicalTrialSubjectID="2"
    ),
    "cine": _text(FrameTime=40, RecommendedDisplayFrameRate=25, NumberOfFrames=3, PhotometricInterpretation="RGB"),
    "compressed twice": _text(
        SOPInstanceUID="1.2",
        LossyImageCompression="01",
        LossyImageCompressionRatio=[2, 10.5],
        LossyImageCompressionMethod=["ISO_10918_1", "ISO_15444_1"],
    ),
    "transfer syntax": _text(AvailableTransferSyntaxUID="1.2.840.10008.1.2.4.103"),
    "regions": _text(
        Modality="US",
        SequenceOfUltrasoundRegions=[
            {
                "PhysicalDeltaX": 0.02,
                "PhysicalDeltaY": 0.03,
                "PhysicalUnitsXDirection": 3,
                "RegionDataType": 1,
                "ReferencePixelPhysicalValueX": 1.5,
                "RegionLocationMaxX1": 800,
            },
            {"PhysicalDeltaX": 0.01, "RegionFlags": 2},
        ],
    ),
}
