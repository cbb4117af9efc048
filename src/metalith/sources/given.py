"""What data sources yield, on its way into the store.

A source may yield whatever a store takes, and mappings that are not DICOM at all; `mappings.py` says what becomes of
those. A series goes into the store when it is whole, so that of one that breaks off nothing is there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from metalith._core import Instance, InstanceTable
from metalith.encode import Encoder
from metalith.errors import StoreError
from metalith.naturalize import naturalize
from metalith.sources._cancel import Cancel
from metalith.sources.mappings import Given, given_of
from metalith.store import MetadataStore, Series
from metalith.store.incoming import parts_of, tables_of

__all__ = ["Ingest"]

_BATCH = 512  # mappings that become one table

_Key = tuple[str, str]  # StudyInstanceUID and SeriesInstanceUID


class _Batch(NamedTuple):
    """Some instances, and what those have besides that came as mappings."""

    tables: list[InstanceTable]
    givens: list[Given]


class Ingest:
    """Puts what a source yields into its store.

    Parameters
    ----------
    source : str
        The source's name, from which UIDs are made that the data do not have.
    store : MetadataStore
    loader : callable(study_instance_uid, series_instance_uid), optional
        Brings series back that had to go.

    Attributes
    ----------
    image_ids : dict
        Image id of each instance that came with one, by SOPInstanceUID.
    extras : dict
        What an instance has that is no DICOM attribute, by SOPInstanceUID.
    """

    def __init__(self, source: str, store: MetadataStore, loader: Callable[[str, str], Any] | None = None) -> None:
        self._source, self._store, self._loader = source, store, loader
        self.image_ids: dict[str, str] = {}
        self.extras: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def add(
        self, data: Any, *, study: str | None = None, made_in_client: bool = False, cancel: Cancel | None = None
    ) -> Iterator[Series]:
        """Adds what was yielded, and gives the series that have it: each once, when it is whole as far as can be told.

        A series is whole when something came that is not of it, and at the end. Whatever is raised on the way, also by
        the data, leaves those that were whole in the store, and nothing of the others.

        Parameters
        ----------
        data
            What `MetadataStore.add_instances` takes, mappings of any kind, series of stores, or an iterable of these.
        study : str, optional
            StudyInstanceUID of mappings that have none.

        Raises
        ------
        StoreError
            Something that was yielded is no metadata. The message says the how manieth, counted from 0.
        """
        waiting: dict[_Key, _Batch] = {}
        told: set[_Key] = set()
        for batch in self._batches(data, study, cancel):
            touched = self._sorted(batch, waiting)
            # mostly series come one after the other: what got nothing more is whole
            yield from self._commit([key for key in waiting if key not in touched], waiting, told, made_in_client)
        yield from self._commit(list(waiting), waiting, told, made_in_client)

    def _sorted(self, batch: _Batch, waiting: dict[_Key, _Batch]) -> set[_Key]:
        """Puts instances to the others of their series; says which series these are."""
        touched = set()
        for table in batch.tables:
            for part in parts_of(table):
                key = part.study_instance_uid, part.series_instance_uid
                touched.add(key)
                waiting.setdefault(key, _Batch([], [])).tables.append(part.table)
        for given in batch.givens:
            waiting.setdefault((given.study, given.series), _Batch([], [])).givens.append(given)
        return touched

    def _commit(
        self, keys: list[_Key], waiting: dict[_Key, _Batch], told: set[_Key], made_in_client: bool
    ) -> Iterator[Series]:
        for key in keys:
            batch = waiting.pop(key)
            with self._store.transaction():
                for table in batch.tables:
                    self._store.add_instances(table, made_in_client, loader=self._loader)
                for given in batch.givens:
                    self._remember(given.uid, given.image_id, given.rest)
                self._store.add_image_ids({one.image_id: one.uid for one in batch.givens if one.image_id is not None})
            series = self._store.series(*key)
            if series is not None and key not in told:
                told.add(key)
                yield series

    def _batches(self, data: Any, study: str | None, cancel: Cancel | None) -> Iterator[_Batch]:
        """What was yielded, as tables; neighbouring mappings together."""
        mappings: list[Given] = []
        encoder = Encoder()
        for number, one in enumerate(_each(data)):
            if cancel is not None:
                cancel.check()
            is_mapping = isinstance(one, Mapping) and not isinstance(one, Instance)
            if mappings and (not is_mapping or len(mappings) >= _BATCH):
                yield _batch_of(mappings)
                mappings = []
            try:
                if is_mapping:
                    mappings.append(given_of(one, self._source, study, encoder))
                else:
                    yield _Batch(_tables(one), [])
            except (StoreError, TypeError) as error:
                raise StoreError(f"{self._source!r} yielded as number {number:,}: {error}") from None
        if mappings:
            yield _batch_of(mappings)

    def note(self, uid: str, image_id: str | None, rest: dict[str, Any] | None = None) -> None:
        """Remembers what an instance has besides its attributes."""
        self._remember(uid, image_id, rest)
        if image_id is not None:
            self._store.add_image_ids({image_id: uid})

    def _remember(self, uid: str, image_id: str | None, rest: dict[str, Any] | None) -> None:
        with self._lock:
            if image_id is not None:
                self.image_ids[uid] = image_id
            if rest:
                self.extras[uid] = rest
            else:
                self.extras.pop(uid, None)


def _each(data: Any) -> Iterator[Any]:
    """One after the other, lists in lists, too."""
    if data is None:
        return
    whole = (Mapping, Series, InstanceTable, Instance, bytes, bytearray, memoryview, str)
    if isinstance(data, whole) or hasattr(data, "to_json_dict") or hasattr(data, "read"):
        yield data
    elif isinstance(data, Iterable):
        for one in data:
            yield from _each(one)
    else:
        yield data


def _tables(one: Any) -> list[InstanceTable]:
    if isinstance(one, Series):
        return tables_of(list(one.load()))
    return tables_of(one)


def _batch_of(mappings: list[Given]) -> _Batch:
    return _Batch([naturalize(b"[" + b",".join([given.body for given in mappings]) + b"]")], mappings)
