"""Time limits that one thread keeps: each rings once and in time, and none that was called off."""

import os
import threading
import time

import pytest

from metalith.sources.http.alarm import Alarms

SOON = 0.05  # seconds


def wait_for(condition) -> bool:
    """Whether it comes true before long."""
    until = time.monotonic() + 10
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def test_they_ring_in_the_order_of_their_times():
    alarms, rung, done = Alarms(), [], threading.Event()
    alarms.set(4 * SOON, done.set)
    alarms.set(2 * SOON, lambda: rung.append("late"))
    alarms.set(0, lambda: rung.append("now"))
    alarms.set(SOON, lambda: rung.append("soon"))  # each earlier than what the thread waits for
    assert done.wait(10)
    assert rung == ["now", "soon", "late"]


def test_one_that_is_earlier_is_not_kept_waiting():
    alarms, rung = Alarms(), threading.Event()
    far = alarms.set(3600, pytest.fail)
    began = time.monotonic()
    alarms.set(SOON, rung.set)
    assert rung.wait(10)
    assert SOON <= time.monotonic() - began < 5
    far.cancel()


def test_one_that_was_called_off_does_not_ring():
    alarms, rung, done = Alarms(), [], threading.Event()
    alarm = alarms.set(SOON, lambda: rung.append(1))
    alarm.cancel()
    alarm.cancel()
    alarm.ring()
    alarms.set(2 * SOON, done.set)
    assert done.wait(10)
    assert rung == []
    assert not alarm.is_wanted


def test_it_may_set_and_call_off_others():
    alarms, done = Alarms(), threading.Event()
    other = alarms.set(3600, pytest.fail)
    alarms.set(0, lambda: (other.cancel(), alarms.set(0, done.set)))
    assert done.wait(10)


def test_the_thread_ends_with_the_last():
    alarms, done = Alarms(), threading.Event()
    for _ in range(2):  # and begins again
        done.clear()
        alarms.set(0, done.set)
        assert done.wait(10)
        assert wait_for(lambda: alarms._thread is None)


def test_what_was_called_off_is_not_kept():
    alarms = Alarms()
    kept = [alarms.set(3600, pytest.fail) for _ in range(10)]
    for _ in range(10_000):
        alarms.set(3600, pytest.fail).cancel()
    assert len(alarms._heap) < 500
    for one in kept:
        one.cancel()


def test_many_threads():
    alarms, rung, lock = Alarms(), [], threading.Lock()

    def ring(number: int) -> None:
        with lock:
            rung.append(number)

    def work(first: int) -> None:
        for number in range(first, first + 300):
            alarm = alarms.set(SOON if number % 2 else 3600, lambda number=number: ring(number))
            if not number % 2:
                alarm.cancel()

    threads = [threading.Thread(target=work, args=(1000 * k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = sorted(1000 * k + n for k in range(6) for n in range(1, 300, 2))
    assert wait_for(lambda: len(rung) == len(expected))
    assert sorted(rung) == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_its_own():
    from metalith.sources.http.alarm import alarms

    far = alarms.set(3600, pytest.fail)
    child = os.fork()
    if child == 0:
        rung = threading.Event()
        alarms.set(0, rung.set)
        os._exit(0 if rung.wait(10) else 1)
    far.cancel()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
