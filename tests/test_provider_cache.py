"""What is kept of providers' answers: exactly what is still true, within its bytes, and nothing else."""

from __future__ import annotations

import gc
import sys
import weakref
from collections import OrderedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metalith._providers import base_of
from metalith.image_ids import base_image_id
from metalith.providers import NULL, MetadataProviders

BASE = "wadors:https://host/studies/1/series/2/instances/3"
FRAMES = [f"{BASE}/frames/{n}" for n in range(1, 6)]


class Counting:
    """Makes something new of each question, and counts them."""

    def __init__(self, answer=lambda type, image_id: [type, image_id]):
        self.answer, self.calls = answer, 0

    def get(self, type, image_id):
        self.calls += 1
        return self.answer(type, image_id)


@pytest.fixture
def mine():
    return MetadataProviders()


def copied(text):
    return "".join([text[:3], text[3:]])


class TestKept:
    def test_by_type_and_id(self, mine):
        mine.add_provider(Counting(), cache=True)
        kept = {(type, id): mine.get(type, id) for type in "mn" for id in FRAMES}
        for (type, id), answer in kept.items():
            assert mine.get(type, id) is answer
            assert mine.get(copied(type + "xxx")[:1], copied(id)) is answer
            assert mine.get_many(type, [id])[0] is answer
        assert mine.cache_info()[:1] + mine.cache_info()[2:] == (10, 30, 10, 0)
        mine.check()

    def test_only_where_it_was_asked_for(self, mine):
        plain, kept = Counting(lambda type, id: None), Counting()
        mine.add_provider(plain, 1)
        mine.add_provider(kept, cache=True)
        for _ in range(5):
            mine.get("m", BASE)
        assert (plain.calls, kept.calls) == (5, 1)

    def test_none_and_null_are_kept(self, mine):
        nothing, null = Counting(lambda type, id: None), Counting(lambda type, id: NULL)
        mine.add_provider(nothing, 1, cache=True)
        for _ in range(3):
            assert mine.get("m", BASE) is None
        mine.add_provider(null, cache=True)
        for _ in range(3):
            assert mine.get("m", BASE) is None
        assert (nothing.calls, null.calls) == (1, 1)
        one = mine.chain.registrations
        assert mine.peek(one[0], "m", BASE) == (True, None)
        assert mine.peek(one[1], "m", BASE) == (True, NULL)

    @pytest.mark.parametrize("id", [1, (1,), b"x", type("Text", (str,), {})("web:1")])
    def test_ids_of_other_kinds_are_answered_but_not_kept(self, mine, id):
        provider = Counting()
        mine.add_provider(provider, cache=True)
        assert mine.get("m", id) == mine.get("m", id)
        assert mine.get_many("m", [id]) == [["m", id]]
        assert (provider.calls, mine.cache_info().entries) == (3, 0)

    def test_odd_ids(self, mine):
        mine.add_provider(Counting(), cache=True)
        for id in (
            "",
            "no id",
            "\ud800",
            "frames",
            "wadors:frame",
            "web:é/frames/3",
            "web:\u20ac",
            "web:\U0001f600?frame=2",
        ):
            assert mine.get("m", id) is mine.get("m", copied(id))
            assert mine.invalidate(copied(id)) == 1
        mine.check()

    def test_errors_are_not_kept(self, mine):
        fails = [True]

        def provider(type, id):
            if fails:
                raise OSError
            return 1

        mine.add_provider(provider, cache=True)
        with pytest.raises(OSError):  # noqa: PT011
            mine.get("m", BASE)
        fails.clear()
        assert mine.get("m", BASE) == 1


