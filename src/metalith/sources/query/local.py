"""Searching in what is here: summaries of studies and series, and a `Query` asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from metalith._core import Instance, InstanceTable
from metalith.sources.query.attributes import OF_SERIES, OF_STUDY
from metalith.sources.query.order import instance_order, series_order
from metalith.sources.query.query import Query
from metalith.sources.query.rows import ROWS, InstanceRow, SeriesRow, StudyRow
from metalith.store.series import Series

__all__ = ["SeriesEntry", "entries_of", "search", "series_rows", "study_rows"]

_ABSENT: Any = object()
_COUNTS = frozenset(
    (
        "ModalitiesInStudy",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
        "NumberOfSeriesRelatedInstances",
    )
)
_IN_STUDY, _IN_SERIES = frozenset(OF_STUDY), frozenset(OF_SERIES)
# the UIDs themselves are known without asking
_REST_OF_STUDY = tuple(keyword for keyword in OF_STUDY if keyword != "StudyInstanceUID")
_REST_OF_SERIES = tuple(keyword for keyword in OF_SERIES if keyword != "SeriesInstanceUID")


@dataclass(frozen=True, slots=True)
class SeriesEntry:
    """A series that can be searched for.

    Attributes
    ----------
    study_instance_uid, series_instance_uid : str
    first : Instance, dict of natural values, or anything else with `get(keyword)`
        What is known of the series: its first instance, or a summary.
    count : int
        How many instances it has.
    instances : callable, optional
        Gives them, when instances are searched for.
    """

    study_instance_uid: str
    series_instance_uid: str
    first: Any
    count: int
    instances: Callable[[], Iterable[Any]] = tuple


def entries_of(data: Any) -> list[SeriesEntry]:
    """The series of a store, or of instances, in the order in which they came.

    Parameters
    ----------
    data : MetadataStore, InstanceTable, or iterable of instances, dicts of natural values, and tables
        Of an instance that comes twice, by its SOPInstanceUID, the first counts.

    Examples
    --------
    >>> from metalith.sources.query import entries_of, study_rows
    >>> uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2"}
    >>> study_rows(entries_of([{**uids, "SOPInstanceUID": "1.2.3"}, {**uids, "SOPInstanceUID": "1.2.4"}]))
    [<StudyRow 1: 2 instances>]
    """
    if hasattr(data, "study_instance_uids"):
        studies = (data.study(uid) for uid in data.study_instance_uids)
        return [_entry(series) for study in studies if study is not None for series in study.series]
    found: dict[tuple[str, str], dict[Any, Any]] = {}
    for instance in _instances(data):
        study, series = instance.get("StudyInstanceUID"), instance.get("SeriesInstanceUID")
        uid = instance.get("SOPInstanceUID")
        members = found.setdefault((str(study or ""), str(series or "")), {})
        members.setdefault(uid or len(members), instance)
    return [_listed(study, series, list(members.values())) for (study, series), members in found.items()]


def study_rows(entries: Iterable[SeriesEntry]) -> list[StudyRow]:
    """A row for each study, with its number of series and instances and its modalities counted.

    Parameters
    ----------
    entries : iterable of SeriesEntry
        All series of each study, in any order.
    """
    return StudyRow.of_all(study.summary() for study in _studies(entries))


def series_rows(entries: Iterable[SeriesEntry]) -> list[SeriesRow]:
    """A row for each series, with its number of instances, and with what its study has; of each study in order.

    Parameters
    ----------
    entries : iterable of SeriesEntry
        All series of each study, in any order.
    """
    return SeriesRow.of_all(one.summary() for study in _studies(entries) for one in series_order(study.series()))


def search(query: Query, entries: Iterable[SeriesEntry]) -> list[Any]:
    """What a server would answer that has these series, and does all of PS3.4.

    Parameters
    ----------
    query : Query
    entries : iterable of SeriesEntry

    Returns
    -------
    list of StudyRow, SeriesRow or InstanceRow
        By the query's level, within its offset and limit. Studies are in the order in which they came, series and
        instances in that of `series_order` and `instance_order`.

    Examples
    --------
    >>> from metalith.sources.query import Query, entries_of, search
    >>> slices = [{"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "SOPInstanceUID": f"1.2.{n}"} for n in (7, 8)]
    >>> search(Query.of("instance", SOPInstanceUID="1.2.8"), entries_of(slices))
    [<InstanceRow 1.2.8>]
    """
    if query.limit == 0:
        return []
    if query.study_instance_uid is not None:
        entries = (entry for entry in entries if entry.study_instance_uid == query.study_instance_uid)
    end = None if query.limit is None else query.offset + query.limit
    if query.level == "instance":
        return InstanceRow.of_all(islice(_matching_instances(query, entries), query.offset, end))
    matches = query.matcher().matches
    found: Iterable[_Study | _Series]
    if query.level == "study":
        found = filter(matches, _studies(entries))
    else:
        found = (one for study in _studies(entries) for one in series_order(filter(matches, study.series())))
    return ROWS[query.level].of_all(one.summary() for one in islice(found, query.offset, end))


def _matching_instances(query: Query, entries: Iterable[SeriesEntry]) -> Iterator[Any]:
    matches = query.matcher().matches
    asks_counts = any(match.path[0] in _COUNTS for match in query.matches)
    for study in _studies(entries):
        for series in series_order(study.series()):
            if query.series_instance_uid not in (None, series.entry.series_instance_uid):
                continue
            instances = series.entry.instances()
            matching = [one for one in instances if matches(_Below(one, series) if asks_counts else one)]
            yield from instance_order(matching)


class _Study:
    """What is known of a study, of which these are the series."""

    __slots__ = ("_counts", "_summary", "entries")

    def __init__(self, entries: list[SeriesEntry]) -> None:
        self.entries = entries
        # both made when they are asked for, once for all series, and not changed then
        self._counts: dict[str, Any] | None = None
        self._summary: dict[str, Any] | None = None

    def get(self, keyword: str, default: Any = None) -> Any:
        if keyword == "StudyInstanceUID":
            return self.entries[0].study_instance_uid
        if keyword in _IN_STUDY:
            return self.entries[0].first.get(keyword, default)
        return self.counts().get(keyword, default) if keyword in _COUNTS else default

    def counts(self) -> dict[str, Any]:
        if self._counts is None:
            modalities = dict.fromkeys(entry.first.get("Modality") for entry in self.entries)
            self._counts = {
                "ModalitiesInStudy": tuple(one for one in modalities if isinstance(one, str) and one) or None,
                "NumberOfStudyRelatedSeries": len(self.entries),
                "NumberOfStudyRelatedInstances": sum(entry.count for entry in self.entries),
            }
        return self._counts

    def series(self) -> list[_Series]:
        return [_Series(self, entry) for entry in self.entries]

    def summary(self) -> dict[str, Any]:
        if self._summary is None:
            first = self.entries[0]
            picked = _picked(first.first, _REST_OF_STUDY)
            self._summary = {"StudyInstanceUID": first.study_instance_uid, **picked, **self.counts()}
        return self._summary


class _Series:
    """What is known of a series."""

    __slots__ = ("entry", "study")

    def __init__(self, study: _Study, entry: SeriesEntry) -> None:
        self.study, self.entry = study, entry

    def get(self, keyword: str, default: Any = None) -> Any:
        if keyword == "SeriesInstanceUID":
            return self.entry.series_instance_uid
        if keyword == "NumberOfSeriesRelatedInstances":
            return self.entry.count
        if keyword in _IN_SERIES:
            return self.entry.first.get(keyword, default)
        return self.study.get(keyword, default)

    def summary(self) -> dict[str, Any]:
        entry = self.entry
        return {
            **self.study.summary(),
            "SeriesInstanceUID": entry.series_instance_uid,
            **_picked(entry.first, _REST_OF_SERIES),
            "NumberOfSeriesRelatedInstances": entry.count,
        }


class _Below:
    """An instance with what is counted of its series and study."""

    __slots__ = ("_above", "_instance")

    def __init__(self, instance: Any, above: _Series) -> None:
        self._instance, self._above = instance, above

    def get(self, keyword: str) -> Any:
        return (self._above if keyword in _COUNTS else self._instance).get(keyword)


def _entry(series: Any) -> SeriesEntry:
    return SeriesEntry(
        series.study_instance_uid, series.series_instance_uid, series, len(series), lambda: series.instances
    )


def _listed(study: str, series: str, members: Sequence[Any]) -> SeriesEntry:
    return SeriesEntry(study, series, members[0], len(members), lambda: members)


def _instances(data: Any) -> Iterator[Any]:
    if isinstance(data, (Instance, Mapping)):
        yield data
        return
    for one in data:
        if isinstance(one, InstanceTable):
            yield from one
        else:
            yield one


def _studies(entries: Iterable[SeriesEntry]) -> Iterator[_Study]:
    found: dict[str, list[SeriesEntry]] = {}
    for entry in entries:
        found.setdefault(entry.study_instance_uid, []).append(entry)
    return map(_Study, found.values())


def _picked(natural: Any, keywords: Iterable[str]) -> dict[str, Any]:
    if isinstance(natural, Series):
        return natural.pick(keywords)
    get = natural.get
    return {keyword: value for keyword in keywords if (value := get(keyword, _ABSENT)) is not _ABSENT}
