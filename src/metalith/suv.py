"""SUV: by what the values of a PET series, after rescaling, are multiplied to be standardized uptake values.

>>> factors = suv_factors(instances)                        # all of a series, in any order
>>> factors[0].suvbw, factors[0].suvlbm, factors[0].lacking
(0.0002555849718125172, 0.00021104016243947847, ())

SUV is activity concentration over injected dose per body weight, the dose being what is left of it at the time that the
values are corrected to; or per lean body mass, or body surface area. Sources: PS3.3 section C.8.9.1; QIBA, Standardized
Uptake Value, vendor-neutral pseudocode; Philips' private factors as there. `suv_times` has the times, `suv_body` the
bodies, `suv_enhanced` what multi-frame objects tell in other ways. RescaleSlope and RescaleIntercept are per image or
frame, and to be applied before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from metalith._core import Instance
from metalith.bulk import BulkData
from metalith.frames import frame_of
from metalith.frames_groups import PER_FRAME_GROUPS, SHARED_GROUPS
from metalith.modules.base import Data
from metalith.modules.values import code, number
from metalith.suv_body import LEAN, Body, body_of, body_surface_area, lean_body_mass, masses_of
from metalith.suv_enhanced import MAPPINGS, corrected_image, decay_correction, flag_of, injected, is_enhanced, scale_of
from metalith.suv_times import DATETIME, MISSING, WRONG, Moment, SuvError, decay_times, private

__all__ = ["SuvError", "SuvScaling", "body_surface_area", "lean_body_mass", "suv_factors"]

PHILIPS = "Philips PET Private Group"
_SUV_FACTOR, _ACTIVITY_FACTOR = 0x00, 0x09
_MOST_HALF_LIVES = 64.0  # after which not one atom is left; the dates are not of one examination
_TYPES = {"BW": "suvbw", **{formula: name for name, formula in LEAN.items()}}
_NAMES = {
    "suvbw": "suvbw",
    "suvlbm": "suvlbm",
    "suvbsa": "suvbsa",
    "suvlbm_janmahasatian": "suvlbmJanma",
    "suvlbm_james128": "suvlbmJames128",
}


@dataclass(frozen=True, slots=True)
class SuvScaling:
    """Factors from an instance's rescaled values to SUV; None where one cannot be told.

    Attributes
    ----------
    suvbw : float
        To SUV by body weight, g/ml.
    suvbsa : float
        To SUV by body surface area (Du Bois), cm²/ml.
    suvlbm : float
        To SUV by lean body mass (Morgan, 1.10 w - 120 (w/h)² for men), g/ml: what Cornerstone calls so.
    suvlbm_james128 : float
        The same by James' formula, with 128.
    suvlbm_janmahasatian : float
        The same by Janmahasatian's formula, which the EANM recommends.
    units : str
        Units of the values that are multiplied, such as "BQML".
    lacking : tuple of str
        Attributes without which some factors are None, such as "PatientSize".
    decay_time : float
        For how long the dose decayed, s; None where values are SUV, or counts with a factor, already.
    time_source : str
        What told until when: "SeriesTime", "AcquisitionTime", "GEMS_PETD_01" (GE's private time), "DecayCorrection"
        (ADMIN), "DecayCorrectionDateTime", "FrameReferenceTime", "FrameReferenceDateTime", "ActualFrameDuration",
        "FrameAcquisitionDuration". None without a `decay_time`.
    """

    suvbw: float | None = None
    suvbsa: float | None = None
    suvlbm: float | None = None
    suvlbm_james128: float | None = None
    suvlbm_janmahasatian: float | None = None
    units: str = ""
    lacking: tuple[str, ...] = ()
    decay_time: float | None = field(default=None, repr=False)
    time_source: str | None = None

    def to_cornerstone(self) -> dict[str, float]:
        """Cornerstone's scalingModule: suvbw, suvlbm, suvbsa, suvlbmJanma (and suvlbmJames128), those that are known.

        >>> SuvScaling(suvbw=2.0, units="BQML").to_cornerstone()
        {'suvbw': 2.0}
        """
        return {name: value for own, name in _NAMES.items() if (value := getattr(self, own)) is not None}


class _Series(NamedTuple):
    """What all instances of a series must have in common, by keyword."""

    Modality: str | None
    SeriesInstanceUID: str | None
    Units: str | None
    SUVType: str | None
    CorrectedImage: tuple[str, ...] | None
    DecayCorrection: str | None
    SeriesDate: str | None
    SeriesTime: str | None
    PatientWeight: float | None
    PatientSize: float | None
    PatientSex: str | None
    RadionuclideTotalDose: float | None
    RadionuclideHalfLife: float | None
    RadiopharmaceuticalStartTime: str | None
    RadiopharmaceuticalStartDateTime: str | None
    enhanced: bool


class _Image(NamedTuple):
    """One of them: what is common, and by what its rescaled values are multiplied to be in Units."""

    series: _Series
    factor: float


def suv_factors(instances: Iterable[Data]) -> list[SuvScaling]:
    """The factors of all instances of a PET series.

    Parameters
    ----------
    instances : iterable of Instance, frame or dict of natural values
        All of one series: the first that was acquired tells when the scan began. Of a multi-frame object give the
        frames (`metalith.frames.frames_of`); the object itself stands for its first one.

    Returns
    -------
    list of SuvScaling
        In the order of the instances.

    Raises
    ------
    SuvError
        No SUV can be computed for the series; it names the attribute.

    Examples
    --------
    >>> image = {"Units": "GML", "CorrectedImage": ("ATTN", "DECY"), "PatientWeight": 70.0}
    >>> (factors,) = suv_factors([image])
    >>> factors.suvbw, factors.units, factors.lacking
    (1.0, 'GML', ('PatientSize', 'PatientSex'))
    """
    whole = [_first_frame(one) for one in instances]
    if not whole:
        return []
    images = _images_of(whole)
    series, scales = images[0].series, [image.factor for image in images]
    if series.Modality not in (None, "PT"):
        raise SuvError("Modality", "is not PT")
    if series.Units is None:
        raise SuvError("Units", MISSING)
    if series.Units not in ("BQML", "CNTS", "GML", "CM2ML"):
        raise SuvError("Units", "are none that SUV can be computed from")
    body = body_of(whole[0])
    if series.Units in ("GML", "CM2ML"):
        _check_corrections(series, True)
        kind = _suv_type(series)
        known = {factor: _known(series, kind, factor, body) for factor in {*scales}}
        return [known[factor] for factor in scales]
    if series.Units == "BQML":
        return _from_activity(whole, series, body, scales)
    factors = [_philips(one, _SUV_FACTOR) for one in whole]
    if all(factors):
        _check_corrections(series, True)
        return [_known(series, "suvbw", factor, body) for factor in factors if factor]
    if any(factors):
        raise SuvError(f"(7053,xx00) of {PHILIPS}", "is missing or zero in some instances")
    concentrations = [_philips(one, _ACTIVITY_FACTOR) for one in whole]
    if not all(concentrations):
        some = " in some instances" if any(concentrations) else ""
        raise SuvError(f"(7053,xx00) and (7053,xx09) of {PHILIPS}", f"are missing or zero{some}, and Units are CNTS")
    return _from_activity(whole, series, body, [one for one in concentrations if one])


def _first_frame(one: Data) -> Data:
    if isinstance(one, Instance) and (PER_FRAME_GROUPS in one or SHARED_GROUPS in one):
        return frame_of(one, 1)
    return one


def _images_of(instances: Sequence[Data]) -> list[_Image]:
    images = [_read(one) for one in instances]
    series = images[0].series
    for image in images[1:]:
        if image.series != series:
            pairs = zip(_Series._fields, series, image.series, strict=True)
            differs = next(name for name, a, b in pairs if a != b)
            raise SuvError(differs, "is not the same in all instances")
    return images


def _read(one: Data) -> _Image:
    get, item, scale = one.get, injected(one), scale_of(one)
    series = _Series(
        code(get("Modality")),
        code(get("SeriesInstanceUID")),
        scale.units,
        scale.suv_type,
        corrected_image(one),
        decay_correction(one),
        code(get("SeriesDate")),
        code(get("SeriesTime")),
        number(get("PatientWeight")),
        number(get("PatientSize")),
        code(get("PatientSex")),
        number(item.get("RadionuclideTotalDose")),
        number(item.get("RadionuclideHalfLife")),
        code(item.get("RadiopharmaceuticalStartTime")),
        code(item.get("RadiopharmaceuticalStartDateTime")),
        is_enhanced(one),
    )
    return _Image(series, scale.factor)


def _check_corrections(series: _Series, decay: bool) -> None:
    """Values that lack a correction are no concentrations of activity."""
    corrected = series.CorrectedImage
    if corrected is None:
        raise SuvError("CorrectedImage", MISSING)
    for name in ("ATTN", "DECY") if decay else ("ATTN",):
        if name not in corrected:
            if series.enhanced:
                raise SuvError(flag_of(name), "is not YES")
            raise SuvError("CorrectedImage", f"is without {name}")
    if not decay and "DECY" in corrected:
        raise SuvError("CorrectedImage", "is with DECY, and DecayCorrection NONE")


def _suv_type(series: _Series) -> str:
    """The factor that is 1: of which kind values are that are SUV already (PS3.3 section C.8.9.1)."""
    kind = series.SUVType
    if series.Units == "CM2ML":
        if kind not in (None, "BSA"):
            raise SuvError("SUVType", "does not go with Units")
        return "suvbsa"
    name = _TYPES.get(kind or "BW")
    if name is None:
        raise SuvError("SUVType", "is none that factors are known for")
    return name


def _known(series: _Series, kind: str, factor: float, body: Body) -> SuvScaling:
    """All factors, from the one that is known."""
    masses, lacking = masses_of(body)
    reference = masses.get(kind)
    values: dict[str, Any] = {}
    if reference:
        values = {name: factor * (mass / reference) for name, mass in masses.items()}
    values[kind] = factor
    _check_numbers(values, MAPPINGS)
    return SuvScaling(**values, units=series.Units or "", lacking=lacking)


def _check_numbers(values: dict[str, float], name: str) -> None:
    """Factors beyond what a double can hold come of attributes that are no measurements."""
    if not all(0.0 < value < math.inf for value in values.values()):
        raise SuvError(name, "is out of all proportion")


def _from_activity(
    instances: Sequence[Data], series: _Series, body: Body, concentrations: Sequence[float]
) -> list[SuvScaling]:
    """Factors from values that, times `concentrations`, are Bq/ml."""
    correction = series.DecayCorrection
    if correction not in ("START", "ADMIN", "NONE", DATETIME):
        name = flag_of("DECY") if series.enhanced else "DecayCorrection"
        raise SuvError(name, MISSING if correction is None else WRONG)
    _check_corrections(series, correction != "NONE")
    if body.weight is None:
        raise SuvError("PatientWeight", MISSING if series.PatientWeight is None else WRONG)
    dose = _positive(series, "RadionuclideTotalDose")
    half_life = None if correction == "ADMIN" else _positive(series, "RadionuclideHalfLife")
    masses, lacking = masses_of(body)
    made: dict[tuple[float, Moment], SuvScaling] = {}
    times = decay_times(instances, correction, injected(instances[0]), half_life)
    for key in (keys := list(zip(concentrations, times, strict=True))):
        if key in made:
            continue
        concentration, time = key
        half_lives = time.seconds / half_life if half_life else 0.0
        if half_lives > _MOST_HALF_LIVES:
            raise SuvError("RadionuclideHalfLife", "is so short that nothing is left of the dose")
        per_dose = concentration * (1.0 / (dose * 2.0**-half_lives))
        values: dict[str, Any] = {name: per_dose * mass for name, mass in masses.items()}
        _check_numbers(values, "RadionuclideTotalDose")
        made[key] = SuvScaling(
            **values, units=series.Units or "", lacking=lacking, decay_time=time.seconds, time_source=time.source
        )
    return [made[key] for key in keys]


def _positive(series: _Series, name: str) -> float:
    value: float | None = getattr(series, name)
    if value is None:
        raise SuvError(name, MISSING)
    if value <= 0:
        raise SuvError(name, "is not positive")
    return value


def _philips(one: Data, element: int) -> float | None:
    """A private factor; None where it is missing or zero."""
    value = private(one, PHILIPS, 0x7053, element)
    name = f"(7053,xx{element:02X}) of {PHILIPS}"
    if isinstance(value, BulkData):
        raise SuvError(name, "stands elsewhere, as bulk data")
    if value is None or value == "":
        return None
    factor = number(value)
    if factor is None or factor < 0:
        raise SuvError(name, WRONG)
    return factor or None
