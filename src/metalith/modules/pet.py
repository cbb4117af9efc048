"""Positron emission tomography: series, image, and what was injected when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from metalith.modules.base import Data, Module, Part, code, codes, integer, module, number, part, text
from metalith.modules.values import items

__all__ = ["PetImage", "PetIsotope", "PetSeries", "Radiopharmaceutical"]


@module("petSeriesModule")
@dataclass(frozen=True, slots=True, repr=False)
class PetSeries(Module):
    """PET Series module (PS3.3 section C.8.9.1). None without any of its attributes.

    Attributes
    ----------
    corrected_image : tuple of str
        Corrections that were applied, such as "ATTN" and "DECY".
    units : str
        Of the pixels after rescaling: "BQML", "CNTS", "GML", …
    decay_correction : str
        "NONE", "START" or "ADMIN": to what time.

    Examples
    --------
    >>> PetSeries.build({"CorrectedImage": ("DECY", "ATTN"), "Units": "BQML"})
    PetSeries(corrected_image=('DECY', 'ATTN'), units='BQML')
    """

    corrected_image: tuple[str, ...] | None = field(default=None, metadata=codes("CorrectedImage"))
    units: str | None = field(default=None, metadata=code("Units"))
    decay_correction: str | None = field(default=None, metadata=code("DecayCorrection"))
    suv_type: str | None = field(default=None, metadata=code("SUVType", "suvType"))
    series_type: tuple[str, ...] | None = field(default=None, metadata=codes("SeriesType"))
    number_of_slices: int | None = field(default=None, metadata=integer("NumberOfSlices"))


@module("petImageModule")
@dataclass(frozen=True, slots=True, repr=False)
class PetImage(Module):
    """PET Image module (PS3.3 section C.8.9.4). None without any of its attributes, so a CT has none.

    Attributes
    ----------
    frame_reference_time : float
        When the pixel values occurred, ms after the time of the series.
    actual_frame_duration : float
        ms
    decay_factor : float
        What the pixels were multiplied by for decay.
    """

    frame_reference_time: float | None = field(default=None, metadata=number("FrameReferenceTime"))
    actual_frame_duration: float | None = field(default=None, metadata=number("ActualFrameDuration"))
    decay_factor: float | None = field(default=None, metadata=number("DecayFactor"))
    dose_calibration_factor: float | None = field(default=None, metadata=number("DoseCalibrationFactor"))
    image_index: int | None = field(default=None, metadata=integer("ImageIndex"))


@part
@dataclass(frozen=True, slots=True, repr=False)
class Radiopharmaceutical(Part):
    """One radiopharmaceutical (PS3.3 section C.8.9.2). Its repr shows no times.

    Attributes
    ----------
    start_time, stop_time : str
        Times of the injection (TM), of an unstated day.
    start_date_time, stop_date_time : str
        The same with the day (DT), where known.
    total_dose : float
        Activity at the start, Bq.
    half_life : float
        s
    positron_fraction : float
        Fraction of decays that give a positron.
    volume : float
        ml
    """

    start_time: str | None = field(default=None, metadata=text("RadiopharmaceuticalStartTime"))
    stop_time: str | None = field(default=None, metadata=text("RadiopharmaceuticalStopTime"))
    start_date_time: str | None = field(default=None, metadata=text("RadiopharmaceuticalStartDateTime"))
    stop_date_time: str | None = field(default=None, metadata=text("RadiopharmaceuticalStopDateTime"))
    total_dose: float | None = field(default=None, metadata=number("RadionuclideTotalDose"))
    half_life: float | None = field(default=None, metadata=number("RadionuclideHalfLife"))
    positron_fraction: float | None = field(default=None, metadata=number("RadionuclidePositronFraction"))
    volume: float | None = field(default=None, metadata=number("RadiopharmaceuticalVolume"))
    radiopharmaceutical: str | None = field(default=None, metadata=text("Radiopharmaceutical"))


@module("petIsotopeModule")
@dataclass(frozen=True, slots=True, repr=False)
class PetIsotope(Module):
    """PET Isotope module (PS3.3 section C.8.9.2). None without a radiopharmaceutical that tells something.

    Attributes
    ----------
    radiopharmaceuticals : tuple of Radiopharmaceutical
        RadiopharmaceuticalInformationSequence, one for each isotope.

    Examples
    --------
    >>> injected = {"RadionuclideTotalDose": "4e8", "RadionuclideHalfLife": 6588, "RadiopharmaceuticalStartTime": "11"}
    >>> PetIsotope.build({"RadiopharmaceuticalInformationSequence": [injected]}).radiopharmaceuticals
    (Radiopharmaceutical(total_dose=400000000.0, half_life=6588.0),)
    """

    radiopharmaceuticals: tuple[Radiopharmaceutical, ...] = ()

    @classmethod
    def build(cls, data: Data, *, image_id: str | None = None, calibration: Any = None) -> PetIsotope | None:
        """See `Module.build`."""
        sequence = items(data.get("RadiopharmaceuticalInformationSequence"))
        read = tuple(one for item in sequence if (one := Radiopharmaceutical.build(item)) is not None)
        return cls(read) if read else None

    def to_cornerstone(self) -> dict[str, Any]:
        """Cornerstone's dict: one radiopharmaceutical is an object, several are a list."""
        listed = [one.to_cornerstone() for one in self.radiopharmaceuticals]
        return {"radiopharmaceuticalInfo": listed[0] if len(listed) == 1 else listed}

    def __repr__(self) -> str:
        return f"PetIsotope(radiopharmaceuticals={self.radiopharmaceuticals!r})"
