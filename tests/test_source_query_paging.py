"""Results page by page: servers that ignore the offset or the limit, cap, repeat, and never end."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metalith.sources.query import Page, announces_more, pages


class Server:
    """A server with so many results, and with faults."""

    def __init__(self, count, *, cap=None, offsets=True, limits=True, tells=False):
        self.rows = [f"1.{number}" for number in range(count)]
        self.cap, self.offsets, self.limits, self.tells = cap, offsets, limits, tells
        self.asked = []

    def __call__(self, offset, limit):
        self.asked.append((offset, limit))
        rows = self.rows[offset:] if self.offsets else self.rows
        found = rows[: limit if self.limits else None][: self.cap]
        return Page(found, (len(found) < len(rows)) if self.tells else None)


def run(server, **options):
    found = pages(server, key=str, **options)
    rows = list(found)
    assert len(rows) == len(set(rows))
    assert list(found) == []  # it stays at its end
    return rows, found


def test_a_good_server():
    for size in (3, 5, 10, 11):
        rows, found = run(Server(10), page_size=size)
        assert rows == Server(10).rows
        assert (found.complete, found.notes) == (True, [])


def test_a_server_that_tells_is_asked_once_less():
    assert run(Server(10, tells=True), page_size=5)[1].requests == 2
    assert run(Server(10), page_size=5)[1].requests == 3
    assert run(Server(10, tells=True))[1].requests == 1


def test_nothing_is_asked_ahead():
    server = Server(100)
    found = pages(server, key=str, page_size=10)
    assert server.asked == []
    assert next(found) == "1.0"
    assert server.asked == [(0, 10)]
    assert found.complete is None


def test_limits():
    rows, found = run(Server(100), limit=25, page_size=10)
    assert len(rows) == 25
    assert found.complete
    server = Server(100)
    assert run(server, limit=25, offset=90, page_size=20)[0] == server.rows[90:]
    assert server.asked[0] == (90, 20)
    server = Server(100)
    rows, found = run(server, limit=0)
    assert (rows, server.asked, found.complete) == ([], [], True)
    assert len(run(Server(100, limits=False), limit=7)[0]) == 7


def test_a_server_that_caps():
    rows, found = run(Server(1000, cap=101), limit=450)
    assert len(rows) == 450
    rows, found = run(Server(1000, cap=101), page_size=500)
    assert len(rows) == 1000
    assert found.complete is True
    rows, found = run(Server(1000, cap=101))
    assert len(rows) == 1000


def test_a_server_that_ignores_the_offset_but_not_the_limit():
    rows, found = run(Server(777, offsets=False), page_size=100)
    assert len(rows) == 777
    assert found.requests < 10
    assert found.complete is not False
    rows, found = run(Server(777, offsets=False), limit=250, page_size=100)
    assert len(rows) == 250
    assert found.complete is True
    rows, found = run(Server(777, offsets=False), limit=150, page_size=100)
    assert len(rows) == 150
    rows, found = run(Server(777, offsets=False, tells=True), page_size=100)
    assert len(rows) == 777
    assert found.complete is True


def test_a_server_that_ignores_the_offset_and_caps():
    rows, found = run(Server(777, offsets=False, cap=100), page_size=100)
    assert len(rows) == 100
    assert found.requests < 5
    assert found.complete is None
    assert "any offset" in found.notes[0]
    rows, found = run(Server(777, offsets=False, cap=100, tells=True), page_size=100)
    assert len(rows) == 100
    assert found.complete is False


def test_a_server_that_ignores_everything():
    rows, found = run(Server(777, offsets=False, limits=False), page_size=100)
    assert len(rows) == 777
    assert found.requests <= 3
    rows, found = run(Server(0, offsets=False), page_size=100)
    assert (rows, found.complete, found.requests) == ([], True, 1)


def test_a_page_that_was_announced_and_does_not_come():
    answers = [Page(["1"], True), Page([], None)]
    rows, found = run(lambda offset, limit: answers[min(offset, 1)], page_size=1)
    assert rows == ["1"]
    assert found.complete is False
    assert found.notes


def test_results_that_move_meanwhile():
    """A study that comes in on top shifts the others: one comes twice, and none is lost."""
    archive = [str(number) for number in range(10)]

    def fetch(offset, limit):
        found = archive[offset : offset + limit]
        archive.insert(0, f"new {offset}")
        return Page(found)

    rows, _ = run(fetch, page_size=3)
    assert set(rows) >= {str(number) for number in range(10)}


def test_a_server_that_never_ends():
    count = iter(range(10**9))
    found = pages(lambda offset, limit: Page([next(count)]), key=str, page_size=1)
    rows = list(found)
    assert len(rows) == found.requests == 10_000
    assert found.complete is False
    assert found.notes


def test_results_without_uids():
    rows = [{"a": number} for number in range(5)]
    good = pages(lambda offset, limit: Page(rows[offset : offset + limit]), key=lambda row: None, page_size=2)
    assert list(good) == rows
    assert good.complete
    stuck = pages(lambda offset, limit: Page(rows), key=lambda row: None, page_size=10)
    assert list(stuck) == rows
    assert stuck.requests == 2


def test_failures_come_out_and_the_page_can_be_asked_for_again():
    fails = [True]

    def fetch(offset, limit):
        if offset == 2 and fails and fails.pop():
            raise OSError("down")
        return Page(["a", "b", "c"][offset : offset + limit])

    found = pages(fetch, key=str, page_size=2)
    assert list(islice(found, 2)) == ["a", "b"]
    with pytest.raises(OSError, match="down"):
        next(found)
    assert found.complete is None
    assert list(found) == ["c"]
    assert found.complete


def test_closing():
    found = pages(Server(10), key=str, page_size=5)
    next(found)
    found.close()
    assert list(found) == []
    assert found.complete is None
    with pytest.raises(ValueError, match="page_size"):
        pages(Server(1), key=str, page_size=0)


@given(
    st.integers(0, 60),
    st.none() | st.integers(1, 20),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(1, 30),
    st.none() | st.integers(0, 80),
)
def test_any_server(count, cap, offsets, limits, tells, size, limit):
    """Nothing comes twice, it ends, and it never says that all has come when it has not."""
    server = Server(count, cap=cap, offsets=offsets, limits=limits, tells=tells)
    rows, found = run(server, page_size=size, limit=limit)
    wanted = server.rows[:limit]
    assert rows == wanted[: len(rows)]
    assert found.requests <= count + 12
    if found.complete:
        assert rows == wanted
    if offsets or (cap is None and (limits or not tells)):
        assert rows == wanted
    if found.complete is False:
        assert found.notes


def test_what_servers_announce():
    assert announces_more('299 http://x "There are 5 additional results that can be requested"')
    assert announces_more(
        "299 x: The number of results exceeded the maximum supported by the server. Additional results"
    )
    assert announces_more(None) is None
    assert announces_more("299 x: fuzzymatching is not supported") is None
