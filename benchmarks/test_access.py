"""One attribute of an instance, beside a dict look-up."""

import pytest

from benchmarks import cases, datasets, measure

OPERATIONS = 10_000


@pytest.fixture(scope="module")
def names():
    return cases.access_names(datasets.first_real())


@pytest.mark.parametrize("name", cases.ACCESS)
def test_access(clock, benchmark, names, name):
    text = cases.ACCESS[name]
    both = measure.per_operation({name: text, "dict": cases.ACCESS['dict["Rows"]']}, names, rounds=9)
    benchmark.extra_info["nanoseconds"] = both[name].best * 1e9
    benchmark.extra_info["to_dict"] = both[name].best / both["dict"].best
    loop = measure.loop(text, names)
    expected = names["d"]["Rows"]
    clock(
        lambda: loop.timeit(OPERATIONS // measure.STATEMENTS),
        correct=lambda _: eval(text, dict(names)) == expected,
        group=f"access x{OPERATIONS}",
    )
