"""JSON text taken apart without making objects of it: where values end, and the members and items of one level.

A manifest is large, and nearly all of it says what was said for the instance before. So it stays text until somebody
knows whether a piece of it is new. Expressions without backtracking find the end of a value; what is nested deeper than
they follow goes token by token. What is between brackets and quotation marks is checked by whoever reads the piece.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from metalith.errors import ParseError
from metalith.limits import current

__all__ = [
    "SPACE",
    "Text",
    "end_of_value",
    "gap",
    "items_of",
    "members_of",
    "metadata_and_url",
    "name_of",
    "read_array",
    "read_object",
]

Text = Any  # bytes, or a mapped file

SPACE: Final = b" \t\r\n"
_STRING = rb'"[^"\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*+)*+"'


def _nested(levels: int) -> bytes:
    """Expression for an object or array, that follows so many levels of nesting."""
    inner = b""
    for _ in range(levels):
        inner = rb'[{\[](?:[^"{}\[\]]++|' + _STRING + (b"|" + inner if inner else b"") + rb")*+[}\]]"
    return inner


_SPACES = rb"[ \t\r\n]*+"
_VALUE = b"(?:" + _STRING + rb'|[^\s",:{}\[\]]++|' + _nested(8) + b")"
_MEMBER = _SPACES + _STRING + _SPACES + b":" + _SPACES + _VALUE + _SPACES
# each piece with the mark in front of it; what is none of these is the last piece, with all that follows
_MEMBERS = re.compile(rb"(?:,|\A\{)" + _MEMBER + rb"|.+", re.S).findall
_ITEMS = re.compile(rb"(?:,|\A\[)" + _SPACES + _VALUE + _SPACES + rb"|.+", re.S).findall
_NAME = re.compile(rb"[{,]?" + _SPACES + rb"(" + _STRING + rb")" + _SPACES + b":" + _SPACES).match
_QUICK = re.compile(_VALUE).match
_TOKEN = re.compile(_STRING + rb'|[{}\[\]]|[^"{}\[\]]++').match
_GAP = re.compile(_SPACES).match


def name_of(piece: bytes) -> tuple[bytes, int]:
    """The name of a member, quotation marks included, and where its value begins; raises `ValueError` for no member."""
    end = piece.find(b'":', 2)  # most are written without spaces and escapes
    if end > 0 and piece[1:2] == b'"' and b'"' not in piece[2:end] and b"\\" not in piece[2:end]:
        return piece[1 : end + 1], end + 2
    match = _NAME(piece)
    if match is None:
        raise ValueError("not JSON")
    return match[1], match.end()


_URL_LAST = re.compile(rb'\{\s*+"metadata"\s*+:\s*+(?=\{)').match
_URL_FIRST = re.compile(rb'\{\s*+"url"\s*+:\s*+("[^"\\\x00-\x1f]*+")\s*+,\s*+"metadata"\s*+:\s*+(?=\{)').match
_URL = re.compile(rb'\s*+,\s*+"url"\s*+:\s*+("[^"\\\x00-\x1f]*+")\s*+\}\Z').match


def metadata_and_url(entry: bytes) -> tuple[bytes, bytes] | None:
    """The values of `metadata` and `url` of an entry that seems to have these and nothing else; else None.

    It is right if the metadata turn out to be an object: then they end where they were taken to.
    """
    match = _URL_LAST(entry)
    if match is not None:
        brace = entry.rfind(b"}", 0, entry.rfind(b'"url"')) + 1
        url = _URL(entry, brace)
        return None if url is None else (entry[match.end() : brace], url[1])
    match = _URL_FIRST(entry)
    return None if match is None else (entry[match.end() : -1].rstrip(SPACE), match[1])


def members_of(text: bytes) -> list[bytes]:
    """The members of an object, each with the mark in front of it, "{" or ",", and whatever space is around it.

    Raises
    ------
    ValueError
        There are other things than members in it. What the members hold was not looked at.
    """
    return _pieces(text, _MEMBERS(text), b"{}")


def items_of(text: bytes) -> list[bytes]:
    """The items of an array, in the same way."""
    return _pieces(text, _ITEMS(text), b"[]")


def _pieces(text: bytes, pieces: list[bytes], marks: bytes) -> list[bytes]:
    last = pieces.pop() if pieces else b""
    if last == marks[1:]:
        if pieces:
            return pieces
    elif not pieces and text[:1] == marks[:1] and text[-1:] == marks[1:] and not text[1:-1].strip(SPACE):
        return []
    elif len(text) > 2 and text[-1:] == marks[1:]:
        return _slow_pieces(text, marks)
    raise ValueError("not JSON")


def _slow_pieces(text: bytes, marks: bytes) -> list[bytes]:
    """The same where something is nested deeper than the expressions follow."""
    pieces, at, end = [], 0, len(text) - 1
    if text[:1] != marks[:1]:
        raise ValueError("not JSON")
    while at < end:
        begin = at
        if at and text[at] != _COMMA:
            raise ValueError("not JSON")
        at += 1
        if marks == b"{}":
            match = _NAME(text, at)
            if match is None or text[at : at + 1] in (b"{", b","):
                raise ValueError("not JSON")
            at = match.end()
        at = gap(text, at)
        at = gap(text, end_of_value(text, at, end))
        pieces.append(text[begin:at])
    return pieces


def end_of_value(text: Text, at: int, end: int | None = None) -> int:
    """Where the value that begins at a place ends.

    Raises
    ------
    ParseError
        It does not, or there is none, or it is nested too deep.
    """
    match = _QUICK(text, at) if end is None else _QUICK(text, at, end)
    if match is not None:
        return match.end()
    most, closing = current().max_json_depth, bytearray()
    stop = len(text) if end is None else end
    first = at
    while at < stop:
        match = _TOKEN(text, at, stop)
        if match is None:  # a quotation mark without another
            raise _wrong(text, at, stop)
        byte = text[at]
        if byte in _CLOSES:
            closing.append(_CLOSES[byte])
            if len(closing) > most:
                raise ParseError(f"beyond the limit max_json_depth={most:,}", offset=at, row=None)
        elif byte in _CLOSING and (not closing or closing.pop() != byte):
            raise ParseError("not JSON", offset=at, row=None)
        if not closing:
            if at == first and byte not in _CLOSES and byte != _QUOTE:
                break  # neither brackets nor a string: no value, for the expression would have found it
            return match.end()
        at = match.end()
    if at < stop:
        raise ParseError("not JSON", offset=at, row=None)
    raise ParseError("the input ends in the middle of a document", offset=stop, row=None)


_COMMA, _QUOTE = ord(","), ord('"')
_CLOSES = {ord("{"): ord("}"), ord("["): ord("]")}
_CLOSING = frozenset(_CLOSES.values())
_UNENDED = re.compile(rb'"[^"\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*+)*+\\?\Z').match


def _wrong(text: Text, at: int, stop: int) -> ParseError:
    if _UNENDED(text, at, stop):
        return ParseError("the input ends in the middle of a document", offset=stop, row=None)
    return ParseError("a control character inside a string", offset=at, row=None)


def gap(text: Text, at: int) -> int:
    """Where the space that begins at a place ends."""
    match = _GAP(text, at)
    return at if match is None else match.end()


def read_object(text: Text, at: int, member: Callable[[bytes, bytes, int], int | None]) -> int:
    """Goes through the members of an object in a large text; where it ends.

    Parameters
    ----------
    text : bytes or mapped file
    at : int
        Where the object begins.
    member : callable(name, piece, start)
        Called for each with its name (in quotation marks), its text up to the value, and where that begins. Gives where
        the value ends if it has read it, else None.

    Raises
    ------
    ParseError
        It is no object, or does not end.
    """
    at = gap(text, at + 1)
    if text[at : at + 1] == b"}":
        return at + 1
    while True:
        match = _NAME(text, at)
        if match is None or text[at : at + 1] != b'"':
            raise _unexpected(text, at)
        end = member(match[1], match[0], match.end())
        at = gap(text, end_of_value(text, match.end()) if end is None else end)
        mark = text[at : at + 1]
        if mark == b"}":
            return at + 1
        if mark != b",":
            raise _unexpected(text, at)
        at = gap(text, at + 1)


def read_array(text: Text, at: int, item: Callable[[int], int | None]) -> int:
    """Goes through the items of an array in a large text; where it ends. As `read_object`."""
    at = gap(text, at + 1)
    if text[at : at + 1] == b"]":
        return at + 1
    while True:
        end = item(at)
        at = gap(text, end_of_value(text, at) if end is None else end)
        mark = text[at : at + 1]
        if mark == b"]":
            return at + 1
        if mark != b",":
            raise _unexpected(text, at)
        at = gap(text, at + 1)


def _unexpected(text: Text, at: int) -> ParseError:
    if at >= len(text) or (text[at : at + 1] == b'"' and _TOKEN(text, at) is None):
        return _wrong(text, at, len(text))
    return ParseError("not JSON", offset=at, row=None)
