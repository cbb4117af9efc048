"""Searches: what is asked (`Query`), what matches (`Matcher`), what is found (rows), and in which order and pages."""

from metalith.sources.query.local import SeriesEntry, entries_of, search, series_rows, study_rows
from metalith.sources.query.matching import Match, Matcher
from metalith.sources.query.order import instance_order, series_order
from metalith.sources.query.paging import Page, Pages, announces_more, pages
from metalith.sources.query.query import Level, Query
from metalith.sources.query.rows import ROWS, InstanceRow, Row, SeriesRow, StudyRow

__all__ = [
    "ROWS",
    "InstanceRow",
    "Level",
    "Match",
    "Matcher",
    "Page",
    "Pages",
    "Query",
    "Row",
    "SeriesEntry",
    "SeriesRow",
    "StudyRow",
    "announces_more",
    "entries_of",
    "instance_order",
    "pages",
    "search",
    "series_order",
    "series_rows",
    "study_rows",
]
