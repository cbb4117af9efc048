"""The manifests that a source has read: each once, until it is to be read again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

from metalith.errors import ParseError
from metalith.sources._single_flight import SingleFlight
from metalith.sources.dicomjson.manifest import Manifest, ManifestStudy

__all__ = ["Shelf"]


class Shelf:
    """Manifests by where they came from, and their studies. For any number of threads.

    Parameters
    ----------
    on_read : callable(str)
        Called with the StudyInstanceUID of each study that a manifest had or has, when it has been read.
    """

    def __init__(self, on_read: Callable[[str], object]) -> None:
        self._on_read = on_read
        self._flights = SingleFlight()
        self._lock = threading.Lock()
        self._manifests: dict[Hashable, Manifest] = {}
        self._makers: dict[Hashable, Callable[[], Manifest]] = {}
        self._stale: set[Hashable] = set()
        self._studies: dict[str, tuple[Hashable, Manifest, ManifestStudy]] = {}

    def __len__(self) -> int:
        return len(self._manifests)

    def read(
        self, key: Hashable, make: Callable[[], Manifest], *, refresh: bool = False, again: bool = True
    ) -> Manifest:
        """A manifest: the one that is here, or else what `make` gives.

        Parameters
        ----------
        key : hashable
            Where it comes from.
        make : callable
            Reads it. What it raises comes out, and what was here stays.
        refresh : bool, optional
            Read it in any case.
        again : bool, optional
            Whether it can be read another time.
        """

        def read() -> Manifest:
            known = self._manifests.get(key)
            if known is not None and not refresh and key not in self._stale:
                return known
            manifest = make()
            with self._lock:
                self._manifests[key] = manifest
                self._studies = {uid: entry for uid, entry in self._studies.items() if entry[0] != key}
                self._studies |= {uid: (key, manifest, study) for uid, study in manifest.studies.items()}
                self._stale.discard(key)
                if again:
                    self._makers[key] = make
            for uid in {*manifest.studies, *(known.studies if known is not None else ())}:
                self._on_read(uid)
            return manifest

        return self._flights.do(key, read)

    def discard(self, study_instance_uid: str) -> None:
        """Has the manifest of a study read again when it is wanted next, if it can be."""
        with self._lock:
            found = self._studies.get(study_instance_uid)
            if found is not None and found[0] in self._makers:
                self._stale.add(found[0])

    def renew(self) -> None:
        """Reads again what is to be read again."""
        for key in [*self._stale]:
            self.read(key, self._makers[key])

    def study(self, uid: str) -> tuple[Manifest, ManifestStudy] | None:
        """A study, and the manifest that has it; of several manifests the one that was read last."""
        found = self._studies.get(uid)
        return None if found is None else (found[1], found[2])

    @property
    def studies(self) -> list[tuple[Manifest, ManifestStudy]]:
        """All studies, with the manifests that have them. list."""
        return [(manifest, study) for _, manifest, study in self._studies.values()]

    @property
    def problems(self) -> list[ParseError]:
        """What of the manifests could not be taken. list of ParseError."""
        return [problem for manifest in [*self._manifests.values()] for problem in manifest.problems]
