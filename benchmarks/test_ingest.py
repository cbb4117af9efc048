"""Bytes to table, against the peers on every input."""

import pytest

from benchmarks import check, datasets, node, peers


@pytest.mark.parametrize("peer", peers.PEERS, ids=lambda peer: peer.name)
@pytest.mark.parametrize("name", datasets.NAMES)
def test_ingest(clock, name, peer):
    given = datasets.load(name)
    if peer.slow and len(given.body) > peers.SLOW_LIMIT:
        pytest.skip("too slow for an input of this size")
    run = peer.make()
    clock(
        lambda: run(given.body),
        correct=lambda result: check.correct(peer.form, result, given.body),
        given=given,
        group=f"ingest {name}",
    )


@pytest.mark.parametrize("peer", peers.GC_OFF)
@pytest.mark.parametrize("name", datasets.NAMES)
def test_ingest_collector_off(clock, name, peer):
    given, peer = datasets.load(name), peers.BY_NAME[peer]
    run = peer.make()
    clock(
        lambda: run(given.body),
        correct=lambda result: check.correct(peer.form, result, given.body),
        given=given,
        group=f"ingest {name}",
        collector=False,
    )


@pytest.mark.parametrize("name", datasets.NAMES)
def test_ingest_dcmjs(clock, benchmark, name):
    """The round trip to the worker is timed, 0.1 ms more than the work; `worker_best_ms` is its own figure."""
    given = datasets.load(name)
    own = []
    with node.Dcmjs(given) as worker:
        clock(
            lambda: own.append(worker.run()),
            correct=lambda _: worker.correct(given.body),
            given=given,
            group=f"ingest {name}",
        )
    benchmark.extra_info["worker_best_ms"] = min(own) * 1e3
