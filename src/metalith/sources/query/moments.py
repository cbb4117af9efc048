"""Dates and times that are compared: the span of time that a DA, TM or DT text means (PS3.5 table 6.2-1).

A text that leaves out its smaller parts means all of them: "1430" is the minute from 14:30:00 to its last moment, as
the end of a range, too. A value to be compared is the first moment of its span.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from typing import Any, NamedTuple

__all__ = ["Moment", "Span", "date_span", "datetime_span", "is_before", "moment_of", "time_span"]

_DATE = re.compile(r"(\d{4})([.-]?)(\d\d)\2(\d\d)\Z", re.A)
_TIME = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.(\d{1,6}))?)?)?\Z", re.A)
_DATETIME = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6}))?)?)?)?)?)?"
    r"([+-](?:0\d|1[0-4])[0-5]\d)?\Z",
    re.A,
)
_END_OF_DAY = "235960999999"  # 60 is a leap second


class Span(NamedTuple):
    """From the first to the last moment; None where a range is open.

    Attributes
    ----------
    first, last : str or Moment or None
        Of dates "YYYYMMDD", of times "HHMMSSFFFFFF". `is_before` compares them.
    """

    first: Any
    last: Any


class Moment(NamedTuple):
    """A date with time, and its offset from UTC where it has one."""

    local: dt.datetime
    offset: dt.timedelta | None


def is_before(one: Any, other: Any) -> bool:
    """Whether one moment is before another of its kind. Where not both have an offset from UTC, local times count."""
    if isinstance(one, str):
        return bool(one < other)
    if one.offset is None or other.offset is None:
        return bool(one.local < other.local)
    # differences, since the times in UTC may be before the first year or after the last
    return bool(one.local - other.local < one.offset - other.offset)


def date_span(text: str) -> Span | None:
    """The day that a DA means; None when it is none.

    >>> date_span("20240229"), date_span("20230229")
    (Span(first='20240229', last='20240229'), None)
    """
    match = _DATE.match(text)
    if not match:
        return None
    year, _, month, day = match.groups()
    if not _is_day(int(year), int(month), int(day)):
        return None
    plain = year + month + day
    return Span(plain, plain)


def time_span(text: str) -> Span | None:
    """The time that a TM means; None when it is none.

    >>> time_span("1430")
    Span(first='143000000000', last='143060999999')
    """
    match = _TIME.match(text)
    if not match:
        return None
    hour, minute, second, _ = match.groups()
    if int(hour) > 23 or int(minute or 0) > 59 or int(second or 0) > 60:
        return None
    given = "".join(part for part in match.groups() if part)
    return Span(given.ljust(12, "0"), given + _END_OF_DAY[len(given) :])


def datetime_span(text: str) -> Span | None:
    """What a DT means; None when it is none."""
    match = _DATETIME.match(text)
    if not match:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    if not 1 <= int(month or 1) <= 12 or int(second or 0) > 60:
        return None
    last_day = day or _days(int(year), int(month or 12))
    # 60 is a leap second, which Python has no time for
    low = month or 1, day or 1, hour or 0, minute or 0, min(int(second or 0), 59), (fraction or "").ljust(6, "0")
    high = month or 12, last_day, hour or 23, minute or 59, min(int(second or 59), 59), (fraction or "").ljust(6, "9")
    offset = None
    if zone:
        offset = dt.timedelta(hours=int(zone[:3]), minutes=int(zone[0] + zone[3:]))
    try:
        first, last = (Moment(_datetime(int(year), *map(int, parts)), offset) for parts in (low, high))
    except ValueError:
        return None
    return Span(first, last)


def _datetime(*parts: int) -> dt.datetime:
    year, month, day, hour, minute, second, microsecond = parts
    return dt.datetime(year, month, day, hour, minute, second, microsecond)


def moment_of(vr: str, value: Any) -> Any:
    """The first moment of a value of an instance, to be compared; None when it is no date or time."""
    if vr == "DA":
        return _date(value)
    if vr == "TM":
        return _time(value)
    if isinstance(value, dt.datetime):
        return Moment(value.replace(tzinfo=None), value.utcoffset())
    span = datetime_span(value.strip(" \0")) if isinstance(value, str) else None
    return None if span is None else span.first


def _date(value: Any) -> str | None:
    if isinstance(value, str):
        if len(value) == 8 and value.isdecimal() and value.isascii():
            return value
        span = date_span(value.strip(" \0"))
        return None if span is None else span.first
    return f"{value.year:04}{value.month:02}{value.day:02}" if isinstance(value, dt.date) else None


def _time(value: Any) -> str | None:
    if isinstance(value, str):
        span = time_span(value.strip(" \0"))
        return None if span is None else span.first
    if isinstance(value, dt.datetime):
        value = value.time()
    return f"{value:%H%M%S%f}" if isinstance(value, dt.time) else None


def _is_day(year: int, month: int, day: int) -> bool:
    return year >= 1 and 1 <= month <= 12 and 1 <= day <= _days(year, month)


def _days(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1] if year >= 1 else 31
