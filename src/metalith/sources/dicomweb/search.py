"""Searching DICOMweb servers: by QIDO-RS (PS3.18 section 10.6), or here, where a server consists of files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from metalith._core import Instance, InstanceTable
from metalith.sources.dicomweb.addresses import resource_url
from metalith.sources.query import (
    ROWS,
    Matcher,
    Page,
    Pages,
    Query,
    SeriesEntry,
    StudyRow,
    announces_more,
    pages,
    series_order,
)
from metalith.sources.query import search as search_here

if TYPE_CHECKING:
    from metalith.sources.dicomweb.source import DicomWebSource

__all__ = ["Results", "search"]


class Results(Iterator[Any]):
    """What a search found: rows, one after the other; further pages are asked for as they are wanted.

    Attributes
    ----------
    complete : bool or None
        At the end, whether all that was asked for has come; None where nobody can tell, and before the end.
    notes : list of str
        What went wrong or cannot be told, in words.
    """

    def __init__(self, rows: Iterator[Any], paged: Pages[Any] | None = None) -> None:
        self._rows, self._paged = rows, paged

    def __next__(self) -> Any:
        return next(self._rows)

    @property
    def complete(self) -> bool | None:
        return True if self._paged is None else self._paged.complete

    @property
    def notes(self) -> list[str]:
        return [] if self._paged is None else self._paged.notes

    def __repr__(self) -> str:
        return "<Results>"


def search(source: DicomWebSource, level: Any, parameters: dict[str, Any]) -> Results:
    """Rows of a level that match."""
    options = source.options
    query = Query.of(
        level,
        supports_fuzzy_matching=options.supports_fuzzy_matching,
        supports_wildcard=options.supports_wildcard,
        **parameters,
    )
    if options.static_wado:
        return Results(_answered_here(source, query))
    paged = _asked(source, query)
    found = _matching(paged, query.residual, query.limit)
    if level == "series" and query.study_instance_uid is not None:
        found = _in_order(found)
    return Results(found, paged)


def _asked(source: DicomWebSource, query: Query) -> Pages[Any]:
    row = ROWS[query.level]

    def fetch(offset: int, limit: int | None) -> Page:
        table, warning = get(source, query.path, query.with_page(offset, limit))
        return Page(row.of_all(table), announces_more(warning))

    return pages(
        fetch,
        key=lambda found: found.uid,
        # what is left out here must not count
        limit=query.limit if query.residual is None else None,
        offset=query.offset,
        page_size=max(source.options.query_limit, 1),
    )


def get(source: DicomWebSource, path: str, query: Query | None = None) -> tuple[InstanceTable, str | None]:
    """The results at a path under `qido_root`, and what the server warns of."""
    url = f"{source.options.qido_root}/{path.removeprefix('/')}"
    if query is not None:
        url += f"?{query.query_string()}"
    warnings: list[str | None] = []
    table = source.transport.metadata(url, answered=lambda answer: warnings.append(answer.headers.get("Warning")))
    return table, warnings[-1]


def _matching(rows: Iterator[Any], residual: Matcher | None, limit: int | None) -> Iterator[Any]:
    if residual is None:
        return rows
    return islice((row for row in rows if residual.matches(row)), limit)


def _in_order(rows: Iterable[Any]) -> Iterator[Any]:
    yield from series_order(rows)


# ---- servers made of files ----


def _answered_here(source: DicomWebSource, query: Query) -> Iterator[Any]:
    if query.limit == 0:
        return
    if query.level == "study":
        found = query.matcher().filter(StudyRow.of_all(get(source, "studies")[0]))
        yield from islice(found, query.offset, None if query.limit is None else query.offset + query.limit)
        return
    yield from search_here(query, _entries(source, query))


def _entries(source: DicomWebSource, query: Query) -> Iterator[SeriesEntry]:
    """The series that a search may be about."""
    if query.study_instance_uid is None:
        rows = StudyRow.of_all(get(source, "studies")[0])
        studies = [row.study_instance_uid for row in rows if row.study_instance_uid]
    else:
        studies = [query.study_instance_uid]
    for study in studies:
        for summary in get(source, resource_url("", study) + "/series")[0]:
            uid = summary.get("SeriesInstanceUID")
            if isinstance(uid, str) and query.series_instance_uid in (None, uid):
                yield _entry(source, study, uid, summary)


def _entry(source: DicomWebSource, study: str, series: str, summary: Instance) -> SeriesEntry:
    count = summary.get("NumberOfSeriesRelatedInstances")
    return SeriesEntry(
        study,
        series,
        summary,
        count if isinstance(count, int) else 0,
        lambda: get(source, resource_url("", study, series) + "/instances")[0],
    )
