"""A bounded number of threads that do what is most urgent first.

The threads are daemons and come and go with the work. What is under way is called off when its scheduler is closed,
and when the program ends: nobody waits there for a server that does not answer.
"""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401  # its threads are waited for at the end of the program: see `_at_exit`
import contextvars
import heapq
import itertools
import logging
import math
import os
import threading
import weakref
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any, Protocol

__all__ = ["Scheduler", "checked_priority"]

_log = logging.getLogger("metalith.sources")

_IDLE = 5.0  # seconds after which a thread that has nothing to do ends
_LAST = 1.0  # seconds that threads have at the end of the program


class Client(Protocol):
    """Who has things done by a scheduler, and can be told to stop."""

    def cancel(self) -> None: ...


_Entry = tuple[float, int, Callable[[], object], Callable[[], float]]  # urgency, number, function, asks for priority


class Scheduler:
    """Does functions in threads of its own; higher priorities first, then in the order they came.

    Parameters
    ----------
    workers : int
        How many at once, at most. May be set: it goes for what begins later.

    Examples
    --------
    >>> from metalith.sources.scheduler import Scheduler
    >>> done = threading.Event()
    >>> scheduler = Scheduler(2)
    >>> scheduler.submit(done.set)
    >>> done.wait(10)
    True
    >>> scheduler.close()
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._forget_threads()
        _schedulers.add(self)

    def _forget_threads(self) -> None:
        """As new; in a process that was forked there are none of the threads, and locks may be held for ever."""
        self._changed = threading.Condition()
        self._heap: list[_Entry] = []
        self._numbers = itertools.count()
        self._disordered = False
        self._threads: set[threading.Thread] = set()
        self._idle = self._closings = 0
        self._clients: weakref.WeakSet[Any] = weakref.WeakSet()

    def submit(self, function: Callable[[], object], priority: float | Callable[[], float] = 0) -> None:
        """Has a function called as soon as a thread is free.

        Parameters
        ----------
        function : callable
            It deals with its own errors. It sees the context variables of the caller, limits among them.
        priority : float or callable
            A callable is asked again after `reorder`.
        """
        asks: Callable[[], float] = priority if callable(priority) else lambda: priority
        context = contextvars.copy_context()
        with self._changed:
            entry: _Entry = (-asks(), next(self._numbers), partial(context.run, function), asks)
            heapq.heappush(self._heap, entry)
            self._changed.notify()
            if len(self._heap) > self._idle and len(self._threads) < self.workers:
                thread = threading.Thread(
                    target=self._work, args=(self._closings,), name="metalith-source", daemon=True
                )
                self._threads.add(thread)
                try:
                    thread.start()
                except BaseException:
                    self._threads.discard(thread)
                    if not self._threads:  # else the others do it
                        self._heap.remove(entry)
                        heapq.heapify(self._heap)
                        raise

    def reorder(self) -> None:
        """Asks for priorities again, before the next one is taken."""
        with self._changed:
            self._disordered = True

    def _work(self, closings: int) -> None:
        while True:
            with self._changed:
                while not self._heap:
                    self._idle += 1
                    woken = closings == self._closings and self._changed.wait(_IDLE)
                    self._idle -= 1
                    if not woken and not self._heap:
                        self._threads.discard(threading.current_thread())
                        return
                if self._disordered:
                    self._disordered = False
                    self._heap = [(-asks(), number, function, asks) for _, number, function, asks in self._heap]
                    heapq.heapify(self._heap)
                function = heapq.heappop(self._heap)[2]
            try:
                function()
            except BaseException as error:
                _log.error("what a thread of a data source was at ended with %s", type(error).__qualname__)
            del function  # and all that it holds, while there is nothing to do

    # ---- ending ----

    def attach(self, client: Client) -> None:
        """Has a client told to stop when this is closed, as long as it lives."""
        with self._changed:
            self._clients.add(client)

    def detach(self, client: Client) -> None:
        with self._changed:
            self._clients.discard(client)

    def close(self) -> None:
        """Calls off what is under way, and lets the threads end when they are done; who submits again gets new ones."""
        with self._changed:
            clients = list(self._clients)
        for client in clients:
            client.cancel()
        with self._changed:
            self._closings += 1
            self._changed.notify_all()

    def join(self, seconds: float) -> None:
        """Waits for the threads to end, but no longer than that."""
        until = monotonic() + seconds
        with self._changed:
            threads = list(self._threads)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - monotonic()))


def checked_priority(value: Any) -> float:
    """A priority, which must be a number to have an order.

    Raises
    ------
    ValueError
        It is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        raise ValueError("a priority is a number")
    return value


_schedulers: weakref.WeakSet[Scheduler] = weakref.WeakSet()


def _end_all() -> None:
    several = list(_schedulers)
    for scheduler in several:
        scheduler.close()
    until = monotonic() + _LAST
    for scheduler in several:
        scheduler.join(until - monotonic())


def _after_fork() -> None:
    for scheduler in list(_schedulers):
        scheduler._forget_threads()


# Threads that are not ours may wait for what ours do, and they are waited for before `atexit`. Calls that are
# registered here are made before that, the latest first: before those of concurrent.futures, which is imported above.
_at_exit: Callable[[Callable[[], None]], object] = getattr(threading, "_register_atexit", atexit.register)
_at_exit(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
