"""Calling off what other threads are at: loads, requests, waits.

Whoever may call it off makes a `Cancel` and hands it down. What works checks it between its pieces; what waits is woken
through `on_cancel`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from metalith.errors import Cancelled

__all__ = ["Cancel", "CancelHandle"]


class Cancel:
    """Says that something is not wanted any more; once said, that stays so. For any number of threads.

    Examples
    --------
    >>> from metalith.sources import Cancel
    >>> cancel = Cancel()
    >>> handle = cancel.on_cancel(lambda: print("stopped"))
    >>> cancel.cancel()
    stopped
    >>> cancel.cancelled
    True
    """

    __slots__ = ("_callbacks", "_lock", "_said")

    def __init__(self) -> None:
        self._said = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: dict[CancelHandle, Callable[[], object]] = {}

    def __repr__(self) -> str:
        return f"<Cancel: {'cancelled' if self.cancelled else 'not cancelled'}>"

    @property
    def cancelled(self) -> bool:
        """Whether it was called off."""
        return self._said.is_set()

    def cancel(self) -> None:
        """Calls it off, and calls the callbacks in this thread. A second time nothing happens.

        All callbacks are called, though one raises; the first one's exception comes out in the end.
        """
        with self._lock:
            if self._said.is_set():
                return
            self._said.set()
            callbacks, self._callbacks = list(self._callbacks.values()), {}
        failed: BaseException | None = None
        for callback in callbacks:
            try:
                callback()
            except BaseException as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def check(self) -> None:
        """Raises `Cancelled` if it was called off."""
        if self._said.is_set():
            raise Cancelled("what was asked for is not wanted any more")

    def wait(self, seconds: float | None = None) -> bool:
        """Waits until it is called off, or some seconds; whether it was called off."""
        return self._said.wait(seconds)

    def on_cancel(self, callback: Callable[[], object]) -> CancelHandle:
        """Has a function called when it is called off: at once, if it was before.

        Parameters
        ----------
        callback : callable
            Called in the thread that cancels, so it should be short.

        Returns
        -------
        CancelHandle
            Its `remove` takes the function back.
        """
        handle = CancelHandle(self)
        with self._lock:
            if not self._said.is_set():
                self._callbacks[handle] = callback
                return handle
        callback()
        return handle


class CancelHandle:
    """A callback of a `Cancel`, which can be taken back."""

    __slots__ = ("_cancel",)

    def __init__(self, cancel: Cancel) -> None:
        self._cancel = cancel

    def remove(self) -> None:
        """Takes the callback back; it may be at work already. A second time nothing happens."""
        with self._cancel._lock:
            self._cancel._callbacks.pop(self, None)
