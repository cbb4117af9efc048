"""Mappings that data sources yield, which need not be DICOM, as instances.

Members whose names are DICOM keywords or tags become attributes, `image_id` (or `url`) becomes the image's id, UIDs
that are missing are made of the image's id, and everything else is kept beside: a provider answers it by its name.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from metalith import _core
from metalith.encode import Encoder, dumps
from metalith.errors import EncodeError, ParseError, StoreError
from metalith.naturalize import naturalize

__all__ = ["Given", "given_of"]

_UIDS = {"StudyInstanceUID": 0x0020000D, "SeriesInstanceUID": 0x0020000E, "SOPInstanceUID": 0x00080018}
_KEYWORDS = {tag: keyword for keyword, tag in _UIDS.items()}
_IMAGE_IDS = ("image_id", "imageId", "url")
_ELEMENT = frozenset(("vr", "Value", "BulkDataURI", "InlineBinary"))
_PLAIN = frozenset((str, int, float))
_TAG = re.compile(r"[0-9A-Fa-f]{8}|\([0-9A-Fa-f]{4},[0-9A-Fa-f]{4}\)")


class Given(NamedTuple):
    """A mapping, as an instance.

    Attributes
    ----------
    body : bytes
        Its attributes, as DICOM JSON.
    study, series, uid : str
    image_id : str or None
    rest : dict
        What is no attribute.
    """

    body: bytes
    study: str
    series: str
    uid: str
    image_id: str | None
    rest: dict[str, Any]


def given_of(given: Mapping[Any, Any], source: str, study: str | None, encoder: Encoder | None = None) -> Given:
    """A mapping as an instance.

    Parameters
    ----------
    given : mapping
        Natural attributes or DICOM JSON, and anything else.
    source : str
        From whose name, and the image's id, UIDs are made that are missing: the same ones for the same things.
    study : str, optional
        StudyInstanceUID where there is none.
    encoder : Encoder, optional
        Of several mappings, what they have in common is encoded once by one.

    Raises
    ------
    StoreError
        It has neither a SOPInstanceUID nor an image id, or a value is none of its attribute. The message names the
        attribute and shows no value.

    Examples
    --------
    >>> from metalith.sources.mappings import given_of
    >>> card = given_of({"image_id": "web:ace.png", "Rows": 300, "suit": "spades"}, "cards", "1.2")
    >>> card.study, card.image_id, card.rest
    ('1.2', 'web:ace.png', {'suit': 'spades'})
    """
    attributes, rest, image_id = _sorted(given)
    is_json = bool(attributes) and all(map(_is_element, attributes.values()))
    uids = {keyword: _text(attributes.pop(keyword, None)) for keyword in _UIDS}
    study = uids["StudyInstanceUID"] or study or _uid(source, "study")
    series = uids["SeriesInstanceUID"] or _uid(source, f"series of {study}")
    uid = uids["SOPInstanceUID"] or ("" if image_id is None else _uid(source, f"image {image_id}"))
    if not uid:
        raise StoreError("a mapping needs a SOPInstanceUID or an image_id")
    whole = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": uid}
    try:
        if is_json:
            elements = {_digits(name): element for name, element in attributes.items()}
            elements |= {f"{_UIDS[name]:08X}": {"vr": "UI", "Value": [value]} for name, value in whole.items()}
            body = dumps(naturalize(elements)[0])
        else:
            natural = {**whole, **{name: _plain(value, name) for name, value in attributes.items()}}
            body = (encoder or Encoder()).dumps(natural)
    except (EncodeError, ParseError) as error:
        raise StoreError(str(error)) from None
    except RecursionError:
        raise StoreError("the mapping holds itself, or is nested too deeply") from None
    return Given(body, study, series, uid, image_id, rest)


def _sorted(given: Mapping[Any, Any]) -> tuple[dict[Any, Any], dict[str, Any], str | None]:
    """Attributes, of which the UIDs have their keywords; the rest; and the image's id."""
    attributes: dict[Any, Any] = {}
    rest: dict[str, Any] = {}
    image_id = None
    for name, value in given.items():
        if name in _IMAGE_IDS:
            image_id = value if isinstance(value, str) and value else image_id
        elif isinstance(name, str) and not _is_attribute(name):
            rest[name] = value
        else:
            keyword = _keyword(name)
            if keyword in attributes:
                raise StoreError(f"{keyword}: named twice")
            attributes[keyword] = value
    return attributes, rest, image_id


@lru_cache(4096)
def _keyword(name: str | int) -> str | int:
    """The keyword of a UID that every instance has; any other name as it is."""
    return _KEYWORDS.get(_tag(name), name)


@lru_cache(4096)
def _is_attribute(name: str) -> bool:
    return (name.isascii() and _core.describe_keyword(name) is not None) or _TAG.fullmatch(name) is not None


def _tag(name: Any) -> int:
    """The tag that a name is; -1 for a keyword, and for what is none."""
    if isinstance(name, int):
        return name
    return int(re.sub("[(,)]", "", name), 16) if isinstance(name, str) and _TAG.fullmatch(name) else -1


def _digits(name: Any) -> str:
    tag = _tag(name)
    return f"{tag:08X}" if 0 <= tag < 1 << 32 else str(name)


def _is_element(value: Any) -> bool:
    """Whether it is an element of DICOM JSON (PS3.18 F.2.2), be it without a VR, and not a natural value."""
    return isinstance(value, Mapping) and value.keys() <= _ELEMENT


def _text(value: Any) -> str:
    """A UID as it was given, which may be an element."""
    if isinstance(value, Mapping):
        value = value.get("Value")
    if isinstance(value, (list, tuple)):
        value = value[0] if len(value) == 1 else "\\".join(map(str, value))
    text = "" if value is None else str(value).strip(" \0")
    if "\\" in text:
        raise StoreError("a UID has one value")
    return text


def _plain(value: Any, name: Any) -> Any:
    """A value without dates and times as Python has them, nor names as pydicom has them."""
    kind = type(value)
    if kind in _PLAIN or ((kind is tuple or kind is list) and _PLAIN.issuperset(map(type, value))):
        return value
    if isinstance(value, dt.datetime):
        if _vr(name) == "DA":
            return f"{value:%Y%m%d}"
        text = f"{value:%H%M%S.%f}" if _vr(name) == "TM" else f"{value:%Y%m%d%H%M%S.%f%z}"
        return text[:26] if value.tzinfo is None or _vr(name) == "TM" else text
    if isinstance(value, dt.date):
        return f"{value:%Y%m%d}"
    if isinstance(value, dt.time):
        return f"{value:%H%M%S.%f}"
    if hasattr(value, "alphabetic") and not isinstance(value, str):
        parts = ("alphabetic", "ideographic", "phonetic")
        return {part.capitalize(): text for part in parts if (text := str(getattr(value, part, "") or ""))} or None
    if isinstance(value, (list, tuple)):
        return [_plain(one, name) for one in value]
    if type(value) is dict:
        return {key: _plain(one, key) for key, one in value.items()}
    return value


def _vr(name: Any) -> str:
    tag = _tag(name)
    if 0 <= tag < 1 << 32:
        described = _core.describe_tag(tag)
    else:
        described = _core.describe_keyword(name) if isinstance(name, str) and name.isascii() else None
    return "" if described is None else described[2]


def _uid(source: str, of: str) -> str:
    """A UID that is always the same for the same thing (PS3.5 section B.2)."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_URL, f'metalith:{source}:{of}').int}"
