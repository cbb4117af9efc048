"""Results of searches: studies, series and instances, one row each, with the fields that lists show of them.

A row keeps what it was made of: `row["PatientSex"]` is any attribute of it. Reprs show UIDs and numbers only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from metalith._core import Instance, InstanceTable, keyword_of
from metalith.sources.query.names_of_persons import formatted
from metalith.sources.query.values import number_of

__all__ = ["ROWS", "InstanceRow", "Row", "SeriesRow", "StudyRow"]

_ABSENT: Any = object()
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """What all rows have.

    Attributes
    ----------
    attributes : Instance, dict, or anything else with `get(keyword)`
        What the row was made of. Rows are equal when their fields are.
    """

    attributes: Any = field(compare=False, kw_only=True)

    @classmethod
    def of(cls, natural: Any) -> Self:
        """A row from an instance in natural form, a dict of natural values, or a study or series of a store."""
        raise NotImplementedError

    @classmethod
    def of_all(cls, naturals: Iterable[Any] | InstanceTable) -> list[Self]:
        """A row for each, in their order."""
        return [cls.of(natural) for natural in naturals]

    @property
    def uid(self) -> str | None:
        """The UID of what was found: of the study, series or instance."""
        raise NotImplementedError

    def get(self, key: str | int, default: Any = None) -> Any:
        """Any attribute by keyword or tag, or the default."""
        value = self.attributes.get(key, _ABSENT)
        if value is _ABSENT and not isinstance(self.attributes, Instance):
            tag = _tag(key)  # dicts have keywords, which stand for tags
            keyword = None if tag is None else keyword_of(tag)
            value = _ABSENT if keyword is None else self.attributes.get(keyword, _ABSENT)
        return default if value is _ABSENT else value

    def __getitem__(self, key: str | int) -> Any:
        value = self.get(key, _ABSENT)
        if value is _ABSENT:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        return isinstance(key, (str, int)) and self.get(key, _ABSENT) is not _ABSENT


@dataclass(frozen=True, slots=True, repr=False)
class StudyRow(Row):
    """A study that was found.

    Attributes
    ----------
    study_instance_uid : str or None
    date, time : str or None
        DA and TM; `metalith.as_date` and `metalith.as_time` read them.
    accession, mrn, description, patient_birth_date : str
        AccessionNumber, PatientID, StudyDescription, PatientBirthDate; empty where there is none.
    patient_name, referring_physician_name : str
        For reading, "DOE, JOHN M". The name itself: `row["PatientName"]`.
    instances : int
        How many there are; 0 where nobody said so.
    modalities : tuple of str
        Of its series, each once.

    Examples
    --------
    >>> from metalith.sources.query import StudyRow
    >>> row = StudyRow.of({"StudyInstanceUID": "1.2", "PatientName": "DOE^JOHN^M", "ModalitiesInStudy": ("CT", "SR")})
    >>> row.patient_name, row.modalities, row.instances, row
    ('DOE, JOHN M', ('CT', 'SR'), 0, <StudyRow 1.2: 0 instances>)
    """

    study_instance_uid: str | None
    date: str | None
    time: str | None
    accession: str
    mrn: str
    patient_name: str
    patient_birth_date: str
    instances: int
    description: str
    modalities: tuple[str, ...]
    referring_physician_name: str

    @classmethod
    def of(cls, natural: Any) -> Self:
        get = natural.get
        return cls(
            study_instance_uid=_text(get("StudyInstanceUID")),
            date=_text(get("StudyDate")),
            time=_text(get("StudyTime")),
            accession=_text(get("AccessionNumber")) or "",
            mrn=_text(get("PatientID")) or "",
            patient_name=formatted(get("PatientName")),
            patient_birth_date=_text(get("PatientBirthDate")) or "",
            instances=_integer(get("NumberOfStudyRelatedInstances")) or 0,
            description=_text(get("StudyDescription")) or "",
            modalities=_modalities(get("Modality"), get("ModalitiesInStudy")),
            referring_physician_name=formatted(get("ReferringPhysicianName")),
            attributes=natural,
        )

    @property
    def uid(self) -> str | None:
        return self.study_instance_uid

    def to_ohif(self) -> dict[str, Any]:
        """The dict that OHIF's `query.studies.search` gives for a study; None where that has undefined. dict."""
        return {
            "studyInstanceUid": self.study_instance_uid,
            "date": self.date,
            "time": self.time,
            "accession": self.accession,
            "mrn": self.mrn,
            "patientName": self.patient_name,
            "patientBirthDate": self.patient_birth_date,
            "instances": self.instances,
            "description": self.description,
            "modalities": "\\".join(self.modalities),
            "referringPhysicianName": self.referring_physician_name,
        }

    def __repr__(self) -> str:
        return f"<StudyRow {_shown(self.study_instance_uid)}: {self.instances:,} instances>"


