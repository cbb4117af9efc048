"""The matching of PS3.4 §C.2.2.2 as QIDO-RS has it (PS3.18 §8.3.4), over DICOM JSON."""

from __future__ import annotations

import re
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword

from servers.archive import Element, Json

_WILDCARDS = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
_RANGES = {"DA", "TM", "DT"}


def path_of(name: str) -> list[str] | None:
    """Tags of an attribute named by keyword or tag, with those of the sequences around it; None: no such attribute."""
    path = []
    for step in name.split("."):
        if re.fullmatch("[0-9A-Fa-f]{8}", step):
            path.append(step.upper())
            continue
        tag = tag_for_keyword(step)
        if tag is None:
            return None
        path.append(f"{tag:08X}")
    return path


def matches(item: Json, path: list[str], wanted: str, fuzzy: bool = False) -> bool:
    """Whether the attribute at this path has, in one item at least, a value that is wanted."""
    element = item.get(path[0], {})
    values = element.get("Value") or []
    if len(path) > 1:
        return any(matches(inner, path[1:], wanted, fuzzy) for inner in values)
    if wanted in ("", "*"):
        return True  # universal matching: the attribute may be absent
    texts = [text for value in values for text in _texts(value)]
    vr = _vr(path[0], element)
    # a list of UIDs; other values with a backslash between them are what servers accept beyond the standard
    return any(_one(texts, one, vr, fuzzy) for one in re.split(r"[\\,]" if vr in ("UI", "CS") else r"\\", wanted))


def _one(texts: list[str], wanted: str, vr: str, fuzzy: bool) -> bool:
    if vr in _RANGES and "-" in wanted:
        first, _, last = wanted.partition("-")
        return any(first <= text and (not last or text <= last or text.startswith(last)) for text in texts)
    if vr == "PN":
        if fuzzy and any(_fuzzy(text, wanted) for text in texts):
            return True
        texts, wanted = [text.casefold() for text in texts], wanted.casefold()
    if vr in _WILDCARDS and re.search("[*?]", wanted):
        signs = {"*": ".*", "?": "."}
        pattern = re.compile("".join(signs.get(sign) or re.escape(sign) for sign in wanted), re.DOTALL)
        return any(pattern.fullmatch(text) for text in texts)
    return wanted in texts


def _fuzzy(text: str, wanted: str) -> bool:
    """Every word that is wanted begins a word of the name."""
    words = re.split(r"[\s^=]+", text.casefold())
    return all(any(word.startswith(one) for word in words) for one in re.split(r"[\s^=*]+", wanted.casefold()) if one)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):  # the groups of a person's name
        return [str(group) for group in value.values()]
    return [] if value is None else [str(value)]


def _vr(tag: str, element: Element) -> str:
    if "vr" in element:
        return str(element["vr"])
    try:
        return dictionary_VR(int(tag, 16))
    except KeyError:
        return "UN"
