"""What SUV needs of a PET image, wherever it stands: classic images have it in attributes of the PET modules (PS3.3
section C.8.9), enhanced and legacy converted multi-frame objects in functional groups and in flags (section C.8.22).

An enhanced object has no Units. Its real world value mappings tell what stored values are in UCUM, beside the rescaling
that every consumer applies (Pixel Value Transformation): so the factor is from rescaled values to those of the mapping.
Corrections are flags there (DecayCorrected) and no list of codes, and the time that values are corrected to is told.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from metalith.modules.base import Data
from metalith.modules.values import code, codes, integer, items, number, one_item
from metalith.suv_times import DATETIME, MISSING, WRONG, SuvError

__all__ = ["MAPPINGS", "Scale", "corrected_image", "decay_correction", "injected", "is_enhanced", "scale_of"]

MAPPINGS = "RealWorldValueMappingSequence"
_FLAGS = {"ATTN": "AttenuationCorrected", "DECY": "DecayCorrected"}
_UCUM = {
    "Bq/ml": ("BQML", None, 1.0),
    "kBq/ml": ("BQML", None, 1e3),
    "MBq/ml": ("BQML", None, 1e6),
    "g/ml": ("GML", None, 1.0),
    "g/ml{SUVbw}": ("GML", "BW", 1.0),
    "g/ml{SUVlbm}": ("GML", "LBM", 1.0),
    "g/ml{SUVlbm(James128)}": ("GML", "LBMJAMES128", 1.0),
    "g/ml{SUVlbm(Janma)}": ("GML", "LBMJANMA", 1.0),
    "cm2/ml{SUVbsa}": ("CM2ML", "BSA", 1.0),
}
"""Units of PS3.16 CID 84, as Units and SUVType say it, and by what values are multiplied to be in Units."""

_PER_STORED = 1e-6  # of a stored value's step: by how much two ways to the same value may differ


class Scale(NamedTuple):
    """What values are, after rescaling and times `factor`: Units and SUVType in the terms of section C.8.9.1."""

    units: str | None
    suv_type: str | None
    factor: float


def is_enhanced(one: Data) -> bool:
    """Whether corrections are flags, as in the Enhanced PET Corrections module."""
    return one.get("CorrectedImage") is None and any(code(one.get(name)) is not None for name in _FLAGS.values())


def corrected_image(one: Data) -> tuple[str, ...] | None:
    """Which of ATTN and DECY were applied (of a classic image: all that were); None where nothing tells."""
    if not is_enhanced(one):
        return codes(one.get("CorrectedImage"))
    return tuple(name for name, flag in _FLAGS.items() if code(one.get(flag)) == "YES")


def decay_correction(one: Data) -> str | None:
    """DecayCorrection; of an enhanced image NONE, or DATETIME: to the time that DecayCorrectionDateTime says."""
    given = code(one.get("DecayCorrection"))
    if given is not None or not is_enhanced(one):
        return given
    return {"YES": DATETIME, "NO": "NONE"}.get(code(one.get("DecayCorrected")) or "")


def flag_of(correction: str) -> str:
    """The attribute that says of an enhanced image whether a correction was applied."""
    return _FLAGS[correction]


def injected(one: Data) -> Any:
    """The item of RadiopharmaceuticalInformationSequence that tells of the injection; an empty dict without.

    Of several agents a frame names the one that it shows (Radiopharmaceutical Usage).

    Raises
    ------
    SuvError
        There are several that say different things.
    """
    every = items(one.get("RadiopharmaceuticalInformationSequence"))
    usage = items(one.get("RadiopharmaceuticalUsageSequence"))
    agents = {integer(item.get("RadiopharmaceuticalAgentNumber")) for item in usage} - {None}
    if agents and every:
        every = tuple(item for item in every if integer(item.get("RadiopharmaceuticalAgentNumber")) in agents)
        if not every:
            raise SuvError("RadiopharmaceuticalUsageSequence", "names no agent that the object tells of")
    told = [item for item in every if number(item.get("RadionuclideTotalDose")) is not None]
    if len(told) > 1:
        names = ("RadionuclideTotalDose", "RadionuclideHalfLife")
        if len({tuple(number(item.get(name)) for name in names) for item in told}) > 1:
            raise SuvError("RadiopharmaceuticalInformationSequence", "tells of several doses")
    return (told or every or ({},))[0]


def scale_of(one: Data) -> Scale:
    """What the values of an image are: by its Units, else by a real world value mapping.

    Of several mappings one to SUV goes before one to activity: it is the scanner's own, and needs nothing else.

    Raises
    ------
    SuvError
        There is no mapping that SUV can be computed from, and there are no Units.
    """
    units = code(one.get("Units"))
    if units is not None:
        return Scale(units, code(one.get("SUVType")), 1.0)
    mappings = items(one.get(MAPPINGS))
    known = [(found, item) for item in mappings if (found := _units_of(item)) is not None]
    if not known:
        if mappings:
            raise SuvError(MAPPINGS, "has no mapping to activity concentration or SUV")
        if is_enhanced(one):
            raise SuvError(MAPPINGS, MISSING)
        return Scale(None, None, 1.0)
    (units, suv_type, times), item = next((pair for pair in known if pair[0][0] != "BQML"), known[0])
    return Scale(units, suv_type, times * _of_rescaled(one, item))


def _units_of(mapping: Any) -> tuple[str, str | None, float] | None:
    """What a mapping is to; None where that is of no use for SUV, or it is a table."""
    if mapping.get("RealWorldValueSlope") is None:
        return None
    units = one_item(mapping.get("MeasurementUnitsCodeSequence"))
    text = code(units.get("CodeValue")) or code(units.get("LongCodeValue")) or ""
    text = text.replace("mL", "ml").replace("/cm3", "/ml")
    if text.startswith("{"):  # an annotation says the same on either side
        annotation, _, unit = text.partition("}")
        text = f"{unit}{annotation}}}"
    return _UCUM.get(text)


def _of_rescaled(one: Data, mapping: Any) -> float:
    """By what rescaled values are multiplied to be the mapping's, which are told of stored values."""
    numbers = [
        _told(mapping, "RealWorldValueSlope", None),
        _told(mapping, "RealWorldValueIntercept", 0.0),
        _told(one, "RescaleSlope", 1.0),
        _told(one, "RescaleIntercept", 0.0),
    ]
    slope, intercept, rescale_slope, rescale_intercept = numbers
    if slope <= 0:
        raise SuvError("RealWorldValueSlope", "is not positive")
    if rescale_slope <= 0:
        raise SuvError("RescaleSlope", "is not positive")
    factor = slope / rescale_slope
    if not math.isclose(intercept, factor * rescale_intercept, rel_tol=_PER_STORED, abs_tol=_PER_STORED * slope):
        raise SuvError(MAPPINGS, "is not proportional to the rescaled values")
    return factor


def _told(data: Any, name: str, default: float | None) -> float:
    given = data.get(name)
    read = default if given is None else number(given)
    if read is None:
        raise SuvError(name, MISSING if given is None else WRONG)
    return read
