"""Modules that are not kept, first look-ups of frames, typed chains; Cornerstone under Node where it is at hand."""

import pytest

from benchmarks import cornerstone, uncached_cases


@pytest.fixture(scope="module")
def peer():
    with cornerstone.Cornerstone(uncached_cases.image(), uncached_cases.frames()) as worker:
        yield worker


def timed(clock, benchmark, case, group):
    found = clock(case.run, correct=lambda _: case.right(), group=group)
    benchmark.extra_info["nanoseconds"] = found / case.each * 1e9


@pytest.mark.parametrize("name", ["modules.build", "get, uncached", "plain Python"])
@pytest.mark.parametrize("type", uncached_cases.TYPES)
def test_modules(clock, benchmark, type, name):
    case = next((one for one in uncached_cases.of_type(type) if one.name == name), None)
    if case is None:
        pytest.skip("written for image planes only")
    timed(clock, benchmark, case, f"module {type} x{uncached_cases.LOOPS}")


@pytest.mark.parametrize("case", uncached_cases.all_frames(), ids=lambda one: one.name)
def test_frames(clock, benchmark, case):
    timed(clock, benchmark, case, f"first image planes of {uncached_cases.FRAMES} frames")


@pytest.mark.parametrize("name", ["metalith", "plain Python"])
@pytest.mark.parametrize("length", uncached_cases.CHAINS)
def test_typed(clock, benchmark, length, name):
    case = next(one for one in uncached_cases.of_chain(length) if one.name == name)
    timed(clock, benchmark, case, f"typed chain of {length} x{uncached_cases.LOOPS}")


@pytest.mark.parametrize("type", uncached_cases.TYPES)
def test_cornerstone_modules(clock, benchmark, peer, type):
    request = {"op": "module", "type": type, "loops": uncached_cases.LOOPS}
    given = clock(lambda: peer.ask(**request), correct=lambda answer: bool(answer["value"]), group="Cornerstone")
    benchmark.extra_info["nanoseconds"] = given["ms"] * 1e6 / uncached_cases.LOOPS


def test_cornerstone_frames(clock, benchmark, peer):
    request = {"op": "frames", "count": uncached_cases.FRAMES}
    expected = pytest.approx(uncached_cases.position_of(uncached_cases.FRAMES), rel=1e-6)
    given = clock(
        lambda: peer.ask(**request),
        correct=lambda answer: answer["value"]["imagePositionPatient"] == expected,
        group="Cornerstone",
    )
    benchmark.extra_info["nanoseconds"] = given["ms"] * 1e6 / uncached_cases.FRAMES


@pytest.mark.parametrize("length", uncached_cases.CHAINS)
def test_cornerstone_typed(clock, benchmark, peer, length):
    request = {"op": "typed", "length": length, "loops": uncached_cases.LOOPS}
    given = clock(
        lambda: peer.ask(**request), correct=lambda answer: answer["value"] == {"rows": 512}, group="Cornerstone"
    )
    benchmark.extra_info["nanoseconds"] = given["ms"] * 1e6 / uncached_cases.LOOPS
