"""Patient modules. Their reprs show nothing but the type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from metalith.modules.base import Module, module, number, person, raw, text
from metalith.values import PersonName

__all__ = ["Patient", "PatientDemographic", "PatientStudy"]


@module("patientModule")
@dataclass(frozen=True, slots=True, repr=False)
class Patient(Module):
    """Patient module (PS3.3 section C.7.1.1). None without any of its attributes.

    >>> patient = Patient.build({"PatientID": "P1", "PatientName": "Doe^John"})
    >>> patient, patient.patient_name.family_name, patient.to_cornerstone()
    (Patient(), 'Doe', {'patientId': 'P1', 'patientName': {'Alphabetic': 'Doe^John'}})
    """

    patient_id: str | None = field(default=None, metadata=text("PatientID"))
    patient_name: PersonName | None = field(default=None, metadata=person("PatientName"))
    patient_birth_date: str | None = field(default=None, metadata=text("PatientBirthDate"))
    patient_birth_time: str | None = field(default=None, metadata=text("PatientBirthTime"))
    patient_sex: str | None = field(default=None, metadata=text("PatientSex"))
    issuer_of_patient_id: str | None = field(default=None, metadata=text("IssuerOfPatientID"))
    other_patient_ids_sequence: Any = field(default=None, metadata=raw("OtherPatientIDsSequence"))

    _hidden: ClassVar[bool] = True


_A_YEAR = {"D": 365.2425, "W": 365.2425 / 7, "M": 12, "Y": 1}  # units of AS


@module("patientStudyModule")
@dataclass(frozen=True, slots=True, repr=False)
class PatientStudy(Module):
    """Patient Study module (PS3.3 section C.7.2.2). None without any of its attributes.

    Attributes
    ----------
    patient_age : str
        As sent, such as "045Y"; `age_years` is the number.
    patient_size : float
        Height in m.
    patient_weight : float
        Weight in kg.
    """

    patient_age: str | None = field(default=None, metadata=text("PatientAge"))
    patient_size: float | None = field(default=None, metadata=number("PatientSize"))
    patient_sex: str | None = field(default=None, metadata=text("PatientSex"))
    patient_weight: float | None = field(default=None, metadata=number("PatientWeight"))

    _hidden: ClassVar[bool] = True

    @property
    def age_years(self) -> float | None:
        """Age in years, of days, weeks, months or years (PS3.5 table 6.2-1, AS); None for what is no age.

        >>> PatientStudy("045Y").age_years, PatientStudy("006M").age_years, PatientStudy("45").age_years
        (45.0, 0.5, None)
        """
        age = self.patient_age or ""
        count, unit = age[:-1], age[-1:]
        if not (count.isascii() and count.isdigit()) or unit not in _A_YEAR:
            return None
        return int(count) / _A_YEAR[unit]


@module("patientDemographicModule")
@dataclass(frozen=True, slots=True, repr=False)
class PatientDemographic(Module):
    """Sex of the patient, as OHIF asks for it (PS3.3 section C.7.1.1). None without."""

    patient_sex: str | None = field(default=None, metadata=text("PatientSex"))

    _hidden: ClassVar[bool] = True
