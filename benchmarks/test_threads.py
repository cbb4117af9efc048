"""Two threads that parse at once: what they gain over one.  The scanner holds no GIL."""

import pytest

from benchmarks import cases, check, datasets, peers


@pytest.mark.parametrize("peer", ("metalith", "orjson+naturalize"))
@pytest.mark.parametrize("name", ("t1-384", "ct-600", "synthetic-ct-2000", "unlike-500"))
def test_threads(clock, benchmark, name, peer):
    given, peer = datasets.load(name), peers.BY_NAME[peer]
    benchmark.extra_info.update(cases.thread_gain(peer, given, rounds=3))
    run = peer.make()
    clock(
        lambda: run(given.body),
        correct=lambda result: check.correct(peer.form, result, given.body),
        given=given,
        group=f"threads {name}",
    )
