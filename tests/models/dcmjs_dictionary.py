"""The names, VRs and VMs dcmjs 0.52 knows, derived from pydicom's PS3.6 dictionary by rules and short exception lists.

Serves the dcmjs and the cornerstone model. Rules: a retired attribute's keyword carries the prefix `RETIRED_`; a choice
of VRs is a lower-case pseudo VR; the repeating groups 50xx, 60xx and 7Fxx are whole ranges, odd (private) groups too;
of the other repeating attributes there is one single concrete tag each, or none.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary


class Entry(NamedTuple):
    """One entry as dcmjs has it."""

    name: str
    vr: str
    vm: str


def _tags(text: str) -> set[str]:
    return set(text.split())


# Retired in PS3.6, but not when dcmjs' table was made.
_NOT_PREFIXED = _tags(
    """00082229 00101000 00101090 00189324 00380004 00400300 00400301 0040030E 00404007 00404020 0040A136 00480200
    00480201 00480202 00660023 00660024 00660025 00660029 00701206 00701807 00701808 30040010 30040012 30060044
    30060045 30060049 30060085 30060088 300600B9 3008002B 300A000B 300A0082 300A008D 300A008E 300A008F 300A0632
    300A0650 30100090"""
)
# Not retired in pydicom's edition, yet prefixed.
_PREFIXED = _tags("21000140 213000A0 213000C0 300A0088 300A0089 300A008A")
# Older keywords, slips, and three entries without any.
_OTHER_NAMES = {
    "00180061": "RETIRED_undefined",
    "04000315": "RETIRED_undefined",
    "300A0782": "RETIRED_undefined",
    "0040A803": "NumbeOfTableColumns",
    "00221642": "NumberofBscansPerFrame",
    "40101029": "ThreatDetectionAlgorithmandVersion",
    "006862F0": "ViewOrientationModifier",
    "00701305": "ObliqueCroppingPlane",
    "00701306": "ObliqueCroppingPlaneNormal",
    "300A0131": "AverageBeamDosePointSourceToExternalContourSurfaceDistance",
}
_MISSING = _tags(
    """00020026 00020027 00020028 00020031 00020032 00020033 00020035 00020036 00020037 00020038 00080202 00189445
    00280020"""
)
_PSEUDO_VRS = {
    "US or SS": "xs",
    "OB or OW": "ox",
    "US or OW": "lt",
    "US or SS or OW": "lt",
    "NONE": "na",
}
_OTHER_VRS = {
    "00041200": "up",
    "00041202": "up",
    "00041400": "up",
    "00041420": "up",
    "00041504": "up",
    "00660040": "UL",
    "00660041": "UL",
    "00660042": "UL",
    "00660043": "UL",
    "0070150C": "FL",
    "00760034": "CS",
    "006862F0": "FD",
}
_OTHER_VMS = {
    "00089007": "4",
    **dict.fromkeys(["00140023", "00140024", "00140025", "00140028", "00140042", "00140044", "00140045"], "1-n"),
    **dict.fromkeys(["001440A0", "001440A1", "001440A2", "00189323", "00620009"], "1"),
    "00660040": "1-n",
    "00660041": "3-3n",
    "00660042": "2-2n",
    "00660043": "1-n",
    "006862F0": "9",
    "00800010": "1-n",
    "00800011": "1-n",
}
# The one tag dcmjs has of each repeating attribute outside the three ranges; None: it has none.
_REPEATER_INSTANCES = [
    (re.compile(r"002031xx"), None),
    (re.compile(r"002804x([0-9])"), r"0028041\1"),
    (re.compile(r"002808x([0-9])"), r"0028080\1"),
    (re.compile(r"1000xxx([0-9])"), r"1000001\1"),
    (re.compile(r"1010xxxx"), "10100004"),
]
_RANGES = {"50": "50", "60": "60", "7F": "7F"}

_PLAIN = re.compile(r"[0-9A-Fa-f]{8}\Z")
_PUNCTUATED = re.compile(r"\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)\Z")


def _entry(tag: str, vr: str, vm: str, retired: str, keyword: str) -> Entry:
    prefixed = (bool(retired) and tag not in _NOT_PREFIXED) or tag in _PREFIXED
    name = _OTHER_NAMES.get(tag) or ("RETIRED_" if prefixed else "") + keyword
    return Entry(name, _OTHER_VRS.get(tag) or _PSEUDO_VRS.get(vr, vr), _OTHER_VMS.get(tag, vm))


@lru_cache(maxsize=1)
def _tables() -> tuple[dict[str, Entry], dict[str, Entry]]:
    exact, ranges = {}, {}
    for number, (vr, vm, _, retired, keyword) in DicomDictionary.items():
        tag = f"{number:08X}"
        if tag not in _MISSING:
            exact[tag] = _entry(tag, vr, vm, retired, keyword)
    for mask, (vr, vm, _, retired, keyword) in RepeatersDictionary.items():
        entry = _entry(mask, vr, vm, retired, keyword)
        if mask[:2] in _RANGES and mask[2:4] == "xx":
            ranges[mask[:2] + mask[4:]] = entry
            continue
        for pattern, instance in _REPEATER_INSTANCES:
            if pattern.match(mask) and instance:
                exact[pattern.sub(instance, mask)] = entry
    return exact, ranges


def tag_of(key: str) -> str | None:
    """The eight upper-case hex digits that a JSON key stands for: plain or `(gggg,eeee)`; None for any other key."""
    if _PLAIN.match(key):
        return key.upper()
    punctuated = _PUNCTUATED.match(key)
    return (punctuated[1] + punctuated[2]).upper() if punctuated else None


def lookup(key: str) -> Entry | None:
    """dcmjs' entry for a JSON key, None where it has none (and so keeps the key as name)."""
    tag = tag_of(key)
    if tag is None:
        return None
    exact, ranges = _tables()
    return exact.get(tag) or ranges.get(tag[:2] + tag[4:])
