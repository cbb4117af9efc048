"""Data sources beside requests and dicomweb-client, from a server of a process of its own."""

import pytest

from benchmarks import source_cases, source_data
from benchmarks.source_server import Server


@pytest.fixture(scope="module")
def server():
    with Server(source_data.answers()) as server:
        yield server


@pytest.fixture(scope="module")
def works():
    return {name: make() for name, make in source_cases.WORK.items()}


@pytest.mark.parametrize(("name", "peer"), source_cases.PEERS)
def test_loading(clock, benchmark, server, works, name, peer):
    work = works[name]
    counts = source_cases.counted(work, peer, server)
    benchmark.extra_info.update(counts)
    assert source_cases.within(work, peer, counts), counts
    clock(lambda: work.runs[peer](server.root), correct=work.right, group=f"sources, {work.about}")
    if benchmark.stats:
        benchmark.extra_info["microseconds_each"] = benchmark.stats.stats.min / work.instances * 1e6
