"""Profiles: what was counted, by whom and for what."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from metalith import _providers
from metalith.providers import NULL, MetadataProviders, metadata, profile

ID = "wadors:https://secret-host/studies/1.2/series/1.3/instances/1.4/frames/"


@pytest.fixture
def mine():
    return MetadataProviders()


def counts(prof):
    return {
        (row.provider, row.type): (row.calls, row.answers, row.misses, row.errors, row.hits, row.evictions)
        for row in prof
    }


def test_counts(mine):
    mine.add_provider(lambda type, id: 1 if type == "m" else None, cache=True, name="kept")
    mine.add_provider(lambda type, id: None if id.endswith("1") else NULL, -1, name="plain")
    with mine.profile() as prof:
        for _ in range(10):
            for type in "mn":
                for n in range(3):
                    mine.get(type, f"{ID}{n}")
    assert counts(prof) == {
        ("kept", "m"): (3, 3, 0, 0, 27, 0),
        ("kept", "n"): (3, 0, 3, 0, 27, 0),
        ("plain", "n"): (30, 20, 10, 0, 0, 0),
    }
    mine.get("m", ID)
    assert sum(row.calls for row in prof.rows) == 36  # it is over


def test_errors_and_evictions(mine):
    def failing(type, id):
        raise OSError

    mine.add_provider(failing, on_error="next", name="failing", types="e")
    mine.skipped = None
    mine.add_provider(lambda type, id: "x", cache=True, name="kept", types="m")
    mine.get("m", "web:00")
    mine.cache_bytes = 2 * mine.cache_info().nbytes
    with mine.profile() as prof:
        mine.get("e", ID)
        for n in range(10):
            mine.get("m", f"web:{n:02}")
    assert counts(prof) == {("failing", "e"): (1, 0, 0, 1, 0, 0), ("kept", "m"): (9, 9, 0, 0, 1, 8)}


def test_many(mine):
    class Many:
        types = ("m",)

        def get(self, type, id):
            return None

        def get_many(self, type, ids):
            return [1] * len(ids)

    mine.add_provider(Many(), cache=True)
    with mine.profile() as prof:
        mine.get_many("m", ["web:1", "web:2"])
        mine.get_many("m", ["web:1", "web:2", "web:3"])
    assert counts(prof) == {("Many", "m"): (2, 3, 0, 0, 2, 0)}


def test_times(mine):
    mine.add_provider(lambda type, id: time.sleep(0.02 if id == "web:9" else 0.002), name="slow")
    mine.add_provider(lambda type, id: 1, -1, name="fast")
    with mine.profile() as prof:
        for n in range(10):
            mine.get("m", f"web:{n}")
    slow, fast = prof.rows
    assert (slow.provider, fast.provider) == ("slow", "fast")
    assert 0.03 < slow.seconds < 1
    assert 0.0015 < slow.p50 < 0.015
    assert 0.015 < slow.p99 < 0.5
    assert slow.p50 <= slow.p90 <= slow.p99
    assert fast.seconds < slow.seconds / 10


def test_hits_are_timed_by_sampling(mine):
    mine.add_provider(lambda type, id: 1, cache=True)
    with mine.profile() as prof:
        for _ in range(1000):
            mine.get("m", ID)
    (row,) = prof.rows
    assert row.hits == 999
    assert 1e-7 < row.hit_seconds < 1e-2


def test_buckets():
    middles = [_providers.bucket_middle(n) for n in range(256)]
    assert middles == sorted(middles)
    assert middles[3:6] == [3.0, 4.5, 5.5]
    assert all(1.1 < more / less < 1.3 for less, more in pairwise(middles[4:]))


def test_as_table_and_dicts(mine):
    mine.add_provider(lambda type, id: id, name="one")
    with mine.profile() as prof:
        mine.get("m", ID + "1")
    lines = str(prof).splitlines()
    assert " ".join(lines[0].split()) == "provider type calls answers misses errors hits evicted total p50 p90 p99"
    assert lines[1].split()[:8] == ["one", "m", "1", "1", "0", "0", "0", "0"]
    assert "secret" not in str(prof)
    (row,) = prof.as_dicts()
    assert (row["provider"], row["calls"], row["evictions"]) == ("one", 1, 0)
    assert str(mine.profile()).count("\n") == 0


def test_profiles_overlap(mine):
    mine.add_provider(lambda type, id: 1, name="one")
    with mine.profile() as outer:
        mine.get("m", ID)
        with mine.profile() as inner:
            mine.get("m", ID)
            assert [row.calls for row in outer] == [2]
        mine.get("m", ID)
    assert [row.calls for row in inner] == [1]
    assert [row.calls for row in outer] == [3]
    assert mine.profiles == 0
    with outer:
        mine.get("m", ID)
        with pytest.raises(RuntimeError), outer:
            pass
    assert [row.calls for row in outer] == [1]
    outer.__exit__()  # once is enough
    assert mine.profiles == 0


def test_it_may_end_while_somebody_is_asked(mine):
    prof = mine.profile()

    def provider(type, id):
        prof.__exit__()
        mine.remove_all_providers()
        return 1

    mine.add_provider(provider)
    with mine.profile():
        prof.__enter__()
        assert mine.get("m", ID) == 1
    mine.add_provider(lambda type, id: 2 if prof.__exit__() is None else 0, name="two")
    prof.__enter__()
    assert mine.get("m", ID) == 2
    assert mine.profiles == 0


def test_providers_that_come_and_go(mine):
    def provider(type, id):
        return 1

    with mine.profile() as prof:
        for _ in range(3):
            mine.add_provider(provider, cache=True, name="one")
            mine.get("m", ID)
            mine.get("m", ID)
            mine.remove_provider(provider)
    assert sum(row.calls for row in prof) == 3
    assert sum(row.hits for row in prof) == 3


def test_the_default_one():
    metadata.add_provider(test_the_default_one, types="no such type")
    try:
        with profile() as prof, pytest.raises(TypeError):
            metadata.get("no such type", ID)
    finally:
        metadata.remove_provider(test_the_default_one)
    assert [(row.provider, row.errors) for row in prof] == [("test_the_default_one", 1)]
