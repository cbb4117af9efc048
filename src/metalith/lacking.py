"""Why an instance does not answer a metadata type: which attributes it lacks, in words. No value is ever shown."""

from __future__ import annotations

from typing import Any

from metalith import _core
from metalith.modules.table import TYPES
from metalith.modules.values import code
from metalith.scaling import SuvSeries, scaling_module
from metalith.suv import SuvError

__all__ = ["UNKNOWN", "lacking"]

UNKNOWN = "it does not know the image"

_MOST = 6  # keywords that are named
_READ = {
    "calibrationModule": ("SequenceOfUltrasoundRegions",),
    "ecgModule": ("WaveformSequence",),
    "overlayPlaneModule": ("(60xx,3000) OverlayData",),
    "paletteColorLookupTableModule": ("RedPaletteColorLookupTableDescriptor",),
    "petIsotopeModule": ("RadiopharmaceuticalInformationSequence",),
    "ultrasoundEnhancedRegionModule": ("SequenceOfUltrasoundRegions",),
}
"""What modules need that are not made of attributes of the instance alone."""


def lacking(type: str | type, data: Any, series: SuvSeries | None = None) -> str | None:
    """What an instance or frame lacks for a type that it does not answer.

    Parameters
    ----------
    type : str or class
        As for `metalith.answers.answer`.
    data : Instance or FrameInstance
    series : SuvSeries, optional
        For "scalingModule".

    Returns
    -------
    str or None
        None where it lacks nothing that can be named.

    Examples
    --------
    >>> from metalith.lacking import lacking
    >>> ct = metalith.naturalize_dataset({"00080060": {"vr": "CS", "Value": ["CT"]}})
    >>> lacking("KVP", ct), lacking("scalingModule", ct)
    ('KVP is missing', 'Modality is neither PT nor RTDOSE')
    """
    kind = type if isinstance(type, str) else getattr(type, "type", "")
    if kind == "scalingModule":
        return _of_scaling(data, series)
    if kind in TYPES:
        keywords = _READ.get(kind) or [row.keyword for row in TYPES[kind]._rows if _core.describe_keyword(row.keyword)]
        absent = [keyword for keyword in keywords if data.get(keyword) is None]
        return _missing(absent) if absent else None
    if _core.describe_keyword(kind) is not None:
        return _missing([kind]) if data.get(kind) is None else None
    return None


def _missing(keywords: list[str]) -> str:
    named = ", ".join(keywords[:_MOST])
    more = f" and {len(keywords) - _MOST} more" if len(keywords) > _MOST else ""
    return f"{named}{more} {'is' if len(keywords) == 1 else 'are'} missing"


def _of_scaling(data: Any, series: SuvSeries | None) -> str | None:
    modality = code(data.get("Modality"))
    if modality not in ("PT", "RTDOSE"):
        return "Modality is missing" if modality is None else "Modality is neither PT nor RTDOSE"
    try:
        found = scaling_module(data, series, strict=True)
    except SuvError as error:
        return f"{error.attribute} {error.reason}"
    return _missing(["DoseGridScaling"]) if found is None else None