class TestInvalidation:
    @pytest.fixture
    def asked(self, mine):
        mine.add_provider(Counting(), cache=True)
        ids = [BASE, *FRAMES, "web:1"]
        return {(type, id): mine.get(type, id) for type in "mn" for id in ids}

    def left(self, mine, asked):
        info = [(key, mine.peek(mine.chain.registrations[0], *key)[1] is answer) for key, answer in asked.items()]
        mine.check()
        return {key for key, same in info if same}

    @pytest.mark.parametrize("id", [BASE, FRAMES[0], FRAMES[-1], f"{BASE}/frames/77"])
    def test_an_image_goes_with_all_its_frames(self, mine, asked, id):
        """D5: there, frames stay as they were when the image is cleared."""
        assert mine.invalidate(id) == 12
        assert self.left(mine, asked) == {("m", "web:1"), ("n", "web:1")}

    def test_one_type(self, mine, asked):
        assert mine.invalidate(BASE, "m") == 6
        assert self.left(mine, asked) == {key for key in asked if key[0] == "n" or key[1] == "web:1"}
        assert mine.invalidate(type="n") == 7
        assert self.left(mine, asked) == {("m", "web:1")}

    def test_this_very_frame(self, mine, asked):
        assert mine.invalidate(FRAMES[0], frames=False) == 2
        assert self.left(mine, asked) == {key for key in asked if key[1] != FRAMES[0]}
        assert mine.invalidate(BASE, "m", frames=False) == 1

    def test_several_and_all(self, mine, asked):
        assert mine.invalidate(["web:1", "web:2"]) == 2
        assert mine.invalidate() == 12
        assert mine.invalidate() == 0
        assert mine.cache_info()[:2] == (0, 0)

    def test_by_what_an_id_says(self, mine, asked):
        assert mine.kept_image_ids() == {id for _, id in asked}
        assert mine.invalidate(lambda id: id.endswith("s/2"), "m", frames=False) == 1
        assert mine.invalidate(lambda id: id.endswith("s/2")) == 11
        assert mine.invalidate(lambda id: False) == 0
        assert self.left(mine, asked) == {("m", "web:1"), ("n", "web:1")}

    def test_what_is_being_answered(self, mine):
        """An answer that began before its image was invalidated is given, but not kept."""
        state = [1, ()]

        def provider(type, id):
            seen = state[0]
            if state[0] == 1:
                state[0] = 2
                mine.invalidate(*state[1])
            return seen

        for meanwhile, kept in [
            ((FRAMES[1],), False),
            ((BASE, "m"), False),
            ((None, "m"), False),
            ((), False),
            ((lambda id: True,), False),
            ((BASE, "n"), True),
            (("web:1",), True),
        ]:
            mine.remove_all_providers()
            state[:] = 1, meanwhile
            mine.add_provider(provider, cache=True)
            assert mine.get("m", FRAMES[0]) == 1
            assert mine.get("m", FRAMES[0]) == (1 if kept else 2)
            state[0] = 1
            mine.invalidate()
            assert mine.get_many("m", FRAMES[:2]) == ([1, 2])

    def test_a_provider_that_is_removed_while_it_answers(self, mine):
        def provider(type, id):
            mine.remove_provider(provider)
            return 1

        mine.add_provider(provider, cache=True)
        assert mine.get("m", BASE) == 1
        assert mine.cache_info().entries == 0
        assert mine.get("m", BASE) is None


class TestChainChanges:
    def test_only_what_a_provider_said_goes_with_it(self, mine):
        a, b = Counting(lambda type, id: "a" if type == "a" else None), Counting(lambda type, id: "b")
        mine.add_provider(a, 1, cache=True)
        mine.add_provider(b, cache=True)
        assert [mine.get(type, BASE) for type in "ab"] == ["a", "b"]
        mine.add_provider(lambda type, id: None, 5)
        mine.add_provider(lambda type, id: None, -5, cache=True)
        assert [mine.get(type, BASE) for type in "ab"] == ["a", "b"]
        assert (a.calls, b.calls) == (2, 1)
        mine.remove_provider(a)
        assert [mine.get(type, BASE) for type in "ab"] == ["b", "b"]
        assert (a.calls, b.calls) == (2, 2)
        mine.add_provider(a, 1, cache=True)
        assert mine.get("a", BASE) == "a"
        assert a.calls == 3

    def test_a_provider_above_is_asked_at_once(self, mine):
        mine.add_provider(lambda type, id: 1, cache=True)
        assert mine.get("m", BASE) == 1
        mine.add_provider(lambda type, id: 2, 1)
        assert mine.get("m", BASE) == 2


