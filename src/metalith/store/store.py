"""The metadata store: what a process knows of studies, series and instances."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Literal, Self

from metalith._core import Instance
from metalith.errors import ConfigurationError, DuplicateInstanceError, StoreError
from metalith.store import events
from metalith.store.events import Event, Subscription
from metalith.store.incoming import Incoming, Part, parts_of, tables_of
from metalith.store.series import Loader, Series, State, Study, given_attributes, live
from metalith.store.transactions import Transactions
from metalith.store.upkeep import bytes_of, merge

__all__ = ["MetadataStore"]

OnDuplicate = Literal["replace", "keep", "raise"]


class MetadataStore(Transactions):
    """Studies, series and instances, with every look-up in constant time.

    Parameters
    ----------
    max_bytes : int or str, optional
        Bound of what tables and indexes hold, in bytes or as "4 GiB". Beyond it whole series go, least recently used
        first, but never one that is pinned or was just added.
    on_duplicate : {"replace", "keep", "raise"}, optional
        What happens to an instance that is added again (the same SOPInstanceUID).
    loader : callable(study_instance_uid, series_instance_uid), optional
        Gives the instances of a series that had to go, in any form that `add_instances` takes.

    Notes
    -----
    Mirrors OHIF's DicomMetadataStore. Safe from any number of threads: changes exclude one another, look-ups wait for
    nobody, and who asks a series for its instances gets all of one state of it.

    Examples
    --------
    >>> store = metalith.MetadataStore()
    >>> added = store.add_instances({"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "SOPInstanceUID": "1.2.3"})
    >>> store.instance("1.2.3").SeriesInstanceUID, store.study("1").series
    ('1.2', [<Series 1.2: 1 instances>])
    """

    STUDY_ADDED = events.STUDY_ADDED
    STUDY_REMOVED = events.STUDY_REMOVED
    SERIES_ADDED = events.SERIES_ADDED
    SERIES_UPDATED = events.SERIES_UPDATED
    SERIES_REMOVED = events.SERIES_REMOVED
    SERIES_EVICTED = events.SERIES_EVICTED
    INSTANCES_ADDED = events.INSTANCES_ADDED
    INSTANCES_REMOVED = events.INSTANCES_REMOVED
    IMAGE_IDS_ADDED = events.IMAGE_IDS_ADDED

    def __init__(
        self,
        *,
        max_bytes: int | str | None = None,
        on_duplicate: OnDuplicate = "replace",
        loader: Loader | None = None,
    ) -> None:
        super().__init__(None if max_bytes is None else bytes_of(max_bytes))
        self._on_duplicate = _policy(on_duplicate)
        self._loader = loader

    # ---- adding ----

    def add_instances(
        self,
        data: Incoming,
        made_in_client: bool = False,
        *,
        on_duplicate: OnDuplicate | None = None,
        loader: Loader | None = None,
    ) -> int:
        """Adds instances, of any number of series in any order. All of them, or when that fails, none.

        Parameters
        ----------
        data
            A table (of one series it is kept as it is; of several it is cut up), instances, natural dicts, DICOM JSON
            (text or parsed), a Part-10 file (bytes or `pathlib.Path`), or an iterable of these.
        made_in_client : bool, optional
            Passed on with the events: the data were made here, not loaded.
        on_duplicate : {"replace", "keep", "raise"}, optional
            Other than the store's own.
        loader : callable(study_instance_uid, series_instance_uid), optional
            Gives the instances again when they had to go.

        Returns
        -------
        int
            How many instances came in, those that replaced others among them.

        Raises
        ------
        StoreError
            An instance lacks a StudyInstanceUID, SeriesInstanceUID or SOPInstanceUID.
        DuplicateInstanceError
            An instance is here already, with `on_duplicate="raise"`.
        ParseError
            The data are not what they should be.
        """
        policy = self._on_duplicate if on_duplicate is None else _policy(on_duplicate)
        parts = [part for table in tables_of(data) for part in parts_of(table)]
        with self.transaction():
            return sum(self._add_part(part, policy, made_in_client, loader) for part in parts)

    add_instance = add_instances

    def _add_part(self, part: Part, policy: str, made_in_client: bool, loader: Loader | None) -> int:
        journal, places = self._open_journal, self._places
        series = self._series_for(part.study_instance_uid, part.series_instance_uid, made_in_client)
        slot = places.hold(part.table)
        series._slots.add(slot)
        journal.undo(lambda: places.drop(slot))
        journal.undo(lambda: series._slots.discard(slot))
        replaced, displaced = places.commit(slot, series, policy != "replace")
        moved = replaced if policy == "replace" else []
        journal.undo(lambda: places.give_back(slot, moved, displaced))
        if policy == "raise" and replaced:
            raise DuplicateInstanceError(
                f"{len(replaced):,} of {len(part.table):,} instances are here already, or come twice",
                rows=[row for row, *_ in replaced],
            )
        gone: dict[int, set[int]] = {}
        for row, old_slot, old_row in replaced:
            where, which = (old_slot, old_row) if policy == "replace" else (slot, row)
            gone.setdefault(where, set()).add(which)
        own_rows = live(None, part.table, gone[slot]) if slot in gone else None
        pieces = [*_without(series._state, gone), (part.table, slot, own_rows)]
        came = len(part.table) if own_rows is None else len(own_rows)
        for other in dict.fromkeys(places.owners[old] for old in gone if old != slot):
            if other is not series:
                self._drop_rows(other, gone)
        state = State.of(pieces)
        journal.set_state(series, state, evicted=series.is_evicted and not state.count)
        merge(places, series, journal)
        if loader is not None:
            before = series._loader
            series._loader = loader
            journal.undo(lambda: setattr(series, "_loader", before))
        uids = tuple(part.table[row].SOPInstanceUID for row, old, _ in moved if old != slot)
        self._tell(
            events.INSTANCES_ADDED,
            series,
            count=came,
            replaced=len(uids),
            sop_instance_uids=uids,
            made_in_client=made_in_client,
        )
        return came

    def _series_for(self, study_uid: str, series_uid: str, made_in_client: bool) -> Series:
        """The series, made known if it is not."""
        study = self._study_for(study_uid, made_in_client)
        series = study._series.get(series_uid)
        if series is None:
            series = Series(self, study, series_uid)
            self._open_journal.put(study, "_series", series_uid, series)
            if series_uid in self._series:
                self._shared.add(series_uid)
            self._open_journal.put(self, "_series", series_uid, series)
            self._tell(events.SERIES_ADDED, series, made_in_client=made_in_client)
        return series

    def _study_for(self, uid: str, made_in_client: bool = False) -> Study:
        study = self._studies.get(uid)
        if study is None:
            study = Study(uid)
            self._open_journal.put(self, "_studies", uid, study)
            self._open_journal.events.append(Event(events.STUDY_ADDED, uid, made_in_client=made_in_client))
        return study

    def add_study(self, study: Mapping[str, Any]) -> Study:
        """Makes a study known, with natural attributes such as a QIDO response has them; a known one gets them."""
        with self.transaction():
            found = self._study_for(_uid(study, "StudyInstanceUID"))
            self._give(found, study)
            return found

    def add_series_metadata(
        self, summaries: Mapping[str, Any] | Iterable[Mapping[str, Any]], made_in_client: bool = False
    ) -> list[Series]:
        """Makes series known, with natural attributes such as a QIDO response has them; known ones get them.

        Each needs its StudyInstanceUID and SeriesInstanceUID.
        """
        several = [summaries] if isinstance(summaries, (Mapping, Instance)) else list(summaries)
        with self.transaction():
            found = []
            for summary in several:
                study_uid, series_uid = _uid(summary, "StudyInstanceUID"), _uid(summary, "SeriesInstanceUID")
                known = self.series(study_uid, series_uid) is not None
                series = self._series_for(study_uid, series_uid, made_in_client)
                self._give(series, summary)
                if known:
                    self._tell(events.SERIES_UPDATED, series, count=len(series), made_in_client=made_in_client)
                found.append(series)
            return found

    def update_series_metadata(self, summary: Mapping[str, Any]) -> None:
        """Gives a series other attributes of its own. Its instances stay as they are.

        Raises
        ------
        StoreError
            The series is not here.
        """
        with self.transaction():
            series = self._series.get(_uid(summary, "SeriesInstanceUID"))
            if series is None:
                raise StoreError("no such series")
            self._give(series, summary)
            self._tell(events.SERIES_UPDATED, series, count=len(series))

    def update_metadata_for_series(
        self, study_instance_uid: str, series_instance_uid: str, metadata: Mapping[Any, Any]
    ) -> None:
        """Gives all instances of a series other values, natural ones by keyword; `...` takes an attribute away.

        Raises
        ------
        StoreError
            The series is not here, or its instances are not, or a UID was to be changed.
        EncodeError
            A name is no attribute, or a value none of its VR.
        """
        from metalith.store.update import changed_table

        with self.transaction():
            series = self.series(study_instance_uid, series_instance_uid)
            if series is None:
                raise StoreError("no such series")
            if not series.is_loaded:
                raise StoreError("the series' instances are not here: load it first")
            table = changed_table(series.instances, metadata)
            part = Part(study_instance_uid, series_instance_uid, table)
            told = len(self._open_journal.events)
            self._add_part(part, "replace", True, None)
            del self._open_journal.events[told:]
            self._tell(events.SERIES_UPDATED, series, count=len(series), made_in_client=True)

    def add_image_ids(self, image_ids: Mapping[str, str]) -> None:
        """Makes image ids known that have no UIDs in them: image id to SOPInstanceUID."""
        with self.transaction():
            for image_id, uid in image_ids.items():
                if not isinstance(image_id, str) or not isinstance(uid, str):
                    raise StoreError("image ids and SOPInstanceUIDs are text")
                self._open_journal.put(self, "_image_ids", image_id, uid)
            if image_ids:
                self._open_journal.events.append(Event(events.IMAGE_IDS_ADDED, "", image_ids=tuple(image_ids)))

    def _give(self, whom: Study | Series, summary: Mapping[str, Any]) -> None:
        for keyword, value in given_attributes(summary).items():
            self._open_journal.put(whom, "_summary", keyword, value)

    def _load(self, series: Series) -> None:
        loader = series._loader or self._loader
        if series.is_loaded:
            return
        if loader is None:
            raise StoreError("nobody said how to load the series: give the store, or what is added, a loader")
        instances = loader(series.study_instance_uid, series.series_instance_uid)
        # what another thread has loaded or added in the meantime is newer
        self.add_instances(instances, on_duplicate="keep", loader=series._loader)

    def provide(self, metadata: Any, priority: float = 0, *, calibrations: Any = None) -> Subscription:
        """Makes the store a metadata provider whose answers are kept, until what they are about changes.

        Parameters
        ----------
        metadata : metalith.MetadataProviders
        priority : float, optional
        calibrations : metalith.CalibrationProvider, optional
            Its pixel spacings go into image planes; it should tell `metadata.invalidate` what changes.

        Returns
        -------
        Subscription
            To the changes; ended, answers are not forgotten any more, so remove the provider first.

        Examples
        --------
        >>> store, metadata = metalith.MetadataStore(), metalith.MetadataProviders()
        >>> subscription = store.provide(metadata)
        >>> uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "SOPInstanceUID": "1.2.3"}
        >>> added = store.add_instances({**uids, "Rows": 512})
        >>> metadata.get("Rows", "wadors:http://host/studies/1/series/1.2/instances/1.2.3")
        512
        """
        from metalith.answers import images_of_series

        def forget(event: Event) -> None:
            if event.image_ids:
                metadata.invalidate(event.image_ids)
            elif event.series_instance_uid is not None and event.type != events.SERIES_ADDED:
                of_series = images_of_series(event.study_instance_uid, event.series_instance_uid)
                if event.type == events.INSTANCES_ADDED and not event.replaced:
                    # what was said of other instances stays, but for what is said of the series; and a file may have
                    # been read again, which has another instance now
                    kept = metadata.kept_image_ids(False, "scalingModule", "dicomfile:")
                    metadata.invalidate([image_id for image_id in kept if of_series(image_id)])
                else:
                    metadata.invalidate(of_series)

        subscription = self.subscribe(events.EVENTS, forget)
        self._calibrations = calibrations
        metadata.add_provider(self, priority, cache=True)
        return subscription

    # ---- removing ----

    def remove_study(self, study_instance_uid: str) -> bool:
        """Forgets a study and all it has. Whether it was here."""
        with self.transaction():
            study = self._studies.get(study_instance_uid)
            if study is None:
                return False
            for series in study.series:
                self._forget(series)
            self._open_journal.take(self, "_studies", study_instance_uid)
            self._open_journal.events.append(Event(events.STUDY_REMOVED, study_instance_uid))
            return True

    def remove_series(self, *uids: str) -> bool:
        """Forgets a series, named as for `series`. Whether it was here."""
        with self.transaction():
            series = self.series(*uids)
            if series is None:
                return False
            self._forget(series)
            return True

    def remove_instance(self, *uids: str) -> bool:
        """Forgets an instance, named as for `instance`. Whether it was here."""
        with self.transaction():
            if self.instance(*uids) is None:
                return False
            slot, row = self._places.find(uids[-1]) or (0, 0)
            series = self._places.owners[slot]
            self._places.remove(slot, (row,))
            self._open_journal.undo(lambda: self._places.put(slot, (row,)))
            self._drop_rows(series, {slot: {row}}, (uids[-1],))
            return True

    def clear(self) -> None:
        """Forgets everything; subscriptions and image ids' rules stay."""
        with self.transaction():
            for uid in self.study_instance_uids:
                self.remove_study(uid)
            before, self._image_ids = self._image_ids, {}
            self._open_journal.undo(lambda: setattr(self, "_image_ids", before))

    def _forget(self, series: Series) -> None:
        journal, count = self._open_journal, len(series)
        self._give_up(series)
        journal.set_state(series, State())
        uid = series.series_instance_uid
        journal.take(series._study, "_series", uid)
        if self._series.get(uid) is series:
            journal.take(self, "_series", uid)
            if uid in self._shared:  # another study has one of that UID, or had
                for study in self:
                    if uid in study._series:
                        journal.put(self, "_series", uid, study._series[uid])
        self._tell(events.SERIES_REMOVED, series, count=count)

    def _give_up(self, series: Series) -> None:
        """Makes the instances of a series be found no more, and in the end lets go of their tables."""
        for _, slot, rows in series._state.pieces():
            self._places.remove(slot, rows)
            self._open_journal.undo(partial(self._places.put, slot, rows))

    def _drop_rows(self, series: Series, gone: dict[int, set[int]], uids: tuple[str, ...] | None = None) -> None:
        """Takes rows out of a series that are found no more, or elsewhere."""
        state = series._state
        if uids is None:
            uids = tuple(
                table[row].SOPInstanceUID for table, slot, _ in state.pieces() for row in sorted(gone.get(slot, ()))
            )
        self._open_journal.set_state(series, State.of(_without(state, gone)))
        self._tell(events.INSTANCES_REMOVED, series, count=len(uids), sop_instance_uids=uids)

    # ---- files ----

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes everything to one file, that a store can be opened from in no time.

        What is written is the store at one moment; other threads may go on changing it. The file at the path is
        replaced by a whole one or, when anything fails, the machine included, stays as it was; it may be the one that
        this store was opened from (but not on Windows). One table at a time is copied in memory. Subscribers, loaders,
        the budget and the policy for duplicates are not saved.

        Parameters
        ----------
        path : path-like
            A new file gets the permissions that new files get, one that replaces another those of that one.

        Raises
        ------
        StoreError
            A transaction is open, or an attribute that was given for a study or series has a value that DICOM metadata
            do not have.
        OSError
            The file cannot be written.
        """
        from metalith.store.persistence import save

        save(self, path)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        verify: bool = True,
        max_bytes: int | str | None = None,
        on_duplicate: OnDuplicate = "replace",
        loader: Loader | None = None,
    ) -> Self:
        """A store as it was saved. Its data are mapped from the file, not read.

        It can be changed like any other; the file stays as it is until the store is saved. The file may be replaced or
        removed while the store is open (but not on Windows); it must not be written to in place.

        Parameters
        ----------
        path : path-like
        verify : bool, optional
            Compare all bytes with their checksums. Without it only what describes the data is checked, and damaged data
            may crash the process: for large files that are known to be good.
        max_bytes, on_duplicate, loader
            As for a new store. What is mapped counts like what is in memory: beyond the budget series go at once.

        Raises
        ------
        StoreFileError
            The file is no saved store, is of another version, truncated or damaged.
        OSError
            The file cannot be read.

        Notes
        -----
        Checksums find damage, not forgery: open files that only their owner can write to. Bulk data that were left in
        local files are read from there again.
        """
        from metalith.store.persistence import restore

        store = cls(max_bytes=max_bytes, on_duplicate=on_duplicate, loader=loader)
        restore(store, path, verify)
        return store


def _policy(on_duplicate: str) -> OnDuplicate:
    if on_duplicate not in ("replace", "keep", "raise"):
        raise ConfigurationError(f"on_duplicate is 'replace', 'keep' or 'raise', not {on_duplicate!r}")
    return on_duplicate  # type: ignore[return-value]


def _uid(summary: Mapping[str, Any], keyword: str) -> str:
    value = summary.get(keyword)
    if not isinstance(value, str) or not value:
        raise StoreError(f"a {keyword} is needed")
    return value


def _without(state: State, gone: dict[int, set[int]]) -> list[tuple[Any, int, Any]]:
    """What a series has, without some rows."""
    return [
        (table, slot, live(rows, table, gone[slot]) if slot in gone else rows) for table, slot, rows in state.pieces()
    ]
