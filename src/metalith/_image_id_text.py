"""Where the frame stands in the text of an image id, and how it is put in and taken out (for `metalith.image_ids`).

Consumers ask for images by the million, so one pattern knows the ids that servers and this package make; what it leaves
is taken apart step by step, by the same rules.
"""

from __future__ import annotations

import re

from metalith.errors import ImageIdError

KNOWN = frozenset(["wadors", "wadouri", "dicomweb", "dicomfile", "http", "https"])
MAX_FRAME = 2**31 - 1  # of an IS value

_UID = "([^/?&#]+)"
UIDS = re.compile(f"/studies/{_UID}/series/{_UID}/instances/{_UID}", re.I | re.A).search

_NUMBER = "([1-9][0-9]{0,8})"
_PART = r"[ -\"$%'-.0->@-~\x80-\ud7ff\ue000-\U0010ffff]"  # characters but / ? & #, controls and half pairs
_PARTS = rf"{_PART}*+(?:[/?&](?!(?i:frame)){_PART}*+)*+"
PLAIN = re.compile(
    rf"(?:wadors:{_PART}*+(?:/(?!studies/){_PART}*+)*+/studies/{_PART}++/series/{_PART}++/instances/{_PART}++"
    rf"(?:/frames/{_NUMBER})?"
    rf"|(?:wadouri:|dicomweb:|dicomfile:|https?://(?!/))(?![?&]|\Z){_PARTS}(?:[?&]frame={_NUMBER}(?![^&]){_PARTS})?"
    r")\Z"
).match

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+\Z").match
_NO_TEXT = re.compile("[\0-\x1f\x7f\ud800-\udfff]").search
# A frame in the query (group 1) and one in the path (2), where a host would be no path. A literal
# beginning is found fast: hence the looking back.
_FRAME = re.compile(
    r"frame(?:(?<=[?&]frame)(?:number)?=([^&]*)|(?<=[^/]/frame)s(?:/|(?![^?&]))([^/?&]*))", re.I | re.A
).search
_FRAMES = re.compile(r"[0-9]{1,10}(?:(?:,[0-9]{1,10})+|-[0-9]{1,10})?\Z").match
_MAY_FOLLOW = re.compile(r"(?:/rendered|/thumbnail)?(?:[?&]|\Z|/frames/)", re.I | re.A).match


def locate(text: str, least: int = 1) -> tuple[int, int, int]:
    """Reads an image id.

    Parameters
    ----------
    text : str
    least : int
        Number of the first frame.

    Returns
    -------
    start, end : int
        Where the frame's number begins and ends; 0 and 0 without a frame.
    frame : int
        The number, of several the first; -1 without a frame.

    Raises
    ------
    ImageIdError
        The text is no image id.
    """
    match = PLAIN(text)
    if match is None:
        return _locate_any(text, least)
    group = match.lastindex
    if group is None:
        return 0, 0, -1
    start, end = match.span(group)
    return start, end, int(match[group])


def _locate_any(text: str, least: int) -> tuple[int, int, int]:
    """The same, for ids of every kind."""
    match = _NO_TEXT(text)
    if match:
        raise ImageIdError("a control character, or half of a surrogate pair", position=match.start())
    begin = text.find(":") + 1
    scheme = text[: begin - 1] if begin else ""
    if not _SCHEME(scheme):
        raise ImageIdError("no scheme, such as wadors:, at the beginning", position=0)
    scheme, stop = scheme.lower(), end_of_query(text)
    if text[begin : begin + 1] in "?&#":
        raise ImageIdError("nothing follows the scheme", position=begin)
    if scheme in ("http", "https") and (text[begin : begin + 2] != "//" or text[begin + 2 : begin + 3] in "/?&#"):
        raise ImageIdError("a URL without a host", position=begin)
    if scheme == "wadors":
        match = UIDS(text, begin, stop)
        if match is None:
            reason = "wadors: without /studies/{uid}/series/{uid}/instances/{uid}"
            raise ImageIdError(reason, position=begin)
        begin = match.end()
    else:
        begin += 2  # no frame without anything before it
    start, end, frame = 0, 0, -1
    while match := _FRAME(text, begin, stop):
        in_path = match[1] is None
        first, begin = match.span(2 if in_path else 1)
        if in_path and not _is_of_instance(text, scheme, match.start() - 1, first, begin, stop):
            continue
        if start:
            raise ImageIdError("a second frame", position=first)
        start, end, frame = first, begin, _first_of(text[first:begin], first, least)
    return start, end, frame


def _is_of_instance(text: str, scheme: str, found: int, first: int, last: int, stop: int) -> bool:
    """Whether "/frames" in a path is that of an instance, and no folder that has this name."""
    if scheme == "dicomfile":
        return False
    folder = text.rfind("/", 0, found)
    if text[:folder][-10:].lower() == "/instances":
        return True
    return bool(_FRAMES(text, first, last) and _MAY_FOLLOW(text, last, stop))


def _first_of(digits: str, at: int, least: int) -> int:
    """The first of the frames in a part of an id, checked."""
    if not _FRAMES(digits):
        raise ImageIdError("a frame that is no number", position=at)
    numbers = [int(number) for number in re.split("[,-]", digits)]
    if min(numbers) < least:
        raise ImageIdError("frame 0; ids of a manifest that counts from 0 go through from_zero_based", position=at)
    if max(numbers) >= MAX_FRAME + least:
        raise ImageIdError(f"a frame beyond {MAX_FRAME}", position=at)
    if "-" in digits and numbers[0] > numbers[1]:
        raise ImageIdError("a range of frames that runs backwards", position=at)
    return numbers[0]


def scheme_of(text: str) -> str:
    """What precedes the first colon, in lower case."""
    return text[: text.find(":")].lower()


def end_of_query(text: str) -> int:
    """Where the fragment begins, or the text ends."""
    at = text.find("#")
    return len(text) if at < 0 else at


def without(text: str, start: int, end: int) -> str:
    """An id without the frame whose number is there: what `around` put in is gone, and nothing else."""
    if not start:
        return text
    if text[start - 1] == "/":
        return text[: start - len("/frames/")] + text[end:]
    at = start - len("?frame=" if text[start - 2] in "eE" else "?frameNumber=")
    if text[at] == "?" and text[end : end + 1] == "&":
        return text[: at + 1] + text[end + 1 :]
    return text[:at] + text[end:]


def around(text: str, start: int, end: int) -> tuple[str, str]:
    """What comes before and after the number of a frame: of the one that is there, or where one is to be put."""
    if start:
        return text[:start], text[end:]
    stop = end_of_query(text)
    # the loaders of wadouri: and dicomweb: fetch a whole file, and look for the frame in the query alone
    uids = None if scheme_of(text) in ("wadouri", "dicomweb", "dicomfile") else UIDS(text, 0, stop)
    if uids:
        return f"{text[: uids.end()]}/frames/", text[uids.end() :]
    return f"{text[:stop]}{'&' if '?' in text[:stop] else '?'}frame=", text[stop:]