class TestBytes:
    def size(self, value="x"):
        one = MetadataProviders()
        one.add_provider(lambda type, id: value, cache=True)
        one.get("m", "web:0000")
        return one.cache_info().nbytes

    def test_the_least_recently_used_goes_first(self):
        size, ids = self.size(), [f"web:{n:04}" for n in range(8)]
        mine = MetadataProviders(cache_bytes=4 * size)
        provider = Counting(lambda type, id: "x")
        mine.add_provider(provider, cache=True)
        for id in ids[:4]:
            mine.get("m", id)
        mine.get("m", ids[0])
        mine.get_many("m", ids[1:2])
        assert [id for *_, id in mine.check()] == [ids[2], ids[3], ids[0], ids[1]]
        mine.get("m", ids[4])
        assert [id for *_, id in mine.check()] == [ids[3], ids[0], ids[1], ids[4]]
        assert mine.cache_info() == (4, 4 * size, 2, 5, 1)
        mine.cache_bytes = 3 * size - 1
        assert [id for *_, id in mine.check()] == [ids[1], ids[4]]
        mine.cache_bytes = 0
        assert mine.check() == []
        assert mine.get("m", ids[0]) == "x"
        assert mine.check() == []

    def test_big_answers_weigh_more(self):
        small = self.size(None)
        for value in (b"x" * 10_000, ["x" * 10_000], {"x": ("x" * 10_000,)}, type("A", (), {})()):
            if not isinstance(value, (bytes, list, dict)):
                value.x = "x" * 10_000
            assert 10_000 < self.size(value) - small < 11_000
        loop = []
        loop.append(loop)
        assert self.size(loop) - small < 1000

    def test_what_is_larger_than_all_is_not_kept(self):
        mine = MetadataProviders(cache_bytes=2000)
        mine.add_provider(lambda type, id: b"x" * int(id), cache=True)
        mine.get("m", "10")
        assert len(mine.get("m", "5000")) == 5000
        assert [id for *_, id in mine.check()] == ["10"]

    def test_an_answer_that_does_not_know_its_size(self, mine):
        class Odd:
            def __sizeof__(self):
                raise OSError

        mine.add_provider(lambda type, id: Odd(), cache=True)
        assert mine.get("m", BASE) is mine.get("m", BASE)


class TestHeld:
    """Nothing is leaked, and nothing freed too early."""

    def test_references(self, mine):
        thing, id = object(), copied(BASE)
        mine.add_provider(lambda type, id: thing, cache=True)
        before = sys.getrefcount(thing)
        mine.get("m", id)
        assert sys.getrefcount(thing) == before + 1
        for _ in range(100):
            mine.get("m", id)
            mine.get_many("m", [id] * 3)
            mine.peek(mine.chain.registrations[0], "m", id)
        assert sys.getrefcount(thing) == before + 1
        held = sys.getrefcount(id)
        mine.invalidate(id)
        assert sys.getrefcount(thing) == before
        assert sys.getrefcount(id) == held - 2  # as the id, and as its own base

    def test_references_without_the_cache(self, mine):
        thing = object()
        mine.add_provider(lambda type, id, *more: thing)
        before = sys.getrefcount(thing), sys.getrefcount(None), sys.getrefcount(BASE)
        for _ in range(500):
            mine.get("m", BASE)
            mine.get("m", BASE, 1, 2, 3)
            mine.get_many("m", [BASE, None])
            mine.get("m", None)
        assert sys.getrefcount(thing) == before[0]
        assert abs(sys.getrefcount(None) - before[1]) < 50
        assert sys.getrefcount(BASE) <= before[2] + 4

    def test_nothing_of_a_dropped_one_stays(self):
        class Thing:
            pass

        mine, thing = MetadataProviders(), Thing()
        thing.back = mine
        mine.add_provider(Counting(lambda type, id, thing=thing: thing), cache=True)
        mine.get(type("Kind", (), {"type": "m"}), BASE)
        gone = weakref.ref(thing), weakref.ref(mine)
        del mine, thing
        gc.collect()
        assert gone[0]() is None
        assert gone[1]() is None

    def test_answers_that_come_back_as_they_go(self, mine):
        """Code that runs when an answer is freed finds everything in order."""
        log = []

        class Returning:
            def __init__(self, id):
                self.id = id

            def __del__(self):
                mine.check()
                log.append(mine.get("n", self.id))
                mine.invalidate(self.id, "n")

        mine.add_provider(lambda type, id: Returning(id) if type == "m" else id, cache=True)
        for n in range(100):
            mine.get("m", f"web:{n}")
        assert mine.invalidate() == 100
        assert len(log) == 100
        mine.cache_bytes = 1000
        for n in range(100):
            mine.get("m", f"web:{n}")
        mine.check()
        mine.remove_all_providers()

    def test_memory_stays_the_same(self, mine):
        def round():
            provider = Counting()
            mine.add_provider(provider, cache=True)
            for n in range(200):
                mine.get(f"m{n}", f"{BASE}/frames/{n + 1}")
            mine.invalidate(BASE)
            mine.remove_provider(provider)

        for _ in range(3):
            round()
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(20):
            round()
        gc.collect()
        assert sys.getallocatedblocks() - before < 200


