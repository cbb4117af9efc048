"""Multipart messages taken apart (RFC 2046 section 5.1, PS3.18 section 8.6.1), from servers that may do it wrong.

A part ends where a line follows that is the delimiter and nothing else. Where the part says its length itself and a
delimiter follows there, it ends there, whatever bytes it has. A message without its last delimiter was cut off and is
refused, unless its last part says its length. Everything is bounded by the message, which is in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from metalith.errors import MetalithError

__all__ = ["MultipartError", "Part", "media_type_of", "parameters_of", "split", "unwrapped"]

_MOST_PARTS = 1 << 20
_LONGEST_HEAD = 1 << 14
_LONGEST_BOUNDARY = 256
_PARAMETER = re.compile(r';\s*([A-Za-z0-9!#$%&\'*+.^_`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))')
_LINE = re.compile(rb"[ \t]*\r?\n")
_LAST = re.compile(rb"--[ \t]*(?:\r?\n|\Z)")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_FOLDED = re.compile(r"\r?\n[ \t]+")


class MultipartError(MetalithError):
    """A message is no multipart message, or was cut off. The text says what is wrong, and where."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message.

    Attributes
    ----------
    data : bytes
    headers : dict
        By names in lower case.
    """

    data: bytes
    headers: dict[str, str]

    @property
    def media_type(self) -> str:
        """Without parameters, in lower case; empty where the part does not tell. str."""
        return media_type_of(self.headers.get("content-type", ""))

    def __repr__(self) -> str:
        return f"<Part {self.media_type}, {len(self.data):,} bytes>"


def media_type_of(content_type: str) -> str:
    """The media type of a Content-Type, without parameters and in lower case.

    >>> media_type_of('Multipart/Related; type="image/jpeg"')
    'multipart/related'
    """
    return content_type.partition(";")[0].strip().lower()


def parameters_of(content_type: str) -> dict[str, str]:
    """The parameters of a Content-Type, by names in lower case.

    >>> parameters_of('multipart/related; type="image/jpeg"; boundary=a=b')
    {'type': 'image/jpeg', 'boundary': 'a=b'}
    """
    found: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(content_type[:4096]):
        found.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) if quoted else plain)
    return found


def split(body: bytes, content_type: str) -> list[Part]:
    """The parts of a message.

    Parameters
    ----------
    body : bytes
    content_type : str
        Of the message. Where it has no boundary, that is the first line of the body.

    Returns
    -------
    list of Part
        Empty parts, too; none for an empty body.

    Raises
    ------
    MultipartError

    Examples
    --------
    >>> from metalith.sources.dicomweb.parts import split
    >>> split(b"--x\\r\\nContent-Type: image/jpeg\\r\\n\\r\\n123\\r\\n--x--", "multipart/related; boundary=x")
    [<Part image/jpeg, 3 bytes>]
    """
    if not body.strip(b"\r\n"):
        return []
    boundary = _boundary(body, content_type)
    return list(_parts(body, b"--" + boundary))


def unwrapped(body: bytes) -> bytes:
    """A body that should be a single part: itself, or what is in it where it is a multipart message all the same.

    Some servers made of files send messages of one part as they were stored, under the media type of the part.

    >>> unwrapped(b"--x\\r\\nContent-Type: image/jpeg\\r\\n\\r\\n123\\r\\n--x--"), unwrapped(b"--123")
    (b'123', b'--123')
    """
    start = body.find(b"--", 0, 6)
    if len(body) < 25 or start < 0 or body[:start].strip(b"\r\n"):
        return body
    head_end = _HEAD_END.search(body, start, start + 512)
    if head_end is None or b":" not in body[start : head_end.start()]:
        return body
    try:
        parts = split(body[start:], "")
    except MultipartError:
        return body
    return next((part.data for part in parts if part.data), body)


def _boundary(body: bytes, content_type: str) -> bytes:
    given = parameters_of(content_type).get("boundary", "")
    if given:
        boundary = given.encode("latin-1", "replace")
    else:
        line = body[: _LONGEST_BOUNDARY + 4].lstrip(b"\r\n").partition(b"\n")[0].rstrip()
        if not line.startswith(b"--") or len(line) < 3:
            raise MultipartError("the multipart message has no boundary")
        boundary = line[2:]
    if len(boundary) > _LONGEST_BOUNDARY:
        raise MultipartError("the multipart message has a boundary that is too long")
    return boundary


def _parts(body: bytes, delimiter: bytes) -> Iterator[Part]:
    found = _next_delimiter(body, delimiter, 0)
    if found is None:
        raise MultipartError("the multipart message does not have its boundary in it")
    count = 0
    while not found.is_last:
        count += 1
        if count > _MOST_PARTS:
            raise MultipartError(f"the multipart message has more than {_MOST_PARTS:,} parts")
        headers, start = _head(body, found.end)
        found, end = _end_of_part(body, delimiter, start, headers, count)
        yield Part(body[start:end], headers)
        if found is None:
            return


@dataclass(slots=True)
class _Delimiter:
    """Where a delimiter begins, with the line break before it, and where what follows it does."""

    start: int
    end: int
    is_last: bool


def _next_delimiter(body: bytes, delimiter: bytes, at: int) -> _Delimiter | None:
    """The next line from here on that is a delimiter."""
    first = at
    while (place := body.find(delimiter, at)) >= 0:
        if place == first or body[place - 1] == 0x0A:
            found = _delimiter_at(body, delimiter, place)
            if found is not None:
                return found
        at = place + 1
    return None


def _delimiter_at(body: bytes, delimiter: bytes, place: int) -> _Delimiter | None:
    after = place + len(delimiter)
    last = _LAST.match(body, after)
    line = last or _LINE.match(body, after)
    if line is None:
        return None
    start = place
    if start and body[start - 1] == 0x0A:
        start -= 2 if body[start - 2 : start - 1] == b"\r" else 1
    return _Delimiter(start, line.end(), last is not None)


def _head(body: bytes, start: int) -> tuple[dict[str, str], int]:
    """The headers of a part, and where its data begin."""
    for empty in (b"\r\n", b"\n"):
        if body.startswith(empty, start):
            return {}, start + len(empty)
    match = _HEAD_END.search(body, start, start + _LONGEST_HEAD)
    if match is None:
        raise MultipartError(f"a part of the multipart message has no end of its headers (at byte {start:,})")
    headers: dict[str, str] = {}
    for line in _FOLDED.sub(" ", body[start : match.start()].decode("latin-1")).split("\n"):
        name, colon, value = line.partition(":")
        if not colon:
            raise MultipartError(f"a part of the multipart message has a header that is none (at byte {start:,})")
        headers.setdefault(name.strip().lower(), value.strip())
    return headers, match.end()


def _end_of_part(
    body: bytes, delimiter: bytes, start: int, headers: dict[str, str], number: int
) -> tuple[_Delimiter | None, int]:
    """The delimiter after a part, and where the part ends."""
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and len(length) < 16:
        end = start + int(length)
        gap = 2 if body.startswith(b"\r\n", end) else 1 if body.startswith(b"\n", end) else 0
        found = _delimiter_at(body, delimiter, end + gap) if body.startswith(delimiter, end + gap) else None
        if found is not None:
            return found, end
        if end + gap == len(body):
            return None, end  # the last delimiter is missing, but nothing of the part
    found = _next_delimiter(body, delimiter, start)
    if found is None:
        raise MultipartError(f"the multipart message ends inside of part {number}")
    return found, max(found.start, start)
