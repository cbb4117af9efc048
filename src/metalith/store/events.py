"""What happens in a store, told to who asked: in order, after it is visible, and with no lock held."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

__all__ = ["EVENTS", "Event", "EventQueue", "EventStream", "Subscription"]

_log = logging.getLogger("metalith.store")

STUDY_ADDED = "study_added"
STUDY_REMOVED = "study_removed"
SERIES_ADDED = "series_added"
SERIES_UPDATED = "series_updated"
SERIES_REMOVED = "series_removed"
SERIES_EVICTED = "series_evicted"
INSTANCES_ADDED = "instances_added"
INSTANCES_REMOVED = "instances_removed"
IMAGE_IDS_ADDED = "image_ids_added"

EVENTS = (
    STUDY_ADDED,
    STUDY_REMOVED,
    SERIES_ADDED,
    SERIES_UPDATED,
    SERIES_REMOVED,
    SERIES_EVICTED,
    INSTANCES_ADDED,
    INSTANCES_REMOVED,
    IMAGE_IDS_ADDED,
)


@dataclass(frozen=True, slots=True)
class Event:
    """One change of a store.

    Attributes
    ----------
    type : str
        One of the store's event types, such as `MetadataStore.INSTANCES_ADDED`.
    study_instance_uid : str
        Empty for image ids.
    series_instance_uid : str or None
        None for events of a study, and for image ids.
    count : int
        Instances that were added or removed; of an update, all that the series has.
    replaced : int
        How many of the added ones took the place of an instance that was there.
    sop_instance_uids : tuple of str
        Which ones, for `INSTANCES_REMOVED`, and for `INSTANCES_ADDED` those that replaced another; otherwise empty
        (the series has them all).
    made_in_client : bool
        As the caller of the add said: the data were made here, not loaded.
    image_ids : tuple of str
        Which ones were made known, for `IMAGE_IDS_ADDED`.
    """

    type: str
    study_instance_uid: str
    series_instance_uid: str | None = None
    count: int = 0
    replaced: int = 0
    sop_instance_uids: tuple[str, ...] = ()
    made_in_client: bool = False
    image_ids: tuple[str, ...] = ()


class Subscription:
    """A callback's subscription: end it with `unsubscribe()`, or by leaving a `with` block."""

    __slots__ = ("_callback", "_queue", "_types")

    def __init__(self, events: EventQueue, types: frozenset[str], callback: Callable[[Event], Any]) -> None:
        self._queue, self._types, self._callback = events, types, callback

    def unsubscribe(self) -> None:
        """No further event is delivered; ending it twice does nothing."""
        self._queue.remove(self)

    def deliver(self, event: Event) -> None:
        """Calls the callback; what it raises is logged and stops nobody."""
        if event.type not in self._types:
            return
        try:
            self._callback(event)
        except Exception as error:
            # neither the event nor the error's text: both may hold patient data
            name = getattr(self._callback, "__qualname__", type(self._callback).__qualname__)
            _log.error("subscriber %s raised %s at %s", name, type(error).__qualname__, event.type)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unsubscribe()


class EventQueue:
    """Events on their way to subscribers.

    Whoever changes the store puts events here and then delivers. While one thread delivers, others only put: order is
    that of the changes, and a callback that changes the store itself gets its events delivered after its own.
    """

    def __init__(self) -> None:
        self._subscriptions: tuple[Subscription, ...] = ()
        self._changing = threading.RLock()  # may be wanted again by a stream that the collector ends
        self._waiting: deque[tuple[Event, tuple[Subscription, ...]]] = deque()
        self._delivering = threading.Lock()

    def subscribe(self, types: Iterable[str], callback: Callable[[Event], Any]) -> Subscription:
        """Calls back with every event of these types from now on."""
        wanted = frozenset(types)
        unknown = wanted.difference(EVENTS)
        if unknown or not wanted:
            raise ValueError(f"no such event: {sorted(unknown)[0]!r}" if unknown else "which events?")
        if not callable(callback):
            raise TypeError("a subscriber is a callable that takes the event")
        subscription = Subscription(self, wanted, callback)
        with self._changing:
            self._subscriptions += (subscription,)
        return subscription

    def remove(self, subscription: Subscription) -> None:
        """Ends a subscription."""
        with self._changing:
            self._subscriptions = tuple(other for other in self._subscriptions if other is not subscription)

    def put(self, events: Iterable[Event]) -> None:
        """Puts events in line. Called under the store's lock, so that their order is that of the changes."""
        subscriptions = self._subscriptions
        if subscriptions:
            self._waiting.extend([(event, subscriptions) for event in events])  # a list: all of them or none

    def deliver(self) -> None:
        """Delivers what is in line, unless another thread is at it. Called with no lock held."""
        while self._waiting and self._delivering.acquire(blocking=False):
            try:
                while self._waiting:
                    event, subscriptions = self._waiting.popleft()
                    for subscription in subscriptions:
                        if subscription in self._subscriptions:
                            subscription.deliver(event)
            finally:
                self._delivering.release()


class EventStream(Iterator[Event]):
    """Events one after the other, for a thread of its own. `close`, or leaving a `with` block, ends it from whatever
    thread: what came before is still given.
    """

    def __init__(self, events: EventQueue, types: Iterable[str], timeout: float | None) -> None:
        self._line: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._timeout = timeout
        self._subscription = events.subscribe(types, self._line.put)

    def __next__(self) -> Event:
        try:
            event = self._line.get(timeout=self._timeout)
        except queue.Empty:
            event = None
            self._subscription.unsubscribe()
        if event is None:
            self._line.put(None)  # for whoever asks again
            raise StopIteration
        return event

    def close(self) -> None:
        """No further event comes; whoever waits for one stops waiting."""
        self._subscription.unsubscribe()
        self._line.put(None)

    def __enter__(self) -> EventStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # nobody reads the line any more; not there if the types were refused
        if hasattr(self, "_subscription"):
            self._subscription.unsubscribe()
