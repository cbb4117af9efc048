"""Changes of a store, one after the other, each whole; and who is told of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

from metalith.store.changes import Journal
from metalith.store.events import EVENTS, Event, EventQueue, EventStream, Subscription
from metalith.store.lookups import Lookups
from metalith.store.series import Series
from metalith.store.upkeep import evict, tidy

__all__ = ["Transactions"]


class Transactions(Lookups):
    """A store whose changes exclude one another and can be taken back."""

    def __init__(self, max_bytes: int | None) -> None:
        super().__init__()
        self._max_bytes = max_bytes
        self._lock = threading.RLock()
        self._journal: Journal | None = None
        self._queue = EventQueue()

    @contextmanager
    def transaction(self) -> Iterator[Self]:
        """Several changes as one: made together or, when the block raises, not at all. Events come at its end.

        Other threads cannot change anything meanwhile, but see the changes as they are made.

        Examples
        --------
        >>> store = metalith.MetadataStore()
        >>> with store.transaction():
        ...     study = store.add_study({"StudyInstanceUID": "1", "StudyDescription": "Knee"})
        >>> store.study("1").StudyDescription
        'Knee'
        """
        with self._lock:
            outermost = self._journal is None
            journal = self._journal = self._journal or Journal()
            mark = journal.mark
            try:
                yield self
                if outermost:
                    self._queue.put(journal.events)
            except BaseException:
                journal.roll_back(mark)
                raise
            else:
                if outermost:
                    # the change is made: from here on nothing is taken back
                    journal.finish()
                    self._keep_small(journal.touched)
            finally:
                if outermost:
                    self._journal = None
        if outermost:
            self._queue.deliver()

    def _keep_small(self, touched: dict[Series, None]) -> None:
        tidy(self._places, touched)
        if self._max_bytes is not None and self.nbytes > self._max_bytes:
            with suppress(MemoryError):  # the next change tries again
                self._queue.put(evict(self._places, self._all_series(), touched, self._max_bytes))

    @property
    def _open_journal(self) -> Journal:
        assert self._journal is not None
        return self._journal

    def _tell(self, type: str, series: Series, **details: Any) -> None:
        self._open_journal.events.append(Event(type, series.study_instance_uid, series.series_instance_uid, **details))

    def _touch(self, slot: int) -> None:
        self._places.touch(slot)

    # ---- events ----

    def subscribe(self, event: str | Iterable[str], callback: Callable[[Event], Any]) -> Subscription:
        """Calls back with every event of a type, or of several, from now on.

        Parameters
        ----------
        event : str or iterable of str
            `STUDY_ADDED`, `INSTANCES_ADDED`, …
        callback : callable(Event)
            Called after the change is visible, with no lock held, in the order of the changes; by the thread that made
            the change, or another one that is just delivering. What it raises is logged and stops nobody.

        Returns
        -------
        Subscription
            To be ended by `unsubscribe()` or as a context manager.
        """
        return self._queue.subscribe([event] if isinstance(event, str) else event, callback)

    def events(self, types: str | Iterable[str] = EVENTS, *, timeout: float | None = None) -> EventStream:
        """Events from now on, one after the other, for a thread of its own; `close()` of what is returned ends it.

        Parameters
        ----------
        types : str or iterable of str, optional
            All by default.
        timeout : float, optional
            Seconds without an event after which it ends; by default it waits for ever.
        """
        return EventStream(self._queue, [types] if isinstance(types, str) else types, timeout)
