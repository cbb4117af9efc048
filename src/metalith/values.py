"""Values that are more than a number or a text: person names, bulk references, dates and times."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

__all__ = ["BulkData", "PersonName", "as_date", "as_datetime", "as_time"]


class PersonName(str):
    """A person name (PS3.5 section 6.2.1): a str of its alphabetic group, with the other groups and all components at hand.

    Where a name has no alphabetic group, the str is that of the first group it has.

    Parameters
    ----------
    alphabetic, ideographic, phonetic : str
        Component groups, components separated by "^".

    Examples
    --------
    >>> name = PersonName("Yamada^Tarou", "山田^太郎")
    >>> name, name.family_name, name.ideographic
    ('Yamada^Tarou', 'Yamada', '山田^太郎')
    """

    __slots__ = ("alphabetic", "ideographic", "phonetic")

    alphabetic: str
    ideographic: str
    phonetic: str

    def __new__(cls, alphabetic: str = "", ideographic: str = "", phonetic: str = "") -> PersonName:
        self = super().__new__(cls, alphabetic or ideographic or phonetic)
        object.__setattr__(self, "alphabetic", alphabetic)
        object.__setattr__(self, "ideographic", ideographic)
        object.__setattr__(self, "phonetic", phonetic)
        return self

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a PersonName is immutable")

    def _component(self, index: int) -> str:
        parts = self.split("^")
        return parts[index] if index < len(parts) else ""

    @property
    def family_name(self) -> str:
        """First component."""
        return self._component(0)

    @property
    def given_name(self) -> str:
        """Second component."""
        return self._component(1)

    @property
    def middle_name(self) -> str:
        """Third component."""
        return self._component(2)

    @property
    def name_prefix(self) -> str:
        """Fourth component."""
        return self._component(3)

    @property
    def name_suffix(self) -> str:
        """Fifth component."""
        return self._component(4)

    @property
    def text(self) -> str:
        """All groups as in a PN value: "Alphabetic=Ideographic=Phonetic", without trailing "="."""
        return "=".join((self.alphabetic, self.ideographic, self.phonetic)).rstrip("=")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PersonName):
            return self.text == other.text
        return str.__eq__(self, other) if isinstance(other, str) else NotImplemented

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return NotImplemented if equal is NotImplemented else not equal

    __hash__ = str.__hash__

    def __reduce__(self) -> Any:
        return PersonName, (self.alphabetic, self.ideographic, self.phonetic)


@dataclass(frozen=True, slots=True)
class BulkData:
    """A value that stands elsewhere (PS3.18 F.2.6).

    Attributes
    ----------
    uri : str
        BulkDataURI as sent; it may be relative to the request.
    vr : str
        VR of the value.
    """

    uri: str
    vr: str

    def __repr__(self) -> str:
        # a URI may carry a token
        return f"<BulkData {self.vr}>"


_DATE = re.compile(r"(\d{4})[.]?(\d{2})[.]?(\d{2})\Z")
_TIME = re.compile(r"(\d{2}):?(?:(\d{2}):?(?:(\d{2})(?:\.(\d{1,6}))?)?)?\Z")
_DATETIME = re.compile(r"(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:(\d{2})(?:\.(\d{1,6}))?)?([+-]\d{4})?\Z")


def as_date(text: str | None) -> dt.date | None:
    """A DA value as date; None for None and for what is no date (such as a range).

    Source: PS3.5 table 6.2-1; the older form 1999.12.31 is read too.

    >>> as_date("20240229")
    datetime.date(2024, 2, 29)
    """
    match = _DATE.match(text.strip(" \0")) if text else None
    try:
        return dt.date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def as_time(text: str | None) -> dt.time | None:
    """A TM value as time, to the microsecond; what it leaves out is zero. None for None and for what is no time.

    >>> as_time("142035.93")
    datetime.time(14, 20, 35, 930000)
    """
    match = _TIME.match(text.strip(" \0")) if text else None
    if not match:
        return None
    hour, minute, second, fraction = match.groups()
    try:
        # 60 is a leap second, which Python has no time for
        return dt.time(int(hour), int(minute or 0), min(int(second or 0), 59), _microseconds(fraction))
    except ValueError:
        return None


def as_datetime(text: str | None) -> dt.datetime | None:
    """A DT value as datetime, aware if it has an offset; what it leaves out is the least possible. None for what is none.

    >>> as_datetime("20240229142035.5+0100").isoformat()
    '2024-02-29T14:20:35.500000+01:00'
    """
    match = _DATETIME.match(text.strip(" \0")) if text else None
    if not match:
        return None
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        zone = None
        if offset:
            shift = dt.timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
            zone = dt.timezone(-shift if offset[0] == "-" else shift)
        date = int(year), int(month or 1), int(day or 1)
        time = int(hour or 0), int(minute or 0), min(int(second or 0), 59), _microseconds(fraction)
        return dt.datetime(*date, *time, tzinfo=zone)
    except ValueError:
        return None


def _microseconds(fraction: str | None) -> int:
    return int((fraction or "").ljust(6, "0"))
