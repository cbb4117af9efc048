"""The `merge` source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from metalith._core import Instance
from metalith.errors import ConfigurationError, DataSourceError, MetalithError, NotSupportedBySource
from metalith.sources._cancel import Cancel
from metalith.sources.contract import DataSource
from metalith.sources.facade import FUNCTIONS
from metalith.sources.filters import SeriesFilter
from metalith.sources.loading import Job, SeriesFailure
from metalith.sources.merge.asking import Answers, ChildFailed, MergedRows, ask_all, can, count_of, merged_rows
from metalith.sources.merge.children import Children
from metalith.sources.merge.joining import Joining, distinct
from metalith.sources.merge.loading import MergeJob, MergeLoading, Part, in_order, load_parts, nothing
from metalith.sources.merge.options import MergeOptions
from metalith.store import MetadataStore, Series

if TYPE_CHECKING:
    from metalith.sources.registry import DataSources

__all__ = ["MergeSource"]

_KEPT_FAILURES = 100


class MergeSource(DataSource):
    """Several sources as one: everything is asked of all of them at once, and each thing is there once. Mirrors OHIF's.

    The default source comes first, the others in the order in which the registry has them. Of what several have, the
    first one's is taken. What is about one instance goes to the source that it is of, what is stored to the default.

    Parameters
    ----------
    name : str, optional
    configuration : mapping, optional
        `series_merge`; see `MergeOptions`.
    metadata_store : MetadataStore, optional
        Where everything is put together. Each source has a store of its own besides; their tables are the same.
    sources : DataSources, optional
        The registry that has the sources; by default `metalith.data_sources`.
    children : iterable of DataSource, optional
        The sources, instead of names.

    Attributes
    ----------
    failures : list of ChildFailed
        The last 100 times that a source failed while others did not. What a search or a loading gives tells its own.

    Raises
    ------
    ConfigurationError
        There are no sources, or the default is none of them. That one is unknown, or made of this one, is told when
        they are needed, since a configuration may have them in any order.

    Examples
    --------
    >>> left, right = metalith.data_source("dicomlocal", name="left"), metalith.data_source("dicomlocal", name="right")
    >>> merged = MergeSource("both", children=[left, right])
    >>> merged.children
    (<DicomLocalSource 'left'>, <DicomLocalSource 'right'>)
    """

    type: ClassVar[str] = "mergeApi"
    kind: ClassVar[str] = "merge"
    loading_type = MergeLoading
    options_type = MergeOptions
    options: MergeOptions

    def __init__(
        self,
        name: str = "",
        configuration: Mapping[str, Any] | None = None,
        *,
        metadata_store: MetadataStore | None = None,
        sources: DataSources | None = None,
        children: Iterable[DataSource] = (),
    ) -> None:
        super().__init__(name, configuration, metadata_store=metadata_store)
        given = tuple(children)
        names = self.options.merged("data_source_names") or ()
        if given and names:
            raise ConfigurationError(f"{self.name}: children and dataSourceNames: only one of them can be given")
        default = self.options.merged("default_data_source_name") or ""
        self._children = Children(self, names, default, _registry() if sources is None else sources, given)
        self._joining = Joining(self.metadata_store, self._ingest, self.reload_series)
        self.failures: list[ChildFailed] = []

    @property
    def children(self) -> tuple[DataSource, ...]:
        """The sources, the default one first. tuple of DataSource.

        Raises
        ------
        ConfigurationError
            One is not in the registry, or is made of this one.
        """
        return self._children.all()

    @property
    def default(self) -> DataSource:
        """The source that what is stored goes to. DataSource."""
        return self.children[0]

    def supports(self, function: str) -> bool:
        """Whether one of the sources has a function; of "store.dicom", whether the default one has it."""
        several = self.children if function != "store.dicom" else (self.default,)
        return any(can(child, function) for child in several)

    def _ask(self, function: str, question: Callable[[DataSource], Any]) -> tuple[Answers[Any], list[ChildFailed]]:
        """What the sources say that have a function."""
        # who cannot even say what it can do is asked, so that its failure is told of
        able = [child for child in self.children if can(child, function, unknown=True)]
        if not able:
            raise NotSupportedBySource(self.name, function)
        answers, failures = ask_all(able, question)
        self._note(failures)
        return answers, failures

    def _note(self, failures: Iterable[ChildFailed]) -> None:
        self.failures = [*self.failures, *failures][-_KEPT_FAILURES:]

    def initialize(self, params: Mapping[str, Any] | None = None, query: Any = None) -> None:
        """Initializes all sources, at once; those that fail are told of in `failures`.

        Raises
        ------
        DataSourceError
            All fail.
        """
        _, failures = ask_all(self.children, lambda child: child.initialize(params, query))
        self._note(failures)

    # ---- searching ----

    def search_studies(self, **parameters: Any) -> MergedRows:
        """`query.studies.search`: rows of studies that match, each study once.

        Parameters
        ----------
        **parameters
            As the sources take them. `limit` and `offset` count what all of them have together.

        Returns
        -------
        MergedRows
            A list, whose `sources_of(row)` tells which sources have the study, and `failures` which ones failed.

        Raises
        ------
        DataSourceError
            All fail.
        """
        return self._search("study", "query.studies.search", (), parameters)

    def search_series(self, study_instance_uid: str | None = None, **parameters: Any) -> MergedRows:
        """`query.series.search`: rows of series that match, each series once; otherwise as `search_studies`."""
        return self._search("series", "query.series.search", (study_instance_uid,), parameters)

    def search_instances(
        self, study_instance_uid: str | None = None, series_instance_uid: str | None = None, **parameters: Any
    ) -> MergedRows:
        """`query.instances.search`: rows of instances that match, each instance once; as `search_studies`."""
        return self._search("instance", "query.instances.search", (study_instance_uid, series_instance_uid), parameters)

    def _search(self, level: str, function: str, uids: tuple[Any, ...], parameters: dict[str, Any]) -> MergedRows:
        limit, offset = count_of("limit", parameters.get("limit")), count_of("offset", parameters.get("offset")) or 0
        asked = dict(parameters)
        if offset:  # what one source passes over may be another's
            asked["offset"] = 0
            if limit:
                asked["limit"] = limit + offset
        method = FUNCTIONS[function]
        answers, failures = self._ask(function, lambda child: list(getattr(child, method)(*uids, **asked)))
        rows = merged_rows(level, answers)
        rows.failures = failures
        if level == "series" and uids[0] is not None and len(answers) > 1 and all(hasattr(row, "get") for row in rows):
            from metalith.sources.query import series_order

            rows[:] = series_order(rows)
        rows[:] = rows[offset : None if limit is None else offset + limit]
        return rows

    # ---- metadata ----

    # A series that several sources have is fetched from all of them: one may have instances that another has not.
    # `Loading.failures` also lists what a source could not give, though another could, with a `ChildFailed`.

    def plan(self, study_instance_uid: str, filters: SeriesFilter, made_in_client: bool) -> list[Job]:
        """A job for each series; one for all where a source cannot say beforehand which ones it has."""
        function = "retrieve.series.metadata"
        answers, failed = self._ask(function, lambda c: list(c.plan(study_instance_uid, filters, made_in_client)))
        by_series: dict[str | None, list[Part]] = {}
        for child, jobs in answers:
            for job in jobs:
                by_series.setdefault(job.series_instance_uid, []).append((child, job))
        if None in by_series:
            by_series = {None: [(child, job) for child, jobs in answers for job in jobs]}
        gone = {failure.source for failure in failed}
        made: list[Job] = []
        for uid, parts in by_series.items():
            job = MergeJob(nothing, study_instance_uid, uid, parts[0][1].summary)
            job.load = partial(self._load, job, parts, gone, filters, made_in_client)
            made.append(job)
        failures = [SeriesFailure(study_instance_uid, None, failure) for failure in failed]
        if failures and not made:  # the sources that did not fail have nothing of the study
            made.append(MergeJob(nothing, study_instance_uid, failures=failures))
        elif failures:
            made[0].failures += failures  # type: ignore[attr-defined]
        return made if None in by_series else in_order(made)

    def _load(
        self,
        job: MergeJob,
        parts: list[Part],
        gone: set[str],
        filters: SeriesFilter,
        made_in_client: bool,
        cancel: Cancel,
    ) -> list[Series]:
        found, failures = load_parts(parts, cancel)
        job.failures += failures
        self._note(failure.error for failure in failures if isinstance(failure.error, ChildFailed))
        failed = gone | {failure.error.source for failure in failures if isinstance(failure.error, ChildFailed)}
        by_series: dict[str, list[tuple[DataSource, Series]]] = {}
        for child, series in found:
            by_series.setdefault(series.series_instance_uid, []).append((child, series))
        ranks = {child.name: rank for rank, child in enumerate(self.children)}
        joined = [
            self._joining.join((job.study_instance_uid, uid), several, ranks, failed, made_in_client)
            for uid, several in by_series.items()
        ]
        return [series for series in joined if filters.wants_all or filters(series)]

    def reload_series(self, study_instance_uid: str, series_instance_uid: str) -> Iterator[Instance]:
        """The instances of a series, from the sources' stores, which load again what had to go there, too."""
        return distinct(self._again(study_instance_uid, series_instance_uid))

    def _again(self, study: str, uid: str) -> Iterator[Instance]:
        for child in self.children:
            series = child.metadata_store.series(study, uid)
            if series is None:
                continue
            try:
                yield from (series.load() if series.is_evicted else series).instances
            except MetalithError as error:
                self._note([ChildFailed(child.name, error)])

    def retrieve_instance_metadata(
        self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
    ) -> Instance:
        """`retrieve.instances.metadata`: one instance, of the first source that has it.

        Raises
        ------
        DataSourceError
            None has it, or all fail.
        """
        uids = study_instance_uid, series_instance_uid, sop_instance_uid
        answers, _ = self._ask("retrieve.instances.metadata", lambda child: child.retrieve_instance_metadata(*uids))
        child, instance = answers[0]
        self._joining.add(instance, child)
        found = self.metadata_store.instance(sop_instance_uid)
        return instance if found is None else found

    def delete_study_metadata(self, study_instance_uid: str) -> None:
        """Has all sources forget that a study was fetched."""
        super().delete_study_metadata(study_instance_uid)
        for child in self.children:
            child.delete_study_metadata(study_instance_uid)

    # ---- of whom an instance is ----

    def source_of(self, instance: Mapping[str, Any] | Instance | str) -> str | None:
        """Name of the source that an instance in the store is of.

        Parameters
        ----------
        instance : Instance, mapping with its UIDs, or str
            A text is its SOPInstanceUID.

        Returns
        -------
        str or None
            None for an instance that no source has loaded.
        """
        child = self._child_of(instance)
        return None if child is None else child.name

    def _child_of(self, instance: Any) -> DataSource | None:
        uid = instance if isinstance(instance, str) else instance.get("SOPInstanceUID")
        if not isinstance(uid, str):
            return None
        known = self.metadata_store.instance(uid)
        children = self.children
        if known is not None:
            name = self._joining.owner((known.StudyInstanceUID, known.SeriesInstanceUID), uid)
            found = next((child for child in children if child.name == name), None)
            if found is not None:
                return found
        return next((child for child in children if child.metadata_store.instance(uid) is not None), None)

    def _of_instance(self, function: str, instance: Any) -> DataSource:
        """The source to ask about an instance: the one it is of, if it has the function, else the default."""
        child = self._child_of(instance)
        return child if child is not None and can(child, function) else self.default

    # ---- pixels and other large values ----

    def retrieve_bulk_data(self, bulk_data: Any, *, instance: Any = None, **options: Any) -> bytes:
        """`retrieve.bulk_data`: the bytes of a value, from the source whose instance has it.

        Parameters
        ----------
        bulk_data : BulkData
        instance : Instance, optional
            Whose value it is. Without it the sources are asked one after the other, until one has it.
        """
        function = "retrieve.bulk_data"
        if instance is not None:
            return self._of_instance(function, instance).retrieve_bulk_data(bulk_data, instance=instance, **options)
        able = [child for child in self.children if can(child, function)]
        failures = []
        for child in able:
            try:
                return child.retrieve_bulk_data(bulk_data, **options)
            except MetalithError as error:
                failures.append(ChildFailed(child.name, error))
        if not failures:
            raise NotSupportedBySource(self.name, function)
        raise failures[0] if len(failures) == 1 else DataSourceError("; ".join(map(str, failures)))

    def retrieve_frames(self, instance: Any, frames: Any = (1,), **options: Any) -> list[bytes]:
        """`retrieve.frames`: from the source that the instance is of."""
        return self._of_instance("retrieve.frames", instance).retrieve_frames(instance, frames, **options)

    def direct_url(self, instance: Any, **options: Any) -> str | None:
        """`retrieve.direct_url`: of the source that the instance is of."""
        return self._of_instance("retrieve.direct_url", instance).direct_url(instance, **options)

    def retrieve_rendered(self, instance: Any, **options: Any) -> bytes:
        """`retrieve.rendered`: from the source that the instance is of."""
        return self._of_instance("retrieve.rendered", instance).retrieve_rendered(instance, **options)

    def retrieve_thumbnail(self, *uids: str, **options: Any) -> bytes:
        """`retrieve.thumbnail`: from the first source that has loaded what the UIDs name, else the default."""
        having = [child for child in self.children if uids and uids[-1] in child.metadata_store]
        able = [child for child in having if can(child, "retrieve.thumbnail")]
        return (able[0] if able else self.default).retrieve_thumbnail(*uids, **options)

    # ---- sending ----

    def store_dicom(self, data: Any, **options: Any) -> Any:
        """`store.dicom`: sends instances to the default source."""
        return self.default.store_dicom(data, **options)

    def reject_series(self, study_instance_uid: str, series_instance_uid: str) -> None:
        """`reject.series`: at the first source that has loaded the series, else the default."""
        uids = study_instance_uid, series_instance_uid
        having = [child for child in self.children if child.metadata_store.series(*uids) is not None]
        able = [child for child in having if can(child, "reject.series")]
        (able[0] if able else self.default).reject_series(*uids)

    # ---- images ----

    def get_image_ids_for_instance(self, instance: Mapping[str, Any] | Instance, frame: int | None = None) -> str:
        """The image id of an instance, as the source that it is of has it; see `DataSource`."""
        child = self._child_of(instance) or self.default
        made = child.get_image_ids_for_instance(instance, frame)
        self._make_known(made, instance)
        return made

    def image_ids_of(self, instance: Mapping[str, Any] | Instance) -> list[str]:
        """The image ids of all frames of an instance, as the source that it is of has them. list of str."""
        made = (self._child_of(instance) or self.default).image_ids_of(instance)
        for image_id in made:
            self._make_known(image_id, instance)
        return made

    def _make_known(self, image_id: str, instance: Mapping[str, Any] | Instance) -> None:
        """Has the merge's store know an id that has no UIDs in it, as the source's own store does."""
        uid = instance.get("SOPInstanceUID")
        if isinstance(uid, str) and self.metadata_store.instance_by_image_id(image_id) is None:
            self.metadata_store.add_image_ids({image_id: uid})

    def get_study_instance_uids(self, params: Mapping[str, Any] | None = None, query: Any = None) -> list[str]:
        """The studies that a URL names, as the sources read it, each once."""
        answers, failures = ask_all(self.children, lambda child: child.get_study_instance_uids(params, query))
        self._note(failures)
        return list(dict.fromkeys(uid for _, uids in answers for uid in uids or () if uid))

    def close(self) -> None:
        """Lets go of threads, and of sources that were made for the merge alone; the others are not closed."""
        super().close()
        self._children.close()


def _registry() -> DataSources:
    from metalith.sources.registry import data_sources

    return data_sources
