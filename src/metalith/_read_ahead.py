"""Files read by a pool of threads, some of them ahead of whoever takes them, and taken in the order they were given."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from metalith._core import Framing

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["PAUSE", "ReadAhead"]

PAUSE = 0.1  # seconds that the taker waits before it is asked whether it still wants to
_FEWEST, _MOST = 8, 64  # files given to a thread at once: few to begin with, so that every thread gets some
_AHEAD = 3  # pieces for each thread, so that none has to wait for the taker


class ReadAhead:
    """The headers of files, in their order.

    Memory is bounded by what `Framing.read_many` gives at once, times the pieces on their way. Threads are started when
    there is more than a few files to read, and end with `close`, or when the object is forgotten.

    Parameters
    ----------
    entries : iterator
        Paths as bytes; what is not bytes is passed on as it is, in its place.
    framing : Framing
        Of this object alone, for it is stopped in the end.
    workers : int
        Threads; with 0 and 1 it is the taker's that reads.

    Attributes
    ----------
    closed : bool
    """

    def __init__(self, entries: Iterator[Any], framing: Framing, workers: int) -> None:
        self.closed = False
        self._entries, self._framing, self._workers = entries, framing, max(workers, 1)
        self._pieces = 0
        self._rest: list[Any] = []  # comes next, and was given to no thread
        self._pending: deque[tuple[list[Any], Future[list[Any]]]] = deque()
        self._pool: ThreadPoolExecutor | None = None
        self._closing = threading.Lock()  # so that nothing is given to threads that are to end

    def take(self, waiting: Callable[[], object] | None) -> list[tuple[Any, Any]] | None:
        """The next few entries, each with what was read of it; None at the end. `waiting` is called while it lasts."""
        if not self._rest and not self.closed:
            self._give()
        if self.closed:
            return None
        if self._rest:
            entries, results = self._rest, self._framing.read_many(self._rest)
        elif self._pending:
            entries, future = self._pending.popleft()
            results = _result(future, waiting)
        else:
            self.close()  # the threads are not needed any more
            return None
        if self.closed:
            return None
        self._rest = entries[len(results) :]
        return list(zip(entries, results, strict=False))

    def close(self) -> None:
        """Stops reading, and waits for the files that are being read."""
        with self._closing:
            self.closed = True
        self._framing.stop()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _give(self) -> None:
        """Gives the threads what they can do before the next `take`."""
        while len(self._pending) < _AHEAD * self._workers:
            size = min(_MOST, _FEWEST << min(self._pieces // self._workers, 8))
            piece = list(islice(self._entries, size))
            if not piece:
                return
            self._pieces += 1
            if self._workers == 1 or (self._pool is None and len(piece) < size):
                self._rest = piece
                return
            with self._closing:
                if self.closed:
                    return
                self._pending.append((piece, self._threads().submit(self._framing.read_many, piece)))

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="metalith-scan")
            weakref.finalize(self, _abandon, self._framing, self._pool)
        return self._pool


def _abandon(framing: Framing, pool: ThreadPoolExecutor) -> None:
    """Lets the threads end by themselves: this may be run by the garbage collector, which must not wait."""
    framing.stop()
    pool.shutdown(wait=False, cancel_futures=True)


def _result(future: Future[list[Any]], waiting: Callable[[], object] | None) -> list[Any]:
    from concurrent.futures import CancelledError

    while True:
        try:
            return future.result(PAUSE if waiting else None)
        except TimeoutError:
            assert waiting is not None
            waiting()
        except CancelledError:  # by close, in another thread or in what was called
            return []
