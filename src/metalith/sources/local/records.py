"""From which files the series were read: packed, since there may be millions, and seldom asked for."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator

__all__ = ["Key", "Records"]

Key = tuple[str, str]
"""UIDs of a study and of one of its series."""


class Records:
    """Paths by series."""

    def __init__(self) -> None:
        self._packed: dict[Key, bytes] = {}
        self._counts: dict[Key, int] = {}

    def add(self, key: Key, paths: Iterable[str]) -> None:
        """More files of a series; those that are known already are known once."""
        self.put(key, [*self.paths(key), *paths])

    def put(self, key: Key, paths: Iterable[str]) -> None:
        """The files of a series, instead of those that are known; none make it unknown."""
        each = list(dict.fromkeys(paths))
        if not each:
            self._packed.pop(key, None)
            self._counts.pop(key, None)
            return
        self._packed[key] = zlib.compress(b"\0".join(map(os.fsencode, each)), 1)  # names in a folder are much alike
        self._counts[key] = len(each)

    def paths(self, key: Key) -> list[str]:
        """The files of a series, in the order they came. list of str."""
        packed = self._packed.get(key)
        return [] if packed is None else [os.fsdecode(path) for path in zlib.decompress(packed).split(b"\0")]

    def count(self, key: Key) -> int:
        """How many files a series has."""
        return self._counts.get(key, 0)

    def __contains__(self, key: object) -> bool:
        return key in self._packed

    def __iter__(self) -> Iterator[Key]:
        return iter(list(self._packed))

    def __len__(self) -> int:
        return len(self._packed)
