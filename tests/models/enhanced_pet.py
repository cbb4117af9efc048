"""Enhanced PET objects (PS3.3 section A.56) and legacy converted ones (A.72), as DICOM JSON made by pydicom."""

from __future__ import annotations

from typing import Any

import metalith

from .module_cases import dataset

ENHANCED, LEGACY = "1.2.840.10008.5.1.4.1.1.130", "1.2.840.10008.5.1.4.1.1.128.1"
PATIENT = {"PatientWeight": 70, "PatientSize": 1.75, "PatientSex": "M"}
AGENT = {
    "RadiopharmaceuticalAgentNumber": 1,
    "RadiopharmaceuticalStartDateTime": "20240301110000",
    "RadionuclideTotalDose": 4e8,
    "RadionuclideHalfLife": 6588,
}
FLAGS = {
    "AttenuationCorrected": "YES",
    "ScatterCorrected": "YES",
    "DecayCorrected": "YES",
    "DecayCorrectionDateTime": "20240301120000",
}


def mapping(units: str | None = "Bq/ml", slope: float | None = 2.0, intercept: float = 0.0) -> dict[str, Any]:
    """An item of RealWorldValueMappingSequence; without a slope it is a table."""
    made: dict[str, Any] = {"RealWorldValueFirstValueMapped": 0, "RealWorldValueLastValueMapped": 1}
    if units is not None:
        name = "CodeValue" if len(units) <= 16 else "LongCodeValue"
        code = {name: units, "CodingSchemeDesignator": "UCUM", "CodeMeaning": "units"}
        made["MeasurementUnitsCodeSequence"] = [code]
    if slope is None:
        return made | {"RealWorldValueLUTData": [0.0, 1.0]}
    return made | {"RealWorldValueSlope": slope, "RealWorldValueIntercept": intercept}


def frame(
    number: int = 1, *, slope: float = 2.0, mappings: list[dict[str, Any]] | None = None, agent: int = 1
) -> dict[str, Any]:
    """An item of PerFrameFunctionalGroupsSequence: three minutes each, one after another from noon on."""
    minute = 3 * (number - 1)
    content = {
        "FrameAcquisitionDateTime": f"2024030112{minute:02d}00",
        "FrameReferenceDateTime": f"2024030112{minute + 1:02d}30",
        "FrameAcquisitionDuration": 180_000.0,
    }
    made = {
        "FrameContentSequence": [content],
        "PixelValueTransformationSequence": [{"RescaleSlope": slope, "RescaleIntercept": 0, "RescaleType": "US"}],
        "RadiopharmaceuticalUsageSequence": [{"RadiopharmaceuticalAgentNumber": agent}],
    }
    given = [mapping(slope=slope)] if mappings is None else mappings
    return made | ({"RealWorldValueMappingSequence": given} if given else {})


def enhanced(*frames: dict[str, Any], shared: dict[str, Any] | None = None, **changes: Any) -> metalith.Instance:
    """An Enhanced PET of these frames; of one without any. A change to None leaves an attribute out."""
    own = frames or (frame(),)
    root = {
        "SOPClassUID": ENHANCED,
        "SOPInstanceUID": "1.2.1",
        "SeriesInstanceUID": "1.2",
        "StudyInstanceUID": "1",
        "Modality": "PT",
        "NumberOfFrames": len(own),
        **PATIENT,
        **FLAGS,
        "RadiopharmaceuticalInformationSequence": [AGENT],
        "PerFrameFunctionalGroupsSequence": list(own),
        "SharedFunctionalGroupsSequence": [shared or {}],
        **changes,
    }
    given = {name: value for name, value in root.items() if value is not None}
    return metalith.naturalize_dataset(dataset(**given).to_json_dict())


def legacy(slopes: tuple[float, ...] = (2.0, 3.0), **changes: Any) -> metalith.Instance:
    """A legacy converted PET: what classic images have stands among unassigned attributes, shared and per frame."""
    shared = {"Units": "BQML", "DecayCorrection": "START", "CorrectedImage": ["ATTN", "DECY", "SCAT"]}
    shared |= {"SeriesDate": "20240301", "SeriesTime": "120000"}
    item = {name: AGENT[name] for name in ("RadionuclideTotalDose", "RadionuclideHalfLife")}
    shared["RadiopharmaceuticalInformationSequence"] = [{**item, "RadiopharmaceuticalStartTime": "110000"}]
    shared = {name: value for name, value in {**shared, **changes}.items() if value is not None}
    frames = []
    for place, slope in enumerate(slopes):
        content = {"FrameAcquisitionDateTime": f"2024030112{3 * place:02d}00", "FrameAcquisitionDuration": 180_000.0}
        frames.append(
            {
                "FrameContentSequence": [content],
                "PixelValueTransformationSequence": [{"RescaleSlope": slope, "RescaleIntercept": 0}],
                "UnassignedPerFrameConvertedAttributesSequence": [{"FrameReferenceTime": 90_000 + 180_000 * place}],
            }
        )
    root = {
        "SOPClassUID": LEGACY,
        "SOPInstanceUID": "1.2.1",
        "SeriesInstanceUID": "1.2",
        "StudyInstanceUID": "1",
        "Modality": "PT",
        "NumberOfFrames": len(frames),
        **PATIENT,
        "PerFrameFunctionalGroupsSequence": frames,
        "SharedFunctionalGroupsSequence": [{"UnassignedSharedConvertedAttributesSequence": [shared]}],
    }
    return metalith.naturalize_dataset(dataset(**root).to_json_dict())
