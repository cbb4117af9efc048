"""Natural JSON to DICOM JSON, as text: `"Rows":512` to `"00280010":{"vr":"US","Value":[512]}`.

What a member becomes is remembered under its text. An instance says mostly what the one before it said, so that most
members are looked up, and few are read. What they become is read again, and all of it validated, by the scanner that
makes tables.

Values of manifests are not always as they should be. Taken are numbers as texts and texts as numbers, several values in
one text with backslashes, one value without brackets, names as texts or as objects, one item without brackets, binary
values as `InlineBinary` or `BulkDataURI`, and whole elements (`{"vr": …, "Value": […]}`), which private attributes need
to keep their VRs.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from metalith import _core
from metalith._texts import Number, load, write
from metalith.limits import current
from metalith.sources.dicomjson.text import SPACE, items_of, members_of, name_of

__all__ = ["Elements", "Wrong", "joined"]

_NUMERIC = frozenset(("DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"))
_INTEGER = _NUMERIC - {"DS", "FD", "FL"}
_BINARY = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
_UNDIVIDED = frozenset(("LT", "ST", "UT", "UR"))  # of these a backslash is part of the value
# Instead of a VR that hangs on other attributes of the instance: control characters, which no JSON text has.
_US_OR_SS, _OB_OR_OW = b"\x01", b"\x02"
_OPEN = {"US or SS": _US_OR_SS, "US or SS or OW": _US_OR_SS, "OB or OW": _OB_OR_OW, "US or OW": b"US"}
_SIGN, _BITS = b"00280103", b"00280100"

_NUMBER = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_IS_NUMBER = re.compile(_NUMBER + rb"\Z").match
_IS_INTEGER = re.compile(rb"-?(?:0|[1-9][0-9]*+)\Z").match
_ARE_NUMBERS = re.compile(rb"\[\s*" + _NUMBER + rb"(?:\s*,\s*" + _NUMBER + rb")*+\s*\]\Z").match
_ARE_TEXTS = re.compile(rb'\[\s*"[^"\\\x00-\x1f]++"(?:\s*,\s*"[^"\\\x00-\x1f]++")*+\s*\]\Z').match
_IS_TEXT = re.compile(rb'"[^"\\\x00-\x1f]++"\Z').match
_FRACTION_OF_NOTHING = re.compile(r"(-?[0-9]+)\.0+")
_MEMBERS = {"vr", "Value", "InlineBinary", "BulkDataURI"}
_OF_DCMJS = (b'\0"_vrMap"', b'\0"_meta"')  # what dcmjs adds for itself
_KEPT = 8 << 20  # bytes of what is remembered


class Wrong(ValueError):
    """A value that cannot be taken.

    Attributes
    ----------
    keyword : str
        Which attribute has it; empty where it is not known.
    """

    def __init__(self, reason: str, keyword: str = "") -> None:
        super().__init__(reason)
        self.keyword = keyword


class _Attribute(NamedTuple):
    keyword: str
    tag: bytes
    vr: str  # of the dictionary; "UN" where it has none
    head: bytes  # '"00280010":{"vr":"US"'


class Elements(dict[bytes, tuple[bytes, bytes]]):
    """What members of natural objects become: the tag and the element of each, by the member's text.

    Members that are no DICOM attributes become themselves, under names that begin with "\\0"; `split` tells them apart.
    """

    def __init__(self) -> None:
        super().__init__()
        self._others: set[bytes] = set()
        self._held = self._depth = 0

    def of(self, text: bytes) -> dict[bytes, bytes]:
        """The elements of an object by their tags, and its other members.

        Raises
        ------
        Wrong
            The text is no object, or a value cannot be taken.
        """
        try:
            members = members_of(text)
        except ValueError:
            raise Wrong("not JSON, or no object") from None
        return self.of_members(members)

    def of_members(self, members: list[bytes]) -> dict[bytes, bytes]:
        """The same for the members of an object, as `members_of` gives them."""
        try:
            return dict(map(self.__getitem__, members))
        except Wrong:
            raise
        except (ValueError, RecursionError):
            raise Wrong("not JSON, or nested too deep") from None

    def split(self, elements: dict[bytes, bytes]) -> dict[str, Any]:
        """Takes what is no DICOM attribute out of what `of` gave; by name."""
        if elements.keys().isdisjoint(self._others):
            return {}
        others = {name: elements.pop(name) for name in list(elements) if name in self._others}
        return {loads(name[1:]): loads(value) for name, value in others.items() if name not in _OF_DCMJS}

    def __missing__(self, member: bytes) -> tuple[bytes, bytes]:
        name, begin = name_of(member)
        value = member[begin:].strip(SPACE)
        attribute = _attribute(name)
        if attribute is None:
            loads(value)  # or it is not JSON
            pair = b"\0" + name, value
            self._others.add(pair[0])
        else:
            pair = attribute.tag, self._element(attribute, value)
        self._held += len(member) + len(pair[1])
        if self._held > _KEPT or len(self) > 20_000:
            self.clear()
            self._held = 0
        self[member] = pair
        return pair

    def _element(self, attribute: _Attribute, value: bytes) -> bytes:
        """What a value becomes. Those that most attributes have come first; `_general` reads all."""
        vr, head = attribute.vr, attribute.head
        if vr == "SQ":
            return self._sequence(attribute, value)
        try:
            value.decode()
        except UnicodeDecodeError:
            raise Wrong("not UTF-8", attribute.keyword) from None
        if head[-1:] == b'"':  # the VR is known
            if vr in _INTEGER:
                if _IS_INTEGER(value):
                    return b'%b,"Value":[%b]}' % (head, value)
            elif vr in _NUMERIC:
                if _IS_NUMBER(value):
                    return b'%b,"Value":[%b]}' % (head, value)
                if _ARE_NUMBERS(value):
                    return b'%b,"Value":%b}' % (head, value)
            elif vr == "PN":
                if _IS_TEXT(value) and b"=" not in value:
                    return b'%b,"Value":[{"Alphabetic":%b}]}' % (head, value)
            elif vr not in _BINARY and vr != "AT":
                if _IS_TEXT(value):
                    return b'%b,"Value":[%b]}' % (head, value)
                if _ARE_TEXTS(value):
                    return b'%b,"Value":%b}' % (head, value)
        elif vr.startswith("US or SS") and _IS_INTEGER(value):
            return b'%b"%b","Value":[%b]}' % (head, b"SS" if value[:1] == b"-" else _US_OR_SS, value)
        return self._general(attribute, value)

    def _sequence(self, attribute: _Attribute, value: bytes) -> bytes:
        first = value[:1]
        if first == b"n" or not value[1:-1].strip(SPACE):
            return self._general(attribute, value)
        if first == b"{":
            items = [value]
            if _is_element(value):
                return self._general(attribute, value)
        elif first == b"[":
            items = [item[1:].strip(SPACE) for item in items_of(value)]
        else:
            raise Wrong("a sequence was expected", attribute.keyword)
        if self._depth >= current().max_sequence_depth:
            raise Wrong("sequences nested too deep", attribute.keyword)
        self._depth += 1
        try:
            return b'%b,"Value":[%b]}' % (attribute.head, b",".join([self._item(item) for item in items]))
        except Wrong as error:
            inner = f"{attribute.keyword}.{error.keyword}" if error.keyword else attribute.keyword
            inner = inner if len(inner) < 200 else attribute.keyword
            raise Wrong(str(error), inner) from None
        finally:
            self._depth -= 1

    def _item(self, text: bytes) -> bytes:
        if text == b"null":
            return b"{}"
        if text[:1] != b"{":
            raise Wrong("an item of a sequence is no object")
        elements = self.of(text)
        self.split(elements)
        return joined(elements, False)

    def _general(self, attribute: _Attribute, value: bytes) -> bytes:
        """Any value, read by JSON's rules."""
        keyword = attribute.keyword
        try:
            loaded = load(value)
            if isinstance(loaded, dict):
                return _of_object(attribute, loaded, value)
            made = _values(attribute.vr, loaded, keyword)
            text = write(made).encode()
        except RecursionError:
            raise Wrong("nested too deep", keyword) from None
        except Wrong:
            raise
        except UnicodeEncodeError:
            raise Wrong("half of a surrogate pair", keyword) from None
        except ValueError:
            raise Wrong("not JSON", keyword) from None
        head = attribute.head
        if head[-1:] != b'"':
            negative = attribute.vr != "OB or OW" and any(str(one).startswith("-") for one in made)
            head = b'%b"%b"' % (head, b"SS" if negative else _OPEN[attribute.vr])
        return b'%b,"Value":%b}' % (head, text) if made else head + b"}"


