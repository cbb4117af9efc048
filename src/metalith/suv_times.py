"""From when to when the dose decays that SUV relates to: injection, beginning of the scan, and the time of a frame.

PS3.3 sections C.8.9.1 and C.8.9.4, and QIBA's vendor-neutral pseudocode for SUV. Values that DecayCorrection says are
corrected to START are those at the beginning of the scan: that is the time of the series, unless an image was acquired
before it. Then the series is a derived one, and the scan began when GE's private time says, or with its first image.
Values corrected to ADMIN are those at the injection. Values not corrected at all (NONE) are each frame's own.
Enhanced objects name the time: of correction in DecayCorrectionDateTime, of a frame in Frame Content (C.7.6.16.2.2).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from metalith.errors import MetalithError
from metalith.modules.base import Data
from metalith.modules.values import code, first, number
from metalith.temporal import as_date, as_datetime, as_time

__all__ = ["DATETIME", "Moment", "SuvError", "decay_times", "private"]

DATETIME = "DATETIME"
"""Of enhanced objects in place of DecayCorrection: values are corrected to DecayCorrectionDateTime."""

GE = "GEMS_PETD_01"
_CORRECTED, _FRAME = "DecayCorrectionDateTime", "FrameAcquisitionDateTime"
_HALF_A_DAY, _DAY = 43200.0, dt.timedelta(days=1)


class SuvError(MetalithError):
    """SUV cannot be computed. The message names attributes, and shows no value.

    Attributes
    ----------
    attribute : str
        Keyword of what is missing or wrong, or tag and creator of what is private.
    reason : str
        What is wrong with it.
    """

    def __init__(self, attribute: str, reason: str) -> None:
        self.attribute, self.reason = attribute, reason
        super().__init__(f"SUV cannot be computed: {attribute} {reason}")

    def __reduce__(self) -> Any:
        return SuvError, (self.attribute, self.reason)


MISSING, WRONG = "is missing", "is not what it should be"


class Moment(NamedTuple):
    """Until when the dose decays: s after the injection, and which attribute says so."""

    seconds: float
    source: str


def private(data: Any, creator: str, group: int, element: int) -> Any:
    """A private element by its creator, or where that is lost by its tag in the first block; None without.

    Numbers and times that were read without a VR are text.
    """
    method = getattr(data, "private", None)
    value = None if method is None else method(creator, group, element, None)
    if value is None and (code(data.get(f"{group:04X}0010")) or creator) == creator:
        value = data.get(f"{group:04X}10{element:02X}")
    value = first(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("ascii", "replace").strip(" \0")
    return value


def decay_times(instances: Sequence[Data], correction: str, injected: Data, half_life: float | None) -> list[Moment]:
    """How long the dose decays until the time that each instance's values are of.

    Parameters
    ----------
    instances : sequence
        All of the series.
    correction : {"START", "ADMIN", "NONE", "DATETIME"}
    injected : mapping
        Item of RadiopharmaceuticalInformationSequence.
    half_life : float
        s; only used for NONE.

    Raises
    ------
    SuvError
        A time is missing or impossible.
    """
    if correction == "ADMIN":
        return [Moment(0.0, "DecayCorrection")] * len(instances)
    zone = _zone(instances[0])
    scans = _scans(instances, correction, half_life, zone)
    return [Moment(_after_injection(scan, injected, zone), source) for scan, source in scans]


def _scans(
    instances: Sequence[Data], correction: str, half_life: float | None, zone: dt.tzinfo | None
) -> list[tuple[dt.datetime, str]]:
    """The time that each instance's values are of, and what told it."""
    named = [one.get(_CORRECTED) is not None for one in instances]
    if correction == DATETIME or (correction == "START" and all(named)):
        return [(_corrected(one), _CORRECTED) for one in instances]
    acquired = [_acquired(one) for one in instances]
    if correction == "NONE" and all(one.get(_FRAME) is not None for one in instances):
        return [_of_frame(one, at, None, half_life, zone) for one, at in zip(instances, acquired, strict=True)]
    series = _of(instances[0], "SeriesDate", "SeriesTime")
    earliest = acquired[0]
    for one in acquired:
        if _seconds(one, earliest, zone) < 0:
            earliest = one
    derived = _seconds(series, earliest, zone) > 0
    if correction == "NONE":
        whole = None if derived else series
        return [_of_frame(one, at, whole, half_life, zone) for one, at in zip(instances, acquired, strict=True)]
    scan, source = series, "SeriesTime"
    if derived:
        scan, source = _of_scanner(instances) or (earliest, "AcquisitionTime")
    return [(scan, source)] * len(instances)


def _corrected(one: Data) -> dt.datetime:
    given = one.get(_CORRECTED)
    read = _moment(given)
    if read is None:
        raise SuvError(_CORRECTED, MISSING if code(given) is None else WRONG)
    return read


