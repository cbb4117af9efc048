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
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal, Self

from metalith.errors import ConfigurationError
from metalith.sources._cancel import Cancel
from metalith.sources._single_flight import SingleFlight
from metalith.sources.fetched import Fetched
from metalith.sources.filters import SeriesFilter, filters_of_query, split_parameter
from metalith.sources.given import Ingest
from metalith.sources.images import Images, required_uids
from metalith.sources.interface import Interface
from metalith.sources.loading import Job, Loading, OnError, Progress, Scheduler
from metalith.sources.options import Options
from metalith.store import MetadataStore, Series

__all__ = ["DataSource", "required_uids"]


class DataSource(Interface, Images):
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
    loading_type: ClassVar[builtins.type[Loading]] = Loading
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
        self.configuration: dict[str, Any] = copied(configuration or {})
        if metadata_store is not None and not isinstance(metadata_store, MetadataStore):
            raise ConfigurationError(
                f"{self.name}: metadata_store must be a MetadataStore, not a {type(metadata_store).__name__}"
            )
        self.metadata_store = MetadataStore() if metadata_store is None else metadata_store
        self._ingest = Ingest(self.name, self.metadata_store, self.reload_series)
        self._scheduler = Scheduler(self.options.workers)
        self._flights = SingleFlight()
        self._extra: Mapping[str, Mapping[str, Any]] = {}
        self.fetched = Fetched()

    # ---- loading ----

    def retrieve_series_metadata(
        self,
        study_instance_uid: str,
        *,
        filters: Mapping[str, Any] | None = None,
        sort: Callable[[list[Mapping[str, Any]]], Iterable[Mapping[str, Any]]] | None = None,
        made_in_client: bool = False,
        refresh: bool = False,
        progress: Callable[[Progress], object] | Literal["bar"] | None = None,
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
            Given the summaries of the series, gives them in the order in which they are to be fetched, such as
            `lambda summaries: sorted(summaries, key=…)`; those that it leaves out come last. By default
            `metalith.sources.query.series_order`.
        made_in_client : bool, optional
            Passed on with the store's events.
        refresh : bool, optional
            Fetch series again that were fetched before, since the study may have grown. Instances that are gone from
            there stay in the store.
        progress : callable(Progress) or "bar", optional
            Called after each series; "bar" shows a bar in terminals and notebooks (extra `cli`).
        cancel : metalith.sources.Cancel, optional
            `cancel.cancel()` ends it from elsewhere.
        on_error : {"report", "raise"}, optional
            Whether a series that cannot be fetched is listed in `Loading.failures`, or ends the loading.

        Returns
        -------
        Loading
            Iterating it gives each series when it is there. Nothing is fetched before. A study that nobody knows has no
            series, which is no failure.

        Raises
        ------
        ConfigurationError
            A filter is unknown, or the StudyInstanceUID is none.
        ValueError
            `on_error` is something else.
        TypeError
            `progress` is something else.
        """
        if not isinstance(study_instance_uid, str) and study_instance_uid is not None:
            raise ConfigurationError(f"study_instance_uid must be a str, not a {type(study_instance_uid).__name__}")
        if not study_instance_uid:
            raise ConfigurationError("a study_instance_uid is needed")
        wanted = SeriesFilter.of(filters)

        def plan() -> list[Job]:
            if refresh:
                self.delete_study_metadata(study_instance_uid)
            jobs = self.plan(study_instance_uid, wanted, made_in_client)
            return jobs if sort is None else _in_order(jobs, sort)

        make = self.loading_type
        if progress != "bar":
            return make(plan, self._scheduler, cancel=cancel, progress=progress, on_error=on_error)
        from metalith.sources.progress_bar import ProgressBar

        bar = ProgressBar()
        shown: dict[str, Any] = {"progress": bar.update, "begun": bar.start, "ended": bar.stop}
        return make(plan, self._scheduler, cancel=cancel, on_error=on_error, **shown)

    def plan(self, study_instance_uid: str, filters: SeriesFilter, made_in_client: bool) -> list[Job]:
        """What is to be done for `retrieve.series.metadata`: one job, for a source that has `series_metadata` only."""

        def load(cancel: Cancel) -> Iterator[Series]:
            found = self.series_metadata(study_instance_uid, filters)
            added = self._ingest.add(found, study=study_instance_uid, made_in_client=made_in_client, cancel=cancel)
            return (series for series in added if filters(series))

        if not self._overrides("series_metadata"):
            self._lacks("retrieve_series_metadata")
        return [Job(load, study_instance_uid)]

    def reload_series(self, study_instance_uid: str, series_instance_uid: str) -> Any:
        """What the store asks for when a series is wanted again that had to go."""
        return self.series_metadata(study_instance_uid, SeriesFilter.of({"series_instance_uid": series_instance_uid}))

    def delete_study_metadata(self, study_instance_uid: str) -> None:
        """Forgets that a study was fetched: the next time it is fetched again. What the store has, it keeps."""
        self.fetched.forget(study_instance_uid)

    # ---- routes ----

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
        """The configuration that is in force, without what authenticates. dict, a copy."""
        return {key: value for key, value in copied(self._in_force()).items() if key.lower() not in _SECRET}

    def _in_force(self) -> Mapping[str, Any]:
        return self.configuration

    # ---- answers ----

    def provide(self, metadata: Any, priority: float = 0, **options: Any) -> Any:
        """Makes the source's store a metadata provider, with what its instances have besides attributes.

        The latter is the source's own: a store that is saved and opened again has the attributes alone.

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
    def create(
        cls,
        name: str = "",
        configuration: Mapping[str, Any] | None = None,
        *,
        metadata_store: MetadataStore | None = None,
        **functions: Any,
    ) -> DataSource:
        """A data source from functions.

        Parameters
        ----------
        name : str, optional
        configuration : mapping, optional
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

        return created(cls, name, configuration, metadata_store, functions)

    def close(self) -> None:
        """Calls off what is being loaded, and lets go of threads and connections. A closed source may be used again."""
        self._scheduler.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


_SECRET = frozenset({"token", "auth", "headers", "cert", "session"})


def _in_order(jobs: list[Job], sort: Callable[[list[Mapping[str, Any]]], Iterable[Mapping[str, Any]]]) -> list[Job]:
    by_summary = {id(job.summary): job for job in jobs}
    ordered: dict[int, Job] = {}
    for summary in sort([job.summary for job in jobs]):
        if id(summary) not in by_summary:
            raise ConfigurationError("sort must give the very summaries that it is given")
        ordered[id(summary)] = by_summary[id(summary)]
    return list((ordered | by_summary).values())


def copied(value: Any) -> Any:
    """A configuration of one's own, down to the last mapping and list; what is something else stays the same."""
    if isinstance(value, Mapping):
        return {key: copied(one) for key, one in value.items()}
    return [copied(one) for one in value] if isinstance(value, list) else value