@dataclass(frozen=True, slots=True, repr=False)
class SeriesRow(Row):
    """A series that was found.

    Attributes
    ----------
    study_instance_uid, series_instance_uid, modality, description, date, time : str or None
    series_number, instances : int or None
        None where nobody said so.
    """

    study_instance_uid: str | None
    series_instance_uid: str | None
    modality: str | None
    series_number: int | None
    date: str | None
    time: str | None
    instances: int | None
    description: str | None

    @classmethod
    def of(cls, natural: Any) -> Self:
        get = natural.get
        return cls(
            study_instance_uid=_text(get("StudyInstanceUID")),
            series_instance_uid=_text(get("SeriesInstanceUID")),
            modality=_text(get("Modality")),
            series_number=_integer(get("SeriesNumber")),
            date=_text(get("SeriesDate")),
            time=_text(get("SeriesTime")),
            instances=_integer(get("NumberOfSeriesRelatedInstances")),
            description=_text(get("SeriesDescription")),
            attributes=natural,
        )

    @property
    def uid(self) -> str | None:
        return self.series_instance_uid

    def to_ohif(self) -> dict[str, Any]:
        """The dict that OHIF's `query.series.search` gives for a series. dict.

        The number is a text there and the date made for reading; None is where that has undefined or NaN.
        """
        return {
            "studyInstanceUid": self.study_instance_uid,
            "seriesInstanceUid": self.series_instance_uid,
            "modality": self.modality,
            "seriesNumber": None if self.series_number is None else str(self.series_number),
            "seriesDate": _readable(self.date),
            "numSeriesInstances": self.instances,
            "description": self.description,
        }

    def __repr__(self) -> str:
        count = "" if self.instances is None else f": {self.instances:,} instances"
        return f"<SeriesRow {_shown(self.series_instance_uid)}{count}>"


@dataclass(frozen=True, slots=True, repr=False)
class InstanceRow(Row):
    """An instance that was found.

    Attributes
    ----------
    study_instance_uid, series_instance_uid, sop_instance_uid, sop_class_uid : str or None
    instance_number, rows, columns, number_of_frames : int or None
    """

    study_instance_uid: str | None
    series_instance_uid: str | None
    sop_instance_uid: str | None
    sop_class_uid: str | None
    instance_number: int | None
    rows: int | None
    columns: int | None
    number_of_frames: int | None

    @classmethod
    def of(cls, natural: Any) -> Self:
        get = natural.get
        return cls(
            study_instance_uid=_text(get("StudyInstanceUID")),
            series_instance_uid=_text(get("SeriesInstanceUID")),
            sop_instance_uid=_text(get("SOPInstanceUID")),
            sop_class_uid=_text(get("SOPClassUID")),
            instance_number=_integer(get("InstanceNumber")),
            rows=_integer(get("Rows")),
            columns=_integer(get("Columns")),
            number_of_frames=_integer(get("NumberOfFrames")),
            attributes=natural,
        )

    @property
    def uid(self) -> str | None:
        return self.sop_instance_uid

    def to_ohif(self) -> dict[str, Any]:
        """DICOM JSON, which is what OHIF's `query.instances.search` gives as it comes. dict."""
        from metalith.encode import denaturalize

        return denaturalize(self.attributes)

    def __repr__(self) -> str:
        return f"<InstanceRow {_shown(self.sop_instance_uid)}>"


ROWS: Mapping[str, type[Row]] = {"study": StudyRow, "series": SeriesRow, "instance": InstanceRow}


def _text(value: Any) -> str | None:
    """A value as text; of several, all with a backslash between."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, (tuple, list)):
        return "\\".join("" if one is None else str(one) for one in value) or None
    return str(value)


def _integer(value: Any) -> int | None:
    if isinstance(value, (tuple, list)):
        value = value[0] if value else None
    number = number_of(value)
    return int(number) if number is not None and number == number and abs(number) != float("inf") else None


def _modalities(modality: Any, in_study: Any) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for value in (modality, in_study):
        several = value.split("\\") if isinstance(value, str) else value if isinstance(value, (tuple, list)) else ()
        found |= dict.fromkeys(one for one in several if isinstance(one, str) and one)
    return tuple(found)


def _readable(date: str | None) -> str | None:
    """A DA for reading, as 29-Feb-2024; what is none, as it is."""
    match = re.match(r"(\d{4})\.?(0[1-9]|1[0-2])\.?(\d\d)\Z", date or "", re.A)
    return f"{match[3]}-{_MONTHS[int(match[2]) - 1]}-{match[1]}" if match else date


def _tag(key: str | int) -> int | None:
    if isinstance(key, int):
        return key
    return int(key, 16) if re.match("[0-9A-Fa-f]{8}\\Z", key) else None


def _shown(uid: str | None) -> str:
    return "without UID" if uid is None else uid if re.match(r"[\d.]{1,64}\Z", uid, re.A) else "of another UID"
