"""Image ids: the names by which consumers ask for an image, or for one frame of it.

    wadors:{root}/studies/{uid}/series/{uid}/instances/{uid}[/frames/{n}]
    wadouri:{url}[?frame={n}]           also dicomweb:, and http(s) without any prefix
    dicomfile:{path}[?frame={n}]        also dicomfile://{path}, and what a viewer's file manager numbered: dicomfile:3

Frames count from 1. They stand in the path (`/frames/3`, `/frames/3/rendered`) or in the query (`frame=3`, WADO-URI's
`frameNumber=3`; after "&" even where nothing begins a query, as older viewers wrote them), in capitals, too, but not
after "#". Other schemes (`web:https://host/a.png`) are other loaders' and are read by the same rules.

An id is never rewritten: what is parsed is a view of the text, and whoever changes the frame changes its digits alone.
Errors and reprs show nothing of an id, for ids carry UIDs and tokens.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import index
from typing import SupportsIndex
from urllib.parse import quote, unquote, unquote_to_bytes

from metalith._image_id_text import KNOWN, MAX_FRAME, PLAIN, UIDS, around, end_of_query, locate, scheme_of, without
from metalith.errors import ImageIdError

__all__ = [
    "ImageId",
    "base_image_id",
    "file_id",
    "frame_image_ids",
    "from_zero_based",
    "image_id_to_uri",
    "parse",
    "to_zero_based",
    "wadors_id",
    "wadouri_id",
]

_BEGINS_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:").match
_PARAMETER = {name: re.compile(f"[?&]{name}=([^&#]*)").search for name in ("studyUID", "seriesUID", "objectUID")}
_PLAIN_UID = re.compile(r"[0-9.]*[0-9][0-9.]*\Z").match
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_ESCAPED_IN_PATHS = re.compile("[\x01-\x1f\x7f%?#&\ud800-\udfff]")


@dataclass(frozen=True, slots=True, repr=False)
class ImageId:
    """An image id, taken apart. Ids are equal when their texts are.

    Parameters
    ----------
    text : str
        The id; `str` gives it back.

    Attributes
    ----------
    scheme : str
        What precedes the first colon, in lower case.
    frame : int or None
        Number of the frame, from 1; of several the first. None where the id names the whole instance.

    Raises
    ------
    ImageIdError
        The text is no image id.

    Examples
    --------
    >>> id = ImageId("wadors:https://host/studies/1.2/series/1.3/instances/1.4/frames/7")
    >>> id, id.scheme, id.frame, id.sop_instance_uid
    (<ImageId wadors, frame 7>, 'wadors', 7, '1.4')
    >>> str(id.base), str(id.with_frame(8))[-9:]
    ('wadors:https://host/studies/1.2/series/1.3/instances/1.4', '/frames/8')
    """

    text: str
    scheme: str = field(init=False, compare=False)
    frame: int | None = field(init=False, compare=False)
    _start: int = field(init=False, compare=False)  # of the frame's digits
    _end: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        start, end, frame = locate(self.text)
        put = object.__setattr__
        put(self, "scheme", scheme_of(self.text))
        put(self, "frame", frame if start else None)
        put(self, "_start", start)
        put(self, "_end", end)

    @classmethod
    def parse(cls, text: str) -> ImageId:
        """The same as the constructor."""
        return cls(text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<ImageId {self.scheme}{f', frame {self.frame}' if self.frame else ''}>"

    @property
    def url(self) -> str:
        """What follows the scheme; of http and https ids, the id. str."""
        return self.text if self.scheme in ("http", "https") else self.text[len(self.scheme) + 1 :]

    @property
    def uri(self) -> str:
        """What to fetch, frame and all: the id without a scheme that is not the URL's own. str.

        An id that holds no URL (`dicomfile:` and such as `test:1`) is its own URI, as in Cornerstone's imageIdToURI.
        """
        url = self.url
        return url if self.scheme != "dicomfile" and (self.scheme in KNOWN or _BEGINS_URL(url)) else self.text

    @property
    def base(self) -> ImageId:
        """The id of the whole instance: this one without its frame. ImageId."""
        return self if self.frame is None else ImageId(without(self.text, self._start, self._end))

    def with_frame(self, number: SupportsIndex) -> ImageId:
        """The id of another frame, written as this one is; without a frame, in the manner of its scheme.

        >>> str(ImageId("wadouri:https://host/a?b=1#c").with_frame(2))
        'wadouri:https://host/a?b=1&frame=2#c'
        """
        before, after = around(self.text, self._start, self._end)
        return ImageId(f"{before}{_number(number)}{after}")

    @property
    def frames(self) -> Sequence[int]:
        """All frames that the id names: those of `/frames/1,2` and `/frames/1-4`; one, or none. Sequence of int."""
        first, dash, last = self.frames_text.partition("-")
        if dash:
            return range(int(first), int(last) + 1)
        return tuple(map(int, first.split(","))) if first else ()

    @property
    def frames_text(self) -> str:
        """The number or numbers of the frames as written; empty without. str."""
        return self.text[self._start : self._end]

    @property
    def remaining(self) -> str:
        """What follows the frame; empty without one. str."""
        return self.text[self._end :] if self._end else ""

    @property
    def study_instance_uid(self) -> str | None:
        """From the path (`/studies/…/series/…/instances/…`) or the query (`studyUID=`); None where neither tells."""
        return self._uid(1, "studyUID")

    @property
    def series_instance_uid(self) -> str | None:
        """From the path or the query (`seriesUID=`); None where neither tells."""
        return self._uid(2, "seriesUID")

    @property
    def sop_instance_uid(self) -> str | None:
        """From the path or the query (`objectUID=`); None where neither tells."""
        return self._uid(3, "objectUID")

    def _uid(self, group: int, name: str) -> str | None:
        if self.scheme == "dicomfile":
            return None
        stop = end_of_query(self.text)
        match = UIDS(self.text, 0, stop)
        if match:
            return unquote(match[group])
        match = _PARAMETER[name](self.text, 0, stop)
        return unquote(match[1]) or None if match else None

    @property
    def parameters(self) -> dict[str, str]:
        """The query, as of WADO-URI (PS3.18 section 9), unescaped; of a name that comes twice the first. dict.

        >>> ImageId("wadouri:https://host/wado?requestType=WADO&contentType=application%2Fdicom&frame=3").parameters
        {'requestType': 'WADO', 'contentType': 'application/dicom', 'frame': '3'}
        """
        found: dict[str, str] = {}
        for pair in self.text[: end_of_query(self.text)].partition("?")[2].split("&"):
            name, _, value = pair.partition("=")
            if name:
                found.setdefault(unquote(name), unquote(value))
        return found

    @property
    def path(self) -> str | None:
        """The file of a `dicomfile:` id, unescaped: for looking up, not for opening what others sent. None for others.

        >>> ImageId("dicomfile:/data/50%25 dose.dcm?frame=2").path
        '/data/50% dose.dcm'
        """
        if self.scheme != "dicomfile":
            return None
        path = self.base.url.partition("#")[0].partition("?")[0]
        path = path[2:] if path.startswith("//") and len(path) > 2 else path
        return _ESCAPES.sub(lambda match: os.fsdecode(unquote_to_bytes(match[0])), path)


def parse(text: str) -> ImageId:
    """`ImageId(text)`."""
    return ImageId(text)


def base_image_id(text: str) -> str:
    """An image id without its frame: the id of the whole instance.

    >>> base_image_id("wadouri:https://host/a?b=1&frame=4&c=2")
    'wadouri:https://host/a?b=1&c=2'
    """
    match = PLAIN(text)  # as `locate` does it, with a call and a number less
    if match is None:
        start, end, _ = locate(text)
        return without(text, start, end)
    group = match.lastindex
    if group is None:
        return text
    start, end = match.span(group)
    if end == len(text):
        return text[: start - (8 if group == 1 else 7)]  # "/frames/", "?frame=" or "&frame="
    return without(text, start, end)


def frame_image_ids(text: str, number_of_frames: SupportsIndex) -> list[str]:
    """The ids of all frames of an instance, given its id or that of any frame, and written as that is.

    >>> frame_image_ids("dicomfile:3?frame=2", 3)
    ['dicomfile:3?frame=1', 'dicomfile:3?frame=2', 'dicomfile:3?frame=3']
    """
    start, end, _ = locate(text)
    before, after = around(text, start, end)
    return [f"{before}{number}{after}" for number in range(1, _number(number_of_frames) + 1)]


def image_id_to_uri(text: str) -> str:
    """What to fetch for an image id: `ImageId(text).uri`."""
    return ImageId(text).uri


def from_zero_based(text: str) -> str:
    """The image id of a manifest that counts frames from 0, as Metalith has it. Without a frame it stays as it is.

    >>> from_zero_based("dicomweb:https://host/a.dcm?frame=0")
    'dicomweb:https://host/a.dcm?frame=1'
    """
    return _shifted(text, 0, 1)


def to_zero_based(text: str) -> str:
    """An image id for a manifest that counts frames from 0: the reverse of `from_zero_based`."""
    return _shifted(text, 1, -1)


def wadors_id(root: str, study: str, series: str, instance: str, frame: SupportsIndex | None = None) -> str:
    """The image id of an instance, or of a frame from 1, on a DICOMweb server; what is no plain UID is escaped.

    >>> wadors_id("https://host/dicom-web/", "1.2", "1.3", "1.4", 1)
    'wadors:https://host/dicom-web/studies/1.2/series/1.3/instances/1.4/frames/1'
    """
    place = f"studies/{_escaped(study)}/series/{_escaped(series)}/instances/{_escaped(instance)}"
    tail = "" if frame is None else f"/frames/{_number(frame)}"
    return _made(f"wadors:{_root(root).rstrip('/')}/{place}{tail}", frame)


def wadouri_id(
    root: str, study: str, series: str, instance: str, frame: SupportsIndex | None = None, **parameters: str | None
) -> str:
    """The image id of an instance, or of a frame from 1, on a WADO-URI server, whose URL may have a query.

    Further parameters (PS3.18 section 9) are escaped. `contentType` is application/dicom and `transferSyntax` is *
    where they are not given; None leaves one out.

    >>> wadouri_id("https://host/wado", "1.2", "1.3", "1.4", 2, transferSyntax=None)[25:]
    '?requestType=WADO&studyUID=1.2&seriesUID=1.3&objectUID=1.4&contentType=application/dicom&frame=2'
    """
    uids = f"studyUID={_escaped(study)}&seriesUID={_escaped(series)}&objectUID={_escaped(instance)}"
    tail = "" if frame is None else f"&frame={_number(frame)}"
    given = {"contentType": "application/dicom", "transferSyntax": "*", **parameters}
    if not given.keys().isdisjoint(("requestType", "studyUID", "seriesUID", "objectUID", "frameNumber")):
        raise ImageIdError("a parameter that wadouri_id sets itself is given")
    rest = "".join(f"&{quote(name, '')}={quote(value, '/*')}" for name, value in given.items() if value is not None)
    join = "" if _root(root)[-1] in "?&" else "&" if "?" in root else "?"
    return _made(f"wadouri:{root}{join}requestType=WADO&{uids}{rest}{tail}", frame)


def file_id(path: str | bytes | os.PathLike[str], frame: SupportsIndex | None = None) -> str:
    """The image id of a file, or of a frame from 1: `dicomfile:` and the absolute path.

    Of the path "%", "?", "#", "&", control characters and bytes that are no text are escaped, all else stays readable.

    >>> file_id("/data/Müller, 50%.dcm", 2)
    'dicomfile:/data/Müller, 50%25.dcm?frame=2'
    """
    name = os.fsdecode(path)
    if not name or "\0" in name:
        raise ImageIdError("an empty path, or one with a NUL in it")
    try:
        name = _ESCAPED_IN_PATHS.sub(lambda match: quote(os.fsencode(match[0]), ""), os.path.abspath(name))
    except UnicodeEncodeError:
        raise ImageIdError("a path that no file can have") from None
    tail = "" if frame is None else f"?frame={_number(frame)}"
    return f"dicomfile:{'//' if name.startswith('//') else ''}{name}{tail}"


def _number(number: SupportsIndex) -> int:
    value = index(number)
    if not 1 <= value <= MAX_FRAME or isinstance(number, bool):
        raise ImageIdError("a number of a frame, or of frames, that is not from 1 to 2147483647")
    return value


def _shifted(text: str, least: int, by: int) -> str:
    start, end, _ = locate(text, least)
    return text[:start] + re.sub("[0-9]+", lambda match: str(int(match[0]) + by), text[start:end]) + text[end:]


def _root(root: str) -> str:
    if not isinstance(root, str) or not root or "#" in root:
        raise ImageIdError("the root, which is the URL of the service, is missing or has a fragment")
    return root


def _escaped(uid: str) -> str:
    if not isinstance(uid, str) or not uid.isprintable() or not uid.strip("."):
        raise ImageIdError("a UID is missing, or holds what no URL can")
    return uid if _PLAIN_UID(uid) else quote(uid, "")


def _made(text: str, frame: SupportsIndex | None) -> str:
    """An id that was put together, if it says what it was to say."""
    if locate(text)[2] != (-1 if frame is None else index(frame)):
        raise ImageIdError("the root, or a parameter, names a frame itself")
    return text
