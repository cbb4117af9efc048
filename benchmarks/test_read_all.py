"""Ingest, and then every value of every instance as a Python object, sequences included."""

import json

import pytest

from benchmarks import check, datasets, peers

READING = ("metalith", "orjson+naturalize", "pydicom")


@pytest.mark.parametrize("peer", READING)
@pytest.mark.parametrize("name", datasets.NAMES)
def test_read_all(clock, name, peer):
    given, peer = datasets.load(name), peers.BY_NAME[peer]
    if peer.slow and len(given.body) > peers.SLOW_LIMIT:
        pytest.skip("too slow for an input of this size")
    both = peers.reading(peer)
    expected = check.elements(json.loads(given.body))
    clock(
        lambda: both(given.body),
        correct=lambda result: result[1] == expected and check.correct(peer.form, result[0], given.body),
        given=given,
        group=f"read all {name}",
    )
