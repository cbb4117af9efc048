"""The metadata store beside dicts in dicts: adding, look-ups at three sizes, memory held, saving and opening."""

import pytest

from benchmarks import datasets, store_cases, store_data, store_memory

PLAIN_MOST = 100_000  # dicts in dicts go through everything: there is no need to see how long that takes with more
HOLDING = [
    (peer, size)
    for size, count in store_data.SIZES.items()
    for peer in store_cases.HOLDERS
    if peer != "plain dicts" or count <= PLAIN_MOST
]
MEMORY = [
    (name, holder)
    for name in store_data.REAL
    for holder in store_memory.HOLDERS
    if name == "t1-384" or holder != "metalith, from files"
]
FILES = [("metalith", 5), ("metalith", 50), ("plain dicts", 5)]


@pytest.mark.parametrize(("name", "peer"), store_cases.ADDERS)
def test_adding(clock, benchmark, name, peer):
    case = store_cases.ADDING[name]()
    with store_cases.unwatched():
        clock(case.runs[peer], correct=lambda store: store_cases.added(case, store), group=f"store, adding {name}")
    _each(benchmark, case.instances)


@pytest.fixture(scope="module", params=HOLDING, ids=lambda one: f"{one[0]}-{one[1]}")
def holding(request):
    """A store of that size; one at a time is held, and all its look-ups are made."""
    peer, size = request.param
    with store_cases.stored(peer, store_data.SIZES[size], files=True) as store:
        yield peer, size, store


@pytest.mark.parametrize("heat", store_cases.HEATS)
@pytest.mark.parametrize("kind", store_cases.KINDS)
def test_look_up(clock, benchmark, holding, heat, kind):
    peer, size, store = holding
    if peer not in store_cases.KINDS[kind].peers:
        pytest.skip("this peer has no such look-up")
    looking = store_cases.LookUps(kind, peer, store, store_data.SIZES[size], heat)
    clock(looking, correct=lambda _: looking.correct(), group=f"store, {kind}, {heat}, among {size}")
    _each(benchmark, looking.size, looking.bare)


@pytest.mark.parametrize(("name", "holder"), MEMORY)
def test_store_memory(benchmark, name, holder):
    datasets.load(name)  # skips where it is absent
    benchmark.group = f"store, memory of {name} again and again"
    facts = benchmark.pedantic(store_memory.measure, (holder, name, store_memory.QUICK), rounds=1)
    benchmark.extra_info.update(facts)
    assert facts["correct"]


@pytest.fixture(scope="module", params=FILES, ids=lambda one: f"{one[0]}-{one[1]} attributes")
def saved(request, tmp_path_factory):
    """A store of 100,000, and a folder that it is saved in."""
    (peer, attributes), folder = request.param, str(tmp_path_factory.mktemp("store"))
    with store_cases.stored(peer, store_data.SIZES["100 thousand"], attributes=attributes) as store:
        store_cases.save(store, folder)
        yield peer, attributes, store, folder


def test_save(clock, saved):
    peer, attributes, store, folder = saved
    count = store_data.SIZES["100 thousand"]
    clock(
        lambda: store_cases.save(store, folder),
        correct=lambda path: store_cases.opened(store_cases.OPENING[peer](path), count, attributes),
        group=f"store, saving 100 thousand of {attributes} attributes",
    )


@pytest.mark.parametrize("verify", (True, False), ids=("verified", "unverified"))
def test_open(clock, saved, verify):
    peer, attributes, store, folder = saved
    if peer != "metalith" and not verify:
        pytest.skip("pickle verifies nothing")
    run = store_cases.OPENING[peer if verify else f"{peer}, unverified"]
    path = store_cases.path_in(folder)
    clock(
        lambda: run(path),
        correct=lambda found: store_cases.opened(found, len(store), attributes),
        group=f"store, opening 100 thousand of {attributes} attributes",
    )


def _each(benchmark, times: int, bare: float = 0.0) -> None:
    """Nanoseconds of one, by the best round."""
    if benchmark.stats:
        best = benchmark.stats.stats.min / times - bare
        benchmark.extra_info["nanoseconds_each"] = round(best * 1e9, 1)
