"""What a data source is: one interface, whatever the metadata come from.

    class Archive(metalith.DataSource):
        def search_studies(self, **parameters): ...
        def series_metadata(self, study_instance_uid, filters): yield {"SOPInstanceUID": …, "Rows": 512, …}

    source = Archive("archive")
    for series in source.retrieve.series.metadata(study_uid): ...

A source of one's own overrides the methods it has something for; the others raise `NotSupportedBySource`. What
`series_metadata` yields is put into the source's store, with events, image ids and answers of providers.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, NoReturn, Self

from metalith._core import Instance
from metalith.errors import ConfigurationError, NotSupportedBySource
from metalith.frames import number_of_frames
from metalith.sources._cancel import Cancel
from metalith.sources._single_flight import SingleFlight
from metalith.sources.facade import FUNCTIONS, Query, Reject, Retrieve, Store, group_of
from metalith.sources.fetched import Fetched
from metalith.sources.filters import SeriesFilter, filters_of_query, split_parameter
from metalith.sources.given import Ingest
from metalith.sources.loading import Job, Loading, OnError, Progress, Scheduler
from metalith.sources.options import Options
from metalith.store import MetadataStore, Series

__all__ = ["DataSource", "required_uids"]


class DataSource:
    """A source of DICOM metadata, or of what can pass for it. Mirrors OHIF's IWebApiDataSource.

    Parameters
    ----------
    name : str, optional
        Which source it is, of several; the name of its kind where none is given.
    configuration : mapping, optional
        Options, by names as Python or as OHIF's configurations write them; see the `options_type` of the kind.
    metadata_store : MetadataStore, optional
        Where everything that arrives goes; a store of its own where none is given.

    Attributes
    ----------
    query, retrieve, store, reject : Group
        The functions, by the reference's names: `query.studies.search`, `query.series.search`,
        `query.instances.search`; `retrieve.series.metadata`, `retrieve.instances.metadata`, `retrieve.bulk_data`,
        `retrieve.frames`, `retrieve.direct_url`, `retrieve.rendered`, `retrieve.thumbnail`; `store.dicom`;
        `reject.series`.
    metadata_store : MetadataStore
    options : Options

    Raises
    ------
    ConfigurationError
        An option is unknown or impossible.

    Examples
    --------
    >>> class Cards(metalith.DataSource):
    ...     def series_metadata(self, study_instance_uid, filters):
    ...         yield {"image_id": "web:ace.png", "Rows": 300, "Columns": 200, "suit": "spades"}
    >>> [len(series) for series in Cards("cards").retrieve.series.metadata("1.2")]
    [1]
    """

    type: ClassVar[str] = "other"
    kind: ClassVar[str] = "custom"
    options_type: ClassVar[builtins.type[Options]] = Options

    def __init__(
        self,
        name: str = "",
        configuration: Mapping[str, Any] | None = None,
        *,
        metadata_store: MetadataStore | None = None,
    ) -> None:
        self.name = name or self.kind
        self.options = self.options_type.of(configuration, self.name)
        self.configuration: dict[str, Any] = dict(configuration or {})
        self.metadata_store = MetadataStore() if metadata_store is None else metadata_store
        self._ingest = Ingest(self.name, self.metadata_store, self.reload_series)
        self._scheduler = Scheduler(self.options.workers)
        self._flights = SingleFlight()
        self._extra: Mapping[str, Mapping[str, Any]] = {}
        self.fetched = Fetched()

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
        if method == "retrieve_series_metadata":
            return self._overrides("series_metadata") or self._overrides("plan")
        return self._overrides(method)

    def _overrides(self, method: str) -> bool:
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
        self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
    ) -> Instance:
        """`retrieve.instances.metadata`: one instance, which is in the store then."""
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

    # ---- loading ----

    def retrieve_series_metadata(
        self,
        study_instance_uid: str,
        *,
        filters: Mapping[str, Any] | None = None,
        sort: Callable[[list[Mapping[str, Any]]], Iterable[Mapping[str, Any]]] | None = None,
        made_in_client: bool = False,
        refresh: bool = False,
        progress: Callable[[Progress], object] | None = None,
        cancel: Cancel | None = None,
        on_error: OnError = "report",
    ) -> Loading:
        """The series of a study, as they arrive in the store.

        Parameters
        ----------
        study_instance_uid : str
        filters : mapping, optional
            Which series: `series_instance_uid` (one or several), and any attribute of series to match.
        sort : callable, optional
            Given the summaries of the series, gives them in the order in which they are to be fetched. By default
            `metalith.sources.query.series_order`.
        made_in_client : bool, optional
            Passed on with the store's events.
        refresh : bool, optional
            Fetch series again that were fetched before.
        progress : callable(Progress), optional
            Called after each series.
        cancel : Cancel, optional
            `cancel.cancel()` ends it from elsewhere.
        on_error : {"report", "raise"}, optional
            Whether a series that cannot be fetched is listed in `Loading.failures`, or ends the loading.

        Returns
        -------
        Loading
            Iterating it gives each series when it is there. Nothing is fetched before.

        Raises
        ------
        ConfigurationError
            A filter is unknown, or there is no StudyInstanceUID.
        """
        if not isinstance(study_instance_uid, str) or not study_instance_uid:
            raise ConfigurationError("a study_instance_uid is needed")
        wanted = SeriesFilter.of(filters)

        def plan() -> list[Job]:
            if refresh:
                self.delete_study_metadata(study_instance_uid)
            jobs = self.plan(study_instance_uid, wanted, made_in_client)
            if sort is not None and len(jobs) > 1:
                by_summary = {id(job.summary): job for job in jobs}
                jobs = [by_summary[id(one)] for one in sort([job.summary for job in jobs])]
            return jobs

        return Loading(plan, self._scheduler, cancel=cancel, progress=progress, on_error=on_error)

    def plan(self, study_instance_uid: str, filters: SeriesFilter, made_in_client: bool) -> list[Job]:
        """What is to be done for `retrieve.series.metadata`: one job, for a source that has `series_metadata` only."""

        def load(cancel: Cancel) -> list[Series]:
            found = self.series_metadata(study_instance_uid, filters)
            added = self._ingest.add(found, study=study_instance_uid, made_in_client=made_in_client, cancel=cancel)
            return [series for series in added if filters(series)]

        if not self._overrides("series_metadata"):
            self._lacks("retrieve_series_metadata")
        return [Job(load, study_instance_uid)]

    def reload_series(self, study_instance_uid: str, series_instance_uid: str) -> Any:
        """What the store asks for when a series is wanted again that had to go."""
        return self.series_metadata(study_instance_uid, SeriesFilter.of({"series_instance_uid": series_instance_uid}))

    def delete_study_metadata(self, study_instance_uid: str) -> None:
        """Forgets that a study was fetched: the next time it is fetched again. What the store has, it keeps."""
        self.fetched.forget(study_instance_uid)

    # ---- images ----

    def get_image_ids_for_instance(self, instance: Mapping[str, Any] | Instance, frame: int | None = None) -> str:
        """The image id of an instance, or of one of its frames.

        Parameters
        ----------
        instance : Instance or mapping
            With the three UIDs.
        frame : int, optional
            Counted from 1.

        Returns
        -------
        str
            The id that the instance came with, else one that names the source and the UIDs. The store finds the
            instance by it.
        """
        from metalith.image_ids import ImageId, wadors_id

        study, series, sop = required_uids(instance)
        known = self._ingest.image_ids.get(sop)
        if known is None:
            return wadors_id(f"metalith://{self.name}", study, series, sop, frame)
        return known if frame is None else str(ImageId(known).with_frame(frame))

    def get_image_ids_for_display_set(self, images: Any) -> list[str]:
        """The image ids of a display set's images, frame by frame.

        Parameters
        ----------
        images : iterable of instances, or an object or mapping with `images` (or `instances`)
        """
        several = images.get("images") if isinstance(images, Mapping) else getattr(images, "images", None)
        if several is None:
            several = images.get("instances") if isinstance(images, Mapping) else getattr(images, "instances", images)
        return [image_id for instance in several or () for image_id in self.image_ids_of(instance)]

    def image_ids_of(self, instance: Mapping[str, Any] | Instance) -> list[str]:
        """The image ids of all frames of an instance; of one frame, the instance's. list of str."""
        frames = number_of_frames(instance)  # type: ignore[arg-type]
        if frames < 2:
            return [self.get_image_ids_for_instance(instance)]
        return [self.get_image_ids_for_instance(instance, frame) for frame in range(1, frames + 1)]

    def get_study_instance_uids(self, params: Mapping[str, Any] | None = None, query: Any = None) -> list[str]:
        """The studies that a URL names: `StudyInstanceUIDs` of its query, else of the route's parameters.

        Parameters
        ----------
        params : mapping, optional
            Of the route.
        query : mapping, str or object with `getlist` or `get_all`, optional
            Of the URL. Names are compared without regard to case; texts are split at commas.

        Returns
        -------
        list of str
            Each once; empty where none is named.
        """
        named = split_parameter("studyinstanceuids", query) or split_parameter("studyinstanceuids", params)
        return list(dict.fromkeys(named))

    def parse_route_params(self, params: Mapping[str, Any] | None = None, query: Any = None) -> dict[str, Any]:
        """Of a route, what a source is asked for: `{"study_instance_uids": [...], "filters": {...}}`."""

        return {"study_instance_uids": self.get_study_instance_uids(params, query), "filters": filters_of_query(query)}

    def get_config(self) -> dict[str, Any]:
        """The configuration that is in force, without what authenticates. dict."""
        return {key: value for key, value in self.configuration.items() if key.lower() not in _SECRET}

    # ---- answers ----

    def provide(self, metadata: Any, priority: float = 0, **options: Any) -> Any:
        """Makes the source's store a metadata provider, with what its instances have besides attributes.

        Parameters
        ----------
        metadata : metalith.MetadataProviders
        priority : float, optional
        **options
            As for `MetadataStore.provide`.

        Returns
        -------
        Subscription
            As `MetadataStore.provide` gives it.
        """
        metadata.add_provider(self.get, priority)
        return self.metadata_store.provide(metadata, priority, **options)

    def get(self, type: Any, image_id: Any, *_: Any, **__: Any) -> Any:
        """As a metadata provider: what an instance of this source has that is no DICOM attribute."""
        extras = self._ingest.extras
        if not extras or not isinstance(type, str) or not isinstance(image_id, str):
            return None
        instance = self.metadata_store.instance_by_image_id(image_id)
        return None if instance is None else extras.get(instance.SOPInstanceUID, {}).get(type)

    # ---- making and ending ----

    @classmethod
    def create(cls, name: str = "", *, metadata_store: MetadataStore | None = None, **functions: Any) -> DataSource:
        """A data source from functions.

        Parameters
        ----------
        name : str, optional
        metadata_store : MetadataStore, optional
        **functions
            Groups of functions as nested mappings by the reference's names, such as
            `query={"studies": {"search": function}}`, and functions by the names of methods: `initialize`,
            `get_image_ids_for_instance`, ... What is not given is as in this class, function by function. Functions
            of other names are kept beside them: `source.query.studies.count`, `source.helper`.

        Raises
        ------
        ConfigurationError
            What is given for a function is none.

        Examples
        --------
        >>> def rows(study_instance_uid):
        ...     yield {"SeriesInstanceUID": "1.2.1", "SOPInstanceUID": "1.2.1.1", "Rows": 4}
        >>> source = metalith.DataSource.create("mine", retrieve={"series": {"metadata": rows}})
        >>> source.retrieve.series.metadata("1.2").wait()
        [<Series 1.2.1: 1 instances>]
        >>> source.supports("store.dicom")
        False
        """
        from metalith.sources.functions import created

        return created(cls, name, metadata_store, functions)

    def close(self) -> None:
        """Lets go of threads and connections. A closed source may be used again."""
        self._scheduler.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_SECRET = frozenset({"token", "auth", "headers", "cert", "session"})


def required_uids(instance: Mapping[str, Any] | Instance) -> tuple[str, str, str]:
    """The UIDs of an instance's study, of its series, and its own.

    Raises
    ------
    ValueError
        It has not all of them.
    """
    found = tuple(instance.get(keyword) for keyword in _UIDS)
    for keyword, uid in zip(_UIDS, found, strict=True):
        if not isinstance(uid, str) or not uid:
            raise ValueError(f"the instance has no {keyword}")
    return found  # type: ignore[return-value]
