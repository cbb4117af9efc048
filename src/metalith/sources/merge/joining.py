"""Series of several sources as one, in the merge's store, and which instance is whose.

Each source loads into a store of its own. The tables there are put into the merge's store, too, and not copied: only
where a series is partly another source's, what is taken of it becomes a table of its own. Of an instance that several
sources have, the first one's is taken, whichever comes first.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from metalith._core import Instance
from metalith.sources.contract import DataSource
from metalith.sources.given import Ingest
from metalith.store import MetadataStore, Series

__all__ = ["Joining", "distinct"]

Key = tuple[str, str]


class Joining:
    """The merge's store, and whose the instances in it are.

    Parameters
    ----------
    store : MetadataStore
    ingest : Ingest
        Of the merge: remembers image ids, and what instances have besides attributes.
    loader : callable(study_instance_uid, series_instance_uid)
        For the store.
    """

    def __init__(self, store: MetadataStore, ingest: Ingest, loader: Any) -> None:
        self._store, self._ingest, self._loader = store, ingest, loader
        # of each series the source that most instances are of, and those that are another's
        self._owners: dict[Key, tuple[str, Mapping[str, str]]] = {}
        self._lock = threading.Lock()

    def owner(self, key: Key, uid: str) -> str | None:
        """Name of the source that an instance in the store is of, or None."""
        owners = self._owners.get(key)
        return None if owners is None else owners[1].get(uid, owners[0])

    def join(
        self,
        key: Key,
        found: Sequence[tuple[DataSource, Series]],
        ranks: Mapping[str, int],
        failed: Collection[str] = (),
        made_in_client: bool = False,
    ) -> Series:
        """Puts a series into the store.

        Parameters
        ----------
        key : (str, str)
            UIDs of the study and the series.
        found : sequence of (DataSource, Series)
            The series as each source has it, the first one first.
        ranks : mapping
            Of the names of all sources; 0 is that of the first.
        failed : collection of str
            Names of sources that could not be asked: what came from them before stays.
        """
        with self._lock:
            owners: dict[str, str] = {}
            pieces: list[Any] = []
            for child, series in found:
                instances = list(series.instances)
                own = [one for one in instances if self._may_give(key, one, child, ranks, failed, owners)]
                owners |= {one.SOPInstanceUID: child.name for one in own}
                fresh = [one for one in own if self._store.instance(*key, one.SOPInstanceUID) != one]
                if not fresh:
                    continue
                tables = series.tables
                whole = len(fresh) == len(instances) == sum(map(len, tables))
                pieces += tables if whole else [fresh]
            with self._store.transaction():
                for piece in pieces:
                    self._store.add_instances(piece, made_in_client, on_duplicate="replace", loader=self._loader)
                self._note(found, owners)
                self._remember(key, owners)
            joined = self._store.series(*key)
        return found[0][1] if joined is None else joined

    def add(self, instance: Instance, child: DataSource) -> None:
        """Puts one instance into the store."""
        key = instance.StudyInstanceUID, instance.SeriesInstanceUID
        owners = {instance.SOPInstanceUID: child.name}
        with self._lock, self._store.transaction():
            self._store.add_instances(instance, on_duplicate="replace", loader=self._loader)
            self._note_one(child, instance.SOPInstanceUID)
            self._remember(key, owners)

    def _may_give(
        self,
        key: Key,
        instance: Instance,
        child: DataSource,
        ranks: Mapping[str, int],
        failed: Collection[str],
        owners: Mapping[str, str],
    ) -> bool:
        """Whether an instance is this source's to give: no source before it has given it, now or earlier."""
        uid = instance.SOPInstanceUID
        if uid in owners:
            return False
        before = self.owner(key, uid)
        if before is None or before not in failed or ranks.get(before, len(ranks)) >= ranks[child.name]:
            return True
        return self._store.instance(*key, uid) is None

    def _remember(self, key: Key, owners: Mapping[str, str]) -> None:
        most, others = self._owners.get(key, ("", {}))
        every = {**others, **owners}
        if not most:
            most = next(iter(owners.values()), "")
        self._owners[key] = most, {uid: name for uid, name in every.items() if name != most}

    def _note(self, found: Sequence[tuple[DataSource, Series]], owners: Mapping[str, str]) -> None:
        """Takes over what instances have besides attributes."""
        by_name = {child.name: child for child, _ in found}
        for name in {name for name in owners.values() if self._ingest.extras or _has_notes(by_name[name])}:
            for uid, owner in owners.items():
                if owner == name:
                    self._note_one(by_name[name], uid)

    def _note_one(self, child: DataSource, uid: str) -> None:
        notes = child._ingest
        image_id, extras = notes.image_ids.get(uid), notes.extras.get(uid)
        if image_id is not None or extras or uid in self._ingest.extras:
            self._ingest.note(uid, image_id, extras)


def _has_notes(child: DataSource) -> bool:
    return bool(child._ingest.image_ids or child._ingest.extras)


def distinct(several: Iterator[Instance]) -> Iterator[Instance]:
    """Instances, of each SOPInstanceUID the first."""
    seen: set[str] = set()
    for one in several:
        uid = one.SOPInstanceUID
        if uid not in seen:
            seen.add(uid)
            yield one
