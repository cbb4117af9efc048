"""Timing: rounds that alternate between the cases, best and median of many.

A shared machine is slow in spells, and a spell must hit every case alike: so cases take turns instead of running one
after the other, and the best time is the figure compared.  A turn of a fast case is a short burst, so that it is
timed with its input in the cache like a slow one is.  Freeing the result is not timed.
"""

import gc
import statistics
import threading
import time
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

BURST_SECONDS = 0.01
BURST_RUNS = 20
STATEMENTS = 10


@dataclass(frozen=True)
class Case:
    """One thing to time.  With `own_clock` the call returns the seconds it took (another process measured them)."""

    name: str
    run: Callable[[], Any]
    gc: bool = True
    own_clock: bool = False


@dataclass
class Timing:
    seconds: list[float] = field(default_factory=list)

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def as_dict(self) -> dict:
        return {"best": self.best, "median": self.median, "runs": len(self.seconds)}


@contextmanager
def collector(on: bool) -> Iterator[None]:
    """The cyclic garbage collector on or off; its state before is restored."""
    before = gc.isenabled()
    (gc.enable if on else gc.disable)()
    try:
        yield
    finally:
        (gc.enable if before else gc.disable)()


def once(case: Case) -> float:
    """Seconds of one run, begun with nothing for the collector to do."""
    gc.collect()
    return _timed(case)


def _timed(case: Case) -> float:
    with collector(case.gc):
        start = time.perf_counter()
        result = case.run()
        end = time.perf_counter()
    seconds = result if case.own_clock else end - start
    del result
    return seconds


def _turn(case: Case, into: list[float]) -> None:
    gc.collect()
    spent = 0.0
    for _ in range(BURST_RUNS):
        seconds = _timed(case)
        into.append(seconds)
        spent += seconds
        if spent >= BURST_SECONDS:
            break


def rounds_for(seconds: float, budget: float, most: int) -> int:
    """How many turns of a case that takes `seconds` fit the budget."""
    return max(1, min(most, int(budget / max(seconds, BURST_SECONDS))))


def alternate(cases: list[Case], *, rounds: int = 15, budget: float = 2.0) -> dict[str, Timing]:
    """Times the cases in turns; `budget` bounds the seconds one case gets.

    The first run of each warms up and is dropped, unless it alone used up the budget.  A case that is too slow for
    all rounds is spread evenly over them.
    """
    timings = {case.name: Timing() for case in cases}
    turns = {}
    for case in cases:
        first = once(case)
        if first > budget / 2:
            timings[case.name].seconds.append(first)
        turns[case.name] = 0 if first > budget else rounds_for(first, budget, rounds)
    for number in range(rounds):
        for case in cases:
            n = turns[case.name]
            if number * n // rounds != (number + 1) * n // rounds:
                _turn(case, timings[case.name].seconds)
    return timings


def loop(text: str, names: dict[str, Any]) -> timeit.Timer:
    """A loop over the statement, which stands there ten times, so that the loop weighs little; names are locals."""
    setup = "; ".join(f"{name} = names[{name!r}]" for name in names)
    return timeit.Timer("\n".join([text] * STATEMENTS), setup, globals={"names": names})


def per_operation(statements: dict[str, str], names: dict[str, Any], *, rounds: int = 15, number: int = 50_000) -> dict:
    """Seconds of one statement in a tight loop, the empty loop's cost taken off, statements alternating.

    Returns {name: Timing}.
    """
    repeat = STATEMENTS
    timers = {name: loop(text, names) for name, text in statements.items()}
    empty = timeit.Timer("pass")
    timings = {name: Timing() for name in statements}
    for _ in range(rounds):
        bare = min(empty.repeat(3, number // repeat))
        for name, timer in timers.items():
            taken = timer.timeit(number // repeat) - bare
            timings[name].seconds.append(max(taken, 0.0) / number)
    return timings


def together(work: Callable[[], Any], *, threads: int, each: int) -> float:
    """Wall seconds until every thread has done `work` `each` times, all let go at once."""
    barrier = threading.Barrier(threads + 1)
    failures: list[BaseException] = []

    def body() -> None:
        barrier.wait()
        try:
            for _ in range(each):
                work()
        except BaseException as error:  # raised again by the caller
            failures.append(error)

    crew = [threading.Thread(target=body) for _ in range(threads)]
    for thread in crew:
        thread.start()
    gc.collect()
    barrier.wait()
    start = time.perf_counter()
    for thread in crew:
        thread.join()
    end = time.perf_counter()
    if failures:
        raise failures[0]
    return end - start


def print_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        print(
            "  " + "  ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        )
