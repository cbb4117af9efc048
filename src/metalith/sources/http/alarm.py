"""Time limits of any number of requests, kept by one thread.

A timer of its own for each request would be a thread for each, which costs more than a small request itself. Limits are
mostly called off long before their time, so that is what costs nothing: the thread does not even wake.
"""

from __future__ import annotations

import heapq
import itertools
import os
import threading
import time
from collections.abc import Callable

__all__ = ["Alarm", "Alarms", "alarms"]

_MANY = 64  # called off, before they are thrown out


class Alarm:
    """A function that is to be called at some time."""

    __slots__ = ("_alarms", "_callback")

    def __init__(self, alarms: Alarms, callback: Callable[[], object]) -> None:
        self._alarms = alarms
        self._callback: Callable[[], object] | None = callback

    @property
    def is_wanted(self) -> bool:
        """Whether it was neither called off nor has been called."""
        return self._callback is not None

    def cancel(self) -> None:
        """Calls it off; it may be at work already. A second time nothing happens."""
        callback, self._callback = self._callback, None
        if callback is not None:
            self._alarms._note_cancelled()

    def ring(self) -> None:
        """Calls the function, unless that was called off."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class Alarms:
    """Calls functions at their times, from one thread that begins with the first. For any number of threads.

    The functions have to be short and to raise nothing: the others wait for them.

    Examples
    --------
    >>> import threading
    >>> from metalith.sources.http.alarm import Alarms
    >>> rung = threading.Event()
    >>> alarm = Alarms().set(0.01, rung.set)
    >>> rung.wait(10)
    True
    """

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._reset()

    def _reset(self) -> None:
        self._heap: list[tuple[float, int, Alarm]] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._cancelled = 0  # about: some are not noticed, and thrown out when it is their time

    def set(self, seconds: float, callback: Callable[[], object]) -> Alarm:
        """Has a function called after some seconds. Its alarm, to call that off."""
        alarm = Alarm(self, callback)
        entry = time.monotonic() + seconds, next(self._numbers), alarm
        with self._changed:
            if self._cancelled > _MANY and self._cancelled > len(self._heap) // 2:
                self._heap = [one for one in self._heap if one[2].is_wanted]
                heapq.heapify(self._heap)
                self._cancelled = 0
            heapq.heappush(self._heap, entry)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="metalith-time-limits", daemon=True)
                self._thread.start()
            elif self._heap[0] is entry:
                self._changed.notify()
        return alarm

    def _note_cancelled(self) -> None:
        self._cancelled += 1

    def _watch(self) -> None:
        while (alarm := self._next()) is not None:
            alarm.ring()

    def _next(self) -> Alarm | None:
        """Waits for the next one; None when there is none left, and the thread ends."""
        with self._changed:
            while self._heap:
                at, _, alarm = self._heap[0]
                if alarm.is_wanted and (left := at - time.monotonic()) > 0:
                    self._changed.wait(left)
                    continue
                heapq.heappop(self._heap)
                if alarm.is_wanted:
                    return alarm
            self._thread = None
            return None


alarms = Alarms()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=alarms._reset)  # where the thread is not, and its lock may be held
