"""Model of Metalith's natural form: parsed DICOM JSON -> what `Instance.to_dict("natural")` must give.

Keywords instead of tags; one value is the value, several are a list, none is None (an empty list for a sequence);
values typed by VR. Written from the
rules alone, without an eye on speed. It is defined on regular and lenient datasets (see `generate`); on wild ones only
where the rules say something.
"""

from __future__ import annotations

import base64
import re
from decimal import Decimal
from typing import Any

from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_VR

from .dcmjs_dictionary import tag_of
from .generate import FLOAT_VRS, INTEGER_RANGES, KNOWN_VRS

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"([+-]?)(nan|inf(?:inity)?)\Z", re.IGNORECASE)
_COMPONENTS = ("Alphabetic", "Ideographic", "Phonetic")


def naturalize(dataset: dict[str, Any]) -> dict[str, Any]:
    """One dataset as plain dicts, lists and scalars."""
    return {keyword(key): _value(key, element or {}) for key, element in dataset.items()}


def keyword(key: str) -> str:
    """The PS3.6 keyword; eight upper-case hex digits for private, unknown and repeating-group tags."""
    tag = tag_of(key)
    if tag is None:
        return key
    entry = DicomDictionary.get(int(tag, 16))
    return (entry and entry[4]) or tag


def vr_of(key: str, element: dict[str, Any]) -> str:
    """The element's own VR if it is one, else the dictionary's, else UN."""
    vr = element.get("vr")
    if vr in KNOWN_VRS:
        return vr
    tag = tag_of(key)
    try:
        return dictionary_VR(int(tag, 16)) if tag else "UN"
    except KeyError:
        return "UN"


def _value(key: str, element: dict[str, Any]) -> Any:
    vr, values = vr_of(key, element), element.get("Value")
    if values is None:
        if element.get("InlineBinary"):
            return base64.b64decode(element["InlineBinary"])
        if element.get("BulkDataURI"):
            return {"BulkDataURI": element["BulkDataURI"]}
        return [] if vr == "SQ" else None
    if not isinstance(values, list):
        values = [values]
    if vr == "SQ":
        return [naturalize(item or {}) for item in values]
    typed = [one(vr, value) for value in values]
    if len(typed) > 1:
        return typed
    return typed[0] if typed else None


def one(vr: str, value: Any) -> Any:
    """One value typed by its VR; what cannot be typed stays as it is."""
    if value is None or value == "":
        return None
    if vr == "PN":
        return person_name(value)
    if vr == "AT":
        return value.upper() if isinstance(value, str) else value
    if vr in FLOAT_VRS:
        return _float(value)
    if vr in INTEGER_RANGES:
        return _integer(value)
    return value


def person_name(value: Any) -> Any:
    """The three component groups joined by `=`, trailing ones trimmed."""
    if isinstance(value, dict):
        value = "=".join(value.get(component) or "" for component in _COMPONENTS)
    return value.rstrip("=") or None if isinstance(value, str) else value


def _float(value: Any) -> Any:
    if isinstance(value, str):
        text = value.strip(" \0")
        return float(text) if _DECIMAL.match(text) or _NOT_FINITE.match(text) else value
    return float(value)


def _integer(value: Any) -> Any:
    if isinstance(value, str):
        text = value.strip(" \0")
        if not _DECIMAL.match(text):
            return value
        number = Decimal(text)
        return int(number) if number == number.to_integral_value() else value
    return int(value) if value == int(value) else value
