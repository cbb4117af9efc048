"""Metadata from DICOMweb servers: which series a study has, and each of them into the store.

Series by series (the default), the summaries are asked for first and are in the store before any instance; then each
series is a job of its own. A study at once is one request and one job.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from metalith._core import Instance, InstanceTable
from metalith.bulk import BulkData
from metalith.errors import DataSourceError
from metalith.sources._cancel import Cancel
from metalith.sources.dicomweb.addresses import resource_url
from metalith.sources.dicomweb.bulk_tags import resolve_bulk_tags
from metalith.sources.filters import SeriesFilter
from metalith.sources.loading import Job
from metalith.store import Series
from metalith.store.incoming import parts_of

if TYPE_CHECKING:
    from metalith.sources.dicomweb.source import DicomWebSource

__all__ = ["fetch_instance", "fetch_series", "jobs_of", "metadata_url"]

_log = logging.getLogger("metalith.sources")

# of a summary, what the store knows by itself or what a server says of itself
_NOT_OF_SERIES = ("RetrieveURL", "RetrieveAETitle", "InstanceAvailability")


def metadata_url(root: str, *uids: str) -> str:
    """The URL of the metadata of a study, series or instance (PS3.18 section 10.4.1.1.2).

    >>> metadata_url("https://host/dicom-web", "1.2", "1.3")
    'https://host/dicom-web/studies/1.2/series/1.3/metadata'
    """
    return f"{resource_url(root, *uids)}/metadata"


def jobs_of(source: DicomWebSource, study: str, filters: SeriesFilter, made_in_client: bool) -> list[Job]:
    """What is to be done to have a study's series in the store."""
    if not source.options.enable_study_lazy_load and filters.uids is None:
        return [_study_job(source, study, filters, made_in_client)]
    if filters.uids is not None and not filters.attributes:
        summaries: list[Mapping[str, Any]] = [{"SeriesInstanceUID": uid} for uid in filters.uids]
    else:
        rows = source.search_series(study, limit=None)
        summaries = [row.attributes for row in rows if filters(row.attributes)]
        # some servers leave the study's UID out of what they say of its series
        known = [_summary(study, summary) for summary in summaries]
        if known:
            source.metadata_store.add_series_metadata(known, made_in_client)
    return [_series_job(source, study, summary, made_in_client) for summary in summaries]


def _summary(study: str, summary: Mapping[str, Any]) -> dict[str, Any]:
    given = {str(keyword): value for keyword, value in summary.items() if keyword not in _NOT_OF_SERIES}
    return {**given, "StudyInstanceUID": study}


def _series_job(source: DicomWebSource, study: str, summary: Mapping[str, Any], made_in_client: bool) -> Job:
    uid = summary["SeriesInstanceUID"]

    def load(cancel: Cancel) -> list[Series]:
        return source._flights.do((study, uid), lambda: _load(cancel), cancel=cancel)

    def _load(cancel: Cancel) -> list[Series]:
        known = source.metadata_store.series(study, uid)
        if known is not None and known.is_loaded and source.fetched.has(study, uid):
            return [known]
        mark = source.fetched.mark(study)
        table = fetch_series(source, study, uid, cancel)
        cancel.check()
        series = _add(source, table, made_in_client)
        source.fetched.note(study, uid, mark)
        return series

    return Job(load, study, uid, summary)


def _study_job(source: DicomWebSource, study: str, filters: SeriesFilter, made_in_client: bool) -> Job:
    def load(cancel: Cancel) -> list[Series]:
        found = source._flights.do((study, None), lambda: _load(cancel), cancel=cancel)
        return [series for series in found if filters(series)]

    def _load(cancel: Cancel) -> list[Series]:
        known = source.metadata_store.study(study)
        if known is not None and known.is_loaded and source.fetched.has(study, None):
            return known.series
        mark = source.fetched.mark(study)
        url = metadata_url(source.options.wado_root, study)
        table = source.transport.metadata(url, cancel=cancel)
        for part in parts_of(table):
            source._bases[part.study_instance_uid, part.series_instance_uid] = url
        table = _with_values(source, table, cancel)
        cancel.check()
        series = _add(source, table, made_in_client)
        source.fetched.note(study, None, mark)
        return series

    return Job(load, study)


def fetch_series(source: DicomWebSource, study: str, series: str, cancel: Cancel | None = None) -> InstanceTable:
    """The metadata of a series.

    Raises
    ------
    DataSourceError
        The server cannot be reached, refuses, has no such series, or answers with none of it.
    """
    url = metadata_url(source.options.wado_root, study, series)
    table = source.transport.metadata(url, cancel=cancel)
    if not len(table):
        raise DataSourceError("the server has no metadata of the series", method="GET", url=url)
    source._bases.pop((study, series), None)
    return _with_values(source, table, cancel)


def _with_values(source: DicomWebSource, table: InstanceTable, cancel: Cancel | None) -> InstanceTable:
    """Instances with the short values that servers keep as bulk data and that everybody needs: of private attributes,
    which SUV is computed from.
    """
    rules = source.options.bulk_data_uri
    if not getattr(rules, "enabled", True):
        return table

    def fetch(instance: Instance, bulk: BulkData) -> bytes:
        return source.retrieve_bulk_data(bulk, instance=instance, cancel=cancel)

    found, failures = resolve_bulk_tags(table, fetch)
    if failures:
        _log.warning("%d values of %d instances could not be fetched", len(failures), len(table))
    return found


def fetch_instance(source: DicomWebSource, *uids: str) -> Instance:
    """The metadata of one instance, which is in the store then."""
    url = metadata_url(source.options.wado_root, *uids)
    table = source.transport.metadata(url)
    if len(table) != 1:
        raise DataSourceError(f"one instance was expected, not {len(table):,}", method="GET", url=url)
    source.metadata_store.add_instances(table, loader=source.reload_series)
    found = source.metadata_store.instance(table[0].SOPInstanceUID)
    return table[0] if found is None else found


def _add(source: DicomWebSource, table: InstanceTable, made_in_client: bool) -> list[Series]:
    """Puts a table into the store, all or nothing; the series that have it."""
    store = source.metadata_store
    parts = parts_of(table)
    with store.transaction():
        for part in parts:
            store.add_instances(part.table, made_in_client, loader=source.reload_series)
    found = [store.series(part.study_instance_uid, part.series_instance_uid) for part in parts]
    return list(dict.fromkeys(series for series in found if series is not None))
