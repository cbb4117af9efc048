"""The `dicomweb` source."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from metalith._core import Instance
from metalith.bulk import BulkData
from metalith.errors import ConfigurationError
from metalith.image_ids import wadors_id, wadouri_id
from metalith.sources._cancel import Cancel
from metalith.sources.contract import DataSource, copied, required_uids
from metalith.sources.dicomweb import bulk_data as bulk_data_of
from metalith.sources.dicomweb import metadata, search
from metalith.sources.dicomweb.addresses import uids_of
from metalith.sources.dicomweb.options import DicomWebOptions
from metalith.sources.filters import SeriesFilter
from metalith.sources.loading import Job, planning
from metalith.store import MetadataStore

__all__ = ["DicomWebSource"]


class DicomWebSource(DataSource):
    """A DICOMweb server (PS3.18), or several that share the work.

    Parameters
    ----------
    name : str, optional
    configuration : mapping
        `wado_root` (or `qido_root`) and further `DicomWebOptions`, in snake_case or as OHIF's configurations have them.
    metadata_store : MetadataStore, optional

    Raises
    ------
    ConfigurationError
        An option is unknown or impossible.

    Examples
    --------
    >>> source = metalith.data_source("dicomweb", {"wadoRoot": "https://host/dicom-web"})
    >>> uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "SOPInstanceUID": "1.2.3"}
    >>> source.get_image_ids_for_instance(uids)
    'wadors:https://host/dicom-web/studies/1/series/1.2/instances/1.2.3/frames/1'
    """

    type: ClassVar[str] = "webApi"
    kind: ClassVar[str] = "dicomweb"
    options_type = DicomWebOptions
    options: DicomWebOptions

    def __init__(
        self,
        name: str = "",
        configuration: Mapping[str, Any] | None = None,
        *,
        metadata_store: MetadataStore | None = None,
    ) -> None:
        super().__init__(name, configuration, metadata_store=metadata_store)
        self._transport: Any = None
        self._connecting = threading.Lock()
        self._changed: Mapping[str, Any] | None = None  # the configuration that `on_configuration` made
        self._bulk = bulk_data_of.BulkCache()
        self._bases: dict[tuple[str, str], str] = {}  # of series, URL of the metadata where it is not the series' own

    @property
    def transport(self) -> Any:
        """What speaks with the servers; its `session` may be given to other programs. Transport."""
        with self._connecting:
            if self._transport is None:
                self._transport = self.options.transport(*self.options.origins)
            return self._transport

    def initialize(self, params: Mapping[str, Any] | None = None, query: Any = None) -> None:
        """Asks `on_configuration`, where there is one, for the configuration of a route. May be called again.

        With another configuration connections are made anew, and what was fetched is fetched again.

        Raises
        ------
        ConfigurationError
            `on_configuration` gives no configuration, or an impossible one. The one that is in force stays so.
        """
        change = self.options.on_configuration
        if change is None:
            return
        # always from what was configured, so that changes do not pile up
        made = change(copied(self.configuration), {"params": params, "query": query})
        if not isinstance(made, Mapping):
            raise ConfigurationError(f"{self.name}: on_configuration must give a mapping")
        names = ("on_configuration", "onConfiguration")
        kept = {key: value for key, value in made.items() if key not in names}
        options = DicomWebOptions.of({**kept, "on_configuration": change}, self.name)
        self._changed = kept
        if options != self.options:
            self.options = options
            self._scheduler.workers = options.workers
            self.fetched.forget(None)
            self._disconnect()

    def _in_force(self) -> Mapping[str, Any]:
        return self.configuration if self._changed is None else self._changed

    # ---- searching ----

    def search_studies(self, *, cancel: Cancel | None = None, **parameters: Any) -> search.Results:
        """`query.studies.search`: rows of studies that match.

        Parameters
        ----------
        cancel : Cancel, optional
            Calls off the request that is under way, and what would follow.
        **parameters
            As for `metalith.sources.query.Query.of`: `patient_name`, `start_date`, any attribute by its keyword,
            `limit`, `offset`, `include_fields`, ...

        Returns
        -------
        Results
            An iterator of `StudyRow`, that asks for further pages as they are wanted.
        """
        return search.search(self, "study", parameters, cancel)

    def search_series(
        self, study_instance_uid: str | None = None, *, cancel: Cancel | None = None, **parameters: Any
    ) -> search.Results:
        """`query.series.search`: rows of series that match, of one study or of all, in their order of loading."""
        return search.search(self, "series", {"study_instance_uid": study_instance_uid, **parameters}, cancel)

    def search_instances(
        self,
        study_instance_uid: str | None = None,
        series_instance_uid: str | None = None,
        *,
        cancel: Cancel | None = None,
        **parameters: Any,
    ) -> search.Results:
        """`query.instances.search`: rows of instances that match."""
        uids = {"study_instance_uid": study_instance_uid, "series_instance_uid": series_instance_uid}
        return search.search(self, "instance", {**uids, **parameters}, cancel)

    # ---- fetching ----

    def plan(self, study_instance_uid: str, filters: SeriesFilter, made_in_client: bool) -> list[Job]:
        """A job for each series, or one for the study; see `metalith.sources.dicomweb.metadata`."""
        return metadata.jobs_of(self, study_instance_uid, filters, made_in_client, planning.get())

    def reload_series(self, study_instance_uid: str, series_instance_uid: str) -> Any:
        """The metadata of a series that had to go."""
        return metadata.fetch_series(self, study_instance_uid, series_instance_uid)

    def retrieve_instance_metadata(
        self,
        study_instance_uid: str,
        series_instance_uid: str,
        sop_instance_uid: str | Iterable[str],
        *,
        cancel: Cancel | None = None,
    ) -> Instance | list[Instance]:
        """`retrieve.instances.metadata`: instances, which are in the store then.

        Parameters
        ----------
        study_instance_uid, series_instance_uid : str
        sop_instance_uid : str or iterable of str
            Several are asked for at once, each by a request of its own.
        cancel : Cancel, optional

        Returns
        -------
        Instance or list of Instance
            A list, in the order of the UIDs, where several were asked for.

        Raises
        ------
        DataSourceError
            The server has one of them not, cannot be reached, or refuses. The others are in the store.
        """
        return metadata.fetch_instances(self, study_instance_uid, series_instance_uid, sop_instance_uid, cancel)

    def retrieve_bulk_data(self, bulk_data: BulkData | str | bytes, *, instance: Any = None, **options: Any) -> bytes:
        """`retrieve.bulk_data`: the bytes of a value.

        Parameters
        ----------
        bulk_data : BulkData, str or bytes
            As the attribute has it, or a BulkDataURI.
        instance : Instance, mapping or tuple of str, optional
            Whose value it is, which relative URIs need.
        **options
            As for `metalith.sources.dicomweb.bulk_data.fetch`: `media_types`, `range`, `cancel`.

        Raises
        ------
        BulkDataError
            The URI is none that can be fetched.
        DataSourceError
            The server cannot be reached, refuses, or answers with something else.
        """
        base = None if instance is None else self._bases.get(_series_of(instance))
        given = {"base": base, "cache": self._bulk, **options}
        return bulk_data_of.fetch(self.transport, bulk_data, options=self.options, instance=instance, **given)

    def retrieve_frames(self, instance: Any, frames: Any = (1,), **options: Any) -> list[bytes]:
        """`retrieve.frames`: the bytes of frames; see `metalith.sources.dicomweb.frames.retrieve_frames`."""
        from metalith.sources.dicomweb.frames import retrieve_frames

        return retrieve_frames(self.transport, self.options, instance, frames, **options)

    def direct_url(self, instance: Any, **options: Any) -> str | None:
        """`retrieve.direct_url`: where a value can be had; see `metalith.sources.dicomweb.rendered.direct_url`."""
        from metalith.sources.dicomweb.rendered import direct_url

        def fetch(bulk: BulkData) -> bytes:
            return self.retrieve_bulk_data(bulk, instance=instance)

        given = {"base": self._bases.get(_series_of(instance)), "fetch": fetch, **options}
        return direct_url(self.options, instance, **given)

    def retrieve_rendered(self, instance: Any, **options: Any) -> bytes:
        """`retrieve.rendered`: for looking at; see `metalith.sources.dicomweb.rendered.retrieve_rendered`."""
        from metalith.sources.dicomweb.rendered import retrieve_rendered

        return retrieve_rendered(self.transport, self.options, instance, **options)

    def retrieve_thumbnail(self, *uids: str, **options: Any) -> bytes:
        """`retrieve.thumbnail`: of a study, series or instance; see
        `metalith.sources.dicomweb.rendered.retrieve_thumbnail`.
        """
        from metalith.sources.dicomweb.rendered import retrieve_thumbnail

        return retrieve_thumbnail(self.transport, self.options, *uids, **options)

    # ---- sending ----

    def store_dicom(self, data: Any, *, study_instance_uid: str | None = None, **options: Any) -> Any:
        """`store.dicom`: sends instances to be kept (STOW-RS); see `metalith.sources.dicomweb.stow.store`.

        What was fetched of their studies is fetched again when it is asked for the next time.

        Returns
        -------
        StoreResult
            What was stored, and what was not and why.
        """
        from metalith.sources.dicomweb.stow import store

        def fetch(instance: Instance, bulk: BulkData) -> bytes:
            return self.retrieve_bulk_data(bulk, instance=instance)

        try:
            return store(
                self.transport,
                self.options,
                data,
                study_instance_uid=study_instance_uid,
                **{"fetch": fetch, **options},
            )
        finally:
            # which studies they are of is not known beforehand; where it fails, some may be stored all the same
            self.fetched.forget(study_instance_uid)

    def reject_series(self, study_instance_uid: str, series_instance_uid: str) -> None:
        """`reject.series`: as dcm4chee has it, for servers of which `supports_reject` says so.

        Raises
        ------
        NotSupportedBySource
            The option does not say so, or the server has no such function.
        DataSourceError
            The server cannot be reached, or refuses.
        """
        from metalith.sources.dicomweb.reject import reject_series

        if not self.options.supports_reject:
            self._lacks("reject_series")
        reject_series(self.transport, self.options, study_instance_uid, series_instance_uid, source=self.name)
        self.fetched.forget(study_instance_uid)

    def supports(self, function: str) -> bool:
        """Whether the source has a function; `reject.series` where the option `supports_reject` says so."""
        return super().supports(function) and (function != "reject.series" or self.options.supports_reject)

    # ---- images ----

    def get_image_ids_for_instance(self, instance: Mapping[str, Any] | Instance, frame: int | None = None) -> str:
        """The image id of an instance, or of one of its frames, counted from 1; see `DataSource`.

        `wadors:` ids are those of frames, without a `frame` of the first.
        """
        study, series, sop = required_uids(instance)
        known = self._ingest.image_ids.get(sop)
        if known is not None:
            return super().get_image_ids_for_instance(instance, frame)
        if self.options.image_rendering == "wadouri":
            made = wadouri_id(self.options.wado_uri_root, study, series, sop, frame)
            return f"dicomweb:{made.partition(':')[2]}"
        return wadors_id(self.options.wado_root, study, series, sop, 1 if frame is None else frame)

    def close(self) -> None:
        """Calls off what is being loaded, and lets go of threads and connections. A closed source may be used again."""
        super().close()
        self._disconnect()
        self._bulk.clear()

    def _disconnect(self) -> None:
        with self._connecting:
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()


def _series_of(instance: Any) -> tuple[str, str]:
    study, series, _ = uids_of(instance)
    return study, series