class Model:
    """Chain and cache in plain Python: lists, and an ordered dict by use."""

    def __init__(self, limit):
        self.providers, self.kept, self.limit, self.number = [], OrderedDict(), limit, 0

    def get(self, type, id):
        return self.get_many(type, [id])[0]

    def get_many(self, type, ids):
        answers, pending = dict.fromkeys(ids), ids
        for provider in sorted(self.providers, key=lambda one: (-one.priority, -one.number)):
            if provider.types is None or type in provider.types:
                for id in pending:
                    answers[id] = self.ask(provider, type, id)
                pending = [id for id in pending if answers[id] is None]
        return [None if answer is NULL else answer for answer in answers.values()]

    def ask(self, provider, type, id):
        key = (provider.name, type, id)
        if not provider.cache:
            return provider.get(type, id)
        if key not in self.kept:
            self.kept[key] = provider.get(type, id)
        self.kept.move_to_end(key)
        answer = self.kept[key]
        while len(self.kept) > self.limit:
            self.kept.popitem(last=False)
        return answer

    def forget(self, match):
        gone = [key for key in self.kept if match(key)]
        for key in gone:
            del self.kept[key]
        return len(gone)


class Versioned:
    """Answers by what there is in `world`, which changes."""

    def __init__(self, name, world, priority, types, cache):
        self.name, self.world, self.priority, self.cache = name, world, priority, cache
        self.types = types
        self.number = 0

    def get(self, type, id):
        kind = (sum(map(ord, self.name + type + base_image_id(id))) + self.world.get(base_image_id(id), 0)) % 4
        return (None, None, NULL, True)[kind]


IDS = [f"web:{n}?frame={k}" for n in range(3) for k in (1, 2, 3)]  # all of one size
STEPS = st.one_of(
    st.tuples(st.just("get"), st.sampled_from("mno"), st.sampled_from(IDS)),
    st.tuples(st.just("get"), st.sampled_from("mno"), st.sampled_from(IDS)),
    st.tuples(st.just("many"), st.sampled_from("mno"), st.lists(st.sampled_from(IDS), max_size=4, unique=True)),
    st.tuples(
        st.just("add"), st.sampled_from("abcd"), st.integers(-1, 1), st.sampled_from([None, "m", "mn"]), st.booleans()
    ),
    st.tuples(st.just("remove"), st.sampled_from("abcd")),
    st.tuples(st.just("change"), st.sampled_from(IDS)),
    st.tuples(st.just("forget"), st.one_of(st.none(), st.sampled_from(IDS)), st.sampled_from([None, "m"])),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=60), st.integers(1, 12))
