"""What may end a request before its time: somebody calls it off, or the time for all of it is up.

Either may come while a thread is blocked in the system, waiting for the first or the next bytes. Closing the socket
under it is unsafe; shutting the connection down is not, and wakes it at once. So a `Watch` knows the socket that its
request is using, from when it is connected until it goes back to the pool, and not longer: it is another request's
then.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from metalith.errors import DataSourceError
from metalith.sources._cancel import Cancel
from metalith.sources.http.alarm import alarms

__all__ = ["Watch", "current"]


class Watch:
    """Over one request, retries and redirects included, until the last byte of its answer.

    Parameters
    ----------
    method, url : str
        For the error.
    cancel : Cancel or None
    seconds : float or None
        The time for all of it.
    """

    def __init__(self, method: str, url: str, cancel: Cancel | None, seconds: float | None) -> None:
        self._method, self._url, self._seconds = method, url, seconds
        self._until = None if seconds is None else time.monotonic() + seconds
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._shut: Callable[[], object] | None = None
        self.wrap: Callable[[Any, int], Any] | None = None  # makes of urllib3's answer and its status what is read
        self._cancel = cancel
        self._alarm = None if seconds is None else alarms.set(seconds, self._end)
        self._handle = None if cancel is None else cancel.on_cancel(self._end)

    def check(self) -> None:
        """Raises if it is over: `Cancelled`, or `DataSourceError` when the time is up."""
        if self._cancel is not None:
            self._cancel.check()
        if self._until is not None and time.monotonic() >= self._until:
            raise DataSourceError(
                f"not done within the time limit total_timeout={self._seconds:g} s", method=self._method, url=self._url
            )

    def within(self, seconds: float) -> float:
        """Some seconds, or what is left of all time if that is less; never 0."""
        return seconds if self._until is None else max(min(seconds, self._until - time.monotonic()), 0.001)

    def has(self, seconds: float) -> bool:
        """Whether so many seconds are left."""
        return self._until is None or time.monotonic() + seconds < self._until

    def sleep(self, seconds: float) -> None:
        """Waits; raises as soon as it is over."""
        self._over.wait(seconds)
        self.check()

    def hold(self, shut: Callable[[], object]) -> None:
        """How to wake whoever is blocked, from now on. It is done at once when it is over already."""
        with self._lock:
            self._shut = shut
            if self._over.is_set():
                shut()

    def release(self) -> None:
        """The connection is not this request's any more."""
        with self._lock:
            self._shut = None

    def close(self) -> None:
        """The request has come to its end."""
        self.release()
        if self._alarm is not None:
            self._alarm.cancel()
        if self._handle is not None:
            self._handle.remove()

    def _end(self) -> None:
        with self._lock:
            self._over.set()
            if self._shut is not None:
                self._shut()


_of_thread = threading.local()


def current() -> Watch | None:
    """The watch over the request that this thread is sending; None where it is not sending one of ours."""
    return getattr(_of_thread, "watch", None)


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Makes it the `current` one."""
    before = current()
    _of_thread.watch = watch
    try:
        yield
    finally:
        _of_thread.watch = before


def shut_down(connected: Any) -> None:
    """Ends a connection, in both directions, under whoever is using it; the descriptor stays."""
    while not isinstance(connected, socket.socket):
        connected = connected.socket  # TLS inside of TLS is no socket, but has one
    with suppress(OSError):  # it may have ended by itself
        # not SSLSocket's own, which drops the TLS layer first: what is being sent would go out in the clear
        socket.socket.shutdown(connected, socket.SHUT_RDWR)
