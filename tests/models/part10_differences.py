"""Every difference between Metalith's view of a file and those of pydicom and dcm2json that is right, with the reason.

A difference that no rule here explains fails the tests, and so does a rule that explains none. Each rule says exactly
what the other value may be: "a text of the same start" would let any error pass.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metalith import BulkData, PersonName, Sequence

from .part10_oracles import ABSENT, PIXEL_DATA, Answer, Difference, same

DCMTK_VERSION = "3.6.7"  # what the table was written against, as Debian builds it: other versions need fewer rules

UNREADABLE: dict[str, dict[str, str]] = {
    "pydicom": {},
    "dcm2json": {
        "test_files/MR_truncated.dcm": "It reads nothing of a file that ends within a value.",
        "test_files/rtplan_truncated.dcm": "It reads nothing of a file that ends within a value.",
        "test_files/no_meta.dcm": "A stray byte stands before the data set.",
    },
}

REFUSED = {
    "test_files/no_meta.dcm": "A stray byte stands before the data set. To pydicom all that follows is the value of "
    "(0820,0500), of which the file lacks 173 MB.",
    "test_files/rtplan_truncated.dcm": "It ends within a value. pydicom gives what is there of it and says nothing in "
    "the data set; ours raises TruncatedError, and gives what is whole when it is asked for that.",
}


@dataclass(frozen=True)
class Case:
    """A difference between ours (left) and theirs (right)."""

    difference: Difference
    answer: Answer

    @property
    def ours(self) -> Any:
        return self.difference.left

    @property
    def theirs(self) -> Any:
        return self.difference.right

    def each(self, test: Callable[[Any, Any], bool]) -> bool:
        """Whether the values are as many, and the test holds for each that differs."""
        ours, theirs = _several(self.ours), _several(self.theirs)
        return len(ours) == len(theirs) and all(same(a, b) or test(a, b) for a, b in zip(ours, theirs, strict=True))


@dataclass(frozen=True)
class Rule:
    """A kind of difference."""

    oracles: tuple[str, ...]
    name: str
    reason: str
    applies: Callable[[Case], bool]


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


# ---- both ----


def _behind_pixels(case: Case) -> bool:
    return case.ours is ABSENT and case.difference.tag > PIXEL_DATA and "." not in case.difference.path


# ---- pydicom ----


def _cut_pixels(case: Case) -> bool:
    if case.difference.tag != PIXEL_DATA or case.ours.length <= len(case.theirs):
        return False
    data: bytes = Path(case.ours.path).read_bytes()[case.ours.offset :]
    return data == case.theirs


def _group_length(case: Case) -> bool:
    return case.ours is ABSENT and isinstance(case.theirs, int) and case.difference.tag & 0xFFFF == 0


def _no_number(case: Case) -> bool:
    lost = case.answer.lost.get(case.difference.path, "")
    return lost.startswith("ValueError") and case.theirs is ABSENT and isinstance(case.ours, str)


def _inner_padding(case: Case) -> bool:
    return case.difference.left_vr in ("CS", "DA", "TM", "DT", "AS") and case.each(
        lambda ours, theirs: isinstance(theirs, str) and theirs.rstrip(" ") == ours
    )


# ---- dcm2json ----


def _renamed_character_set(case: Case) -> bool:
    return case.difference.tag == 0x00080005 and case.theirs == "ISO_IR 192"


def _unknown_character_set(case: Case) -> bool:
    def undecoded(ours: Any, theirs: Any) -> bool:
        if not isinstance(ours, str) or type(ours) is not type(theirs):
            return False
        return _groups(ours) == [_japanese(group) for group in _groups(theirs)]

    return "characters" in case.answer.eased and case.each(undecoded)


def _groups(text: str) -> list[str]:
    return [text.alphabetic, text.ideographic, text.phonetic] if isinstance(text, PersonName) else [text]


def _japanese(text: str) -> str:
    """Text that was taken for Latin-1."""
    return text.encode("latin-1").decode("iso2022_jp" if "\x1b" in text else "shift_jis", "replace")


def _nine_digits(case: Case) -> bool:
    return case.difference.left_vr == "FL" and case.each(
        lambda ours, theirs: struct.pack("<f", theirs) == struct.pack("<f", ours) and _single(ours) == ours
    )


def _single(value: float) -> float:
    single: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return single


def _no_sign(case: Case) -> bool:
    return case.difference.left_vr in ("FL", "FD") and case.each(lambda ours, theirs: ours == theirs == 0)


def _rounded(case: Case) -> bool:
    return case.difference.left_vr == "FD" and case.each(lambda ours, theirs: math.isclose(ours, theirs, rel_tol=1e-14))


def _empty_components(case: Case) -> bool:
    def fewer(ours: Any, theirs: Any) -> bool:
        return [group.rstrip("^") for group in _groups(ours)] == _groups(theirs or PersonName())

    return case.difference.left_vr == "PN" and case.each(fewer)


def _kept_unknown(case: Case) -> bool:
    vr = case.difference.left_vr
    if case.difference.right_vr != "UN" or vr in (None, "UN"):
        return False
    data = case.theirs or b""
    if vr == "SQ":
        return isinstance(case.ours, Sequence) and data[:4] in (b"", b"\xfe\xff\x00\xe0")
    return _several(case.ours) == _read_as(vr, data)


def _read_as(vr: str, data: bytes) -> tuple[Any, ...]:
    """ASCII text and numbers, little endian."""
    if vr in _FORMATS and data:
        return struct.unpack(f"<{len(data) // struct.calcsize(_FORMATS[vr])}{_FORMATS[vr]}", data)
    if vr == "AT":
        halves = [data[at : at + 2][::-1].hex().upper() for at in range(0, len(data), 2)]
        return tuple("".join(halves[at : at + 2]) for at in range(0, len(halves), 2)) or (None,)
    texts = [part.strip(" \0") or None for part in data.decode("ascii").split("\\")]
    return tuple(float(text) if text and vr in ("DS", "IS") else text for text in texts)


_FORMATS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}


def _even_length(case: Case) -> bool:
    return isinstance(case.ours, bytes) and len(case.ours) % 2 == 1 and case.theirs == case.ours + b"\0"


def _fragments(case: Case) -> bool:
    return (
        "pixels" in case.answer.eased
        and case.difference.tag == PIXEL_DATA
        and case.theirs is ABSENT
        and isinstance(case.ours, BulkData)
    )


def _big_endian(case: Case) -> bool:
    width = {"OW": 2, "OL": 4, "OF": 4, "OD": 8, "OV": 8}.get(case.difference.left_vr or "")
    if width is None or not isinstance(case.ours, BulkData) or "order=big" not in case.ours.uri:
        return False
    words = memoryview(case.ours.read()).cast("B")
    return b"".join(bytes(words[at : at + width][::-1]) for at in range(0, len(words), width)) == case.theirs


RULES = (
    Rule(
        ("pydicom", "dcm2json"),
        "what follows the pixel data",
        "Ours reads headers, which end there. In these files it is padding (FFFC,FFFC), without meaning (PS3.10 7.2).",
        _behind_pixels,
    ),
    Rule(
        ("pydicom",),
        "pixel data that the file has only a part of",
        "pydicom gives the part; ours has not looked, and BulkData.read raises.",
        _cut_pixels,
    ),
    Rule(
        ("pydicom",),
        "group lengths",
        "PS3.18 F.2.2: they shall not be included.",
        _group_length,
    ),
    Rule(
        ("pydicom",),
        "a DS or IS that is no number",
        "pydicom raises when it makes JSON of it and loses the attribute; ours keeps the text.",
        _no_number,
    ),
    Rule(
        ("pydicom",),
        "padding of a value before another",
        "PS3.5 6.2: trailing spaces mean nothing. Of these VRs pydicom removes them from the last value only.",
        _inner_padding,
    ),
    Rule(
        ("dcm2json",),
        "SpecificCharacterSet",
        "It names the character set of its JSON; ours is the file's, as pydicom's and PS3.18 F.2.2 (note 3) want it.",
        _renamed_character_set,
    ),
    Rule(
        ("dcm2json",),
        "text in Japanese character sets",
        "Debian's build lacks them: it refused the file and was given a copy that claims to be in Latin-1; or it "
        "overlooked that an item has a character set of its own. Decoded by Python, its texts are the same.",
        _unknown_character_set,
    ),
    Rule(
        ("dcm2json",),
        "FL with nine digits",
        "It prints what identifies the single-precision number; ours is that number exactly, as pydicom's is.",
        _nine_digits,
    ),
    Rule(
        ("dcm2json",),
        "negative zero",
        "It prints 0; ours is -0.0, as pydicom's is.",
        _no_sign,
    ),
    Rule(
        ("dcm2json",),
        "FD in the last place",
        "Its own way of printing seventeen digits is not exact.",
        _rounded,
    ),
    Rule(
        ("dcm2json",),
        "empty components at the end of a name",
        "It leaves the delimiters out, as it may (PS3.5 6.2.1.1); ours is what the file has, as pydicom's is.",
        _empty_components,
    ),
    Rule(
        ("dcm2json",),
        "UN of a known attribute",
        "It keeps the bytes; ours takes the VR from the dictionaries, as pydicom does and PS3.5 6.2.2 allows.",
        _kept_unknown,
    ),
    Rule(
        ("dcm2json",),
        "bytes of odd length",
        "It adds one to make them even; ours are what the file has.",
        _even_length,
    ),
    Rule(
        ("dcm2json",),
        "encapsulated pixel data",
        "It does not write them and gives up; it was given a copy without.",
        _fragments,
    ),
    Rule(
        ("dcm2json",),
        "bulk data of big-endian files",
        "It writes little endian, as PS3.18 wants it of JSON; BulkData.read gives what the file has.",
        _big_endian,
    ),
)


def rule_of(oracle: str, case: Case) -> Rule | None:
    """The rule that explains a difference, None when there is none."""
    return next((rule for rule in RULES if oracle in rule.oracles and _holds(rule, case)), None)


def _holds(rule: Rule, case: Case) -> bool:
    try:
        return rule.applies(case)
    except (ArithmeticError, AttributeError, TypeError, ValueError, struct.error):
        return False  # the values are not of the kind that the rule is about
