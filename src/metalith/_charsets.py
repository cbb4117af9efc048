"""Text in the character sets of PS3.3 C.12.1.1.2, for values that the compiled reader does not decode itself.

Code extensions follow ISO 2022 as PS3.5 section 6.1.2.5 restricts it: 8-bit bytes are characters of the set in G1,
7-bit bytes are ASCII or, after an escape sequence, pairs of JIS X 0208 or JIS X 0212. The romaji of JIS X 0201 are read
as ASCII, 0x5C and 0x7E too, for the former separates values whatever it looks like.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["decode", "kind"]

# By what is left of a term without "ISO", "2022", "IR" and what is neither letter nor digit: Python's codec, and the
# escape sequences without ESC (PS3.3 tables C.12-2 to C.12-5). Sets without any admit no others beside them.
# The spelling of a codec tells JIS X 0201 (shift_jis), which is one byte a character, from Shift_JIS (sjis).
_SETS: dict[str, tuple[str, tuple[bytes, ...]]] = {
    "": ("ascii", (b"(B",)),
    "6": ("ascii", (b"(B",)),
    "13": ("shift_jis", (b"(J", b")I")),
    "58": ("gb2312", (b"$)A",)),
    "87": ("iso2022_jp", (b"$B",)),
    "100": ("latin_1", (b"-A",)),
    "101": ("iso8859_2", (b"-B",)),
    "109": ("iso8859_3", (b"-C",)),
    "110": ("iso8859_4", (b"-D",)),
    "126": ("iso8859_7", (b"-F",)),
    "127": ("iso8859_6", (b"-G",)),
    "138": ("iso8859_8", (b"-H",)),
    "144": ("iso8859_5", (b"-L",)),
    "148": ("iso8859_9", (b"-M",)),
    "149": ("euc_kr", (b"$)C",)),
    "159": ("iso2022_jp_2", (b"$(D",)),
    "166": ("tis_620", (b"-T",)),
    "192": ("utf_8", ()),
    "203": ("iso8859_15", (b"-b",)),
    "GB18030": ("gb18030", ()),
    "GBK": ("gbk", ()),
    # not of DICOM, but met
    "BIG5": ("big5", ()),
    "EUCJP": ("euc_jp", ()),
    "SHIFTJIS": ("sjis", ()),
    "SJIS": ("sjis", ()),
    "UTF8": ("utf_8", ()),
    **{f"{name}125{page}": (f"cp125{page}", ()) for name in ("CP", "WINDOWS") for page in range(9)},
}
_SETS |= {
    other: _SETS[term]
    for other, term in (
        *(("ASCII", "6"), ("USASCII", "6"), ("LATIN1", "100"), ("TIS620", "166")),
        *(("EUCKR", "149"), ("KSC5601", "149"), ("GB2312", "58")),
        *(("88591", "100"), ("88592", "101"), ("88593", "109"), ("88594", "110"), ("88595", "144")),
        *(("88596", "127"), ("88597", "126"), ("88598", "138"), ("88599", "148"), ("885915", "203")),
    )
}
_CODECS = {b"\x1b" + escape: codec for codec, escapes in _SETS.values() for escape in escapes}
_CODECS[b"\x1b(J"] = "ascii"  # G0 alone; the katakana are in G1
_PAIRED = {"iso2022_jp", "iso2022_jp_2"}  # in G0

_ESCAPE = re.compile(b"|".join(map(re.escape, _CODECS)))
_ESC = re.compile(b"\x1b")
_PAIRS = re.compile(rb"((?:[!-~]{2})+)|[\x80-\xff]+|[\0-\x7f]")
# what ends a run in a set other than the first: PS3.5 section 6.1.2.5.3; "\" is a letter in LT, ST and UT
_ENDS = {
    **dict.fromkeys(("LT", "ST", "UT"), re.compile(rb"[\x1b\t\n\f\r]")),
    **dict.fromkeys(("LO", "SH", "UC"), re.compile(rb"[\x1b\t\n\f\r\\]")),
    "PN": re.compile(rb"[\x1b\t\n\f\r\\^=]"),
}


class _Declared(NamedTuple):
    """What a value of SpecificCharacterSet allows."""

    kind: int
    known: bool  # all terms are
    alone: bool  # no code extensions, whatever else is declared
    first: str | None  # codec of 8-bit bytes at the start
    others: tuple[str, ...]  # codecs of 8-bit bytes where no set is designated for them, by likelihood
    escapes: frozenset[bytes]


def decode(raw: bytes, vr: str, character_sets: str) -> tuple[str, bool]:
    """Text of a value, all of it: delimiters and padding stay where they are.

    Parameters
    ----------
    raw : bytes
        The value as it stands in the file.
    vr : str
        Its VR. Those that (0008,0005) does not concern are ASCII (PS3.5 section 6.1.2.3).
    character_sets : str
        Value of SpecificCharacterSet (0008,0005), common misspellings included.

    Returns
    -------
    str
        The text.
    bool
        Whether the bytes are text in the declared sets. If not, U+FFFD stands for bytes that are nothing in their set;
        escape sequences that are not declared are obeyed; 8-bit bytes without a set are read in the last one that had
        an escape sequence, the others that are declared, or Latin-1, whichever first has them all.

    Examples
    --------
    >>> decode(b"Hong^Gildong=\\x1b$)C\\xfb\\xf3^\\x1b$)C\\xd1\\xce\\xd4\\xd7", "PN", "\\\\ISO 2022 IR 149")
    ('Hong^Gildong=洪^吉洞', True)
    """
    ends = _ENDS.get(vr)
    if ends is None:
        return raw.decode("latin_1"), raw.isascii() and b"\x1b" not in raw
    declared = _declared(character_sets)
    if b"\x1b" not in raw:
        text, valid = _run(raw, declared.first, declared.others)
    elif declared.alone:
        text, valid = _run(raw, declared.first, declared.others)[0], False
    else:
        text, valid = _extended(raw, declared, ends)
    return text, valid and declared.known


def kind(character_sets: str) -> int:
    """How to read 8-bit text under this value of SpecificCharacterSet.

    Parameters
    ----------
    character_sets : str
        Value of (0008,0005), "" where it is absent.

    Returns
    -------
    int
        0 for ASCII, 1 for Latin-1 and 2 for UTF-8, each alone and without code extensions; 3 for what needs `decode`.

    >>> kind(""), kind("ISO_IR 100"), kind("UTF-8"), kind("ISO 2022 IR 100")
    (0, 1, 2, 3)
    """
    return _declared(character_sets).kind


@lru_cache(maxsize=128)
def _declared(character_sets: str) -> _Declared:
    terms = [re.sub("[^0-9A-Z]", "", term.upper()) for term in character_sets.split("\\")]
    names = [re.sub("^(?:ISO)?(?:2022)?(?:IR)?", "", term) for term in terms]
    known = all(
        name in _SETS and (name != "" or not raw.strip(" \0"))
        for name, raw in zip(names, character_sets.split("\\"), strict=True)
    )
    found = [_SETS.get(name, ("ascii", (b"(B",))) for name in names]
    codecs = [codec for codec, _ in found]
    extended = len(terms) > 1 or terms[0].startswith("ISO2022")
    plain = {"ascii", *_PAIRED}
    if known and (not any(names) or (not extended and codecs[0] in ("ascii", "latin_1", "utf_8"))):
        simple = ("ascii", "latin_1", "utf_8").index(codecs[0])
    else:
        simple = 3
    return _Declared(
        kind=simple,
        known=known,
        alone=not found[0][1],
        first=None if codecs[0] in plain else codecs[0],
        others=tuple(dict.fromkeys(codec for codec in codecs if codec not in plain)),
        escapes=frozenset(b"\x1b" + escape for _, escapes in found for escape in (b"(B", *escapes) if extended),
    )


def _run(raw: bytes, codec: str | None, others: tuple[str, ...]) -> tuple[str, bool]:
    """Bytes of one codec, or of the first of the others that takes them, and whether they are valid."""
    if codec is not None:
        try:
            text = raw.decode(codec)
        except UnicodeDecodeError:
            return raw.decode(codec, "replace"), False
        return text, codec != "shift_jis" or len(text) == len(raw)
    if raw.isascii():
        return raw.decode("ascii"), True
    for other in others:
        try:
            return raw.decode(other), False
        except UnicodeDecodeError:
            pass
    return raw.decode("latin_1"), False


def _extended(raw: bytes, declared: _Declared, ends: re.Pattern[bytes]) -> tuple[str, bool]:
    """Bytes with escape sequences."""
    texts, valid, at = [], True, 0
    pairs, high, others = b"", declared.first, declared.others  # escape sequence of pairs in G0; codec of G1
    while at < len(raw):
        start, good = at, True
        if raw[at] == 0x1B:
            escape = _ESCAPE.match(raw, at)
            if escape is None:
                text, good, at = "\x1b", False, at + 1
            else:
                text, good, at = "", escape[0] in declared.escapes, escape.end()
                codec = _CODECS[escape[0]]
                # a set for G1 leaves G0 as it is, says ISO 2022; pydicom and DCMTK write and read ASCII after it
                pairs = escape[0] if codec in _PAIRED else b""
                if codec not in _PAIRED and codec != "ascii":
                    high, others = codec, (codec, *declared.others)
        elif pairs:
            run = _PAIRS.match(raw, at)
            assert run is not None
            at = run.end()
            if run[1]:
                text, good = _run(pairs + run[1], _CODECS[pairs], ())
            elif raw[start] >= 0x80:
                text, good = _run(run[0], high, others)
            else:  # a control character or space; or half a pair, which a lacking escape sequence explains best
                text, good = chr(raw[start]), not 0x20 < raw[start] < 0x7F
                if ends.match(run[0]):
                    pairs, high = b"", declared.first
        else:
            # in the initial state a delimiter changes nothing, and may be half of a Shift_JIS character out of place
            end = (_ESC if high == declared.first else ends).search(raw, at)
            at = end.start() if end else len(raw)
            text, good = _run(raw[start:at], high, others)
            if end and end[0] != b"\x1b":
                high = declared.first
        texts.append(text)
        valid = valid and good
    return "".join(texts), valid
