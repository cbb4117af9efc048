"""What was fetched already and need not be fetched again."""

from __future__ import annotations

import threading

__all__ = ["Fetched"]


class Fetched:
    """Which series of which studies a source has fetched. What failed is never among them.

    Examples
    --------
    >>> from metalith.sources.fetched import Fetched
    >>> fetched = Fetched()
    >>> fetched.note("1", "1.2", fetched.mark("1"))
    >>> fetched.has("1", "1.2"), fetched.has("1", None)
    (True, False)
    """

    def __init__(self) -> None:
        self._studies: dict[str, set[str | None]] = {}  # None among the series stands for the whole study
        self._marks: dict[str, int] = {}  # how often a study was forgotten
        self._all = 0  # how often all were
        self._lock = threading.Lock()

    def has(self, study: str, series: str | None) -> bool:
        """Whether a series, or with None all of a study, was fetched."""
        known = self._studies.get(study, ())
        return series in known or None in known

    def mark(self, study: str) -> tuple[int, int]:
        """What to show to `note` later: who begins to fetch before `forget` and ends after it has fetched too early."""
        with self._lock:
            return self._all, self._marks.get(study, 0)

    def note(self, study: str, series: str | None, mark: tuple[int, int]) -> None:
        """Notes that a series, or with None all of a study, was fetched."""
        with self._lock:
            if (self._all, self._marks.get(study, 0)) == mark:
                self._studies.setdefault(study, set()).add(series)

    def forget(self, study: str | None) -> None:
        """Forgets all series of a study; with None, of all studies."""
        with self._lock:
            if study is None:
                self._studies.clear()
                self._all += 1
            else:
                self._studies.pop(study, None)
                self._marks[study] = self._marks.get(study, 0) + 1
