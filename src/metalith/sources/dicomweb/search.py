"""Searching DICOMweb servers: by QIDO-RS (PS3.18 section 10.6), or here, where a server consists of files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import metalith
from metalith._core import Instance, InstanceTable
from metalith.errors import DataSourceError
from metalith.sources._cancel import Cancel
from metalith.sources.dicomweb.addresses import resource_url
from metalith.sources.http.answer import Response
from metalith.sources.http.dicom_json import ACCEPT
from metalith.sources.query import (
    ROWS,
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

    def __init__(self, rows: Iterator[Any], paged: Pages[Any] | None = None, notes: list[str] | None = None) -> None:
        self._rows, self._paged, self._notes = rows, paged, [] if notes is None else notes
        self._ended = False

    def __next__(self) -> Any:
        try:
            return next(self._rows)
        except StopIteration:
            self._ended = True
            raise

    @property
    def complete(self) -> bool | None:
        if self._notes:
            return None
        if self._paged is None:
            return True if self._ended else None
        return self._paged.complete

    @property
    def notes(self) -> list[str]:
        return self._notes + ([] if self._paged is None else self._paged.notes)

    def __repr__(self) -> str:
        return "<Results>"


def search(source: DicomWebSource, level: Any, parameters: dict[str, Any], cancel: Cancel | None = None) -> Results:
    """Rows of a level that match."""
    options = source.options
    query = Query.of(
        level,
        supports_fuzzy_matching=options.supports_fuzzy_matching,
        supports_wildcard=options.supports_wildcard,
        **parameters,
    )
    asking = Asking(source, cancel)
    if options.static_wado:
        return Results(_answered_here(asking, query), notes=asking.notes)
    if query.asks_for_several:
        asking.notes.append("several values were asked for of one attribute, which many servers do not know")
    paged = _asked(asking, query)
    found = _matching(paged, query)
    if level == "series" and query.study_instance_uid is not None:
        found = _in_order(found)
    return Results(found, paged, asking.notes)


class Asking:
    """The requests of one search. `notes` are what is to be said of them."""

    def __init__(self, source: DicomWebSource, cancel: Cancel | None) -> None:
        self._source, self._cancel = source, cancel
        self.page_size = source.options.query_limit
        self.notes: list[str] = []

    def page(self, path: str, query: Query | None = None) -> tuple[InstanceTable, bool | None]:
        """The results at a path under `qido_root`, and whether there are more; see `Page.more`."""
        url = f"{self._source.options.qido_root}/{path.removeprefix('/')}"
        if query is not None:
            url += f"?{query.query_string()}"
        more: bool | None = None

        def answered(answer: Response) -> None:
            nonlocal more
            # 206 stood for a part of the results in earlier editions of PS3.18
            more = True if answer.status_code == 206 else announces_more(answer.headers.get("Warning"))

        try:
            table = self._source.transport.metadata(
                url, cancel=self._cancel, answered=answered, expected=(200, 204, 206)
            )
        except DataSourceError as error:
            if error.status != 404:
                raise
            return self._nothing(url, error)
        return table, more

    def _nothing(self, url: str, error: DataSourceError) -> tuple[InstanceTable, bool | None]:
        """What a 404 stands for.

        Some servers say it where nothing is found, with nothing else or an empty list; a server that has no such
        service says more.
        """
        answer = self._source.transport.request("GET", url, accept=ACCEPT, cancel=self._cancel, expected=(404,))
        if answer.content.strip() not in (b"", b"[]"):
            raise error from None
        self.notes.append("the server says 404, which is taken for: nothing was found")
        return metalith.naturalize(b"[]"), False


# of a row; `uid` would be a call of Python for each
_UID: Mapping[str, Callable[[Any], str | None]] = {
    "study": attrgetter("study_instance_uid"),
    "series": attrgetter("series_instance_uid"),
    "instance": attrgetter("sop_instance_uid"),
}


def _asked(asking: Asking, query: Query) -> Pages[Any]:
    row = ROWS[query.level]

    def fetch(offset: int, limit: int | None) -> Page:
        table, more = asking.page(query.path, query.with_page(offset, limit))
        return Page(row.of_all(table), more)

    whole = query.residual is None  # else what is left out here must not count
    return pages(
        fetch,
        key=_UID[query.level],
        limit=query.limit if whole else None,
        offset=query.offset if whole else 0,
        page_size=asking.page_size,
    )


def _matching(rows: Iterator[Any], query: Query) -> Iterator[Any]:
    residual = query.residual
    if residual is None:
        return rows
    end = None if query.limit is None else query.offset + query.limit
    return islice((row for row in rows if residual.matches(row)), query.offset, end)


def _in_order(rows: Iterable[Any]) -> Iterator[Any]:
    yield from series_order(rows)


# ---- servers made of files ----


def _answered_here(asking: Asking, query: Query) -> Iterator[Any]:
    if query.limit == 0:
        return
    if query.level == "study":
        found = query.matcher().filter(StudyRow.of_all(asking.page("studies")[0]))
        yield from islice(found, query.offset, None if query.limit is None else query.offset + query.limit)
        return
    yield from search_here(query, _entries(asking, query))


def _entries(asking: Asking, query: Query) -> Iterator[SeriesEntry]:
    """The series that a search may be about."""
    studies = _studies(asking) if query.study_instance_uid is None else [query.study_instance_uid]
    for study in studies:
        try:
            series = asking.page(resource_url("", study) + "/series")[0]
        except DataSourceError as error:
            # no such file: there is no such study, if this is a server at all
            if error.status != 404 or study in _studies(asking):
                raise
            continue
        for summary in series:
            uid = summary.get("SeriesInstanceUID")
            if isinstance(uid, str) and query.series_instance_uid in (None, uid):
                yield _entry(asking, study, uid, summary)


def _studies(asking: Asking) -> list[str]:
    rows = StudyRow.of_all(asking.page("studies")[0])
    return [row.study_instance_uid for row in rows if row.study_instance_uid]


def _entry(asking: Asking, study: str, series: str, summary: Instance) -> SeriesEntry:
    count = summary.get("NumberOfSeriesRelatedInstances")
    return SeriesEntry(
        study,
        series,
        summary,
        count if isinstance(count, int) else 0,
        lambda: asking.page(resource_url("", study, series) + "/instances")[0],
    )
