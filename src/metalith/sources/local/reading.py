"""Files on their way into the store, and what has become of them since.

Nothing is read before somebody asks for what may be in it. One thread reads, whoever else asks waits for it: except for
what the reading itself calls (subscribers of the store, progress), which gets what is there so far.

Of files that have the same SOPInstanceUID the one stays that was read first, as long as it is there.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from metalith import _core
from metalith._core import Instance, InstanceTable
from metalith.errors import ConfigurationError, StoreError
from metalith.folders import PathLike
from metalith.image_ids import file_id
from metalith.scanning import Failure, Scan, scan
from metalith.sources._cancel import Cancel
from metalith.sources.local.records import Key, Records
from metalith.store import MetadataStore, Series

__all__ = ["Changes", "Reading"]

_log = logging.getLogger("metalith.sources")

_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_LISTED = 1000  # failures and duplicates
_PAUSE = 0.1  # seconds between two looks whether who waits was cancelled


@dataclass(slots=True)
class Changes:
    """What a reading of files has changed in the store.

    Attributes
    ----------
    added, changed, unchanged, removed : int
        Instances that are new, that are other than before, that are the same, and that are gone with their files.
    duplicates : int
        Files whose SOPInstanceUID another file has that was read first.
    failed : int
        Files and folders that could not be read, or have not the three UIDs.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    duplicates: int = 0
    failed: int = 0


@dataclass(slots=True)
class _Pass:
    """One reading; `records` are those of a reading of all paths anew, which replace the others at its end."""

    again: bool
    changes: Changes = field(default_factory=Changes)
    records: Records = field(default_factory=Records)
    failures: list[Failure] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    duplicates: list[tuple[str, str]] = field(default_factory=list)  # SOPInstanceUID and path


