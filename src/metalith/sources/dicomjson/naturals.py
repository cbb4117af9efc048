"""DICOM JSON to natural JSON as manifests have it, as text: the reverse of `elements`, and remembered in the same way.

Numbers keep their digits. A person's name with an alphabetic group alone is a text, any other an object of its groups.
Values of private and unknown attributes are whole elements, for nothing else would tell their VRs. Bulk data are left
out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from metalith import _core
from metalith._texts import Number, load, write
from metalith.sources.dicomjson.text import members_of

__all__ = ["Naturals"]

_NUMERIC = frozenset(("DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"))
_IS_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?\Z").match
# one text without escapes, or numbers
_IS_PLAIN = re.compile(
    rb'[{,]"([0-9A-F]{8})":\{"vr":"([A-Z]{2})","Value":\[(?:("[^"\\]++")|([-+0-9.eE,]++))\]\}\Z'
).match
_PIXELS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
_KEPT = 8 << 20  # bytes of what is remembered


class Naturals(dict[bytes, bytes]):
    """What elements become: the member of each, by the element's text; empty where it is left out.

    Parameters
    ----------
    only : collection of int, optional
        Tags of the attributes that are wanted; all where it is not given. Those in items go with their sequences.
    """

    def __init__(self, only: Collection[int] | None = None) -> None:
        super().__init__()
        self._only, self._held = only, 0

    def of(self, dataset: bytes) -> bytes:
        """A dataset in DICOM JSON as a natural object."""
        members = map(self.__getitem__, members_of(dataset))
        return b"{%b}" % b",".join(filter(None, members))

    def __missing__(self, member: bytes) -> bytes:
        made = self._made(member)
        self._held += len(member) + len(made)
        if self._held > _KEPT or len(self) > 20_000:
            self.clear()
            self._held = 0
        self[member] = made
        return made

    def _made(self, member: bytes) -> bytes:
        match = _IS_PLAIN(member)
        name = None if match is None or self._only is not None else _plain_name(match[1], match[2], match[3] is None)
        if match is not None and name is not None:
            values = match[3] or match[4]
            return b"%b[%b]" % (name, values) if match[3] is None and b"," in values else name + values
        ((digits, element),) = load(b"{%b}" % member[1:]).items()
        tag = int(digits, 16)
        pair = _member(tag, element) if self._only is None or tag in self._only else None
        return b"" if pair is None else write({pair[0]: pair[1]})[1:-1].encode()


@lru_cache(4096)
def _plain_name(digits: bytes, vr: bytes, numbers: bool) -> bytes | None:
    """The name of an attribute as it stands before a plain value; None where the value may need more."""
    tag, kind = int(digits, 16), vr.decode()
    keyword, described = _core.keyword_of(tag), _core.describe_tag(tag)
    if keyword is None or described is None or kind not in described[2].split(" or "):
        return None
    if kind in ("PN", "SQ", "UN") or (kind in _NUMERIC) != numbers:
        return None
    return b'"%b":' % keyword.encode()


def _member(tag: int, element: dict[str, Any]) -> tuple[str, Any] | None:
    """Name and value of an element; None where it is left out."""
    if tag in _PIXELS or "BulkDataURI" in element:
        return None
    keyword, described = _core.keyword_of(tag), _core.describe_tag(tag)
    vr = element.get("vr", "")
    known = described[2] if described is not None else ""
    if keyword is None or described is None or (vr == "UN" and known != "UN") or _is_odd(vr, known):
        return keyword or f"{tag:08X}", _without_bulk(element)
    if "InlineBinary" in element:
        return keyword, {"InlineBinary": element["InlineBinary"]}
    values = element.get("Value")
    if vr == "SQ":
        return keyword, [_item(item) for item in values or ()]
    if not values:
        return keyword, None
    natural = [_value(value, vr) for value in values]
    return keyword, natural[0] if len(natural) == 1 and not _reads_as_several(natural[0]) else natural


def _is_odd(vr: str, known: str) -> bool:
    """Whether values of a VR are read as others when the VR is taken from the dictionary."""
    return vr != known and vr not in known.split(" or ") and {vr, known} & {"SQ", "PN", "AT", "OB", "OW", "IS"} != set()


def _item(item: Any) -> dict[str, Any]:
    members = (_member(int(digits, 16), element) for digits, element in (item or {}).items())
    return dict(pair for pair in members if pair is not None)


def _without_bulk(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_bulk(member) for name, member in value.items() if not _is_bulk(member)}
    return [_without_bulk(one) for one in value] if isinstance(value, list) else value


def _is_bulk(element: Any) -> bool:
    return isinstance(element, dict) and "BulkDataURI" in element


def _value(value: Any, vr: str) -> Any:
    if vr == "PN" and isinstance(value, dict):
        alphabetic = value.get("Alphabetic")
        plain = value.keys() == {"Alphabetic"} and isinstance(alphabetic, str)
        return alphabetic if plain and not {"=", "\\"} & set(str(alphabetic)) else value
    if vr not in _NUMERIC or isinstance(value, Number) or not isinstance(value, str):
        return value
    text = value.strip()
    if _IS_NUMBER(text):
        return Number(text)
    try:
        number = float(text)
    except ValueError:
        return value
    return Number(repr(number)) if math.isfinite(number) and vr in ("DS", "FD", "FL") else value


def _reads_as_several(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, Number) and "\\" in value
