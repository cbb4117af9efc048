"""Providers from many threads: a look-up sees the chain before a change or after it, and nothing that is stale."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from metalith.providers import NULL, MetadataProviders

THREADS = 8
SECONDS = 0.6


@pytest.fixture(autouse=True)
def _switching_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def hammer(look, change, threads=THREADS):
    """`look` in many threads while one does `change`; what any raises is raised."""
    over, failures = threading.Event(), []

    def run(work):
        try:
            while not over.is_set():
                work()
        except BaseException as error:
            failures.append(error)
            over.set()

    crew = [threading.Thread(target=run, args=(look,)) for _ in range(threads)]
    crew.append(threading.Thread(target=run, args=(change,)))
    for thread in crew:
        thread.start()
    over.wait(SECONDS)
    over.set()
    for thread in crew:
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.parametrize("cache", [False, True])
def test_before_or_after(cache):
    """One of two is always there, so there is always an answer."""
    mine = MetadataProviders()
    a, b = (lambda type, id: "a"), (lambda type, id: "b")
    mine.add_provider(a, cache=cache)

    def look():
        assert mine.get("m", "web:1") in "ab"
        assert set(mine.get_many("m", ["web:1", "web:2"])) <= {"a", "b"}

    def change():
        mine.add_provider(b, 1, cache=cache)
        mine.remove_provider(a)
        mine.add_provider(a, cache=cache)
        mine.remove_provider(b)

    hammer(look, change)
    mine.check()


def test_nothing_stale():
    """What was invalidated is never seen again: values only grow, by every thread's account."""
    mine = MetadataProviders(cache_bytes=20_000)
    ids = [f"web:{n}?frame={k}" for n in range(10) for k in (1, 2)]
    world = dict.fromkeys(ids, 0)
    public = dict(world)  # what has been invalidated for sure

    def provider(type, id):
        seen = world[id]
        time.sleep(0) if seen % 3 else None
        return seen

    mine.add_provider(provider, cache=True)

    def look():
        for id in ids:
            least = public[id]
            assert mine.get("m", id) >= least
        least = [public[id] for id in ids]
        assert all(seen >= n for seen, n in zip(mine.get_many("m", ids), least, strict=True))

    def change():
        for n in range(0, len(ids), 2):
            pair = ids[n : n + 2]
            for id in pair:
                world[id] += 1
            mine.invalidate(pair[0])
            for id in pair:
                public[id] = world[id]

    hammer(look, change)
    mine.check()
    assert sum(world.values()) > 0


def test_everything_at_once():
    mine = MetadataProviders(cache_bytes=5_000)
    ids = [f"web:{n}" for n in range(50)]
    providers = [lambda type, id, n=n: None if (len(id) + n) % 3 else [n] for n in range(5)]
    turn = [0]

    def look():
        for id in ids:
            mine.get("m", id)
            mine.get("n", id, 1) if False else mine.get(f"m{len(id)}", id)
        mine.get_many("n", ids)
        mine.explain("m", ids[0])

    def change():
        turn[0] += 1
        n = turn[0]
        mine.add_provider(providers[n % 5], n % 3, types=[None, "m"][n % 2], cache=n % 4 > 0)
        mine.invalidate(ids[n % 50], [None, "m"][n % 2])
        if n % 7 == 0:
            with mine.profile() as prof:
                mine.get("m", ids[0])
            str(prof)
        if n % 11 == 0:
            mine.remove_all_providers()
        if n % 5 == 0:
            mine.cache_bytes = n % 9 * 1000
            mine.add_typed_provider("m", lambda next, query, data, options: NULL, cache=True)
        mine.invalidate()
        mine.check()

    hammer(look, change)
    mine.check()


def test_registering_from_many_threads():
    mine = MetadataProviders()
    made = [[(lambda type, id: None) for _ in range(30)] for _ in range(THREADS)]

    def register(own):
        for provider in own:
            mine.add_provider(provider)
        for provider in own[::2]:
            mine.remove_provider(provider)

    crew = [threading.Thread(target=register, args=(own,)) for own in made]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    assert set(mine.providers) == {provider for own in made for provider in own[1::2]}