class Reading:
    """Paths, and the instances that were read from them.

    Parameters
    ----------
    store : MetadataStore
    loader : callable(study_instance_uid, series_instance_uid)
        For the store.

    Attributes
    ----------
    records : Records
        From which files the series were read.
    failures : list of Failure
        What could not be read the last time it was tried; the first 1,000.
    duplicates : list of str
        Files whose SOPInstanceUID another one has, which was read first; 1,000 of them.
    """

    def __init__(self, store: MetadataStore, loader: Callable[[str, str], Any]) -> None:
        self._store, self._loader = store, loader
        self.records = Records()
        self.failures: list[Failure] = []
        self.duplicates: list[str] = []
        self._paths: list[PathLike] = []
        self._unread: list[PathLike] = []
        self._stale = False
        self._late: list[tuple[Key, str]] = []  # files that came while others were read
        self._reader: int | None = None  # the thread that reads
        self._turn = threading.Lock()
        self._changing = threading.Lock()

    def add(self, paths: Iterable[PathLike]) -> None:
        """More paths, which are read when somebody asks."""
        with self._changing:
            known = {os.fsencode(path) for path in self._paths}
            fresh = [path for path in paths if os.fsencode(path) not in known]
            self._paths += fresh
            self._unread += fresh

    def add_read(self, path: str, key: Key, folder: PathLike) -> None:
        """A file that was read already, in a folder that is to be read again with the others."""
        with self._changing:
            if os.fsencode(folder) not in {os.fsencode(known) for known in self._paths}:
                self._paths.append(folder)
            self.records.add(key, [path])
            if self._reader is not None:
                self._late.append((key, path))

    def forget(self) -> None:
        """The next one who asks has everything read again."""
        self._stale = bool(self._paths)

    @property
    def is_due(self) -> bool:
        """Whether there is something to be read. bool."""
        return bool(self._unread) or self._stale

    def bring(
        self,
        changes: Changes | None = None,
        *,
        made_in_client: bool = False,
        progress: Callable[[Scan], object] | None = None,
        cancel: Cancel | None = None,
    ) -> Iterator[Series]:
        """Reads what is due; gives the series that have got something from it, each when it is complete.

        Parameters
        ----------
        changes : Changes, optional
            To be counted in.
        made_in_client : bool, optional
            Passed on with the store's events.
        progress : callable(Scan), optional
            As for `metalith.scan`.
        cancel : Cancel, optional
            Ended by it, what was read stays in the store, and the next one reads what remains.
        """
        if self._reader == threading.get_ident():
            return
        while not self._turn.acquire(timeout=_PAUSE):
            if cancel is not None:
                cancel.check()
        self._reader = threading.get_ident()
        try:
            with self._changing:
                again, due = self._stale, list(self._paths if self._stale else self._unread)
                unread = len(self._unread)
            if not due:
                return
            now = _Pass(again, Changes() if changes is None else changes)
            yield from self._read(now, due, made_in_client, progress, cancel)
            with self._changing:
                del self._unread[:unread]
                if again:
                    self._add_late(now)
                    self.records, self._stale = now.records, False
                    self.failures, self.duplicates = [], []
            if now.changes.failed:
                reasons = {type(failure.error).__name__ for failure in now.failures}
                _log.warning(
                    "%d files or folders could not be read: %s", now.changes.failed, ", ".join(sorted(reasons))
                )
            self.failures = [*self.failures, *now.failures][:_LISTED]
            self.duplicates = [*self.duplicates, *(path for _, path in now.duplicates)][:_LISTED]
        finally:
            self._late, self._reader = [], None
            self._turn.release()

    def _read(
        self,
        now: _Pass,
        due: Sequence[PathLike],
        made_in_client: bool,
        progress: Callable[[Scan], object] | None,
        cancel: Cancel | None,
    ) -> Iterator[Series]:
        def tell(at_work: Scan) -> None:
            if cancel is not None:
                cancel.check()
            if progress is not None:
                progress(at_work)

        given: set[Series] = set()
        with scan(due, progress=tell, report=lambda failure: _note(now, failure)) as tables:
            for table in tables:
                if cancel is not None:
                    cancel.check()
                for series in self._take(now, table, made_in_client):
                    if series not in given:
                        given.add(series)
                        yield series
        if now.again:
            with self._changing:
                self._add_late(now)
            self._remove_gone(now)
        for uid, path in now.duplicates:  # the one that was first may have become another instance
            if self._store.instance(uid) is None and os.path.exists(path):
                for table in scan([path], workers=0):
                    yield from self._take(now, table, made_in_client)

    def _add_late(self, now: _Pass) -> None:
        for key, path in self._late:
            now.records.add(key, [path])

    # ---- into the store ----

    def _take(self, now: _Pass, table: InstanceTable, made_in_client: bool) -> list[Series]:
        """Puts into the store what is new in a table; the series that have it, changed or not."""
        by_series: dict[Key, tuple[list[str], list[Instance]]] = {}
        seen: dict[str, str] = {}
        for instance in table:
            study, series, uid = (instance.get(keyword) for keyword in _UIDS)
            path = str(instance.path)
            if not (_is_uid(study) and _is_uid(series) and _is_uid(uid)):
                _note(
                    now,
                    Failure(
                        path, StoreError("an instance needs StudyInstanceUID, SeriesInstanceUID and SOPInstanceUID")
                    ),
                )
                continue
            paths, fresh = by_series.setdefault((study, series), ([], []))
            what = self._judge(now, (study, series), uid, instance, seen)
            if what == "duplicate":
                now.changes.duplicates += 1
                now.duplicates.append((uid, path))
                continue
            seen[uid] = path
            paths.append(path)
            setattr(now.changes, what, getattr(now.changes, what) + 1)
            if what in ("added", "changed"):
                fresh.append(instance)
        found = []
        for key, (paths, fresh) in by_series.items():
            dormant = self._is_dormant(now, key)
            with self._changing:
                (now.records if now.again else self.records).add(key, paths)
            if dormant:
                for instance in fresh:
                    self._remove(self._store.instance(instance.SOPInstanceUID))
            elif fresh:
                whole = len(fresh) == len(table)
                self._store.add_instances(
                    table if whole else _core.table_of(fresh),
                    made_in_client,
                    on_duplicate="replace",
                    loader=self._loader,
                )
            known = self._store.series(*key)
            if known is not None and (known.is_loaded or known.is_evicted):
                found.append(known)
        return found

    def _judge(self, now: _Pass, key: Key, uid: str, instance: Instance, seen: dict[str, str]) -> str:
        """What an instance is to the store: "added", "changed", "unchanged", or a "duplicate"."""
        path = instance.path
        if uid in seen:
            return "unchanged" if seen[uid] == path else "duplicate"
        known = self._store.instance(uid)
        if known is not None and known.path == path and _is_same(known, instance):
            return "unchanged"
        if known is None and self._is_dormant(now, key) and path in self.records.paths(key):
            return "unchanged"  # as far as it is known here
        if now.again and path is not None:
            before = self._store.instance_by_image_id(file_id(path))
            if before is not None and before.SOPInstanceUID != uid:
                self._remove(before)
        if known is None:
            return "added"
        another = known.path is not None and known.path != path and os.path.exists(known.path)
        return "duplicate" if another else "changed"

    def _is_dormant(self, now: _Pass, key: Key) -> bool:
        """Whether a series had to go for want of room. Its files are read when it is wanted, all of them: some of its
        instances in the store would pass for the series.
        """
        series = self._store.series(*key)
        return series is not None and series.is_evicted and (key in self.records or key in now.records)

    # ---- out of the store ----

    def _remove_gone(self, now: _Pass) -> None:
        """Removes the instances of files that are no more, or are something else."""
        gone: dict[Key, list[str]] = {}
        moved: set[str] = set()
        for key in {*self.records, *now.records}:
            before, after = self.records.paths(key), now.records.paths(key)
            if before != after:
                present = set(after)
                gone[key] = [path for path in before if path not in present]
                moved |= present.difference(before)
        for key, paths in gone.items():
            stay = [path for path in paths if _is_within(path, now.unreadable)]
            now.records.add(key, stay)
            leave = [path for path in paths if path not in moved and path not in stay]
            with self._store.transaction():
                for path in leave:
                    now.changes.removed += self._remove(self._store.instance_by_image_id(file_id(path)), path)
        for key in self.records:
            series = self._store.series(*key)
            if series is not None and not series.is_loaded and key not in now.records:
                self._remove_series(key)

    def _remove(self, instance: Instance | None, path: str | None = None) -> bool:
        """Removes an instance, and its series and study if nothing is left of them."""
        if instance is None or (path is not None and instance.path != path):
            return False
        study, series, uid = (instance[keyword] for keyword in _UIDS)
        self._store.remove_instance(study, series, uid)
        left = self._store.series(study, series)
        if left is not None and not left.is_loaded and not left.is_evicted:
            self._remove_series((study, series))
        return True

    def _remove_series(self, key: Key) -> None:
        self._store.remove_series(*key)
        study = self._store.study(key[0])
        if study is not None and not len(study):
            self._store.remove_study(key[0])


def _note(now: _Pass, failure: Failure) -> None:
    now.changes.failed += 1
    if len(now.failures) < _LISTED:
        now.failures.append(failure)
    if isinstance(failure.error, OSError) and not isinstance(failure.error, FileNotFoundError):
        now.unreadable.append(failure.path)


def _is_same(known: Instance, instance: Instance) -> bool:
    """Whether a file is what it was. What stands in pixel data says of which version of the file it is."""
    pixels = instance.get("PixelData")
    if pixels is not None and not isinstance(pixels, bytes) and known.get("PixelData") == pixels:
        return True
    return known == instance


def _is_within(path: str, places: Iterable[str]) -> bool:
    return any(path == place or path.startswith(place.rstrip(os.sep) + os.sep) for place in places)


def _is_uid(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def paths_of(given: Any, option: str = "paths") -> list[PathLike]:
    """The paths in an option: one, or several.

    Raises
    ------
    ConfigurationError
        One is empty or has a zero in it.
    """
    several = [given] if isinstance(given, (str, bytes, os.PathLike)) else list(given)
    for path in several:
        name = os.fsencode(path)
        if not name or b"\0" in name:
            raise ConfigurationError(f"{option}: an empty path, or one with a NUL in it")
    return several
