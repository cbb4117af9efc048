"""The same work never twice at a time: who asks for what is on its way gets what comes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from metalith.errors import Cancelled
from metalith.sources._cancel import Cancel

__all__ = ["SingleFlight"]

T = TypeVar("T")

_LANDED, _FAILED, _GIVEN_UP = "landed", "failed", "given up"


class SingleFlight:
    """Does what is asked for under a key once, for all who ask while it is being done. For any number of threads.

    Nothing is kept: who asks after the end has it done again.

    Examples
    --------
    >>> from metalith.sources._single_flight import SingleFlight
    >>> flights = SingleFlight()
    >>> flights.do("series 1", lambda: 42)
    42
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[Hashable, _Flight] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def do(self, key: Hashable, function: Callable[[], T], *, cancel: Cancel | None = None) -> T:
        """What the function returns, be it called here or, for the same key, by a thread that was first.

        Parameters
        ----------
        key : hashable
        function : callable
        cancel : Cancel, optional
            Ends the waiting for another thread. What the function does is the function's to end.

        Returns
        -------
        object
            The very same for all who wait.

        Raises
        ------
        Exception
            What the function raises, to all who wait. But where it was only given up, by `Cancelled` or by what ends
            the thread or the program, that is raised to the one who called it, and one of those who wait takes over.
        Cancelled
            `cancel` was called off.
        RuntimeError
            The function asks for its own key.
        """
        while True:
            if cancel is not None:
                cancel.check()
            with self._lock:
                flight = self._flights.get(key)
                if flight is None:
                    own = self._flights[key] = _Flight()
            if flight is None:
                return self._lead(key, own, function)
            flight.wait(cancel)
            if flight.state == _LANDED:
                result: T = flight.result
                return result
            if flight.error is not None:
                raise flight.error

    def _lead(self, key: Hashable, flight: _Flight, function: Callable[[], T]) -> T:
        state, error, result = _GIVEN_UP, None, None
        try:
            result = function()
            state = _LANDED
            return result
        except Cancelled:
            raise
        except Exception as failure:
            state, error = _FAILED, failure
            raise
        finally:
            with self._lock:
                del self._flights[key]
            flight.end(state, result, error)


class _Flight:
    """Something on its way."""

    __slots__ = ("_changed", "_leader", "error", "result", "state")

    def __init__(self) -> None:
        self.state = ""
        self.result: Any = None
        self.error: Exception | None = None
        self._leader = threading.get_ident()
        self._changed = threading.Condition()

    def end(self, state: str, result: Any, error: Exception | None) -> None:
        with self._changed:
            self.state, self.result, self.error = state, result, error
            self._changed.notify_all()

    def wait(self, cancel: Cancel | None) -> None:
        """Waits for the end, or until it is not wanted any more by this one who waits."""
        if self._leader == threading.get_ident():
            raise RuntimeError("what is being done asks for itself")
        if cancel is None:
            with self._changed:
                self._changed.wait_for(lambda: self.state)
            return
        handle = cancel.on_cancel(self._look)
        try:
            with self._changed:
                self._changed.wait_for(lambda: self.state or cancel.cancelled)
        finally:
            handle.remove()
        cancel.check()

    def _look(self) -> None:
        """Has everybody who waits look whether to go on."""
        with self._changed:
            self._changed.notify_all()
