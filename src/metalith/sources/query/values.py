"""What a search asks for, as the text that a request carries (PS3.4 section C.2.2.2, PS3.18 section 8.3.4.1).

Dates, times and numbers of Python become DICOM's, ranges are "a-b", and what cannot be a value of the attribute is
refused: a server would find nothing, or everything. Errors name the attribute and never show a value.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from operator import index
from typing import Any, Final

from metalith.errors import ConfigurationError
from metalith.sources.query.moments import Span, date_span, datetime_span, is_before, time_span

__all__ = ["DATES", "NUMBERS", "WILD", "is_reversed", "is_wild", "number_of", "range_of", "span_of", "texts_of"]

DATES: Final[Mapping[str, Callable[[str], Span | None]]] = {"DA": date_span, "TM": time_span, "DT": datetime_span}
NUMBERS: Final = frozenset(("IS", "DS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"))
WILD: Final = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"))

_UNDIVIDED = frozenset(("LT", "ST", "UT", "UR"))  # of these a backslash is part of the value
_WRITTEN = frozenset(("UI", "AS", "AT"))
_BINARY = frozenset(("OB", "OD", "OF", "OL", "OV", "OW"))
_BETWEEN_UIDS = re.compile(r"[\\,;\s]+")
_BETWEEN_CODES = re.compile(r"[\\,]")
_ISO_DATE = re.compile(r"(\d{4})[-./](\d\d)[-./](\d\d)\Z", re.A)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
_WHAT = {
    "DA": "a date such as 20240229, or a range such as 20240101-20240229, 20240101- and -20240229",
    "TM": "a time such as 1430 or 143015.5, or a range such as 0800-1200",
    "DT": "a date with time such as 20240229143015, or a range of such",
    "AS": "an age such as 045Y",
    "AT": "a tag of eight hex digits",
}


def texts_of(name: str, vr: str, value: Any) -> tuple[str, ...]:
    """What is asked for, in DICOM's spelling; several texts mean: any of these.

    Parameters
    ----------
    name : str
        How the caller called the attribute, for errors.
    vr : str
    value
        A text, number, date, time or datetime; of dates and times also a range, as a tuple whose ends may be None;
        of texts and UIDs also an iterable of several.

    Raises
    ------
    ConfigurationError
        The attribute can have no such value.

    Examples
    --------
    >>> texts_of("StudyDate", "DA", (datetime.date(2024, 2, 29), None)), texts_of("StudyInstanceUID", "UI", "1.2,1.3")
    (('20240229-',), ('1.2', '1.3'))
    """
    if vr in _BINARY:
        raise ConfigurationError(f"{name}: values of VR {vr} cannot be searched for")
    if vr in DATES:
        return (_moments(name, vr, value),)
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)):
        texts = tuple(dict.fromkeys(text for one in value for text in _split(name, vr, one)))
        if not texts and vr == "UI":
            raise ConfigurationError(f"{name} is an empty list, which nothing can match: leave it out to search in all")
        return texts
    return tuple(dict.fromkeys(_split(name, vr, value)))


def is_wild(text: str, vr: str) -> bool:
    """Whether a text asks for wild card matching (PS3.4 section C.2.2.2.4)."""
    return vr in WILD and ("*" in text or "?" in text)


def number_of(value: Any) -> int | float | None:
    """A number, or a text that is one; None for anything else."""
    if isinstance(value, str):
        if "_" in value:
            return None
        try:
            return int(value)
        except ValueError:
            try:
                return float(value)
            except ValueError:
                return None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def range_of(vr: str, text: str) -> tuple[str, str] | None:
    """The two ends of a range, empty where it is open; None when the text is no range.

    In a DT an offset from UTC begins with "-", too: what can be one is one.
    """
    if text in ("-", "") or "-" not in text or DATES[vr](text) is not None:
        return None
    for match in re.finditer("-", text):
        ends = text[: match.start()].strip(), text[match.end() :].strip()
        if any(ends) and all(not end or DATES[vr](end) is not None for end in ends):
            return ends
    return None


def is_reversed(vr: str, text: str) -> bool:
    """Whether a range ends before it begins."""
    span = span_of(vr, text)
    return span is not None and None not in span and is_before(span.last, span.first)


def span_of(vr: str, text: str) -> Span | None:
    """The first and last moment that a date, a time, or a range of such asks for, ends included."""
    ends = range_of(vr, text)
    if ends is None:
        return DATES[vr](text)
    first, last = (DATES[vr](end) if end else None for end in ends)
    return Span(None if first is None else first.first, None if last is None else last.last)


def _moments(name: str, vr: str, value: Any) -> str:
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ConfigurationError(f"{name}: a range has two ends, of which one may be None")
        ends: Any = tuple(value)
    else:
        text = _moment(name, vr, value)
        if text == "*" or DATES[vr](text) is not None:
            return text
        ends = range_of(vr, text)
        if ends is None:
            raise ConfigurationError(f"{name} must be {_WHAT[vr]}")
    first, last = ("" if end in (None, "") else _moment(name, vr, end) for end in ends)
    text = f"{first}-{last}"
    if not (first or last) or any(end and DATES[vr](end) is None for end in (first, last)):
        raise ConfigurationError(f"{name} must be {_WHAT[vr]}")
    if range_of(vr, text) != (first, last):  # a year that reads as an offset from UTC
        raise ConfigurationError(f"{name}: the range could be read in another way; give its ends in full")
    if vr != "TM" and is_reversed(vr, text):  # of times only the date that they are combined with can tell
        raise ConfigurationError(f"{name}: the range ends before it begins")
    return text


def _moment(name: str, vr: str, value: Any) -> str:
    if isinstance(value, str):
        return _written(name, vr, value.strip())
    if vr == "DA" and isinstance(value, dt.date):
        return f"{value:%Y%m%d}".rjust(8, "0")
    if vr == "TM" and isinstance(value, dt.datetime):
        value = value.time()
    if vr == "TM" and isinstance(value, dt.time):
        return f"{value:%H%M%S}" + _fraction(value.microsecond)
    if vr == "DT" and isinstance(value, dt.datetime):
        offset = f"{value:%z}"[:5]
        return f"{value:%Y%m%d%H%M%S}".rjust(14, "0") + _fraction(value.microsecond) + offset
    if vr == "DT" and isinstance(value, dt.date):
        return f"{value:%Y%m%d}".rjust(8, "0")
    if isinstance(value, int) and not isinstance(value, bool) and vr == "DA":
        return str(value)
    raise ConfigurationError(f"{name} must be {_WHAT[vr]}")


def _written(name: str, vr: str, text: str) -> str:
    """Dates and times as other standards write them, in DICOM's way."""
    iso = _ISO_DATE.match(text)
    if iso and vr in ("DA", "DT"):
        return "".join(iso.groups())
    if vr == "TM":
        return text.replace(":", "")
    if vr == "DT" and "T" in text:
        try:
            return _moment(name, vr, dt.datetime.fromisoformat(text))
        except ValueError:
            raise ConfigurationError(f"{name} must be {_WHAT[vr]}") from None
    return re.sub(r"\s*-\s*", "-", text)


