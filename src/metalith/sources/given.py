"""What data sources yield, on its way into the store.

A source may yield whatever a store takes, and mappings that are not DICOM at all. Of those, members whose names are
DICOM keywords or tags become attributes, `image_id` (or `url`) becomes the image's id, UIDs that are missing are made
of the image's id, and everything else is kept beside: a provider answers it by its name.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from metalith import _core
from metalith._core import Instance, InstanceTable
from metalith.errors import StoreError
from metalith.sources._cancel import Cancel
from metalith.store import MetadataStore, Series
from metalith.store.incoming import parts_of, tables_of

__all__ = ["Ingest"]

_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_IMAGE_IDS = ("image_id", "imageId", "url")
_BATCH = 512  # mappings that become one table


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
        """Adds what was yielded, and gives the series that have it: each when it is whole, as far as can be told.

        Parameters
        ----------
        data
            What `MetadataStore.add_instances` takes, mappings of any kind, or an iterable of these.
        study : str, optional
            StudyInstanceUID of mappings that have none.
        """
        open_series: dict[tuple[str, str], Series] = {}
        for batch in self._batches(data, study):
            if cancel is not None:
                cancel.check()
            if isinstance(batch, Series):
                yield batch
                continue
            touched = {}
            for table in tables_of(batch):
                for part in parts_of(table):
                    self._store.add_instances(part.table, made_in_client, loader=self._loader)
                    key = part.study_instance_uid, part.series_instance_uid
                    found = self._store.series(*key)
                    if found is not None:
                        touched[key] = found
            # mostly series come one after the other: what got nothing more is whole
            for key in [key for key in open_series if key not in touched]:
                yield open_series.pop(key)
            open_series |= touched
        yield from open_series.values()

    def _batches(self, data: Any, study: str | None) -> Iterator[Any]:
        if isinstance(data, (Series, InstanceTable, Instance)) or not isinstance(data, Iterable):
            yield data
            return
        if isinstance(data, Mapping):
            yield [self._natural(data, study)]
            return
        if isinstance(data, (bytes, bytearray, memoryview, str)) or hasattr(data, "to_json_dict"):
            yield data
            return
        batch: list[Any] = []
        for one in data:
            if isinstance(one, Mapping) and not isinstance(one, Instance):
                batch.append(self._natural(one, study))
                if len(batch) >= _BATCH:
                    yield batch
                    batch = []
                continue
            if batch:
                yield batch
                batch = []
            if one is not None:
                yield one
        if batch:
            yield batch

    def _natural(self, given: Mapping[Any, Any], study: str | None) -> Mapping[Any, Any]:
        """The DICOM attributes of a mapping, with the three UIDs; the rest is remembered."""
        if given and all(isinstance(value, Mapping) and "vr" in value for value in given.values()):
            return given  # DICOM JSON
        natural: dict[Any, Any] = {}
        rest: dict[str, Any] = {}
        image_id = None
        for name, value in given.items():
            if name in _IMAGE_IDS:
                image_id = value if isinstance(value, str) and value else image_id
            elif isinstance(name, str) and not _is_attribute(name):
                rest[name] = value
            else:
                natural[name] = value
        natural.setdefault("StudyInstanceUID", study or self._uid("study"))
        natural.setdefault("SeriesInstanceUID", self._uid(f"series of {natural['StudyInstanceUID']}"))
        if "SOPInstanceUID" not in natural:
            if image_id is None:
                raise StoreError("a mapping that a data source yields needs a SOPInstanceUID or an image_id")
            natural["SOPInstanceUID"] = self._uid(f"image {image_id}")
        self.note(natural["SOPInstanceUID"], image_id, rest)
        return natural

    def note(self, uid: str, image_id: str | None, rest: dict[str, Any] | None = None) -> None:
        """Remembers what an instance has besides its attributes."""
        with self._lock:
            if image_id is not None:
                self.image_ids[uid] = image_id
                self._store.add_image_ids({image_id: uid})
            if rest:
                self.extras[uid] = rest
            else:
                self.extras.pop(uid, None)

    def _uid(self, of: str) -> str:
        """A UID that is always the same for the same thing (PS3.5 section B.2)."""
        return f"2.25.{uuid.uuid5(uuid.NAMESPACE_URL, f'metalith:{self._source}:{of}').int}"


def _is_attribute(name: str) -> bool:
    return _core.describe_keyword(name) is not None or (len(name) == 8 and set(name) <= set("0123456789ABCDEFabcdef"))