def joined(elements: dict[bytes, bytes], settle: bool = True) -> bytes:
    """The elements as one dataset, by ascending tags.

    Parameters
    ----------
    elements : dict
        As `Elements.of` gives them, without other members.
    settle : bool
        Whether this is an instance, whose VRs must be settled; those of an item may hang on what is around it.
    """
    text = b"{%b}" % b",".join(sorted(elements.values()))
    if _US_OR_SS in text:
        sign = elements.get(_SIGN)
        if sign is not None or settle:
            text = text.replace(_US_OR_SS, b"SS" if sign is not None and _number(sign) == 1 else b"US")
    if _OB_OR_OW in text:
        bits = elements.get(_BITS)
        if bits is not None or settle:
            text = text.replace(_OB_OR_OW, b"OB" if bits is not None and 1 <= _number(bits) <= 8 else b"OW")
    return text


def loads(value: bytes) -> Any:
    """JSON, with NaN, infinities and long integers as Python's own reader takes them."""
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        import json

        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise Wrong("not JSON") from None


def _number(element: bytes) -> int:
    match = re.search(rb'"Value":\["?([0-9]{1,9})"?\]', element)
    return int(match[1]) if match else 0


@lru_cache(4096)
def _attribute(name: bytes) -> _Attribute | None:
    """What the dictionary says of a member's name; None for what is no attribute."""
    try:
        text: str = orjson.loads(name)
    except orjson.JSONDecodeError:
        raise Wrong("not JSON, or not UTF-8") from None
    described = _core.describe_keyword(text) if text.isascii() else None
    if described is not None:
        tag = described[0]
    elif len(text) == 8 and set(text) <= set("0123456789ABCDEFabcdef"):
        tag = int(text, 16)
        described = _core.describe_tag(tag)
    else:
        return None
    keyword, digits = _core.keyword_of(tag) or f"{tag:08X}", b"%08X" % tag
    is_creator = tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF
    vr = described[2] if described is not None else "LO" if is_creator else "UN"
    known = b'"%b"' % vr.encode() if len(vr) == 2 else b""
    return _Attribute(keyword, digits, vr, b'"%b":{"vr":%b' % (digits, known))


