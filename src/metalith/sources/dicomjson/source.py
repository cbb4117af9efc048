"""The `dicomjson` source."""

from __future__ import annotations

import itertools
import logging
import os
import threading
from collections.abc import Mapping
from typing import Any, ClassVar

from metalith._core import Instance, InstanceTable
from metalith.errors import ConfigurationError, DataSourceError, ParseError
from metalith.image_ids import ImageId, to_zero_based, wadors_id, wadouri_id
from metalith.sources._cancel import Cancel
from metalith.sources.contract import DataSource, required_uids
from metalith.sources.dicomjson import search
from metalith.sources.dicomjson.body import MemoryBody, body_of
from metalith.sources.dicomjson.entries import Loaded, load_series
from metalith.sources.dicomjson.manifest import Manifest, ManifestSeries, ManifestStudy, read_manifest
from metalith.sources.dicomjson.options import DicomJsonOptions
from metalith.sources.dicomjson.shelf import Shelf
from metalith.sources.dicomjson.url_policy import is_url, permitted
from metalith.sources.filters import SeriesFilter, pairs_of, split_parameter
from metalith.sources.loading import Job
from metalith.store import MetadataStore, Series

__all__ = ["DicomJsonSource"]

_log = logging.getLogger("metalith.sources")


class DicomJsonSource(DataSource):
    """Manifests: JSON with studies, series and instances in natural form, and where the images are.

    Parameters
    ----------
    name : str, optional
    configuration : mapping, optional
        `url`, `path` or `manifest`, and further `DicomJsonOptions`, in snake_case or as OHIF's configurations have
        them.
    metadata_store : MetadataStore, optional

    Attributes
    ----------
    problems : list of ParseError
        What could not be taken so far. Each names the place in the manifest, such as
        `studies[0].series[2].instances[5].metadata.Rows`.

    Raises
    ------
    ConfigurationError
        An option is unknown or impossible.

    Notes
    -----
    Reading a manifest finds its studies and series; of instances nothing is read before a series is retrieved. A file
    is read again then, and must not have changed; what came from elsewhere is kept in memory. Files are mapped while
    they are read, and must not be cut short at that moment.

    Attributes of a study or series go to those of its instances that do not have them; an instance is of the study and
    series that it stands in, whatever its own UIDs say. Members that are no DICOM attributes are answered by providers
    under their names.

    Examples
    --------
    >>> instance = {"metadata": {"SOPInstanceUID": "1.2.3", "Rows": 4}, "url": "dicomweb:https://host/a.dcm"}
    >>> series = {"SeriesInstanceUID": "1.2", "Modality": "MR", "instances": [instance]}
    >>> manifest = {"studies": [{"StudyInstanceUID": "1", "series": [series]}]}
    >>> source = metalith.data_source("dicomjson", {"manifest": manifest})
    >>> source.retrieve.series.metadata("1").wait()
    [<Series 1.2: 1 instances>]
    >>> source.metadata_store.instance_by_image_id("dicomweb:https://host/a.dcm").Modality
    'MR'
    """

    type: ClassVar[str] = "jsonApi"
    kind: ClassVar[str] = "dicomjson"
    options_type = DicomJsonOptions
    options: DicomJsonOptions

    def __init__(
        self,
        name: str = "",
        configuration: Mapping[str, Any] | None = None,
        *,
        metadata_store: MetadataStore | None = None,
    ) -> None:
        super().__init__(name, configuration, metadata_store=metadata_store)
        self._lock = threading.Lock()
        self._transport: Any = None
        self._shelf = Shelf(self.fetched.forget)
        self._numbers = itertools.count()
        self._frames: dict[str, dict[int, str]] = {}
        self._zero_based: set[str] = set()
        self._problems: dict[tuple[str, str], list[ParseError]] = {}

    @property
    def transport(self) -> Any:
        """What manifests are fetched with. Transport."""
        if self._transport is None:
            self._transport = self.options.transport(*self.options.origins)
        return self._transport

    @property
    def problems(self) -> list[ParseError]:
        with self._lock:
            of_series = [problem for several in self._problems.values() for problem in several]
        return self._shelf.problems + of_series

    # ---- manifests ----

    def initialize(self, params: Mapping[str, Any] | None = None, query: Any = None) -> None:
        """Reads the manifest that a query names (`url=`), else the one that is configured. May be called again.

        Raises
        ------
        ConfigurationError
            No manifest is named or configured, or it must not be fetched from that URL.
        DataSourceError, ParseError
            It cannot be fetched, or is no manifest.
        """
        url = _url_of(query)
        if url is not None:
            self._read_url(url)
        elif not self._read_configured() and not len(self._shelf):
            raise ConfigurationError("url is missing: no manifest is configured, and the query names none")

    def read(self, manifest: Any, *, refresh: bool = False) -> list[str]:
        """Reads a manifest; what was read before from the same URL or path is not read again.

        Parameters
        ----------
        manifest
            An http or https URL, a path, bytes, a file that is open for reading, or a mapping.
        refresh : bool, optional
            Read it again. Series that were retrieved before will be retrieved anew.

        Returns
        -------
        list of str
            The StudyInstanceUIDs in it. Of a study that several manifests have, the one that was read last counts.

        Raises
        ------
        ConfigurationError
            It must not be fetched from that URL.
        DataSourceError
            It cannot be fetched.
        OSError
            The file cannot be read.
        ParseError
            It is no manifest. With `on_error="raise"` also for one study or series that cannot be taken.

        Examples
        --------
        >>> metalith.data_source("dicomjson").read(b'{"studies": [{"StudyInstanceUID": "1.2"}]}')
        ['1.2']
        """
        if isinstance(manifest, str) and is_url(manifest):
            return list(self._read_url(manifest, refresh).studies)
        if isinstance(manifest, (str, os.PathLike)):
            return list(self._read_path(manifest, refresh).studies)
        body = body_of(manifest)
        key = "given", next(self._numbers)
        return list(self._shelf.read(key, lambda: self._made(body, "manifest"), again=False).studies)

    def _read_url(self, given: object, refresh: bool = False) -> Manifest:
        options = self.options
        url = permitted(given, options.origins, options.has_credentials)
        return self._shelf.read(("url", url), lambda: self._fetched(url), refresh=refresh)

    def _read_path(self, given: str | os.PathLike[str], refresh: bool = False) -> Manifest:
        path = os.path.abspath(os.fspath(given))
        return self._shelf.read(("path", path), lambda: self._made(body_of(path), path), refresh=refresh)

    def _read_configured(self) -> Manifest | None:
        options = self.options
        if options.url:
            return self._read_url(options.url)
        if options.path:
            return self._read_path(options.path)
        if options.manifest:
            made = lambda: self._made(body_of(options.manifest), "manifest")  # noqa: E731
            return self._shelf.read("configured", made, again=False)
        return None

    def _made(self, body: Any, source: str) -> Manifest:
        return read_manifest(body, source, strict=self.options.on_error == "raise")

    def _fetched(self, url: str) -> Manifest:
        answer = self.transport.session.get(url, headers={"Accept": "application/json"}, allow_redirects=False)
        status = answer.status_code
        if 300 <= status < 400:
            reason = "the server sends elsewhere, where manifests are not followed to"
            raise DataSourceError(reason, method="GET", url=url, status=status)
        answer.raise_for_status()
        return self._made(MemoryBody(answer.content), str(DataSourceError("", url=url).url))

    def study(self, study_instance_uid: str) -> tuple[Manifest, ManifestStudy] | None:
        """A study, and the manifest that has it; None where none has."""
        self._read_configured()
        self._shelf.renew()
        return self._shelf.study(study_instance_uid)

    @property
    def studies(self) -> list[tuple[Manifest, ManifestStudy]]:
        """All studies, with the manifests that have them. list."""
        self._read_configured()
        self._shelf.renew()
        return self._shelf.studies

    def get_study_instance_uids(self, params: Mapping[str, Any] | None = None, query: Any = None) -> list[str]:
        """The studies of the manifest that a query names, else of all that were read; of these those that are named.

        Raises
        ------
        ConfigurationError, DataSourceError, ParseError
            As for `initialize`.
        """
        url = _url_of(query)
        here = list(self._read_url(url).studies) if url is not None else [study.uid for _, study in self.studies]
        named = split_parameter("studyinstanceuids", query) or split_parameter("studyinstanceuids", params)
        return [uid for uid in here if uid in named] if named else here

    def delete_study_metadata(self, study_instance_uid: str) -> None:
        """Forgets that a study was retrieved, and has its manifest read again when something is wanted of it."""
        super().delete_study_metadata(study_instance_uid)
        self._shelf.discard(study_instance_uid)

    # ---- searching ----

    def search_studies(self, **parameters: Any) -> list[Any]:
        """`query.studies.search`: rows of studies that match.

        Parameters
        ----------
        **parameters
            As for `metalith.sources.query.Query.of`; without any, all studies are found.

        Returns
        -------
        list of StudyRow
        """
        return search.search(self, "study", parameters)

    def search_series(self, study_instance_uid: str | None = None, **parameters: Any) -> list[Any]:
        """`query.series.search`: rows of series that match, of one study or of all."""
        return search.search(self, "series", {"study_instance_uid": study_instance_uid, **parameters})

    def search_instances(
        self, study_instance_uid: str | None = None, series_instance_uid: str | None = None, **parameters: Any
    ) -> list[Any]:
        """`query.instances.search`: rows of instances that match."""
        uids = {"study_instance_uid": study_instance_uid, "series_instance_uid": series_instance_uid}
        return search.search(self, "instance", {**uids, **parameters})

    # ---- retrieving ----

    def plan(self, study_instance_uid: str, filters: SeriesFilter, made_in_client: bool) -> list[Job]:
        """A job for each series that is wanted.

        Raises
        ------
        DataSourceError
            No manifest has the study.
        """
        from metalith.sources.query import series_order

        found = self.study(study_instance_uid)
        if found is None:
            raise DataSourceError("no manifest has the study")
        manifest, study = found
        jobs = [self._job(manifest, series, made_in_client) for series in study.series.values()]
        wanted = {id(job.summary): job for job in jobs if filters(job.summary)}
        with self.metadata_store.transaction():
            self.metadata_store.add_study(_given(study.attributes.natural, StudyInstanceUID=study.uid))
            self.metadata_store.add_series_metadata([job.summary for job in wanted.values()], made_in_client)
        return [wanted[id(summary)] for summary in series_order([job.summary for job in wanted.values()])]

    def _job(self, manifest: Manifest, series: ManifestSeries, made_in_client: bool) -> Job:
        study, uid = series.study_instance_uid, series.uid

        def load(cancel: Cancel) -> list[Series]:
            return self._flights.do(
                (study, uid), lambda: self._load(manifest, series, made_in_client, cancel), cancel=cancel
            )

        summary = _given(series.attributes.natural, StudyInstanceUID=study, SeriesInstanceUID=uid)
        return Job(load, study, uid, summary)

    def _load(self, manifest: Manifest, series: ManifestSeries, made_in_client: bool, cancel: Cancel) -> list[Series]:
        store, study, uid = self.metadata_store, series.study_instance_uid, series.uid
        known = store.series(study, uid)
        if known is not None and known.is_loaded and self.fetched.has(study, uid):
            return [known]
        mark = self.fetched.mark(study)
        loaded = self._loaded(manifest, series, cancel)
        if loaded.problems and not len(loaded.table):
            raise loaded.problems[-1]  # there are instances, and none of them can be taken
        cancel.check()
        with store.transaction():
            self._note(loaded)
            store.add_instances(loaded.table, made_in_client, loader=self.reload_series)
            found = store.series(study, uid)
        self.fetched.note(study, uid, mark)
        return [] if found is None else [found]

    def _loaded(self, manifest: Manifest, series: ManifestSeries, cancel: Cancel | None = None) -> Loaded:
        loaded = load_series(manifest, series, self.options.frame_base, cancel)
        with self._lock:
            self._problems.pop((series.study_instance_uid, series.uid), None)
            if loaded.problems:
                self._problems[series.study_instance_uid, series.uid] = loaded.problems
        if loaded.problems:
            if self.options.on_error == "raise":
                raise loaded.problems[0]
            _log.warning("%s: %d problems with a series; see DicomJsonSource.problems", self.name, len(loaded.problems))
        return loaded

    def _note(self, loaded: Loaded) -> None:
        """Remembers what instances have besides their attributes."""
        ingest = self._ingest
        images = loaded.images
        self.metadata_store.add_image_ids(images.known)
        ingest.image_ids.update(images.image_ids)
        ingest.extras.update(loaded.extras)
        self._frames.update(images.frames)
        self._zero_based |= images.zero_based

    def table_of(self, manifest: Manifest, series: ManifestSeries) -> InstanceTable:
        """The instances of a series, without putting them into the store."""
        return self._loaded(manifest, series).table

    def reload_series(self, study_instance_uid: str, series_instance_uid: str) -> InstanceTable:
        """The instances of a series that had to go.

        Raises
        ------
        DataSourceError
            No manifest has the series any more.
        """
        found = self.study(study_instance_uid)
        series = None if found is None else found[1].series.get(series_instance_uid)
        if found is None or series is None:
            raise DataSourceError("no manifest has the series")
        return self.table_of(found[0], series)

    def retrieve_instance_metadata(
        self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
    ) -> Instance:
        """`retrieve.instances.metadata`: one instance, whose series is in the store then.

        Raises
        ------
        DataSourceError
            No manifest has the instance.
        """
        filters = {"series_instance_uid": series_instance_uid}
        self.retrieve_series_metadata(study_instance_uid, filters=filters, on_error="raise").wait()
        found = self.metadata_store.instance(study_instance_uid, series_instance_uid, sop_instance_uid)
        if found is None:
            raise DataSourceError("no manifest has the instance")
        return found

    # ---- images ----

    def get_image_ids_for_instance(self, instance: Mapping[str, Any] | Instance, frame: int | None = None) -> str:
        """The image id of an instance, or of one of its frames, counted from 1 whatever the manifest does.

        An instance without a URL gets one of `wado_root` or `wado_uri_root`; see `DataSource` for one without these.
        """
        study, series, sop = required_uids(instance)
        known = self._ingest.image_ids.get(sop)
        if known is not None:
            if frame is None:
                return known
            return self._frames.get(sop, {}).get(frame) or str(ImageId(known).with_frame(frame))
        options = self.options
        if options.wado_root and (options.image_rendering not in ("", "wadouri") or not options.wado_uri_root):
            return wadors_id(options.wado_root, study, series, sop, 1 if frame is None else frame)
        if options.wado_uri_root:
            return wadouri_id(options.wado_uri_root, study, series, sop, frame)
        return super().get_image_ids_for_instance(instance, frame)

    def url_of(self, instance: Mapping[str, Any] | Instance, frame: int | None = None) -> str:
        """The same as the manifest writes it: where its URLs count frames from 0, so does this one."""
        image_id = self.get_image_ids_for_instance(instance, frame)
        return to_zero_based(image_id) if required_uids(instance)[2] in self._zero_based else image_id

    def close(self) -> None:
        """Lets go of threads and connections. A closed source may be used again."""
        super().close()
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()


def _url_of(query: Any) -> str | None:
    return next((value for name, value in pairs_of(query) if name.lower() == "url"), None)


def _given(natural: Instance, **uids: str) -> dict[str, Any]:
    return {**dict(natural.items()), **uids}
