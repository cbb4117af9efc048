"""What was given as bytes, or as a file that is open: kept, since its pixels may be asked for.

A viewer's file manager numbers such files, and so does this: `dicomfile:0`, `dicomfile:1`, ... in the order they came
to the process.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from metalith._core import Instance
from metalith.part10 import read
from metalith.sources.given import Ingest
from metalith.sources.local.records import Key
from metalith.store import MetadataStore

__all__ = ["Kept", "Memory"]

_numbers = itertools.count()


class Kept:
    """A file that is not on a disk, or whose path is not known.

    Attributes
    ----------
    image_id : str
    """

    def __init__(self, image_id: str, file: Any, position: int) -> None:
        self.image_id = image_id
        self._file, self._position = file, position
        self._lock = threading.Lock()

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """The bytes, or the file, for one thread at a time."""
        with self._lock:
            yield self._file

    def read(self) -> Instance:
        """Its header, again. Instance."""
        with self._lock:
            if not hasattr(self._file, "read"):
                return read(self._file)
            before = self._file.tell()
            try:
                self._file.seek(self._position)
                return read(self._file)
            finally:
                self._file.seek(before)


class Memory:
    """The files that are kept, by SOPInstanceUID; the last one of each."""

    def __init__(self, ingest: Ingest, store: MetadataStore) -> None:
        self._ingest, self._store = ingest, store
        self._kept: dict[str, Kept] = {}
        self._of_series: dict[Key, dict[str, None]] = {}

    def take(self, data: Any) -> tuple[Instance, Kept]:
        """Reads the header of bytes, or of a file that is open, which stays as it was. Nothing is kept yet.

        Raises
        ------
        ParseError
            It is no DICOM file, or damaged.
        """
        position = 0
        if hasattr(data, "read"):
            if data.seekable():
                position = data.tell()
            else:
                data = data.read()
        kept = Kept(self._new_id(), data, position)
        return kept.read(), kept

    def keep(self, key: Key, uid: str, kept: Kept) -> None:
        """Keeps a file that was taken, whose instance is in the store."""
        self._kept[uid] = kept
        self._of_series.setdefault(key, {})[uid] = None
        self._ingest.note(uid, kept.image_id)

    def get(self, uid: Any) -> Kept | None:
        """What an instance was read from, or None."""
        return self._kept.get(uid)

    def of_series(self, key: Key) -> list[Kept]:
        """All that is kept of a series. list of Kept."""
        return [self._kept[uid] for uid in self._of_series.get(key, ())]

    def _new_id(self) -> str:
        while True:
            made = f"dicomfile:{next(_numbers)}"
            if self._store.instance_by_image_id(made) is None:  # a store that was saved may have some
                return made
