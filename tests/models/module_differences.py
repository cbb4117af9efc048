"""Every difference of modules from `@cornerstonejs/metadata` that Metalith wants, once, with its D-number or reason.

A member that differs must be covered by one of these; one that covers nothing in all files and cases is stale.
D-numbers are those of reference/cornerstone.md, section 8.2, "O:" those of reference/ohif.md, section 9.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

ABSENT = "<absent>"
WHOLE = "<module>"  # for the member: the module as such


class Difference(NamedTuple):
    """Which members it is about, why, and whether it explains a pair of values of one instance."""

    reason: str
    members: tuple[str, ...]
    explains: Callable[[Any, Any, Any], bool]


def _more(ours: Any, theirs: Any, instance: Any) -> bool:
    return theirs == ABSENT and ours != ABSENT


def _numbers(ours: Any, theirs: Any, instance: Any) -> bool:
    """Their texts, read as numbers, are ours."""
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return all(map(_number, ours, theirs))
    return _number(ours, theirs)


def _number(ours: Any, theirs: Any) -> bool:
    if not isinstance(ours, (int, float)) or not isinstance(theirs, str):
        return False
    try:
        return float(theirs) == ours
    except ValueError:
        return False


def _isotopes(ours: Any, theirs: Any, instance: Any) -> bool:
    """The same radiopharmaceuticals, but for what they have more and for texts."""
    mine, yours = (given if isinstance(given, list) else [given] for given in (ours, theirs))
    return len(mine) == len(yours) and all(
        {*b} <= {*a} and all(a[name] == b[name] or _number(a[name], b[name]) for name in b)
        for a, b in zip(mine, yours, strict=True)
    )


def _groups(instance: Any) -> set[str]:
    names = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")
    return {name for name in names if name in getattr(instance, "instance", instance)}


def _rounded(ours: Any, theirs: Any, instance: Any) -> bool:
    return all(math.isclose(mine, yours, rel_tol=1e-6) for mine, yours in zip(ours, theirs, strict=True))


def _lower(theirs: Any) -> list[dict[str, Any]]:
    regions = theirs if isinstance(theirs, list) else [theirs]
    return [{key[:1].lower() + key[1:]: value for key, value in region.items()} for region in regions]


_DOSE = ("DoseUnits", "DoseUnit", "DoseSummationType", "DoseSummation")
_SPACING = (
    "imagePlaneModule pixelSpacing",
    "imagePlaneModule rowPixelSpacing",
    "imagePlaneModule columnPixelSpacing",
    "calibratedPixelSpacing rowPixelSpacing",
    "calibratedPixelSpacing columnPixelSpacing",
    "calibratedPixelSpacing type",
    f"calibratedPixelSpacing {WHOLE}",
)

DIFFERENCES = (
    Difference(
        "ohif.md 6.1, O:D13: an object without members blocks the next provider; ours is None",
        (WHOLE,),
        lambda ours, theirs, instance: ours is None and theirs in ({}, {"isVideo": False}),
    ),
    Difference(
        "every instance has an ecgModule there; ours needs a WaveformSequence",
        (f"ecgModule {WHOLE}",),
        lambda ours, theirs, instance: ours is None and "WaveformSequence" not in instance,
    ),
    Difference(
        "a structured report has an image plane of no rows there; ours needs an image",
        (f"imagePlaneModule {WHOLE}",),
        lambda ours, theirs, instance: ours is None and theirs["rows"] == 0 and theirs["usingDefaultValues"],
    ),
    Difference(
        "without both of center and width there is no window",
        (f"voiLutModule {WHOLE}",),
        lambda ours, theirs, instance: ours is None and not {"windowCenter", "windowWidth"} <= {*theirs},
    ),
    Difference(
        "without slope and intercept there is no rescaling",
        (f"modalityLutModule {WHOLE}",),
        lambda ours, theirs, instance: ours is None and {*theirs} == {"rescaleType"},
    ),
    Difference(
        "pixels without rows and columns are none",
        (f"imagePixelModule {WHOLE}",),
        lambda ours, theirs, instance: ours is None and not {"rows", "columns"} <= {*theirs},
    ),
    Difference(
        "D1: members lost when a tag is registered",
        (
            "generalSeriesModule studyInstanceUID",
            "generalImageModule sopInstanceUID",
            "ecgModule studyInstanceUID",
            "ecgModule seriesInstanceUID",
            "ecgModule sopInstanceUID",
        ),
        _more,
    ),
    Difference(
        "the ECG is decoded without its series' and instance's members",
        ("ecgModule modality", "ecgModule sopClassUID"),
        _more,
    ),
    Difference(
        "members that OHIF and the classic providers have",
        (
            "generalStudyModule studyId",
            "patientModule patientSex",
            "patientModule otherPatientIDsSequence",
            "cineModule numberOfFrames",
            "cineModule cineRate",
            "voiLutModule voiLUTSequence",
            "modalityLutModule modalityLUTSequence",
            "imagePixelModule pixelAspectRatio",
        ),
        _more,
    ),
    Difference(
        "members that tell speeds and SUV",
        ("cineModule frameDelay", "petImageModule decayFactor", "petSeriesModule suvType"),
        _more,
    ),
    Difference(
        "D17: attributes of doses have other names there",
        tuple(f"scalingModule {name}" for name in (*_DOSE, WHOLE)),
        lambda ours, theirs, instance: (
            theirs == ABSENT or (theirs is None and isinstance(ours, dict) and {*ours} <= {*_DOSE})
        ),
    ),
    Difference(
        "other lean masses",
        ("scalingModule suvlbmJanma", "scalingModule suvlbmJames128"),
        _more,
    ),
    Difference(
        "a lean mass below zero is none",
        ("scalingModule suvlbm",),
        lambda ours, theirs, instance: ours == ABSENT and theirs < 0,
    ),
    Difference(
        "powers differ in the last digit",
        ("scalingModule suvbw", "scalingModule suvbsa", "scalingModule suvlbm"),
        lambda ours, theirs, instance: (
            ours != ABSENT and theirs != ABSENT and math.isclose(ours, theirs, rel_tol=1e-15)
        ),
    ),
    Difference(
        "D18: sex O is an error there",
        (f"scalingModule {WHOLE}",),
        lambda ours, theirs, instance: theirs is None and instance.Modality == "PT" and instance.PatientSex == "O",
    ),
    Difference(
        "members that the rules of display sets need",
        ("generalImageModule contentDate", "generalImageModule imageType", "generalSeriesModule bodyPartExamined"),
        _more,
    ),
    Difference(
        "radiopharmaceuticals have more, StartDateTime as in the classic providers, and numbers that are numbers",
        ("petIsotopeModule radiopharmaceuticalInfo",),
        _isotopes,
    ),
    Difference(
        "stored values are signed where the pixels are; there they are masked to 16 bits",
        tuple(
            f"imagePixelModule {name}" for name in ("pixelPaddingValue", "pixelPaddingRangeLimit", "smallestPixelValue")
        ),
        lambda ours, theirs, instance: ours < 0 and ours & 0xFFFF == theirs and instance.PixelRepresentation == 1,
    ),
    Difference(
        "ultrasound regions are in modules of their own",
        ("imagePixelModule sequenceOfUltrasoundRegions",),
        lambda ours, theirs, instance: ours == ABSENT,
    ),
    Difference(
        "regions have lower-case names in every module, and are a list even if there is one",
        ("ultrasoundEnhancedRegionModule sequenceOfUltrasoundRegions",),
        lambda ours, theirs, instance: ours == _lower(theirs),
    ),
    Difference(
        "D11: positions are float32 there",
        ("imagePlaneModule imagePositionPatient",),
        _rounded,
    ),
    Difference(
        "waveform data are bytes or a place to read from, not a function",
        ("ecgModule waveformData",),
        lambda ours, theirs, instance: theirs == {"retrieveBulkData": {"fn": True}},
    ),
    Difference(
        "numbers are numbers",
        (
            "voiLutModule windowCenter",
            "voiLutModule windowWidth",
            "modalityLutModule rescaleSlope",
            "modalityLutModule rescaleIntercept",
            "generalImageModule pixelSpacing",
            "imagePixelModule distanceSourceToDetector",
            "imagePixelModule distanceSourceToPatient",
            "imagePixelModule distanceSourceToEntrance",
            "imagePixelModule estimatedRadiographicMagnificationFactor",
            "generalImageModule instanceNumber",
            "generalImageModule numberOfFrames",
            "generalImageModule lossyImageCompressionRatio",
            "generalSeriesModule seriesNumber",
            "patientStudyModule patientSize",
            "patientStudyModule patientWeight",
            "cineModule frameTime",
            "cineModule recommendedDisplayFrameRate",
            "petImageModule frameReferenceTime",
            "petImageModule actualFrameDuration",
        ),
        _numbers,
    ),
    Difference(
        "D9: distances that are texts are compared as texts there",
        _SPACING,
        lambda ours, theirs, instance: (
            str(instance.get("DistanceSourceToPatient")) > str(instance.get("DistanceSourceToDetector"))
        ),
    ),
    Difference(
        "D10: one distance is no pair; ours has none, which Cornerstone's default stands for",
        _SPACING,
        lambda ours, theirs, instance: isinstance(instance.get("PixelSpacing"), float),
    ),
    Difference(
        "cornerstone3D#2042: objects of other classes that have but the distances on a detector or film",
        _SPACING,
        lambda ours, theirs, instance: (
            "PixelSpacing" not in instance
            and (instance.get("SOPClassUID") == "1.2.840.10008.5.1.4.1.1.7" or "NominalScannedPixelSpacing" in instance)
        ),
    ),
    Difference(
        "enhanced XA tells the distances of pixels in the patient elsewhere",
        _SPACING,
        lambda ours, theirs, instance: "ObjectPixelSpacingInCenterOfBeam" in instance,
    ),
    Difference(
        "isVideo is a boolean",
        ("transferSyntax isVideo",),
        lambda ours, theirs, instance: ours is (theirs not in (False, ABSENT)),
    ),
)

_COMBINED = (
    *_SPACING,
    *(
        f"imagePlaneModule {name}"
        for name in (
            "imageOrientationPatient",
            "rowCosines",
            "columnCosines",
            "imagePositionPatient",
            "sliceThickness",
            "usingDefaultValues",
            "isDefaultValueSetForRowCosine",
            "isDefaultValueSetForColumnCosine",
        )
    ),
    "generalImageModule pixelSpacing",
    f"modalityLutModule {WHOLE}",
    "modalityLutModule rescaleSlope",
    "modalityLutModule rescaleIntercept",
    "modalityLutModule rescaleType",
    f"voiLutModule {WHOLE}",
    "voiLutModule windowCenter",
    "voiLutModule windowWidth",
)

# Those that only objects with frames have.
OF_OBJECTS = (
    Difference(
        "D3: objects with one frame are not taken apart there",
        _COMBINED,
        lambda ours, theirs, frame: (
            frame.get("NumberOfFrames") == 1 and bool(_groups(frame) or "DetectorInformationSequence" in frame)
        ),
    ),
    Difference(
        "D4: per-frame groups without shared ones, and shared ones alone, are passed over there",
        _COMBINED,
        lambda ours, theirs, frame: len(_groups(frame)) == 1 and frame.get("NumberOfFrames") > 1,
    ),
)

# Those that only an id of a frame shows.
OF_FRAMES = (
    Difference(
        "D7: the frames of a frame's id are of the instance",
        (f"frameImageIds {WHOLE}",),
        lambda ours, theirs, frame: (
            len(ours) == len(theirs)
            and (all(id.count("/frames/") == 2 for id in theirs) or "PhotometricInterpretation" not in frame)
        ),
    ),
    Difference(
        "what a private sequence of a functional group refers to is not what the frame is",
        ("generalImageModule sopClassUID", "sopCommonModule sopClassUID"),
        lambda ours, theirs, frame: ours == frame.instance.SOPClassUID and ours != theirs,
    ),
)
