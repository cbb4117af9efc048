"""The functions of data sources: under the reference's names, and as the methods that a source of one's own has.

Those that it does not have raise `NotSupportedBySource`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from metalith._core import Instance
from metalith.errors import NotSupportedBySource
from metalith.sources.facade import FUNCTIONS, Query, Reject, Retrieve, Store, group_of
from metalith.sources.filters import SeriesFilter

__all__ = ["Interface"]


class Interface:
    """What `DataSource` is called by, and what it leaves to those who make one."""

    name: str
    _extra: Mapping[str, Mapping[str, Any]]  # functions of further names, by group

    # ---- under the reference's names ----

    @property
    def query(self) -> Query:
        """Searching: `query.studies.search`, `query.series.search`, `query.instances.search`. Group."""
        group: Query = group_of(self, "query", self._extra.get("query", {}))
        return group

    @property
    def retrieve(self) -> Retrieve:
        """Fetching: `retrieve.series.metadata`, `retrieve.bulk_data` and others. Group."""
        group: Retrieve = group_of(self, "retrieve", self._extra.get("retrieve", {}))
        return group

    @property
    def store(self) -> Store:
        """Sending: `store.dicom`. What was fetched is in `metadata_store`. Group."""
        group: Store = group_of(self, "store", self._extra.get("store", {}))
        return group

    @property
    def reject(self) -> Reject:
        """Rejecting: `reject.series`. Group."""
        group: Reject = group_of(self, "reject", self._extra.get("reject", {}))
        return group

    @property
    def aio(self) -> Any:
        """The same functions for asyncio; see `metalith.sources.aio`. Aio."""
        from metalith.sources.aio import Aio

        return Aio(self)

    def supports(self, function: str) -> bool:
        """Whether the source has a function, such as "store.dicom".

        Raises
        ------
        ValueError
            There is no function of that name in any source.
        """
        if function not in FUNCTIONS:
            raise ValueError(f"no function of data sources: {function!r}")
        called: Any = getattr(self, function.partition(".")[0])
        for part in function.split(".")[1:]:
            called = getattr(called, part)
        if not getattr(called, "supported", True):
            return False
        method = FUNCTIONS[function]
        methods = (method, "series_metadata", "plan") if method == "retrieve_series_metadata" else (method,)
        return any(map(self._overrides, methods))

    def _overrides(self, method: str) -> bool:
        from metalith.sources.contract import DataSource

        return getattr(type(self), method) is not getattr(DataSource, method)

    def _lacks(self, method: str) -> NoReturn:
        dotted = next((name for name, one in FUNCTIONS.items() if one == method), method)
        raise NotSupportedBySource(self.name, dotted)

    # ---- what a source of one's own may have ----

    def initialize(self, params: Mapping[str, Any] | None = None, query: Any = None) -> None:
        """Called before first use, with the route's parameters and the query of a URL. May be called again."""

    def search_studies(self, **parameters: Any) -> Iterable[Any]:
        """`query.studies.search`: rows of studies that match; see `metalith.sources.query`."""
        self._lacks("search_studies")

    def search_series(self, study_instance_uid: str | None = None, **parameters: Any) -> Iterable[Any]:
        """`query.series.search`: rows of series that match, of one study or of all."""
        self._lacks("search_series")

    def search_instances(
        self, study_instance_uid: str | None = None, series_instance_uid: str | None = None, **parameters: Any
    ) -> Iterable[Any]:
        """`query.instances.search`: rows of instances that match."""
        self._lacks("search_instances")

    def series_metadata(self, study_instance_uid: str, filters: SeriesFilter) -> Iterable[Any]:
        """Yields the metadata of a study's series: anything that a store takes, and mappings of any kind.

        Parameters
        ----------
        study_instance_uid : str
        filters : SeriesFilter
            Which series are wanted: `filters.uids`, or `filters(summary)`. What is yielded in spite of it goes into
            the store, and is not given to who asked.
        """
        self._lacks("retrieve_series_metadata")

    def retrieve_instance_metadata(
        self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: Any
    ) -> Instance | list[Instance]:
        """`retrieve.instances.metadata`: one instance by its UID, or several by theirs, which are in the store then."""
        self._lacks("retrieve_instance_metadata")

    def retrieve_bulk_data(self, bulk_data: Any, **options: Any) -> bytes:
        """`retrieve.bulk_data`: the bytes of a `BulkData`, or of a URI."""
        self._lacks("retrieve_bulk_data")

    def retrieve_frames(self, instance: Any, frames: Any = (1,), **options: Any) -> list[bytes]:
        """`retrieve.frames`: the bytes of frames of an instance, counted from 1."""
        self._lacks("retrieve_frames")

    def direct_url(self, instance: Any, **options: Any) -> str | None:
        """`retrieve.direct_url`: a URL from which a value can be had."""
        self._lacks("direct_url")

    def retrieve_rendered(self, instance: Any, **options: Any) -> bytes:
        """`retrieve.rendered`: an image, video or document for looking at."""
        self._lacks("retrieve_rendered")

    def retrieve_thumbnail(self, *uids: str, **options: Any) -> bytes:
        """`retrieve.thumbnail`: a small image of a study, series or instance."""
        self._lacks("retrieve_thumbnail")

    def store_dicom(self, data: Any, **options: Any) -> Any:
        """`store.dicom`: sends instances to be kept."""
        self._lacks("store_dicom")

    def reject_series(self, study_instance_uid: str, series_instance_uid: str) -> None:
        """`reject.series`: marks a series as rejected."""
        self._lacks("reject_series")
