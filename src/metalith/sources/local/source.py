"""The `dicomlocal` source."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from metalith._core import Instance, InstanceTable
from metalith.errors import BulkDataError, ConfigurationError, DataSourceError
from metalith.frames import FrameError, number_of_frames
from metalith.image_ids import ImageId, file_id
from metalith.part10 import read
from metalith.scanning import Failure, Scan, scan
from metalith.sources._cancel import Cancel
from metalith.sources.contract import DataSource
from metalith.sources.filters import SeriesFilter
from metalith.sources.loading import Job
from metalith.sources.local import writing
from metalith.sources.local.entries import entries_in
from metalith.sources.local.memory import Kept, Memory
from metalith.sources.local.reading import Changes, Reading, paths_of
from metalith.sources.local.records import Key
from metalith.sources.options import Options
from metalith.store import MetadataStore, Series

if TYPE_CHECKING:
    from metalith.sources.dicomweb.stow_answer import StoreResult
    from metalith.sources.query import InstanceRow, SeriesEntry, SeriesRow, StudyRow

__all__ = ["DicomLocalSource", "LocalOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions(Options):
    """Options of the `dicomlocal` source, and those of `Options`.

    Attributes
    ----------
    paths : path or iterable of paths
        Folders with all that is in them, files, and DICOMDIRs.
    store_path : path
        Folder into which `store.dicom` writes, and which is read as those in `paths` are.
    """

    paths: tuple[str | os.PathLike[str], ...] | str | os.PathLike[str] = ()
    store_path: str | os.PathLike[str] | None = None


class DicomLocalSource(DataSource):
    """DICOM files on this machine, and such as are given as bytes. Mirrors OHIF's dicomlocal.

    Searches are answered from the store, with all of QIDO-RS: so in a store that others load into, too, what they have
    loaded is found as well. Files are read when somebody asks for the first time, and only their headers.

    Parameters
    ----------
    name : str, optional
    configuration : mapping, optional
        `paths`, `store_path`; see `LocalOptions`.
    metadata_store : MetadataStore, optional

    Attributes
    ----------
    failures : list of Failure
        Files and folders that could not be read; the first 1,000. None of them keeps the others from being read.
    duplicates : list of str
        Files whose SOPInstanceUID another one has that was read first, and which are left out for that; 1,000 of them.

    Notes
    -----
    Image ids are `dicomfile:` and the path, or for what was given as bytes a number: `dicomfile:0`. Only those of
    multi-frame objects may have a frame, `?frame=1` being the first.

    Examples
    --------
    >>> from pydicom.data.data_manager import DATA_ROOT
    >>> source = metalith.data_source("dicomlocal", {"paths": f"{DATA_ROOT}/test_files/dicomdirtests"})
    >>> [row.modalities for row in source.query.studies.search(patient_name="Doe^Peter", limit=1)]
    [('CT',)]
    """

    type: ClassVar[str] = "localApi"
    kind: ClassVar[str] = "dicomlocal"
    options_type = LocalOptions
    options: LocalOptions

    def __init__(
        self,
        name: str = "",
        configuration: Mapping[str, Any] | None = None,
        *,
        metadata_store: MetadataStore | None = None,
    ) -> None:
        super().__init__(name, configuration, metadata_store=metadata_store)
        self._reading = Reading(self.metadata_store, self.reload_series)
        self._memory = Memory(self._ingest, self.metadata_store)
        try:
            self._reading.add(paths_of(self.options.paths))
            if self.options.store_path is not None:
                paths_of(self.options.store_path, "store_path")
        except ConfigurationError as error:
            raise ConfigurationError(f"{self.name}: {error}") from None
        self._folder = None if self.options.store_path is None else os.path.abspath(self.options.store_path)
        if self._folder is not None and os.path.isdir(self._folder):
            self._reading.add([self._folder])

    # ---- files ----

    @property
    def failures(self) -> list[Failure]:
        return self._reading.failures

    @property
    def duplicates(self) -> list[str]:
        return self._reading.duplicates

    def add(self, data: Any) -> list[str]:
        """More files.

        Parameters
        ----------
        data
            A path of a folder, file or DICOMDIR, which is read when somebody asks for what may be in it; the bytes of a
            file, or a binary file that is open, whose header is read now; or an iterable of these. Bytes and files are
            kept with the source, since their pixels are read from them.

        Returns
        -------
        list of str
            Image ids of what was given as bytes and open files.

        Raises
        ------
        ParseError
            Bytes are no DICOM file. Nothing of what was given is here then.
        StoreError
            They lack one of the three UIDs.
        ConfigurationError
            A path is empty.

        Examples
        --------
        >>> from pydicom.data import get_testdata_file
        >>> source = metalith.data_source("dicomlocal")
        >>> with open(get_testdata_file("CT_small.dcm"), "rb") as file:
        ...     [image_id] = source.add(file.read())
        >>> source.metadata_store.instance_by_image_id(image_id).Modality
        'CT'
        """
        paths, taken = [], []
        for one in _each(data):
            if isinstance(one, (str, os.PathLike)):
                paths += paths_of(one)
            else:
                instance, kept = self._memory.take(one)
                taken.append((writing.uids_of(instance), instance, kept))
        with self.metadata_store.transaction():
            for _, instance, _ in taken:
                self.metadata_store.add_instances(instance, loader=self.reload_series)
        for (study, series, uid), _, kept in taken:
            self._memory.keep((study, series), uid, kept)
        self._reading.add(paths)
        return [kept.image_id for _, _, kept in taken]

    def read(self, *, progress: Callable[[Scan], object] | None = None, cancel: Cancel | None = None) -> Changes:
        """Reads now what has not been read yet; everything else that needs it does so by itself.

        Parameters
        ----------
        progress : callable(Scan), optional
            As for `metalith.scan`.
        cancel : Cancel, optional

        Returns
        -------
        Changes
            What is in the store now. What could not be read is in `failures`.

        Raises
        ------
        Cancelled
            What was read until then is in the store; the next one who asks reads the rest.
        """
        changes = Changes()
        for _ in self._reading.bring(changes, progress=progress, cancel=cancel):
            pass
        return changes

    def rescan(self, *, progress: Callable[[Scan], object] | None = None, cancel: Cancel | None = None) -> Changes:
        """Reads all paths again, and brings the store to what is there now.

        New and changed files are in the store afterwards, instances whose files are gone are not, and nothing is told
        of those that are the same. As for `read`.
        """
        self._reading.forget()
        return self.read(progress=progress, cancel=cancel)

    # ---- searching ----

    def search_studies(self, **parameters: Any) -> list[StudyRow]:
        """`query.studies.search`: rows of the studies in the store that match.

        Parameters
        ----------
        **parameters
            As for `metalith.sources.query.Query.of`. Texts are matched as they are, unless they have wild cards.

        Raises
        ------
        ConfigurationError
            A parameter is unknown or impossible.
        """
        return self._search("study", parameters)

    def search_series(self, study_instance_uid: str | None = None, **parameters: Any) -> list[SeriesRow]:
        """`query.series.search`: rows of series that match, of one study or of all."""
        return self._search("series", {"study_instance_uid": study_instance_uid, **parameters})

    def search_instances(
        self, study_instance_uid: str | None = None, series_instance_uid: str | None = None, **parameters: Any
    ) -> list[InstanceRow]:
        """`query.instances.search`: rows of instances that match."""
        uids = {"study_instance_uid": study_instance_uid, "series_instance_uid": series_instance_uid}
        return self._search("instance", {**uids, **parameters})

    def _search(self, level: Any, parameters: Mapping[str, Any]) -> list[Any]:
        from metalith.sources.query import Query, search

        query = Query.of(level, **parameters)
        self.read()
        return search(query, self._entries(query.study_instance_uid))

    def _entries(self, study_instance_uid: str | None = None) -> list[SeriesEntry]:
        return entries_in(self.metadata_store, study_instance_uid, self._count, self.reload_series)

    def _count(self, key: Key) -> int:
        return self._reading.records.count(key) + len(self._memory.of_series(key))

    # ---- metadata ----

    def plan(self, study_instance_uid: str, filters: SeriesFilter, made_in_client: bool) -> list[Job]:
        """A job for each series; one for all where files have to be read first, for any may have some of it."""
        if self._reading.is_due:
            return [Job(partial(self._load_study, study_instance_uid, filters, made_in_client), study_instance_uid)]
        return self._series_jobs(study_instance_uid, filters)

    def _series_jobs(self, study: str, filters: SeriesFilter) -> list[Job]:
        from metalith.sources.query import series_rows

        rows = [row for row in series_rows(self._entries(study)) if filters(row)]
        uids = [str(row.series_instance_uid) for row in rows]
        loads = [partial(self._load_series, study, uid) for uid in uids]
        return [Job(load, study, uid, row.attributes) for load, uid, row in zip(loads, uids, rows, strict=True)]

    def _load_study(self, study: str, filters: SeriesFilter, made_in_client: bool, cancel: Cancel) -> Iterator[Series]:
        given = set()
        for series in self._reading.bring(made_in_client=made_in_client, cancel=cancel):
            if series.study_instance_uid == study and filters(series):
                given.add(series)
                yield series
        for job in self._series_jobs(study, filters):
            cancel.check()
            for series in job.load(cancel):
                if series not in given:
                    yield series

    def _load_series(self, study: str, uid: str, cancel: Cancel) -> list[Series]:
        series = self.metadata_store.series(study, uid)
        if series is None:
            raise DataSourceError("the series was removed in the meantime")
        return [series.load() if series.is_evicted else series]

    def reload_series(self, study_instance_uid: str, series_instance_uid: str) -> Iterator[InstanceTable | Instance]:
        """The instances of a series, read again."""
        key = study_instance_uid, series_instance_uid
        yield from self._tables(key)
        for kept in self._memory.of_series(key):
            yield kept.read()

    def _tables(self, key: Key) -> Iterator[Any]:
        """What the files of a series have of it now."""
        paths = self._reading.records.paths(key)
        if not paths:
            return
        for table in scan(paths):
            members = [one for one in table if (one.get("StudyInstanceUID"), one.get("SeriesInstanceUID")) == key]
            yield table if len(members) == len(table) else members

    def retrieve_instance_metadata(
        self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
    ) -> Instance:
        """`retrieve.instances.metadata`: one instance.

        Raises
        ------
        DataSourceError
            It is not here.
        """
        self.read()
        uids = study_instance_uid, series_instance_uid, sop_instance_uid
        series = self.metadata_store.series(study_instance_uid, series_instance_uid)
        if series is not None and series.is_evicted:
            series.load()
        found = self.metadata_store.instance(*uids)
        if found is None:
            raise DataSourceError("there is no such instance here")
        return found

    def delete_study_metadata(self, study_instance_uid: str) -> None:
        """Has all paths read again when somebody asks, since any file may have something of the study. What the store
        has, it keeps until then.
        """
        super().delete_study_metadata(study_instance_uid)
        self._reading.forget()

    # ---- pixels and other large values ----

    def retrieve_bulk_data(self, bulk_data: Any, *, instance: Any = None, **_: Any) -> bytes:
        """`retrieve.bulk_data`: the bytes of a value that was left in its file.

        Parameters
        ----------
        bulk_data : BulkData
        instance : Instance, optional
            Whose value it is; needed where the instance was given as bytes.

        Raises
        ------
        BulkDataError
            The value is in no file that was read here, or the file is gone or was changed.
        """
        from metalith.bulk import BulkData

        if not isinstance(bulk_data, BulkData):
            raise BulkDataError("files are read for a BulkData of an instance, not for a URI")
        kept = None if bulk_data.path is not None or instance is None else self._kept(instance)
        if kept is None:
            return bulk_data.read()
        with kept.opened() as source:
            return bulk_data.read(source)

    def retrieve_frames(self, instance: Any, frames: Any = (1,), **_: Any) -> list[bytes]:
        """`retrieve.frames`: the bytes of frames, counted from 1; see `metalith.sources.local.frames.frames_of`."""
        from metalith.sources.local.frames import frames_of

        whole = self._whole(instance)
        if whole is None:
            raise DataSourceError("there is no such instance here")
        kept = None if whole.path is not None else self._kept(whole)
        if kept is None:
            return frames_of(whole, frames)
        with kept.opened() as source:
            return frames_of(whole, frames, source)

    def direct_url(self, instance: Any, **_: Any) -> str | None:
        """`retrieve.direct_url`: the `file:` URI of an instance's file; None for what was given as bytes."""
        whole = self._whole(instance)
        return None if whole is None or whole.path is None else Path(whole.path).as_uri()

    def _stored(self, instance: Any) -> Instance | None:
        """What the store has of an instance, by its SOPInstanceUID."""
        uid = instance.get("SOPInstanceUID")
        return self.metadata_store.instance(uid) if isinstance(uid, str) else None

    def _whole(self, instance: Any) -> Instance | None:
        """An instance of a file, for one that may be a mapping with its UIDs only."""
        return instance if isinstance(instance, Instance) and instance.path is not None else self._stored(instance)

    def _kept(self, instance: Any) -> Kept | None:
        return self._memory.get(instance.get("SOPInstanceUID"))

    # ---- images ----

    def get_image_ids_for_instance(self, instance: Mapping[str, Any] | Instance, frame: int | None = None) -> str:
        """The image id of an instance or, of a multi-frame object, of one of its frames, counted from 1.

        Raises
        ------
        FrameError
            The object has no such frame.
        """
        whole = self._stored(instance)
        kept = None if whole is None or whole.path is not None else self._kept(whole)
        if whole is None or (whole.path is None and kept is None):
            return super().get_image_ids_for_instance(instance, frame)
        count = number_of_frames(whole)
        if frame is not None and not 1 <= frame <= count:
            raise FrameError(frame, count)
        made = file_id(whole.path) if kept is None and whole.path is not None else str(kept and kept.image_id)
        return made if frame is None or count == 1 else str(ImageId(made).with_frame(frame))

    def get_study_instance_uids(self, params: Mapping[str, Any] | None = None, query: Any = None) -> list[str]:
        """Those of the studies that a URL names that are here, in the URL's order; see `DataSource`.

        The reference sorts the studies' series by this; here `series_order` says in which order they are loaded.
        """
        named = super().get_study_instance_uids(params, query)
        if named:
            self.read()
        return [uid for uid in named if self.metadata_store.study(uid) is not None]

    # ---- storing ----

    def store_dicom(self, data: Any, **_: Any) -> StoreResult:
        """`store.dicom`: keeps instances, in the folder `store_path` or, where there is none, in memory.

        Parameters
        ----------
        data
            A pydicom dataset, an instance, a natural dict, the bytes of a DICOM file or one that is open, its path, or
            an iterable of these. Files are kept byte by byte.

        Returns
        -------
        StoreResult
            As sending to a server gives it: an instance that cannot be kept does not keep others from it.
        """
        return writing.stored(data.read() if hasattr(data, "read") else data, self._store_file)

    def _store_file(self, content: bytes | str) -> str | None:
        """Keeps a file; its URI where it is on a disk."""
        uids = writing.uids_of(read(content, source=""))
        if self._folder is None:
            self.add(content if isinstance(content, bytes) else Path(content).read_bytes())
            return None
        path = writing.write(content, self._folder, uids)
        self.metadata_store.add_instances(read(path), on_duplicate="replace", loader=self.reload_series)
        self._reading.add_read(path, uids[:2], self._folder)
        return Path(path).as_uri()


def _each(data: Any) -> Iterable[Any]:
    single = isinstance(data, (str, os.PathLike, bytes, bytearray, memoryview)) or hasattr(data, "read")
    return [data] if single else data
