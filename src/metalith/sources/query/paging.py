"""Results page by page, from servers that page badly.

Some servers ignore the offset and send the same page again and again; some give fewer results than were asked for,
because they have a limit of their own; some repeat results when something new comes in meanwhile. What counts is
therefore which results have come, by their UIDs, not how many.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

__all__ = ["Page", "Pages", "announces_more", "pages"]

_T = TypeVar("_T")
_MOST_PAGES = 10_000


class Page(NamedTuple):
    """One answer of a server.

    Attributes
    ----------
    items : sequence
        The results in it.
    more : bool or None
        Whether the server said that there are more, or that there are none; None where it said nothing.
    """

    items: Sequence[Any]
    more: bool | None = None


def pages(
    fetch: Callable[[int, int | None], Page],
    *,
    key: Callable[[_T], Hashable],
    limit: int | None = None,
    offset: int = 0,
    page_size: int | None = None,
) -> Pages[_T]:
    """An iterator of results that asks for the next page when the results of the last one are used up.

    Parameters
    ----------
    fetch : callable(offset, limit)
        Asks the server; a limit of None leaves it to the server.
    key : callable(result)
        The UID of a result. None means that it has none, and is kept.
    limit : int, optional
        How many results are wanted at most.
    offset : int, optional
        How many to pass over.
    page_size : int, optional
        How many to ask for at once; otherwise as many as are wanted.

    Examples
    --------
    >>> from metalith.sources.query import Page, pages
    >>> archive = [f"1.2.{number}" for number in range(7)]
    >>> found = pages(lambda offset, limit: Page(archive[offset : offset + min(limit, 3)]), key=str, page_size=5)
    >>> len(list(found)), found.requests, found.complete
    (7, 4, True)
    """
    return Pages(fetch, key, limit, offset, page_size)


class Pages(Iterator[_T], Generic[_T]):
    """The results of a search, each once. Made by `pages`.

    Attributes
    ----------
    complete : bool or None
        At the end, whether all that was asked for has come. None: not at the end yet, or nobody can tell.
    notes : list of str
        What went wrong or cannot be told, in words.
    requests : int
        How often the server was asked.
    """

    def __init__(
        self,
        fetch: Callable[[int, int | None], Page],
        key: Callable[[_T], Hashable],
        limit: int | None,
        offset: int,
        page_size: int | None,
    ) -> None:
        if page_size is not None and page_size < 1:
            raise ValueError("page_size is a number of results, one at least")
        self.complete: bool | None = None
        self.notes: list[str] = []
        self.requests = 0
        self._fetch, self._key = fetch, key
        self._start = self._position = offset
        self._left = limit  # how many are still wanted
        self._size = page_size
        self._seen: set[Hashable] = set()
        self._ready: deque[_T] = deque()
        self._last: Sequence[Any] = ()  # what came with the last page
        self._announced: bool | None = None
        self._growing: int | None = None  # of a server that ignores the offset, how many were asked for at once
        self._ended = False

    def __next__(self) -> _T:
        while not self._ready:
            if self._ended:
                raise StopIteration
            if self._left is not None and self._left <= 0:
                self._end(True)
            elif self.requests >= _MOST_PAGES:
                self._end(False, f"after {self.requests:,} requests there are still more results: given up")
            else:
                self._ask()
        return self._ready.popleft()

    def close(self) -> None:
        """Ends it; results that were not handed out yet are lost."""
        self._ended = True
        self._ready.clear()

    def __repr__(self) -> str:
        state = "" if self.complete is None else ", complete" if self.complete else ", incomplete"
        return f"<Pages: {self.requests:,} requests{state}>"

    def _ask(self) -> None:
        position, count = (self._position, self._page()) if self._growing is None else (self._start, self._growing)
        self.requests += 1
        page = self._fetch(position, count)
        fresh = self._fresh(page.items)
        self._position += len(page.items)
        if fresh:
            self._take(fresh)
            self._after_fresh(page)
        elif not page.items and self._growing is None:
            self._end_of_pages(page)
        else:
            self._after_repeated(page, count)
        self._last, self._announced = page.items, page.more

    def _page(self) -> int | None:
        """How many to ask for."""
        if self._left is None or (self._size is not None and self._size < self._left):
            return self._size
        return self._left

    def _fresh(self, items: Sequence[Any]) -> list[_T]:
        """Those that have not come before. Without UIDs only pages as a whole can be told apart."""
        fresh = []
        repeated = bool(items) and len(items) == len(self._last) and list(items) == list(self._last)
        for item in items:
            key = self._key(item)
            if (key is None and not repeated) or (key is not None and key not in self._seen):
                self._seen.add(key)
                fresh.append(item)
        return fresh

    def _take(self, fresh: list[_T]) -> None:
        if self._left is not None:
            fresh = fresh[: self._left]
            self._left -= len(fresh)
        self._ready.extend(fresh)

    def _after_fresh(self, page: Page) -> None:
        if page.more is False or (self._left is not None and self._left <= 0):
            self._end(True)
        elif self._growing is not None and len(page.items) < self._growing:
            self._end(False if page.more else None, _NO_OFFSET)
        elif self._growing is not None:
            self._growing *= 2

    def _end_of_pages(self, page: Page) -> None:
        if self._announced or page.more:
            self._end(False, "the server said that there are more results, and sent none")
        else:
            self._end(True)

    def _after_repeated(self, page: Page, count: int | None) -> None:
        """Nothing new has come: the server does not know offsets. It may know limits."""
        if page.more is False:
            self._end(True)
        elif self._growing is None and count is not None and len(page.items) >= count:
            self._growing = 2 * max(count, len(self._seen))
        else:
            self._end(False if self._announced or page.more else None, _NO_OFFSET)

    def _end(self, complete: bool | None, note: str | None = None) -> None:
        if complete and self._start and self._growing is not None:
            complete, note = None, _NO_OFFSET
        self.complete, self._ended = complete, True
        if note is not None:
            self.notes.append(note)


_NO_OFFSET = "the server sends the same results for any offset: what it did not send at once cannot be had"


def announces_more(warning: str | None) -> bool | None:
    """What the Warning header of an answer says of further results (PS3.18 section 8.3.4.4): `Page.more`.

    >>> announces_more('299 https://host: "There are 12 additional results that can be requested"')
    True
    """
    text = (warning or "").lower()
    return True if "additional results" in text or "maximum supported" in text else None
