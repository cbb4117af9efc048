"""What "scalingModule" answers: factors of a PET image to SUV, and of a dose grid to dose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from metalith._core import Instance
from metalith.frames import frames_of
from metalith.frames_groups import PER_FRAME_GROUPS, SHARED_GROUPS
from metalith.modules.base import Data
from metalith.modules.values import code, codes, number
from metalith.suv import SuvError, SuvScaling, suv_factors

__all__ = ["DoseScaling", "SuvSeries", "scaling_module"]


@dataclass(frozen=True, slots=True)
class DoseScaling:
    """From stored values of an RTDOSE to dose (PS3.3 section C.8.8.3); None where the instance does not tell.

    Attributes
    ----------
    dose_grid_scaling : float
        What stored values are multiplied by, in `dose_units`.
    dose_units : str
        "GY", or "RELATIVE".
    dose_type : str
        "PHYSICAL", "EFFECTIVE" or "ERROR".
    dose_summation_type : str
        "PLAN", "BEAM", "FRACTION", …: what the dose is the sum of.
    tissue_heterogeneity_correction : tuple of str
        "IMAGE", "ROI_OVERRIDE" or "WATER".
    """

    dose_grid_scaling: float | None = None
    dose_units: str | None = None
    dose_type: str | None = None
    dose_summation_type: str | None = None
    tissue_heterogeneity_correction: tuple[str, ...] | None = None

    def to_cornerstone(self) -> dict[str, Any]:
        """Attributes by their keywords; DoseUnit and DoseSummation, as Cornerstone's loaders call them, too.

        >>> DoseScaling(dose_grid_scaling=1e-5, dose_units="GY").to_cornerstone()
        {'DoseGridScaling': 1e-05, 'DoseUnits': 'GY', 'DoseUnit': 'GY'}
        """
        correction = self.tissue_heterogeneity_correction
        named = {
            "DoseGridScaling": self.dose_grid_scaling,
            "DoseUnits": self.dose_units,
            "DoseUnit": self.dose_units,
            "DoseType": self.dose_type,
            "DoseSummationType": self.dose_summation_type,
            "DoseSummation": self.dose_summation_type,
            "TissueHeterogeneityCorrection": None if correction is None else list(correction),
        }
        return {name: value for name, value in named.items() if value is not None}


class SuvSeries:
    """The factors of a series, computed once for all its instances; never changes.

    Parameters
    ----------
    instances : iterable of Instance, frame or dict of natural values
        All of one PET series. Enhanced and legacy converted objects count as all their frames.

    Attributes
    ----------
    factors : tuple of SuvScaling
        In the order of the instances and of their frames; empty where there is an `error`.
    error : SuvError or None
        Why there are none.
    """

    __slots__ = ("_places", "error", "factors")

    error: SuvError | None
    factors: tuple[SuvScaling, ...]

    def __init__(self, instances: Iterable[Data]) -> None:
        whole = list(_images(instances))
        self._places = {key: place for place, one in enumerate(whole) if (key := _key(one)) is not None}
        try:
            self.factors, self.error = tuple(suv_factors(whole)), None
        except SuvError as error:
            self.factors, self.error = (), error.with_traceback(None)

    def of(self, instance: Data) -> SuvScaling:
        """The factors of an instance of the series, by its SOPInstanceUID, or of a frame: of the first without one.

        Raises
        ------
        SuvError
            They cannot be computed.
        KeyError
            It is none of the series.
        """
        if self.error is not None:
            raise SuvError(self.error.attribute, self.error.reason)
        return self.factors[self._places[_key(instance) or ("", 0)]]

    def __contains__(self, instance: Data) -> bool:
        return _key(instance) in self._places

    def __repr__(self) -> str:
        return f"<SuvSeries: {len(self.factors)} factors{'' if self.error is None else f', {self.error}'}>"


def _images(instances: Iterable[Data]) -> Iterator[Data]:
    for one in instances:
        if isinstance(one, Instance) and (PER_FRAME_GROUPS in one or SHARED_GROUPS in one):
            yield from frames_of(one)
        else:
            yield one


def _key(image: Data) -> tuple[str, int] | None:
    uid = code(image.get("SOPInstanceUID"))
    return None if uid is None else (uid, getattr(image, "frame_number", 1))


def scaling_module(
    instance: Data, series: SuvSeries | Iterable[Data] | None = None, *, strict: bool = False
) -> SuvScaling | DoseScaling | None:
    """The scalingModule of an instance: PT has factors to SUV, RTDOSE those to dose; others have none.

    Parameters
    ----------
    instance : Instance, frame or dict of natural values
    series : SuvSeries or iterable of instances, optional
        The whole PET series, on which the beginning of the scan depends; without it the instance stands for all. Who
        asks for many instances gives a `SuvSeries`, which computes once.
    strict : bool
        Whether to raise where no SUV can be computed, rather than to answer None.

    Raises
    ------
    SuvError
        Why no SUV can be computed, with `strict`.

    Examples
    --------
    >>> scaling_module({"Modality": "RTDOSE", "DoseGridScaling": "0.001", "DoseUnits": "GY"}).dose_grid_scaling
    0.001
    """
    modality = code(instance.get("Modality"))
    if modality == "RTDOSE":
        return _dose(instance)
    if modality != "PT":
        return None
    try:
        return _suv(instance, series)
    except SuvError:
        if strict:
            raise
        return None


def _suv(instance: Data, series: SuvSeries | Iterable[Data] | None) -> SuvScaling:
    if isinstance(series, SuvSeries):
        if series.error is not None or instance in series:
            return series.of(instance)
        series = None  # it has no UID that it could be found by
    whole, key = list(_images(series or ())), _key(instance)
    for place, one in enumerate(whole):
        if one is instance or (key is not None and _key(one) == key):
            return suv_factors(whole)[place]
    return suv_factors([*whole, instance])[-1]


def _dose(instance: Data) -> DoseScaling | None:
    get = instance.get
    made = DoseScaling(
        number(get("DoseGridScaling")),
        code(get("DoseUnits")),
        code(get("DoseType")),
        code(get("DoseSummationType")),
        codes(get("TissueHeterogeneityCorrection")),
    )
    return None if made == DoseScaling() else made
