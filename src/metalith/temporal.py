"""DA, TM and DT values as Python's dates and times (PS3.5 table 6.2-1)."""

from __future__ import annotations

import datetime as dt
import re

__all__ = ["as_date", "as_datetime", "as_time"]

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
    """A DT value as datetime, aware if it has an offset; what it leaves out is the least possible. None for what is
    none.

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
