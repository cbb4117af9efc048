"""Metadata from DICOMweb servers: which series a study has, and each of them into the store.

Series by series (the default), the summaries are asked for first and are in the store before any instance; then each
series is a job of its own. A study at once is one request and one job.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from metalith import _core
from metalith._core import Instance, InstanceTable
from metalith.bulk import BulkData
from metalith.errors import DataSourceError
from metalith.sources._cancel import Cancel
from metalith.sources.dicomweb.addresses import UIDS, resource_url
from metalith.sources.dicomweb.bulk_tags import resolve_bulk_tags
from metalith.sources.filters import SeriesFilter
from metalith.sources.loading import Job, Loading
from metalith.store import Series
from metalith.store.incoming import parts_of

if TYPE_CHECKING:
    from metalith.sources.dicomweb.source import DicomWebSource

__all__ = ["fetch_instances", "fetch_series", "jobs_of", "metadata_url"]

_log = logging.getLogger("metalith.sources")

# of a summary, what the store knows by itself or what a server says of itself
_NOT_OF_SERIES = ("RetrieveURL", "RetrieveAETitle", "InstanceAvailability")


def metadata_url(root: str, *uids: str) -> str:
    """The URL of the metadata of a study, series or instance (PS3.18 section 10.4.1.1.2).

    >>> metadata_url("https://host/dicom-web", "1.2", "1.3")
    'https://host/dicom-web/studies/1.2/series/1.3/metadata'
    """
    return f"{resource_url(root, *uids)}/metadata"


def jobs_of(
    source: DicomWebSource, study: str, filters: SeriesFilter, made_in_client: bool, cancel: Cancel | None = None
) -> list[Job]:
    """What is to be done to have a study's series in the store."""
    if not source.options.enable_study_lazy_load and filters.uids is None:
        return [_study_job(source, study, filters, made_in_client)]
    if filters.uids is not None and not filters.attributes:
        summaries: list[Mapping[str, Any]] = [{"SeriesInstanceUID": uid} for uid in filters.uids]
    else:
        summaries = _summaries(source, study, filters, cancel)
        if summaries:
            source.metadata_store.add_series_metadata(summaries, made_in_client)
    return [_series_job(source, study, summary, filters, made_in_client) for summary in summaries]


def _summaries(
    source: DicomWebSource, study: str, filters: SeriesFilter, cancel: Cancel | None
) -> list[Mapping[str, Any]]:
    """What the server says of the study's series that are wanted, as far as it says enough to know."""
    rows = source.search_series(study, limit=None, include_fields=filters.keywords, cancel=cancel)
    # some servers leave the study's UID out of what they say of its series, and some say of those of other studies
    listed = [row.attributes for row in rows if row.attributes.get("StudyInstanceUID") in (None, study)]
    known = [summary for summary in listed if _has_uid(summary)]
    if len(known) < len(listed):
        _log.warning("%d series without a SeriesInstanceUID are left out", len(listed) - len(known))
    # an attribute that the server gives of no series is one that it does not give: their instances will tell
    told = {keyword for keyword in filters.keywords if any(keyword in summary for summary in known)}
    if told.issuperset(filters.keywords):
        known = [summary for summary in known if filters(summary)]
    elif filters.uids is not None:
        known = [summary for summary in known if summary["SeriesInstanceUID"] in filters.uids]
    return [_summary(study, summary) for summary in known]


def _has_uid(summary: Mapping[str, Any]) -> bool:
    uid = summary.get("SeriesInstanceUID")
    return isinstance(uid, str) and uid != ""


def _summary(study: str, summary: Mapping[str, Any]) -> dict[str, Any]:
    given = {str(keyword): value for keyword, value in summary.items() if keyword not in _NOT_OF_SERIES}
    return {**given, "StudyInstanceUID": study}


def _series_job(
    source: DicomWebSource, study: str, summary: Mapping[str, Any], filters: SeriesFilter, made_in_client: bool
) -> Job:
    uid = summary["SeriesInstanceUID"]

    def load(cancel: Cancel) -> list[Series]:
        found = source._flights.do((study, uid), lambda: _load(cancel), cancel=cancel)
        return [series for series in found if filters(series)]

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
        table = _own(source.transport.metadata(url, cancel=cancel), url, study)
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
    table = _own(source.transport.metadata(url, cancel=cancel), url, study, series)
    source._bases.pop((study, series), None)
    return _with_values(source, table, cancel)


def _own(table: InstanceTable, url: str, *uids: str) -> InstanceTable:
    """The instances of the study, series or instance that was asked for.

    Instances of others are left out: of those it is not all. UIDs that are missing are those of the request.
    """
    if not len(table):
        raise DataSourceError("the server has no metadata of it", method="GET", url=url)
    asked = dict(zip(UIDS, uids, strict=False))
    first, constant = table[0], set(table.constant)
    if all(keyword in constant and first.get(keyword) == uid for keyword, uid in asked.items()):
        return table
    rows = []
    for instance in table:
        missing = {keyword: uid for keyword, uid in asked.items() if not instance.get(keyword)}
        rows.append(instance.replace(**missing) if missing else instance)
    own = [row for row in rows if all(row.get(keyword) == uid for keyword, uid in asked.items())]
    if not own:
        raise DataSourceError("the server answered with the metadata of something else", method="GET", url=url)
    if len(own) < len(rows):
        _log.warning("%d of %d instances are not what was asked for, and left out", len(rows) - len(own), len(rows))
    return _core.table_of(own)


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


def fetch_instances(
    source: DicomWebSource, study: str, series: str, wanted: str | Iterable[str], cancel: Cancel | None = None
) -> Instance | list[Instance]:
    """The metadata of an instance, or of several, which are in the store then."""
    if isinstance(wanted, str):
        return _fetch_instance(source, (study, series, wanted), cancel)
    uids = list(wanted)
    found: dict[str, Instance] = {}

    def load(uid: str, cancel: Cancel) -> tuple[()]:
        found[uid] = _fetch_instance(source, (study, series, uid), cancel)
        return ()

    jobs = [Job(partial(load, uid), study, series) for uid in dict.fromkeys(uids)]
    loading = Loading(lambda: jobs, source._scheduler, cancel=cancel)
    loading.wait()
    if loading.failures:
        raise loading.failures[0].error
    return [found[uid] for uid in uids]


def _fetch_instance(source: DicomWebSource, uids: tuple[str, str, str], cancel: Cancel | None) -> Instance:
    url = metadata_url(source.options.wado_root, *uids)
    table = _own(source.transport.metadata(url, cancel=cancel), url, *uids)
    if len(table) != 1:
        raise DataSourceError(f"one instance was expected, not {len(table):,}", method="GET", url=url)
    table = _with_values(source, table, cancel)
    source.metadata_store.add_instances(table, loader=source.reload_series)
    found = source.metadata_store.instance(uids[2])
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
