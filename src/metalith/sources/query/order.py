"""The order of series and of instances in lists, as viewers show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

from metalith.sources.query.moments import moment_of
from metalith.sources.query.values import number_of

__all__ = ["instance_order", "series_order"]

_T = TypeVar("_T")

# what is derived from images, or goes with them
_LAST = ("SEG", "KO", "PR", "SR", "RTSTRUCT", "RTDOSE", "RTPLAN", "RTRECORD", "REG")
_WHEN = ("InstanceCreation", "Content", "Acquisition", "StructureSet", "PresentationCreation", "Series")


def series_order(rows: Iterable[_T]) -> list[_T]:
    """Series in their order: images by number, those without one first, then by date and UID; then all else, such as
    segmentations and reports, the newest first.

    Parameters
    ----------
    rows : iterable of SeriesRow, natural summaries, or series of a store

    Examples
    --------
    >>> from metalith.sources.query import series_order
    >>> series = [{"SeriesNumber": 1, "Modality": "SR"}, {"SeriesNumber": 10}, {"SeriesNumber": 2}, {"SeriesNumber": 0}]
    >>> [one["SeriesNumber"] for one in series_order(series)]
    [0, 2, 10, 1]
    """
    listed = list(rows)
    if len(listed) < 2:
        return listed
    images: list[_T] = []
    others: list[_T] = []
    for row in listed:
        (others if _first(row.get("Modality")) in _LAST else images).append(row)  # type: ignore[attr-defined]
    images, others = (_by_number(several, _series_number, "SeriesInstanceUID") for several in (images, others))
    others.sort(key=_when, reverse=True)
    return images + others


def instance_order(instances: Iterable[_T]) -> list[_T]:
    """Instances by number (0 where there is none), then by when they were made, then by UID.

    Parameters
    ----------
    instances : iterable of InstanceRow, Instance, or dicts of natural values
    """

    return _by_number(instances, _instance_number, "SOPInstanceUID")


def _by_number(rows: Iterable[_T], number: Callable[[Any], Any], uid: str) -> list[_T]:
    """By number, then by when they were made, which takes long to find out and is asked of equal numbers only."""
    ordered: list[_T] = []
    numbered = sorted(((number(row), row) for row in rows), key=itemgetter(0))
    for _, several in groupby(numbered, key=itemgetter(0)):
        alike = [row for _, row in several]
        if len(alike) > 1:
            alike.sort(key=lambda row: (_when(row), str(row.get(uid) or "")))  # type: ignore[attr-defined]
        ordered += alike
    return ordered


def _series_number(row: Any) -> tuple[bool, int | float]:
    number = _number(row.get("SeriesNumber"))
    return number is not None, number or 0


def _instance_number(row: Any) -> int | float:
    return _number(row.get("InstanceNumber")) or 0


def _when(row: Any) -> str:
    """The latest date of a series or instance that it has, with the time that goes with it; empty without any."""
    get = row.get
    latest = ""
    for name in _WHEN:
        date = _first(get(f"{name}Date"))
        if date is not None:
            latest = max(latest, _together(date, _first(get(f"{name}Time"))))
    both = _first(get("AcquisitionDateTime"))
    if isinstance(both, str):
        latest = max(latest, _together(both[:8], both[8:].partition("+")[0].partition("-")[0]))
    return latest


def _together(date: Any, time: Any) -> str:
    day = moment_of("DA", date)
    return "" if day is None else day + (moment_of("TM", time) or "0" * 12)


def _number(value: Any) -> int | float | None:
    number = number_of(_first(value))
    return number if number is None or number == number else None


def _first(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, (tuple, list)) else value