def test_against_plain_python(steps, limit):
    mine, model, world, named = MetadataProviders(), Model(limit), {}, {}
    mine.add_provider(lambda type, id: NULL, cache=True)
    mine.get("m", IDS[0])
    mine.cache_bytes = limit * mine.cache_info().nbytes
    mine.remove_all_providers()
    for step, *what in steps:
        if step == "get":
            assert mine.get(*what) == model.get(*what)
        elif step == "many":
            assert mine.get_many(*what) == model.get_many(*what)
        elif step == "add":
            name, priority, types, cache = what
            old = named.pop(name, None)
            if old is not None:
                mine.remove_provider(old)
                model.providers.remove(old)
                model.forget(lambda key, name=name: key[0] == name)
            made = named[name] = Versioned(name, world, priority, None if types is None else tuple(types), cache)
            model.number += 1
            made.number = model.number
            mine.add_provider(made, priority, cache=cache, name=name)
            model.providers.append(made)
        elif step == "remove" and what[0] in named:
            old = named.pop(what[0])
            mine.remove_provider(old)
            model.providers.remove(old)
            model.forget(lambda key, name=what[0]: key[0] == name)
        elif step == "change":
            base = base_image_id(what[0])
            world[base] = world.get(base, 0) + 1
            gone = model.forget(lambda key, base=base: base_image_id(key[2]) == base)
            assert mine.invalidate(what[0]) == gone
        elif step == "forget":
            id, type = what
            base = None if id is None else base_image_id(id)
            gone = model.forget(
                lambda key, base=base, type=type: base in (None, base_image_id(key[2])) and type in (None, key[1])
            )
            assert mine.invalidate(id, type) == gone
        assert mine.check() == list(model.kept)
        for name, provider in named.items():  # nothing stale
            for key, answer in model.kept.items():
                if key[0] == name:
                    assert answer == provider.get(*key[1:])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=200), st.integers(1, 15))
def test_least_recently_used_against_an_ordered_dict(steps, limit):
    mine, model = MetadataProviders(), OrderedDict()
    mine.add_provider(lambda type, id: NULL, cache=True)
    mine.get("m", "web:00")
    mine.cache_bytes = limit * mine.cache_info().nbytes
    mine.invalidate()
    evicted = 0
    for n, forget in steps:
        id = f"web:{n:02}"
        if forget:
            assert mine.invalidate(id) == (model.pop(id, None) is not None)
            continue
        mine.get("m", id)
        model[id] = True
        model.move_to_end(id)
        while len(model) > limit:
            model.popitem(last=False)
            evicted += 1
        assert [key[2] for key in mine.check()] == list(model)
    assert mine.cache_info().evictions == evicted


PIECES = st.sampled_from(
    [
        *(
            "wadors:",
            "wadouri:",
            "dicomweb:",
            "dicomfile:",
            "http://",
            "https://",
            "web:",
            "HTTPS://",
            "host",
            "/",
            "//",
        ),
        *("?", "&", "#", "=", "frame", "frames", "/frames/", "frame=", "?frame=", "&frame=", "Frame=", "frameNumber="),
        *("/studies/1", "/series/2", "/instances/3", "/studies/", "/instances/", "/series/", "/rendered"),
        *("0", "7", "12", "1234567890", "x", "é", "%", "\x7f", "\n", " "),
    ]
)
WHOLE = st.tuples(
    st.sampled_from(["wadors:h", "wadors:", "wadors:/studies/x", "wadouri:h", "dicomfile:3", "https://h", "http:///"]),
    st.sampled_from(["", "/studies/1/series/2/instances/3", "/studies/1/series/2/instances/", "?a=b", "/frames/x"]),
    st.sampled_from(["/frames/", "?frame=", "&frame=", "?FRAME=", "/frame="]),
    st.sampled_from(["1", "12", "0", "123456789", "1234567890", "", "7&a", "3,4"]),
).map("".join)


@settings(max_examples=2000, deadline=None)
@given(st.one_of(st.lists(PIECES, max_size=9).map("".join), WHOLE, st.tuples(WHOLE, PIECES).map("".join)))
def test_base_ids_are_those_of_image_ids(text):
    try:
        expected = base_image_id(text)
    except ValueError:
        expected = text
    assert base_of(text) == expected


def test_many_entries(mine):
    mine.add_provider(Counting(lambda type, id: 1), cache=True)
    for n in range(20_000):
        mine.get("m", f"web:{n}?frame=1")
    assert len(mine.check()) == 20_000
    for n in range(0, 20_000, 2):
        assert mine.invalidate(f"web:{n}") == 1
    assert len(mine.check()) == 10_000
