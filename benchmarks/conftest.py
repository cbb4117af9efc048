"""What the benchmark tests share: inputs that skip where absent, and timing that frees results outside the clock."""

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from benchmarks import datasets, measure
from benchmarks.peers import Absent

BUDGET = 0.6  # seconds a case
MOST_ROUNDS = 40


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """What is not on this machine skips its tests, and says why."""
    try:
        return (yield)
    except (datasets.Missing, Absent) as error:
        pytest.skip(str(error))


@pytest.fixture
def clock(benchmark) -> Callable:
    """Times `run()` on fresh rounds; returns its last result.  Timing never fails a test, a wrong result does.

    `correct` judges the result; its answer and the input's sizes go into the benchmark's extra_info.
    """

    def timed(
        run: Callable[[], Any],
        *,
        correct: Callable[[Any], bool],
        given: datasets.Input | None = None,
        group: str | None = None,
        collector: bool = True,
    ) -> Any:
        held: list[Any] = []
        seconds = measure.once(measure.Case("first", lambda: held.append(run()), gc=collector))
        verdict = bool(correct(held[0]))

        def setup() -> None:
            held.clear()
            gc.collect()

        if group:
            benchmark.group = group
        rounds = measure.rounds_for(seconds, BUDGET, MOST_ROUNDS)
        with measure.collector(collector):
            benchmark.pedantic(lambda: held.append(run()), setup=setup, rounds=rounds, iterations=1)
        benchmark.extra_info["correct"] = verdict
        if given:
            record(benchmark, given)
        assert verdict, "the result was wrong"
        return held[0]

    return timed


def record(benchmark, given: datasets.Input) -> None:
    """Sizes, and throughput by the best round."""
    benchmark.extra_info.update(given.sizes())
    if benchmark.stats:
        best = benchmark.stats.stats.min
        benchmark.extra_info["megabytes_per_second"] = round(given.megabytes / best, 1)
        benchmark.extra_info["instances_per_second"] = round(given.instances / best)
