"""Searching in manifests, by what they say of studies and series and, where that is silent, by first instances."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from metalith.sources.dicomjson.entries import first_of
from metalith.sources.dicomjson.manifest import Manifest, ManifestSeries, ManifestStudy

if TYPE_CHECKING:
    from metalith.sources.dicomjson.source import DicomJsonSource

__all__ = ["search"]


def search(source: DicomJsonSource, level: Any, parameters: Mapping[str, Any]) -> list[Any]:
    """The rows that match."""
    from metalith.sources.query import Query
    from metalith.sources.query import search as search_in

    query = Query.of(level, **parameters)
    studies = source.studies
    if query.study_instance_uid is not None:
        studies = [(manifest, study) for manifest, study in studies if study.uid == query.study_instance_uid]
    if level == "study":
        found = query.matcher().filter([_study_row(source, manifest, study) for manifest, study in studies])
        return found[query.offset :] if query.limit is None else found[query.offset : query.offset + query.limit]
    return search_in(query, [entry for manifest, study in studies for entry in _entries(source, manifest, study)])


def _entries(source: DicomJsonSource, manifest: Manifest, study: ManifestStudy) -> list[Any]:
    from metalith.sources.query import SeriesEntry

    entries = []
    for one in study.series.values():
        stored = source.metadata_store.series(study.uid, one.uid) if source.fetched.has(study.uid, one.uid) else None
        # the manifest has an entry for each frame, maybe; how many instances these are shows when they are read
        count = len(stored) if stored is not None and stored.is_loaded else one.count
        entries.append(
            SeriesEntry(study.uid, one.uid, _Known(manifest, one), count, partial(source.table_of, manifest, one))
        )
    return entries


def _study_row(source: DicomJsonSource, manifest: Manifest, study: ManifestStudy) -> Any:
    from metalith.sources.query import StudyRow, study_rows

    natural = dict(study.attributes.natural.items())
    for row in study_rows(_entries(source, manifest, study)):
        natural = {**dict(row.attributes), **natural}
    natural["StudyInstanceUID"] = study.uid
    if not natural.get("NumberOfStudyRelatedInstances"):
        count = study.attributes.other("NumInstances")
        natural["NumberOfStudyRelatedInstances"] = count if isinstance(count, int) and count > 0 else 0
    if not natural.get("ModalitiesInStudy"):
        natural["ModalitiesInStudy"] = _modalities(study)
    return StudyRow.of(natural)


def _modalities(study: ManifestStudy) -> tuple[str, ...] | None:
    """What the manifest says of them: a list, or a text with whatever between them."""
    given = study.attributes.other("Modalities") or study.attributes.other("ModalitiesInStudy")
    several = given if isinstance(given, list) else [given]
    texts = [
        one
        for text in several
        if isinstance(text, str)
        for one in text.replace("/", "\\").replace(",", "\\").split("\\")
    ]
    return tuple(dict.fromkeys(one.strip() for one in texts if one.strip())) or None


class _Known:
    """What is known of a series: its own attributes, those of its study, those of its first instance."""

    __slots__ = ("_manifest", "_series")

    def __init__(self, manifest: Manifest, series: ManifestSeries) -> None:
        self._manifest, self._series = manifest, series

    def get(self, keyword: str, default: Any = None) -> Any:
        series = self._series
        for natural in (series.attributes.natural, series.study.natural, first_of(self._manifest, series)):
            value = _ABSENT if natural is None else natural.get(keyword, _ABSENT)
            if value is not _ABSENT:
                return value
        return default


_ABSENT: Any = object()
