"""What a search calls attributes: names as Python and OHIF write them, DICOM keywords, tags, and paths into sequences.

A DICOM keyword, tag or path means exactly what PS3.4 says of the value. All other names are for people: of those whose
values are texts, the value may be looked for anywhere in the attribute (`Name.searched`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from metalith import _core
from metalith.errors import ConfigurationError

__all__ = ["CONTROLS", "Name", "attribute_of", "include_field", "key_of", "resolve", "tags_of"]

_ALIASES = {
    "accession": "AccessionNumber",
    "description": "StudyDescription",
    "modalities": "ModalitiesInStudy",
    "mrn": "PatientID",
    "series": "SeriesInstanceUID",
    "seriesinstanceuids": "SeriesInstanceUID",
    "seriesuid": "SeriesInstanceUID",
    "sopinstanceuids": "SOPInstanceUID",
    "studyinstanceuids": "StudyInstanceUID",
    "studyuid": "StudyInstanceUID",
}
_OF_SERIES = {"description": "SeriesDescription", "modalities": "Modality"}
# What is said of the search itself, by its name without case and underscores.
CONTROLS = {
    "disablewildcard": "disable_wildcard",
    "enddate": "end_date",
    "fuzzymatching": "fuzzy_matching",
    "includefield": "include_fields",
    "includefields": "include_fields",
    "limit": "limit",
    "offset": "offset",
    "startdate": "start_date",
}
_ALL_CAPITALS = {"ct", "ecg", "id", "iod", "kvp", "mr", "nm", "pet", "rt", "sop", "uid", "us", "voi", "xa", "xray"}
_SEARCHED = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
_NOT_OF_STUDIES = frozenset(("Modality", "SOPInstanceUID", "SOPClassUID", "InstanceNumber"))
_COMMON = (
    ("patient_name", "patient_birth_date", "patient_sex", "patient_id", "accession_number", "referring_physician_name")
    + ("study_description", "study_id", "study_date", "study_time", "study_instance_uid", "modalities_in_study")
    + ("modality", "series_number", "series_description", "series_date", "series_time", "series_instance_uid")
    + ("sop_instance_uid", "sop_class_uid", "instance_number")
)
_HEX = frozenset("0123456789ABCDEFabcdef")
_HUMP = re.compile("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Name(NamedTuple):
    """An attribute that a search names.

    Attributes
    ----------
    path : tuple of str
        Keywords, or eight hex digits where there is no keyword; all but the last are sequences.
    vr : str
    searched : bool
        The name is for people, and the value a text: it may stand anywhere in the attribute.
    """

    path: tuple[str, ...]
    vr: str
    searched: bool


def key_of(name: str) -> str:
    """A name without case and underscores, as OHIF's URLs have them."""
    return name.replace("_", "").lower()


def resolve(name: str, level: str) -> Name:
    """The attribute that a name stands for.

    Parameters
    ----------
    name : str
    level : {"study", "series", "instance"}

    Raises
    ------
    ConfigurationError
        There is no such attribute, or values of it cannot be matched.

    Examples
    --------
    >>> resolve("mrn", "study").path, resolve("RequestAttributesSequence.00400009", "series").path
    (('PatientID',), ('RequestAttributesSequence', 'ScheduledProcedureStepID'))
    """
    found = attribute_of(name)
    if found is not None:
        path, vr = found
        if vr == "SQ":
            raise ConfigurationError(f"{name} is a sequence: say which attribute of its items, as in {name}.CodeValue")
        return Name(path, vr, False)
    keyword = _by_name(name)
    if keyword is None:
        raise ConfigurationError(_unknown(name))
    if level != "study":
        keyword = _OF_SERIES.get(key_of(name), keyword)
    if level == "study" and (keyword in _NOT_OF_STUDIES or keyword.startswith("Series")):
        hint = "; studies have modalities_in_study" if keyword == "Modality" else ""
        raise ConfigurationError(f"{name} is no attribute of studies{hint}")
    vr = _vr(_core.describe_keyword(keyword))
    return Name((keyword,), vr, vr in _SEARCHED)


def include_field(name: str, level: str) -> tuple[str, ...]:
    """The path of an attribute that an answer is to have, a sequence maybe.

    Raises
    ------
    ConfigurationError
        There is no such attribute.
    """
    found = attribute_of(name)
    return resolve(name, level).path if found is None else found[0]


def attribute_of(name: str) -> tuple[tuple[str, ...], str] | None:
    """Path and VR of a keyword, a tag, or several with dots between; None for any other name.

    Raises
    ------
    ConfigurationError
        A path leads through what is no sequence, or its parts are no attributes.
    """
    parts = name.split(".")
    found = [_one(part) for part in parts]
    if len(parts) == 1:
        return None if found[0] is None else ((found[0][0],), found[0][1])
    path = []
    for at, (part, one) in enumerate(zip(parts, found, strict=True)):
        if one is None:
            raise ConfigurationError(f"{_shown(name)}: {_unknown(part)}")
        if at < len(parts) - 1 and one[1] not in ("SQ", "UN"):
            raise ConfigurationError(f"{_shown(name)}: {part} is no sequence")
        path.append(one[0])
    last = found[-1]
    return tuple(path), last[1] if last else "UN"


def tags_of(path: tuple[str, ...]) -> str:
    """A path as requests name it: tags, with dots between."""
    return ".".join(_tag(part) for part in path)


def _tag(part: str) -> str:
    described = _core.describe_keyword(part)
    return part if described is None else f"{described[0]:08X}"


def _one(part: str) -> tuple[str, str] | None:
    """The key that natural instances have for a keyword or tag, and its VR."""
    if len(part) == 8 and set(part) <= _HEX:
        tag = int(part, 16)
        return _core.keyword_of(tag) or part.upper(), _vr(_core.describe_tag(tag))
    described = _core.describe_keyword(part)
    return None if described is None else (part, _vr(described))


def _vr(described: tuple[int, str, str, str, bool] | None) -> str:
    return "UN" if described is None else described[2].partition(" ")[0]  # of "US or SS" the first: numbers are numbers


def _by_name(name: str) -> str | None:
    """The keyword for a name as people write it."""
    alias = _ALIASES.get(key_of(name))
    if alias is not None:
        return alias
    words = _HUMP.sub("_", name).lower().split("_")
    if not all(words):
        return None
    several = "".join(word.upper() if word in _ALL_CAPITALS else word.capitalize() for word in words)
    for keyword in (several, "".join(word.capitalize() for word in words)):
        if _core.describe_keyword(keyword) is not None:
            return keyword
    squeezed = key_of(name)  # patientname
    return next((_by_name(common) for common in _COMMON if key_of(common) == squeezed), None)


def _unknown(name: str) -> str:
    import difflib

    if not re.fullmatch(r"[A-Za-z0-9_.]{1,128}", name):
        return "the name of an attribute is no name"
    if name[:1].isupper():
        from pydicom.datadict import keyword_dict

        near = difflib.get_close_matches(name, keyword_dict, 1)
    else:
        names = {key_of(known): known for known in (*_COMMON, *_ALIASES, *CONTROLS.values())}
        near = [names[key] for key in difflib.get_close_matches(key_of(name), names, 1)]
    return f"there is no attribute {name}" + (f"; did you mean {near[0]}?" if near else "")


def _shown(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_.]{1,256}", name) else "the path of an attribute"
