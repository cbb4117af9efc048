"""The series of a store as searches want them, those that had to go for want of room among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from metalith._core import Instance
from metalith.sources.local.records import Key
from metalith.sources.query import SeriesEntry
from metalith.store import MetadataStore

__all__ = ["entries_in"]


def entries_in(
    store: MetadataStore,
    study_instance_uid: str | None,
    count: Callable[[Key], int],
    reload: Callable[[str, str], Iterable[Any]],
) -> list[SeriesEntry]:
    """All series of a store, or of one of its studies.

    Parameters
    ----------
    store : MetadataStore
    study_instance_uid : str, optional
    count : callable(key)
        How many instances a series has that had to go.
    reload : callable(study_instance_uid, series_instance_uid)
        Its instances, read again; the store is left alone, or others would have to go.
    """
    studies = list(store) if study_instance_uid is None else [store.study(study_instance_uid)]
    found = []
    for study in studies:
        for series in () if study is None else study.series:
            key = series.study_instance_uid, series.series_instance_uid
            if series.is_evicted:
                first = next(iter(_flat(reload(*key))), series)
                found.append(SeriesEntry(*key, first, count(key), lambda key=key: _flat(reload(*key))))  # type: ignore[misc]
            else:
                found.append(SeriesEntry(*key, series, len(series), lambda series=series: series.instances))  # type: ignore[misc]
    return found


def _flat(data: Iterable[Any]) -> Iterable[Instance]:
    for one in data:
        if isinstance(one, Instance):
            yield one
        else:
            yield from one
