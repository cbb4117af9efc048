"""Results of searches: studies, series and instances, one row each, with the fields that lists show of them.

A row keeps what it was made of: `row["PatientSex"]` is any attribute of it. Reprs show UIDs and numbers only.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from operator import getitem
from typing import Any, ClassVar, NamedTuple, Self

from metalith import _core
from metalith._core import Instance, InstanceTable, keyword_of
from metalith.sources.query.names_of_persons import formatted
from metalith.sources.query.values import number_of

__all__ = ["ROWS", "InstanceRow", "Row", "SeriesRow", "StudyRow"]

_ABSENT: Any = object()
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _text(value: Any) -> str | None:
    """A value as text; of several, all with a backslash between."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, (tuple, list)):
        return "\\".join("" if one is None else str(one) for one in value) or None
    return str(value)


def _text_or_empty(value: Any) -> str:
    return value if value.__class__ is str else _text(value) or ""


def _integer(value: Any) -> int | None:
    if value.__class__ is int:
        return value
    if isinstance(value, (tuple, list)):
        value = value[0] if value else None
    number = number_of(value)
    return int(number) if number is not None and number == number and abs(number) != float("inf") else None


def _integer_or_zero(value: Any) -> int:
    return _integer(value) or 0


def _modalities(modality: Any, in_study: Any) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for value in (modality, in_study):
        if value is not None:
            several = value.split("\\") if isinstance(value, str) else value if isinstance(value, (tuple, list)) else ()
            found |= {one: None for one in several if isinstance(one, str) and one}
    return tuple(found)


class _Column(NamedTuple):
    """Where a field comes from: it is made of the values of these attributes, None for one that is absent."""

    name: str
    make: Callable[..., Any]
    keywords: tuple[str, ...]


def _columns(**made_of: tuple[Any, ...]) -> tuple[_Column, ...]:
    return tuple(_Column(name, make, tuple(keywords)) for name, (make, *keywords) in made_of.items())


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """What all rows have.

    Attributes
    ----------
    attributes : Instance, dict, or anything else with `get(keyword)`
        What the row was made of. Rows are equal when their fields are.
    """

    attributes: Any = field(compare=False, kw_only=True)

    # of the classes here; rows of any other class are made one by one, by its `of`
    _columns: ClassVar[tuple[_Column, ...]] = ()

    @classmethod
    def of(cls, natural: Any) -> Self:
        """A row from an instance in natural form, a dict of natural values, or a study or series of a store."""
        if not cls._columns:
            raise NotImplementedError
        get = natural.get
        fields = {name: make(*map(get, keywords)) for name, make, keywords in cls._columns}
        return cls(**fields, attributes=natural)

    @classmethod
    def of_all(cls, naturals: Iterable[Any] | InstanceTable) -> list[Self]:
        """A row for each, in their order."""
        if "_columns" not in vars(cls) or not cls._columns:
            return [cls.of(natural) for natural in naturals]
        all_of_them = list(naturals)
        rows = list(map(cls.__new__, repeat(cls, len(all_of_them))))
        _fill(cls, "attributes", rows, all_of_them)
        for name, make, keywords in cls._columns:
            if isinstance(naturals, InstanceTable):
                _fill(cls, name, rows, _made(naturals, make, keywords))
            else:
                values = ([natural.get(keyword) for natural in all_of_them] for keyword in keywords)
                _fill(cls, name, rows, map(make, *values))
        return rows

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

    _columns = _columns(
        study_instance_uid=(_text, "StudyInstanceUID"),
        date=(_text, "StudyDate"),
        time=(_text, "StudyTime"),
        accession=(_text_or_empty, "AccessionNumber"),
        mrn=(_text_or_empty, "PatientID"),
        patient_name=(formatted, "PatientName"),
        patient_birth_date=(_text_or_empty, "PatientBirthDate"),
        instances=(_integer_or_zero, "NumberOfStudyRelatedInstances"),
        description=(_text_or_empty, "StudyDescription"),
        modalities=(_modalities, "Modality", "ModalitiesInStudy"),
        referring_physician_name=(formatted, "ReferringPhysicianName"),
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

    _columns = _columns(
        study_instance_uid=(_text, "StudyInstanceUID"),
        series_instance_uid=(_text, "SeriesInstanceUID"),
        modality=(_text, "Modality"),
        series_number=(_integer, "SeriesNumber"),
        date=(_text, "SeriesDate"),
        time=(_text, "SeriesTime"),
        instances=(_integer, "NumberOfSeriesRelatedInstances"),
        description=(_text, "SeriesDescription"),
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

    _columns = _columns(
        study_instance_uid=(_text, "StudyInstanceUID"),
        series_instance_uid=(_text, "SeriesInstanceUID"),
        sop_instance_uid=(_text, "SOPInstanceUID"),
        sop_class_uid=(_text, "SOPClassUID"),
        instance_number=(_integer, "InstanceNumber"),
        rows=(_integer, "Rows"),
        columns=(_integer, "Columns"),
        number_of_frames=(_integer, "NumberOfFrames"),
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


def _fill(cls: type[Row], name: str, rows: list[Any], values: Iterable[Any]) -> None:
    """Sets a field of all rows, which are new and nobody's yet; the slot itself can be set though they are frozen."""
    deque(map(getattr(cls, name).__set__, rows, values), maxlen=0)


def _made(table: InstanceTable, make: Callable[..., Any], keywords: tuple[str, ...]) -> Iterator[Any]:
    """For each instance, what is made of its values; that is made once of the same values."""
    values, cells = zip(*(_distinct(table, keyword) for keyword in keywords), strict=True)
    if all(len(several) == 1 for several in values):
        return repeat(make(*(one for (one,) in values)), len(table))
    if len(keywords) == 1:
        return map(list(map(make, values[0])).__getitem__, cells[0])
    together = list(zip(*cells, strict=True))
    made = {cell: make(*map(getitem, values, cell)) for cell in set(together)}
    return map(made.__getitem__, together)


def _distinct(table: InstanceTable, keyword: str) -> tuple[Sequence[Any], Iterable[int]]:
    """The distinct values of an attribute, and for each instance which one it has; None where it is absent."""
    count = len(table)
    try:
        found = _core._cells(table, keyword, 0, count)
    except KeyError:
        return (None,), repeat(0, count)
    if found is None:  # instances spell the attribute differently
        return [instance.get(keyword) for instance in table], range(count)
    _, cells, some_lack_it = found
    values = table.distinct(keyword)
    if isinstance(cells, int):
        return (values[cells],), repeat(0, count)
    indices = memoryview(cells).cast("I").tolist()
    if some_lack_it:
        absent = len(values)
        return (*values, None), [min(index, absent) for index in indices]
    return values, indices


ROWS: Mapping[str, type[Row]] = {"study": StudyRow, "series": SeriesRow, "instance": InstanceRow}


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