def _fraction(microsecond: int) -> str:
    return f".{microsecond:06d}" if microsecond else ""


def _split(name: str, vr: str, value: Any) -> Iterable[str]:
    """The texts in one thing that was given."""
    if not isinstance(value, (str, bool)) and hasattr(type(value), "__index__"):
        value = index(value)
    if isinstance(value, bool) or not isinstance(value, str if vr in _WRITTEN else (str, int, float)):
        raise ConfigurationError(f"{name}: {_kind(vr)} cannot be of type {type(value).__name__}")
    if vr in NUMBERS:
        return [_number(name, one) for one in (value.split("\\") if isinstance(value, str) else [value])]
    if isinstance(value, float):
        raise ConfigurationError(f"{name}: {_kind(vr)} cannot be of type float")
    text = str(value)
    if _CONTROL.search(text):
        raise ConfigurationError(f"{name}: there are control characters in it")
    if vr == "UI":
        parts = _BETWEEN_UIDS.split(text)
    elif vr == "CS":
        parts = _BETWEEN_CODES.split(text)
    else:
        parts = [text] if vr in _UNDIVIDED else text.split("\\")
    texts = [stripped for part in parts if (stripped := part.strip())]
    if vr == "AS" and not all(re.fullmatch(r"\d{3}[DWMY]", one, re.A) for one in texts):
        raise ConfigurationError(f"{name} must be {_WHAT[vr]}")
    if vr == "AT":
        texts = [one.upper() for one in texts]
        if not all(re.fullmatch("[0-9A-F]{8}", one) for one in texts):
            raise ConfigurationError(f"{name} must be {_WHAT[vr]}")
    return texts


def _number(name: str, value: Any) -> str:
    text = value.strip() if isinstance(value, str) else value
    if text in ("", "*"):
        return str(text)
    number = number_of(text)
    if number is None or not str(text).isascii() or number != number or number in (float("inf"), float("-inf")):
        raise ConfigurationError(f"{name} must be a number")
    return text if isinstance(text, str) else repr(number)


def _kind(vr: str) -> str:
    return "a UID" if vr == "UI" else "a number" if vr in NUMBERS else "a text"