def _is_element(value: bytes) -> bool:
    """Whether an object is an element of DICOM JSON, and no item."""
    try:
        names = {name_of(member)[0] for member in members_of(value)}
    except ValueError:
        return False
    return b'"vr"' in names and names <= {b'"vr"', b'"Value"', b'"InlineBinary"', b'"BulkDataURI"'}


def _of_object(attribute: _Attribute, value: dict[str, Any], text: bytes) -> bytes:
    """What an object becomes: a whole element, a reference or bytes, or a person's name."""
    keyword = attribute.keyword
    if "vr" in value and value.keys() <= _MEMBERS:
        vr = value["vr"]
        if not isinstance(vr, str) or len(vr) != 2 or not vr.isascii() or not vr.isalpha():
            raise Wrong("an element's vr is none", keyword)
        return b'"%b":%b' % (attribute.tag, text)
    if attribute.vr == "PN":
        return b'%b,"Value":[%b]}' % (attribute.head, write(_name(value, keyword)).encode())
    for member in ("InlineBinary", "BulkDataURI"):
        given = value.get(member)
        if isinstance(given, str) and not isinstance(given, Number):
            vr = attribute.vr
            known = b"" if len(vr) == 2 else b'"OW"' if "OW" in vr and vr != "OB or OW" else b'"%b"' % _OPEN[vr]
            return b'%b%b,"%b":%b}' % (attribute.head, known, member.encode(), write(given).encode())
    raise Wrong("an object is no value of it", keyword)


def _values(vr: str, value: Any, keyword: str) -> list[Any]:
    """The members of Value."""
    if isinstance(value, list):
        return [_one(vr, one, keyword) for one in value] if value else []
    if value is None or value == "":
        return []
    if isinstance(value, str) and not isinstance(value, Number) and "\\" in value and vr not in _UNDIVIDED:
        return [_one(vr, one, keyword) for one in value.split("\\")]
    return [_one(vr, value, keyword)]


def _one(vr: str, value: Any, keyword: str) -> Any:
    if value is None or value == "":
        return None
    if vr == "PN":
        return _name(value, keyword)
    if isinstance(value, Number):
        if vr in _NUMERIC or vr in _BINARY or " or " in vr:
            if not (value[-1:].isdigit()):
                return str(value)  # NaN and Infinity stand in quotation marks
            whole = None if vr in ("DS", "FD", "FL", "UN") else _FRACTION_OF_NOTHING.fullmatch(value)
            return Number(whole[1]) if whole else value
        return str(value)
    if isinstance(value, str) and (vr not in _BINARY or vr == "UN"):
        return value.strip() if vr in _NUMERIC else value
    if vr == "UN" and isinstance(value, (list, dict)):
        raise Wrong("an object or array is no value of what has no VR", keyword)
    what = {bool: "true or false", list: "an array", dict: "an object"}.get(type(value), "a text")
    raise Wrong(f"{what} is no value of it", keyword)


def _name(value: Any, keyword: str) -> Any:
    if isinstance(value, str):
        groups = dict(zip(("Alphabetic", "Ideographic", "Phonetic"), value.split("=", 2), strict=False))
    elif isinstance(value, dict):
        groups = {group: value.get(group) or "" for group in ("Alphabetic", "Ideographic", "Phonetic")}
    else:
        raise Wrong("a person's name was expected", keyword)
    if not all(isinstance(text, str) for text in groups.values()):
        raise Wrong("a person's name was expected", keyword)
    return {group: str(text) for group, text in groups.items() if text}
