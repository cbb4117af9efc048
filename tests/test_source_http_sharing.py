"""Calling off, and the same work once for all who ask for it."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable

import pytest

from metalith.errors import Cancelled
from metalith.sources._cancel import Cancel
from metalith.sources._single_flight import SingleFlight

# ---- Cancel ----


def test_cancel():
    cancel, called = Cancel(), []
    cancel.check()
    first = cancel.on_cancel(lambda: called.append(1))
    cancel.on_cancel(lambda: called.append(2))
    first.remove()
    first.remove()
    assert not cancel.cancelled
    assert not cancel.wait(0.01)
    cancel.cancel()
    cancel.cancel()
    assert (cancel.cancelled, called, cancel.wait(10)) == (True, [2], True)
    with pytest.raises(Cancelled):
        cancel.check()
    cancel.on_cancel(lambda: called.append(3)).remove()
    assert called == [2, 3]


def test_all_callbacks_are_called_though_one_raises():
    cancel, called = Cancel(), []
    for number in range(3):
        cancel.on_cancel(lambda number=number: called.append(number) or 1 // (number - 1))
    with pytest.raises(ZeroDivisionError):
        cancel.cancel()
    assert called == [0, 1, 2]


def test_callbacks_may_use_the_cancel():
    cancel = Cancel()
    handle = cancel.on_cancel(lambda: (handle.remove(), cancel.cancel(), cancel.on_cancel(lambda: None)))
    cancel.cancel()
    assert not cancel._callbacks


# ---- SingleFlight ----


def together(count: int, work: Callable[[int], object]) -> list[object]:
    """What several threads return or raise."""
    results: list[object] = [None] * count

    def run(number: int) -> None:
        try:
            results[number] = work(number)
        except BaseException as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    return results


def test_once_for_all():
    flights, calls = SingleFlight(), []

    def work() -> object:
        calls.append(1)
        time.sleep(0.2)
        return object()

    results = together(8, lambda number: flights.do("key", work))
    assert len(calls) == 1
    assert len(set(map(id, results))) == 1
    assert len(flights) == 0
    assert flights.do("key", work) is not results[0]


def test_other_keys_do_not_wait():
    flights = SingleFlight()
    assert flights.do("a", lambda: flights.do("b", lambda: 1)) == 1


def test_its_own_key():
    flights = SingleFlight()
    with pytest.raises(RuntimeError, match="asks for itself"):
        flights.do("a", lambda: flights.do("a", lambda: 1))
    assert len(flights) == 0


def test_failures_go_to_all_and_are_not_kept():
    flights, calls = SingleFlight(), []

    def work() -> None:
        calls.append(1)
        time.sleep(0.2)
        raise ValueError("no")

    results = together(5, lambda number: flights.do("key", work))
    assert [str(result) for result in results] == ["no"] * 5
    assert len(calls) == 1
    assert flights.do("key", lambda: 5) == 5


@pytest.mark.parametrize("ending", [Cancelled, KeyboardInterrupt])
def test_one_of_those_who_wait_takes_over(ending):
    flights, calls = SingleFlight(), []

    def work() -> int:
        calls.append(1)
        time.sleep(0.1)
        if len(calls) <= 2:
            raise ending("not any more")
        return 7

    results = together(6, lambda number: flights.do("key", work))
    assert len(calls) == 3
    assert sorted(map(str, results)) == ["7"] * 4 + ["not any more"] * 2


def test_who_waits_can_be_called_off_alone():
    flights, cancel, leading = SingleFlight(), Cancel(), threading.Event()

    def work(number: int) -> object:
        if number == 0:
            return flights.do("key", lambda: leading.set() or time.sleep(0.5) or "done")
        leading.wait()
        if number == 3:
            time.sleep(0.1)
            return cancel.cancel()
        began = time.monotonic()
        try:
            return flights.do("key", lambda: "never", cancel=cancel if number == 1 else Cancel())
        finally:
            if number == 1:
                assert time.monotonic() - began < 0.4

    results = together(4, work)
    assert results[0] == results[2] == "done"
    assert isinstance(results[1], Cancelled)
    with pytest.raises(Cancelled):
        flights.do("key", lambda: 1, cancel=cancel)


def test_nothing_is_kept():
    class Result:
        pass

    flights = SingleFlight()
    result = weakref.ref(flights.do("key", Result))
    gc.collect()
    assert result() is None


def test_many_keys_and_threads():
    flights, running, most = SingleFlight(), {}, []
    lock = threading.Lock()

    def work(key: int) -> int:
        with lock:
            running[key] = running.get(key, 0) + 1
            most.append(running[key])
        time.sleep(0.0005)
        with lock:
            running[key] -= 1
        return key

    results = together(8, lambda n: [flights.do(key, lambda key=key: work(key)) for key in [*range(20)] * 10])
    assert results == [[*range(20)] * 10] * 8
    assert max(most) == 1
    assert len(flights) == 0