def _after_injection(scan: dt.datetime, injected: Data, zone: dt.tzinfo | None) -> float:
    start = _moment(injected.get("RadiopharmaceuticalStartDateTime"))
    if start is not None:
        name, seconds = "RadiopharmaceuticalStartDateTime", _seconds(scan, start, zone)
    else:
        name, given = "RadiopharmaceuticalStartTime", code(injected.get("RadiopharmaceuticalStartTime"))
        time = as_time(given)
        if time is None:
            raise SuvError(name, MISSING if given is None else WRONG)
        seconds = (scan.replace(tzinfo=None) - dt.datetime.combine(scan.date(), time)).total_seconds()
        # Of an unstated day. What seems to be long after the scan was the evening before; what seems to be little
        # after it may be two clocks that differ, and is no reason to let the dose decay for almost a day.
        if seconds < -_HALF_A_DAY:
            seconds += _DAY.total_seconds()
    if seconds < 0:
        raise SuvError(name, "is after the time that the values are corrected to")
    return seconds


def _of_scanner(instances: Sequence[Data]) -> tuple[dt.datetime, str] | None:
    """When the scan began by GE's private time: the first of all instances that have one."""
    for one in instances:
        given = private(one, GE, 0x0009, 0x0D)
        if given is not None:
            read = _moment(given)
            if read is None:
                raise SuvError(f"(0009,xx0D) of {GE}", WRONG)
            return read, GE
    return None


def _of_frame(
    one: Data, acquired: dt.datetime, series: dt.datetime | None, half_life: float | None, zone: dt.tzinfo | None
) -> tuple[dt.datetime, str]:
    """The time of which the values of a frame are that nothing was corrected in.

    FrameReferenceDateTime tells it, or FrameReferenceTime, from the time of the series on. Where that is of no use, it
    is when the activity was as large as it was on average while the frame lasted.
    """
    lasting = "ActualFrameDuration" if one.get(_FRAME) is None else "FrameAcquisitionDuration"
    duration = number(one.get(lasting))
    reference, moment = number(one.get("FrameReferenceTime")), _moment(one.get("FrameReferenceDateTime"))
    if duration is not None and duration < 0:
        raise SuvError(lasting, WRONG)
    if moment is not None:
        within = _seconds(moment, acquired, zone)
        if within >= 0 and (duration is None or within <= duration / 1000.0):
            return moment, "FrameReferenceDateTime"
    if series is not None and reference is not None:
        at = series + _span(reference / 1000.0, "FrameReferenceTime")
        within = _seconds(at, acquired, zone)
        if within >= 0 and (duration is None or within <= duration / 1000.0):
            return at, "FrameReferenceTime"
    if duration is None:
        raise SuvError(lasting, MISSING)
    if half_life is None:
        raise SuvError("RadionuclideHalfLife", MISSING)
    rate, lasts = math.log(2.0) / half_life, duration / 1000.0
    decays = rate * lasts
    average = math.log(decays / -math.expm1(-decays)) / rate if decays > 1e-6 else lasts / 2.0
    return acquired + _span(average, lasting), lasting


def _span(seconds: float, name: str) -> dt.timedelta:
    try:
        return dt.timedelta(seconds=seconds)
    except OverflowError:
        raise SuvError(name, WRONG) from None


def _acquired(one: Data) -> dt.datetime:
    frame = _moment(one.get(_FRAME))
    if frame is not None:
        return frame
    if as_date(code(one.get("AcquisitionDate"))) is None or as_time(code(one.get("AcquisitionTime"))) is None:
        whole = _moment(one.get("AcquisitionDateTime"))
        if whole is not None:
            return whole
    return _of(one, "AcquisitionDate", "AcquisitionTime")


def _of(one: Data, date_name: str, time_name: str) -> dt.datetime:
    date_text, time_text = code(one.get(date_name)), code(one.get(time_name))
    date, time = as_date(date_text), as_time(time_text)
    if date is None:
        raise SuvError(date_name, MISSING if date_text is None else WRONG)
    if time is None:
        raise SuvError(time_name, MISSING if time_text is None else WRONG)
    return dt.datetime.combine(date, time)


def _moment(value: Any) -> dt.datetime | None:
    """A DT that tells the hour at least; None for others."""
    read = code(value)
    if read is None or not read[:10].isdigit() or len(read) < 10:
        return None
    return as_datetime(read)


def _zone(one: Data) -> dt.tzinfo | None:
    """TimezoneOffsetFromUTC, of times without an offset of their own."""
    offset = code(one.get("TimezoneOffsetFromUTC"))
    read = as_datetime("20000101000000" + offset) if offset and len(offset) == 5 else None
    return read.tzinfo if read else None


def _seconds(later: dt.datetime, earlier: dt.datetime, zone: dt.tzinfo | None) -> float:
    """From one time to another. If one has an offset and the other none at all, both are of the same place."""
    if (later.tzinfo is None) != (earlier.tzinfo is None):
        later, earlier = (one if one.tzinfo else one.replace(tzinfo=zone) for one in (later, earlier))
        if zone is None:
            later, earlier = later.replace(tzinfo=None), earlier.replace(tzinfo=None)
    return (later - earlier).total_seconds()
