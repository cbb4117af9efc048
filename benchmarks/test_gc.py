"""What the cyclic garbage collector costs ingest: on against off, in turns."""

import pytest

from benchmarks import check, datasets, measure, peers


@pytest.mark.parametrize("peer", peers.GC_OFF)
@pytest.mark.parametrize("name", datasets.SMALL)
def test_collector(clock, benchmark, name, peer):
    given, peer = datasets.load(name), peers.BY_NAME[peer]
    times = measure.alternate(
        [peer.case(given.body, label="on"), peer.case(given.body, gc=False, label="off")], rounds=9, budget=1
    )
    benchmark.extra_info["on_to_off"] = times["on"].best / times["off"].best
    run = peer.make()
    clock(
        lambda: run(given.body),
        correct=lambda result: check.correct(peer.form, result, given.body),
        given=given,
        group=f"collector {name}",
    )
