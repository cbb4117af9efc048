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
    return isinstance(ours, (int, float)) and isinstance(theirs, str) and float(theirs) == ours


def _rounded(ours: Any, theirs: Any, instance: Any) -> bool:
    return all(math.isclose(mine, yours, rel_tol=1e-6) for mine, yours in zip(ours, theirs, strict=True))


def _lower(theirs: Any) -> list[dict[str, Any]]:
    regions = theirs if isinstance(theirs, list) else [theirs]
    return [{key[:1].lower() + key[1:]: value for key, value in region.items()} for region in regions]


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
        "only one of center and width is no window",
        (f"voiLutModule {WHOLE}",),
        lambda ours, theirs, instance: ours is None and ("windowCenter" in theirs) != ("windowWidth" in theirs),
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
        ),
        _more,
    ),
    Difference(
        "members that the rules of display sets need",
        ("generalImageModule contentDate", "generalImageModule imageType", "generalSeriesModule bodyPartExamined"),
        _more,
    ),
    Difference(
        "radiopharmaceuticals have StartDateTime, as in the classic providers",
        ("petIsotopeModule radiopharmaceuticalInfo",),
        lambda ours, theirs, instance: any("radiopharmaceuticalStartDateTime" in one for one in ours),
    ),
    Difference(
        "stored values are signed where the pixels are; there they are masked to 16 bits",
        ("imagePixelModule pixelPaddingValue", "imagePixelModule smallestPixelValue"),
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
            instance.get("SOPClassUID") == "1.2.840.10008.5.1.4.1.1.7" and "PixelSpacing" not in instance
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

# Those that only an id of a frame shows.
OF_FRAMES = (
    Difference(
        "D7: the frames of a frame's id are of the instance",
        (f"frameImageIds {WHOLE}",),
        lambda ours, theirs, frame: len(ours) == len(theirs) and all(id.count("/frames/") == 2 for id in theirs),
    ),
    Difference(
        "what a private sequence of a functional group refers to is not what the frame is",
        ("generalImageModule sopClassUID", "sopCommonModule sopClassUID"),
        lambda ours, theirs, frame: ours == frame.instance.SOPClassUID and ours != theirs,
    ),
)
