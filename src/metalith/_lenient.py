"""Natural values of elements of unusual make-up, which csrc keeps as JSON text (ML_FORM_RAW).

Rare by nature: a Value that is no array, two kinds of value in one element, members of the server's own. Clarity
counts here, speed does not.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from metalith import _core
from metalith._texts import Number, load, write
from metalith.bulk import BulkData
from metalith.values import PersonName

_INTEGERS = {"IS", "SL", "SS", "SV", "UL", "US", "UV", "US or SS"}
_FLOATS = {"DS", "FL", "FD"}
_BINARIES = {"OB", "OD", "OF", "OL", "OV", "OW", "UN", "OB or OW", "US or OW", "US or SS or OW"}


def natural_value(text: bytes, vr: str, tag: int) -> Any:
    """The natural value of a raw element.

    Parameters
    ----------
    text : bytes
        The element, JSON without white space.
    vr : str
        VR that it gave, "" when it gave none that PS3.5 knows.
    tag : int
        For the dictionary's VR.
    """
    try:
        return _natural(load(text), text, vr or _dictionary_vr(tag))
    except RecursionError:  # brackets within brackets beyond what Python's JSON reader follows: no value of any VR
        return text.decode()


def _dictionary_vr(tag: int) -> str:
    described = _core.describe_tag(tag)
    return described[2] if described else "UN"


def _natural(element: Any, text: bytes, vr: str) -> Any:
    if not isinstance(element, dict):
        return None if element is None else _as_text(element)
    value = element.get("Value")
    if value is None:
        return _bulk(element, vr)
    values = value if isinstance(value, list) else [value]
    if vr == "SQ":
        items = [item if isinstance(item, dict) else {} for item in values]
        return _core._sequence_from_json(write(items).encode() if items else b"[]")
    typed = [_typed(member, vr) for member in values]
    return tuple(typed) if len(typed) > 1 else typed[0] if typed else None


def _bulk(element: dict[str, Any], vr: str) -> Any:
    inline, uri = element.get("InlineBinary"), element.get("BulkDataURI")
    if inline:
        try:
            return base64.b64decode(inline, validate=True)
        except (binascii.Error, ValueError, TypeError):
            return _as_text(inline)
    if uri:
        return BulkData(uri if isinstance(uri, str) else _as_text(uri), vr)
    return _core._sequence_from_json(b"[]") if vr == "SQ" else None


def _typed(member: Any, vr: str) -> Any:
    if member is None or member == "":
        return None
    if vr == "PN" and isinstance(member, dict):
        groups = [member.get(group) for group in ("Alphabetic", "Ideographic", "Phonetic")]
        texts = [str(group) if isinstance(group, str) else "" for group in groups]
        return PersonName(*texts) if any(texts) else None
    if not isinstance(member, str):
        return _as_text(member)
    if vr in _INTEGERS or vr in _FLOATS:
        return _core._make_number(str(member), "IS" if vr in _INTEGERS else vr)
    if isinstance(member, Number) and vr in _BINARIES:
        return json.loads(member)
    if vr == "PN":
        parts = str(member).split("=", 2)
        return PersonName(*parts) if any(parts) else None
    return str(member).upper() if vr == "AT" else str(member)


def _as_text(value: Any) -> str:
    return str(value) if isinstance(value, str) else write(value)
